"""What a report shows: rows, filters, orders, pages, charts, and never another institution's."""

import datetime
import random

import pytest

from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Package
from pratique.reports import queries
from pratique.reports.catalogue import REPORTS, UnknownReportError
from pratique.reports.filters import TYPED, MissingFilterError
from pratique.reports.statements import UnknownSortError
from tests.integration.reports.population import NOW, a_school, publish

pytestmark = pytest.mark.django_db
NURSING, GRADUATE = "Nursing - Fall 2026", "Graduate - Fall 2026"


def rows_of(school, key="student-detail", *, sort="", page=1, page_size=500, **raw):
    """The report's page as dictionaries by column key."""
    with institution_scope(school.id):
        parameters = queries.checked_parameters(key, raw)
        table = queries.table(key, parameters, now=NOW, sort=sort, page=page, page_size=page_size)
    keys = [column.key for column in table.columns]
    return [dict(zip(keys, row, strict=True)) for row in table.rows]


def names(rows):
    return sorted(row["username"] for row in rows)


@pytest.fixture
def school():
    """One student for each situation that a filter may ask for."""
    school = a_school()
    school.student("done", statuses={"mmr": "approved", "tdap": "approved"}, on_campus=True)
    school.student("handed-in", statuses={"mmr": "approved", "tdap": "pending"}, on_campus=False)
    school.student("behind", tracker=GRADUATE, statuses={"mmr": "expired", "tdap": "incomplete"})
    school.student("homeless", tracker=None)
    school.student("gone", state="archive", statuses={"mmr": "approved", "tdap": "approved"}, on_campus=True)
    return school


@pytest.mark.parametrize(
    ("raw", "found"),
    [
        pytest.param({}, ["behind", "done", "handed-in", "homeless"], id="archived ones are left out"),
        pytest.param({"state": "archive"}, ["gone"], id="archived ones alone"),
        pytest.param({"state": "all"}, ["behind", "done", "gone", "handed-in", "homeless"], id="all"),
        pytest.param({"tracker": NURSING}, ["done", "handed-in"], id="tracker by name"),
        pytest.param({"tracker": "NURSING - fall 2026"}, ["done", "handed-in"], id="tracker, case aside"),
        pytest.param({"tracker": "none"}, ["homeless"], id="no tracker"),
        pytest.param({"tracker": ["none", GRADUATE]}, ["behind", "homeless"], id="several trackers"),
        pytest.param({"group": "Graduate"}, ["behind"], id="group"),
        pytest.param({"term": "Fall 2026"}, ["behind", "done", "handed-in"], id="term"),
        pytest.param(
            {"package": "OURS26"}, ["behind", "done", "handed-in", "homeless"], id="package by code"
        ),
        pytest.param({"on_campus": "yes"}, ["done"], id="on campus"),
        pytest.param({"on_campus": "no"}, ["handed-in"], id="off campus"),
        pytest.param({"on_campus": "unknown"}, ["behind", "homeless"], id="residency not known"),
        pytest.param({"progress": "complete"}, ["done"], id="complete"),
        pytest.param({"progress": "submitted"}, ["handed-in"], id="all handed in"),
        pytest.param({"progress": "not_complete"}, ["behind", "handed-in", "homeless"], id="not complete"),
        pytest.param({"status": "pending"}, ["handed-in"], id="some item has the status"),
        pytest.param({"status": ["pending", "expired"]}, ["behind", "handed-in"], id="one of two statuses"),
        pytest.param({"status": "approved", "requirement": "tdap"}, ["done"], id="status of one requirement"),
        pytest.param({"requirement": "MMR"}, ["behind", "done", "handed-in"], id="requirement by name"),
        pytest.param({"due_from": "2026-09-01"}, ["behind"], id="due on or after"),
        pytest.param({"due_to": "2026-08-10"}, ["done", "handed-in"], id="due on or before"),
        pytest.param({"due_from": "2026-08-11", "due_to": "2026-09-30"}, [], id="due in an empty range"),
        pytest.param({"tracker": NURSING, "on_campus": "yes", "status": "pending"}, [], id="all must hold"),
    ],
)
def test_filters_of_student_detail(school, raw, found):
    assert names(rows_of(school, **raw)) == found
    with institution_scope(school.id):
        parameters = queries.checked_parameters("student-detail", raw)
        assert queries.count("student-detail", parameters, now=NOW) == len(found)


