"""Reports that people build: who sees them, what they hold, and what happens when they or their columns go.

Beside them favourites, looks at the dashboard, filters that presets hold, and ranges of changes.
"""

import datetime

import pytest
from django.db import connection

from pratique.accounts.models import User
from pratique.foundation.audit import Actor
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import RequirementGroup
from pratique.reports import actions, filters, policies, queries
from pratique.reports.actions import SavedReportError
from pratique.reports.catalogue import UnknownReportError
from pratique.reports.layouts import LayoutError
from pratique.reports.statements import UnknownSortError
from pratique.reports.types import (
    Changes,
    ChosenColumn,
    Filter,
    FilterKind,
    Format,
    Layout,
    saved_key,
)
from pratique.students.models import Student
from tests.integration.reports.population import NOW, a_school, publish

pytestmark = pytest.mark.django_db
LAYOUT = Layout((ChosenColumn("username", "Login"), ChosenColumn("requirement:mmr", "MMR done")))


@pytest.fixture
def school():
    school = a_school()
    school.student("a", student_id="007", email="shared@x.example", statuses={"mmr": "approved"})
    school.student("b", email="shared@x.example", statuses={"mmr": "pending"})
    school.student("c", email="C@x.example", tracker=None, statuses={"mmr": "pending"})
    return school


def a_person(school, role, name="somebody"):
    with institution_scope(school.id):
        return User.objects.create(
            institution=school.institution, username=f"{name}-{role}", name=name, role=role, created_at=NOW
        )


def saved_by(school, user, **given):
    values = {
        "name": "  Who is\nthere ", "base": "student-detail", "parameters": {"tracker": ["none"], "state": "all"},
        "layout": LAYOUT, "sort": "-username", "by": Actor("staff", str(user.id)), "now": NOW,
    }  # fmt: skip
    return actions.save_report(institution=school.institution, **values | given)


def test_a_saved_report_is_a_report_wherever_a_key_is_asked_for(school):
    saved = saved_by(school, a_person(school, "coordinator"))
    key = saved_key(saved.id)
    with institution_scope(school.id):
        parameters = queries.checked_parameters(key, {})
        table = queries.table(key, parameters, now=NOW)
        assert (str(table.definition.title), table.definition.base) == ("Who is there", "student-detail")
        assert [column.title for column in table.columns] == ["Login", "MMR done"]
        assert table.rows == [("c", "pending")]
        assert queries.count(key, parameters, now=NOW) == 1
        # What is asked for wins over the saved filters; an empty value lifts one.
        assert queries.checked_parameters(key, {"state": "active"}) == parameters | {"state": "active"}
        lifted = queries.checked_parameters(key, {"tracker": ""})
        assert [row[0] for row in queries.table(key, lifted, now=NOW).rows] == ["c", "b", "a"]
        assert queries.titles([key, "student-detail", "gone"])[key] == "Who is there"
    blocks = queries.stream(key, parameters, Format.CSV, institution_id=school.id, now=NOW)
    assert b"".join(blocks) == b"Login,MMR done\r\nc,pending\r\n"
    run = actions.start_run(
        institution_id=school.id, key=key, parameters=lifted, format=Format.PIPE, by=Actor("staff"), now=NOW,
        layout=Layout((ChosenColumn("username"),), header=False), sort="username",
    )  # fmt: skip
    assert run.file_name == "who-is-there-ours-2026-09-01.psv"
    with institution_scope(school.id):
        (stored,) = queries.recent_runs(key=key)
        assert queries.recent_runs(key="student-detail").count() == 0
    assert (stored.layout, stored.sort) == ({"columns": [{"key": "username"}], "header": False}, "username")


def test_a_saved_report_goes_on_without_a_requirement_that_ended(school):
    user = a_person(school, "coordinator")
    saved = saved_by(school, user, sort="-requirement:mmr")
    with institution_scope(school.id):
        for group in RequirementGroup.objects.all():
            publish(school, group, (("tdap", "Tdap"),), version=2)
        table = queries.table(saved_key(saved.id), {}, now=NOW)
        assert [column.title for column in table.columns] == ["Login", "MMR done"]
        assert {row[1] for row in table.rows} == {None}
    # Whoever touches it is told.
    with pytest.raises(LayoutError, match="requirement:mmr"):
        actions.change_report(
            saved=saved, name="x", parameters={}, layout=LAYOUT, by=Actor("staff", str(user.id)), now=NOW
        )