def test_a_day_of_change_is_a_day_at_the_institution():
    school = a_school()
    # 03:30 UTC on the 2nd is still the 1st in New York.
    school.student("late", changed_at=datetime.datetime(2026, 3, 2, 3, 30, tzinfo=datetime.UTC))
    assert names(rows_of(school, changed_from="2026-03-01", changed_to="2026-03-01")) == ["late"]
    assert rows_of(school, changed_from="2026-03-02") == []


def test_parameters_that_were_parsed_parse_to_themselves(school):
    raw = {"tracker": NURSING, "group": "nursing", "status": ["expired", "pending"], "due_from": "2026-01-01"}
    with institution_scope(school.id):
        parameters = queries.checked_parameters("student-detail", raw)
        assert queries.checked_parameters("student-detail", parameters) == parameters


@pytest.mark.parametrize(
    ("raw", "name", "words"),
    [
        pytest.param(
            {"tracker": "Nursng"}, "tracker", "Known: Graduate - Fall 2026", id="unknown name lists the known"
        ),
        pytest.param({"traker": "x"}, "traker", "Did you mean “tracker”", id="misspelt parameter"),
        pytest.param({"zzz": "x"}, "zzz", "It knows: package", id="unknown parameter"),
        pytest.param({"status": "done"}, "status", "Known: incomplete", id="unknown choice"),
        pytest.param({"due_from": "08/10/2026"}, "due_from", "year-month-day", id="a date in another form"),
        pytest.param({"due_from": "2026-02-30"}, "due_from", "not a date", id="a day that is not"),
        pytest.param(
            {"due_from": "2026-02-02", "due_to": "2026-02-01"},
            "due_to",
            "before its beginning",
            id="backwards",
        ),
        pytest.param({"on_campus": ["yes", "no"]}, "on_campus", "one value", id="two where one is meant"),
    ],
)
def test_mistakes_in_parameters_are_explained(school, raw, name, words):
    with institution_scope(school.id):
        parsed = queries.parse_parameters("student-detail", raw)
        assert words in parsed.errors[name]
        assert set(parsed.errors) == {name}
        with pytest.raises(queries.InvalidParametersError, match=name):
            queries.checked_parameters("student-detail", raw)


def test_empty_values_of_a_form_are_not_given(school):
    assert len(rows_of(school, tracker="", due_from=" ", status=[""])) == 4


def test_requirements_are_columns_in_their_order_with_each_students_status(school):
    (row,) = rows_of(school, tracker=GRADUATE)
    assert list(row)[-2:] == ["requirement:mmr", "requirement:tdap"]
    assert (row["requirement:mmr"], row["requirement:tdap"]) == ("expired", "incomplete")
    (homeless,) = rows_of(school, tracker="none")
    assert homeless["tracker"] == "None Selected"
    assert homeless["requirement:mmr"] is None
    assert (homeless["num_items"], homeless["num_complete"], homeless["complete"]) == (0, 0, False)


def test_dates_of_requirements_are_columns_when_asked_for():
    school = a_school()
    school.student("a", statuses={"mmr": "approved"}, dates={"mmr": datetime.date(2020, 2, 3)})
    (row,) = rows_of(school, dates="yes")
    assert list(row)[-4:] == ["requirement:mmr", "date:mmr", "requirement:tdap", "date:tdap"]
    assert row["date:mmr"] == datetime.date(2020, 2, 3)


def test_only_the_version_in_force_today_is_shown():
    school = a_school()
    nursing = school.trackers[NURSING].requirement_group
    publish(school, nursing, (("flu", "Influenza"),), version=2, applies_from=datetime.date(2026, 9, 1))
    publish(school, nursing, (("later", "Later"),), version=3, applies_from=datetime.date(2026, 9, 2))
    school.student("a", statuses={"flu": "approved"})
    (row,) = rows_of(school, group="Nursing")
    assert [key for key in row if key.startswith("requirement:")] == ["requirement:flu"]


def test_requirements_that_share_a_name_get_titles_of_their_own():
    school = a_school(requirements=(("a", "Same"), ("b", "same"), ("c", "Same (2)")))
    with institution_scope(school.id):
        titles = [str(column.title) for column in queries.table("student-detail", {}, now=NOW).columns[-3:]]
    assert len({title.casefold() for title in titles}) == 3


def test_a_group_without_requirements_still_has_its_students():
    school = a_school(requirements=())
    school.student("a")
    assert names(rows_of(school)) == ["a"]
    with institution_scope(school.id):
        assert "No requirements" in queries.chart("student-detail", {}, now=NOW).summary