def test_who_sees_and_who_changes_a_saved_report(school):
    mine, other, reviewer, administrator = (
        a_person(school, role, name)
        for role, name in (
            ("coordinator", "mine"),
            ("coordinator", "other"),
            ("reviewer", "r"),
            ("administrator", "a"),
        )
    )
    alone = saved_by(school, mine, name="Alone")
    shared = saved_by(school, mine, name="Shared", shared_with=["reviewer"])
    imports = saved_by(
        school, mine, name="Imports", base="roster-results", layout=Layout(), parameters={}, sort=""
    )
    with institution_scope(school.id):
        seen = {
            user.username: [one.name for one in queries.saved_reports(user)]
            for user in (mine, other, reviewer, administrator)
        }
        assert seen == {
            "mine-coordinator": ["Alone", "Imports", "Shared"],
            "other-coordinator": [],
            "r-reviewer": ["Shared"],
            "a-administrator": ["Alone", "Imports", "Shared"],
        }
        assert queries.report_for(reviewer, saved_key(shared.id)).title == "Shared"
        for key in (saved_key(alone.id), saved_key(imports.id), "roster-results", "nothing"):
            with pytest.raises(UnknownReportError):
                queries.report_for(reviewer, key)
    changers = [
        user.username
        for user in (mine, other, reviewer, administrator)
        if policies.may_change_report(alone, user)
    ]
    assert changers == ["mine-coordinator", "a-administrator"]
    # Another school's people do not even find it.
    theirs = a_school("theirs")
    with institution_scope(theirs.id), pytest.raises(UnknownReportError):
        queries.definition(saved_key(shared.id))


def test_a_saved_report_is_changed_and_deleted_and_the_trail_keeps_both(school):
    user = a_person(school, "coordinator")
    by = Actor("staff", str(user.id))
    saved = saved_by(school, user)
    changed = actions.change_report(saved=saved, name="New", parameters={}, layout=Layout(), by=by, now=NOW)
    assert (changed.name, changed.layout, changed.parameters, changed.sort) == ("New", {}, {}, "")
    actions.delete_report(saved=changed, by=by, now=NOW)
    with institution_scope(school.id):
        assert queries.saved_reports(user) == []
        assert queries.titles([saved_key(saved.id)]) == {saved_key(saved.id): "New"}
        deeds = list(AuditEvent.objects.order_by("id").values_list("action", "subject_id"))
    assert deeds == [(f"reports:report:{deed}", saved.id) for deed in ("saved", "changed", "deleted")]
    with pytest.raises(UnknownReportError):
        actions.delete_report(saved=changed, by=by, now=NOW)


@pytest.mark.parametrize(
    ("given", "error"),
    [
        pytest.param({"name": " "}, SavedReportError, id="no name"),
        pytest.param({"description": "x" * 301}, SavedReportError, id="long description"),
        pytest.param({"shared_with": ["student"]}, SavedReportError, id="shared with students"),
        pytest.param(
            {"base": "roster-results", "shared_with": ["reviewer"]},
            SavedReportError,
            id="a base they may not see",
        ),
        pytest.param({"layout": Layout((ChosenColumn("gone"),))}, LayoutError, id="unknown column"),
        pytest.param({"sort": "gone"}, UnknownSortError, id="unknown order"),
        pytest.param({"base": "gone"}, UnknownReportError, id="unknown base"),
    ],
)
def test_what_cannot_be_saved(school, given, error):
    with pytest.raises(error):
        saved_by(school, a_person(school, "coordinator"), **given)


def test_nobody_has_two_saved_reports_of_one_name(school):
    mine, other = a_person(school, "coordinator"), a_person(school, "coordinator", "other")
    first, second = saved_by(school, mine), saved_by(school, mine, name="Another")
    saved_by(school, other)
    with pytest.raises(SavedReportError) as refused:
        saved_by(school, mine, name="WHO is there")
    assert refused.value.field == "name"
    given = {"parameters": {}, "layout": LAYOUT, "by": Actor("staff", str(other.id)), "now": NOW}
    with pytest.raises(SavedReportError):
        actions.change_report(saved=second, name="who is there", **given)
    assert actions.change_report(saved=first, name="who is there", **given).name == "who is there"
    actions.delete_report(saved=first, by=Actor("staff", str(mine.id)), now=NOW)
    assert saved_by(school, mine).name == "Who is there"