def test_pages_have_no_row_twice_and_lose_none_in_any_order():
    school = a_school()
    chance = random.Random(7)
    for number in range(47):
        school.student(
            f"u{number}",
            last_name=chance.choice(["", "Ng", "Ó"]),
            date_of_birth=chance.choice([None, datetime.date(2000, 1, 1)]),
            statuses={"mmr": chance.choice(["approved", "expired"])} if number % 3 else {},
        )
    with institution_scope(school.id):
        columns = queries.table("student-detail", {}, now=NOW).columns
    for key in [column.key for column in columns if column.sortable]:
        for sort in (key, f"-{key}"):
            seen = [
                row["username"]
                for page in range(1, 6)
                for row in rows_of(school, sort=sort, page=page, page_size=10)
            ]
            assert len(seen) == len(set(seen)) == 47, sort
            whole = [row["username"] for row in rows_of(school, sort=sort)]
            assert seen == whole, sort


def test_empty_values_come_last_both_ways():
    school = a_school()
    school.student("none")
    school.student("old", date_of_birth=datetime.date(1990, 1, 1))
    school.student("young", date_of_birth=datetime.date(2005, 1, 1))
    assert [row["username"] for row in rows_of(school, sort="date_of_birth")] == ["old", "young", "none"]
    assert [row["username"] for row in rows_of(school, sort="-date_of_birth")] == ["young", "old", "none"]


def test_a_page_past_the_end_is_the_last_one(school):
    with institution_scope(school.id):
        table = queries.table("student-detail", {}, now=NOW, page=99, page_size=3)
    assert (table.page, table.pages, table.first, table.last, table.total) == (2, 2, 4, 5, 5)


def test_an_empty_report_has_one_empty_page():
    school = a_school()
    with institution_scope(school.id):
        for key, definition in REPORTS.items():
            parsed = queries.parse_parameters(key, {})
            if any(one.is_needed for one in definition.filters):
                assert parsed.errors
                for read in (queries.table, queries.count, queries.chart):
                    with pytest.raises(MissingFilterError):
                        read(key, parsed.parameters, now=NOW)
                continue
            table = queries.table(key, parsed.parameters, now=NOW)
            assert table.pages == 1
            assert queries.count(key, parsed.parameters, now=NOW) == len(table.rows)
            chart = queries.chart(key, parsed.parameters, now=NOW)
            assert chart is None or chart.summary
            if key in ("student-detail", "roster-results"):
                assert (table.rows, table.first, table.last) == ([], 0, 0)


def test_an_unknown_report_or_order_names_what_there_is(school):
    with institution_scope(school.id):
        with pytest.raises(UnknownReportError, match="compliance-summary, student-detail"):
            queries.table("nothing", {}, now=NOW)
        with pytest.raises(UnknownSortError, match="username"):
            queries.table("student-detail", {}, now=NOW, sort="; drop table x")
        with pytest.raises(UnknownSortError):
            queries.table("roster-results", {}, now=NOW, sort="errors")


def test_the_summary_counts_students_and_items_by_tracker(school):
    by_tracker = {row["tracker"]: row for row in rows_of(school, "compliance-summary")}
    nursing = by_tracker[NURSING]
    assert (nursing["students"], nursing["complete"], nursing["user_complete"]) == (2, 1, 2)
    assert (nursing["percent_complete"], nursing["percent_user_complete"]) == (50.0, 100.0)
    assert (nursing["items_approved"], nursing["items_pending"], nursing["percent_items"]) == (3, 1, 75.0)
    assert nursing["due_on"] == datetime.date(2026, 8, 10)
    assert by_tracker["None Selected"]["students"] == 1
    assert by_tracker["None Selected"]["percent_items"] is None
    assert list(by_tracker)[-1] == "None Selected"


@pytest.mark.parametrize(
    ("raw", "students"),
    [
        pytest.param({"state": "all"}, {GRADUATE: 1, NURSING: 3, "None Selected": 1}, id="archived ones too"),
        pytest.param({"on_campus": "yes"}, {GRADUATE: 0, NURSING: 1}, id="on campus"),
        pytest.param({"group": "Nursing"}, {NURSING: 2}, id="group"),
        pytest.param({"tracker": "none"}, {"None Selected": 1}, id="no tracker"),
        pytest.param({"due_to": "2026-08-31"}, {NURSING: 2}, id="due by"),
    ],
)
def test_filters_of_the_summary(school, raw, students):
    found = rows_of(school, "compliance-summary", **raw)
    assert {row["tracker"]: row["students"] for row in found} == students


def test_the_summary_keeps_packages_apart(school):
    with institution_scope(school.id):
        other = Package.objects.create(institution=school.institution, code="OTHER", name="Other")
    school.student("elsewhere", tracker=None, package=other)
    found = rows_of(school, "compliance-summary", tracker="none")
    assert sorted((row["package"], row["students"]) for row in found) == [("OTHER", 1), ("OURS26", 1)]


def test_charts_say_in_words_what_they_show(school):
    with institution_scope(school.id):
        chart = queries.chart("compliance-summary", {"state": "active"}, now=NOW)
        assert list(chart.labels) == [GRADUATE, NURSING, "None Selected"]
        assert [list(one.values) for one in chart.series] == [[0, 1, 0], [0, 1, 0], [1, 0, 1]]
        assert "1 of 4 students" in chart.summary
        detail = queries.chart("student-detail", {"state": "active"}, now=NOW)
    assert list(detail.labels) == ["MMR", "Tdap"]
    by_status = {one.status: list(one.values) for one in detail.series}
    assert by_status == {
        "incomplete": [0, 1], "pending": [0, 1], "approved": [2, 1], "rejected": [0, 0], "expired": [1, 0],
    }  # fmt: skip
    assert "MMR (67%)" in detail.summary


PROBLEM = {"code": "unknown_group", "column": "Group", "message": "No group “X”."}


def test_roster_results_show_the_latest_import_with_its_words():
    school = a_school()
    school.roster_import(
        {"outcome": "created", "username": "old"}, received_at=NOW - datetime.timedelta(days=1)
    )
    school.roster_import(
        {"outcome": "created", "username": "a", "student_id": "007"},
        {
            "outcome": "refused",
            "username": "b",
            "errors": [PROBLEM, PROBLEM | {"column": ""}],
            "warnings": [],
        },
    )
    first, second = rows_of(school, "roster-results")
    assert (first["row"], first["line"], first["outcome"], first["student_id"]) == (1, 2, "created", "007")
    assert first["errors"] is None
    assert second["errors"] == "Group: No group “X”.; No group “X”."
    assert second["error_codes"] == "unknown_group; unknown_group"
    assert second["warnings"] is None


def test_roster_results_of_one_import_and_of_some_outcomes():
    school = a_school()
    old = school.roster_import(
        {"outcome": "created", "username": "x"},
        {"outcome": "refused", "username": "y", "errors": [PROBLEM]},
        received_at=NOW - datetime.timedelta(days=1),
    )
    school.roster_import({"outcome": "updated", "username": "z"})
    assert names(rows_of(school, "roster-results", **{"import": str(old.id)})) == ["x", "y"]
    assert names(rows_of(school, "roster-results", **{"import": str(old.id), "problems": "errors"})) == ["y"]
    assert names(rows_of(school, "roster-results", outcome=["updated", "created"])) == ["z"]
    with institution_scope(school.id):
        chart = queries.chart("roster-results", {"import": str(old.id)}, now=NOW)
    assert chart.summary == "2 rows: 1 created, 0 updated, 0 unchanged, 1 refused."


def test_another_institutions_rows_never_appear(school):
    theirs = a_school("theirs")
    theirs.student("stranger", statuses={"mmr": "approved"})
    their_import = theirs.roster_import({"outcome": "created", "username": "stranger"})
    assert "stranger" not in names(rows_of(school, state="all"))
    assert names(rows_of(theirs, state="all")) == ["stranger"]
    assert rows_of(school, "roster-results") == []
    assert {row["package"] for row in rows_of(school, "compliance-summary")} == {"OURS26"}
    with institution_scope(school.id):
        for raw in ({"tracker": str(theirs.trackers[NURSING].id)}, {"package": str(theirs.package.id)}):
            assert queries.parse_parameters("student-detail", raw).errors
        assert queries.parse_parameters("roster-results", {"import": str(their_import.id)}).errors


def test_each_role_sees_its_reports():
    reviewer = [one.key for one in queries.catalogue_for("reviewer")]
    coordinator = [one.key for one in queries.catalogue_for("coordinator")]
    assert reviewer[:2] == ["compliance-summary", "student-detail"]
    assert set(coordinator) - set(reviewer) >= {"roster-results"}
    assert queries.catalogue_for("nobody") == []


def test_every_filter_can_be_shown_as_a_choice(school):
    with institution_scope(school.id):
        for key, definition in REPORTS.items():
            choices = queries.filter_choices(key)
            typed = {one.key for one in definition.filters if one.kind in TYPED}
            assert set(choices) == {one.key for one in definition.filters} - typed
            for name, options in choices.items():
                for option in options:
                    assert name not in queries.parse_parameters(key, {name: option.value}).errors