def test_favourites_are_once_and_only_of_what_one_may_see(school):
    user = a_person(school, "reviewer")
    for wanted in (True, True, False, True):
        actions.set_favourite(user=user, key="student-detail", wanted=wanted)
    with pytest.raises(UnknownReportError):
        actions.set_favourite(user=user, key="roster-results", wanted=True)
    with institution_scope(school.id):
        assert queries.favourites(user) == {"student-detail"}
        assert queries.favourites(a_person(school, "reviewer", "other")) == set()


def test_looks_within_half_an_hour_are_one(school):
    user = a_person(school, "reviewer")
    minutes = [0, 10, 40, 71, 90]
    looks = [actions.look(user=user, now=NOW + datetime.timedelta(minutes=number)) for number in minutes]
    at = [None if one is None else round((one - NOW).total_seconds() / 60) for one in looks]
    assert at == [None, None, None, 40, 40]


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        pytest.param("007", "a", id="student id"),
        pytest.param("B", "b", id="username in any case"),
        pytest.param("c@X.example", "c", id="e-mail in any case"),
        pytest.param("7", "No student", id="another student id"),
        pytest.param("shared@x.example", "Several", id="two students' e-mail"),
    ],
)
def test_one_student_is_found_by_what_people_know(school, typed, found):
    with institution_scope(school.id):
        parsed = filters.parse([filters.STUDENT], {"student": typed})
        if found in ("No student", "Several"):
            assert parsed.errors["student"].startswith(found)
            assert typed not in parsed.errors["student"]
        else:
            student = Student.objects.get(username=found)
            assert parsed.parameters == {"student": str(student.id)}
            assert filters.parse([filters.STUDENT], {"student": str(student.id)}) == parsed


def test_a_number_has_bounds_and_a_needed_filter_is_asked_for():
    days = Filter("days", "Days", FilterKind.NUMBER, default="30", least=1, most=365)
    for typed, kept in (("7", {"days": 7}), ("", {"days": 30}), ("007", {"days": 7})):
        assert filters.parse([days], {"days": typed}).parameters == kept
    for typed in ("0", "366", "-1", "1.5", "x", "1" * 5000, "²"):
        assert filters.parse([days], {"days": typed}).errors == {"days": "Give a whole number from 1 to 365."}
    needed = Filter("student", "Student", FilterKind.STUDENT, is_needed=True)
    assert filters.parse([needed], {}).errors == {"student": "The report needs this: Student."}


def test_a_range_of_changes_holds_what_these_transactions_changed(school):
    with institution_scope(school.id), connection.cursor() as cursor:
        # Earlier transactions, as they would be after a commit; the test itself is one that is still open.
        cursor.execute("select pg_current_xact_id()::text::bigint")
        (own,) = cursor.fetchone()
        assert queries.changes_before() <= own
        for name, number in (("a", 100), ("b", 200), ("c", 300)):
            cursor.execute(
                "update students_student set transaction_id = %s where username = %s", [number, name]
            )
        cursor.execute("update students_membership set transaction_id = 50")
        cursor.execute(
            "update students_membership m set transaction_id = 250 from students_student s "
            "where s.id = m.student_id and s.username = 'a'"
        )
        for first, before, names in (
            (0, 100, "bc"),
            (100, 101, "a"),
            (101, 200, ""),
            (200, 300, "ab"),
            (300, 301, "c"),
        ):
            changes = Changes(first, before)
            blocks = queries.stream(
                "student-detail", {}, Format.PIPE, institution_id=school.id, now=NOW, sort="username",
                layout=LAYOUT, changes=changes,
            )  # fmt: skip
            rows = b"".join(blocks).decode().splitlines()[1:]
            assert "".join(row[0] for row in rows) == names
            assert queries.count("student-detail", {}, now=NOW, changes=changes) == len(rows)


def test_changes_since_an_instant_never_begin_too_late(school):
    hour = datetime.timedelta(hours=1)
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute("update students_student set updated_at = %s, transaction_id = 300", [NOW])
        assert queries.changes_since(NOW) == 0  # nothing is known from before
        for number, at in ((100, NOW - 3 * hour), (200, NOW - hour / 2), (400, NOW + hour)):
            cursor.execute(
                "insert into compliance_statuschange (institution_id, transaction_id, membership_id, "
                "requirement_key, from_status, to_status, at) "
                "select %s, %s, id, 'mmr', '', 'pending', %s from students_membership limit 1",
                [school.id, number, at],
            )
        assert queries.changes_since(NOW) == 101
        assert queries.changes_since(NOW + 2 * hour) == 201
        assert queries.changes_since(NOW + 3 * hour) == 401
