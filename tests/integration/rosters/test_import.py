"""A roster from bytes to rows in the database, and what a second, a broken and a concurrent one do."""

import unicodedata
from contextlib import nullcontext

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.rosters import actions, queries, tasks
from pratique.rosters.models import ImportState, RosterFile, RowResult
from pratique.rosters.policies import WrongStateError
from pratique.students.models import Invitation, Membership, Student
from tests.schools import BY, NOW, TODAY, a_school, imported

pytestmark = pytest.mark.django_db

ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,,,0"


def outcomes(roster_import):
    return [result.outcome for result in queries.row_results(roster_import)]


def codes(roster_import):
    return [
        [p["code"] for p in (*(result.errors or ()), *(result.warnings or ()))]
        for result in queries.row_results(roster_import)
    ]


def test_new_students_are_created_with_membership_invitation_and_stale_mark():
    school = a_school()
    roster_import = imported(school, ANA, BEN)
    with institution_scope(school.id):
        ana = Student.objects.get(username="ana@x.edu")
        assert (ana.student_id, ana.last_name, ana.first_name) == ("0001", "Núñez", "Ana")
        assert (str(ana.date_of_birth), ana.on_campus, ana.email) == ("2006-04-03", True, "ana@x.edu")
        assert len(ana.account_token) == 22
        memberships = Membership.objects.order_by("student__username").values_list(
            "tracker__name", "stale_since"
        )
        assert list(memberships) == [("Undergraduate - Fall 2026", NOW), (None, NOW)]
        assert Invitation.objects.count() == 2
        assert outcomes(roster_import) == ["created", "created"]
        assert roster_import.counts["created"] == 2
        assert roster_import.state == ImportState.APPLIED


def test_the_same_import_twice_changes_nothing_and_invites_nobody_again():
    school = a_school()
    imported(school, ANA, BEN)
    with institution_scope(school.id):
        before = list(Student.objects.order_by("id").values())
        Membership.objects.update(stale_since=None)
    again = imported(school, ANA, BEN)
    with institution_scope(school.id):
        assert outcomes(again) == ["unchanged", "unchanged"]
        assert list(Student.objects.order_by("id").values()) == before
        assert Invitation.objects.count() == 2
        assert not Membership.objects.filter(stale_since__isnull=False).exists()


def test_an_update_changes_the_fields_it_carries_and_an_empty_cell_leaves_the_stored_value():
    school = a_school()
    imported(school, ANA)
    changed = imported(school, "ana@x.edu,0001,,Anita,,,Nursing,Spring 2027,0")
    with institution_scope(school.id):
        ana = Student.objects.get(student_id="0001")
        assert (ana.first_name, ana.last_name, ana.telephone, ana.on_campus) == (
            "Anita",
            "Núñez",
            "555-0101",
            False,
        )
        assert str(ana.date_of_birth) == "2006-04-03"
        assert ana.search_text.startswith("nunez anita nunez ana@x.edu 0001")
        assert ana.membership_set.get().tracker.name == "Nursing - Spring 2027"
        assert outcomes(changed) == ["updated"]


def test_a_new_username_is_stored_with_its_key_and_the_old_one_is_free():
    school = a_school()
    imported(school, ANA)
    imported(school, ANA.replace("ana@x.edu", "ana.nunez@x.edu"))
    again = imported(school, "ANA@x.edu,0009,Other,Ana,,,,,")
    with institution_scope(school.id):
        assert Student.objects.get(student_id="0001").email == "ana.nunez@x.edu"
        assert outcomes(again) == ["created"]


def test_an_e_mail_that_differs_by_case_only_is_the_same_student():
    school = a_school()
    imported(school, ANA)
    again = imported(school, ANA.replace("ana@x.edu", "Ana@X.edu"))
    with institution_scope(school.id):
        assert outcomes(again) == ["unchanged"]
        assert Student.objects.get().username == "ana@x.edu"


def test_student_id_and_username_of_two_students_refuse_the_row():
    school = a_school()
    imported(school, ANA, BEN)
    mixed = imported(school, "ana@x.edu,0002,X,Y,,,,,")
    with institution_scope(school.id):
        assert codes(mixed) == [["points_to_two_students"]]
        assert set(Student.objects.values_list("last_name", flat=True)) == {"Núñez", "O'Brien"}


def test_the_same_student_twice_in_a_file_the_last_row_wins():
    school = a_school()
    twice = imported(school, ANA, ANA.replace(",Ana,", ",Anna,"))
    with institution_scope(school.id):
        assert codes(twice) == [["superseded"], []]
        assert Student.objects.get().first_name == "Anna"


def test_all_errors_of_all_rows_are_kept():
    school = a_school()
    wrong = imported(
        school,
        "a@x.edu,,L,F,,02/30/2001,Nope,Fall 2026,yes",
        "b@x.edu,7,L,F,,01/01/2001,Undergraduate,,1",
    )
    with institution_scope(school.id):
        assert set(codes(wrong)[0]) == {"student_id_missing", "date_day", "unknown_group", "on_campus_value"}
        assert codes(wrong)[1] == ["group_without_term"]
        assert outcomes(wrong) == ["refused", "created"]
        kinds = {(kind.kind, kind.code, kind.line) for kind in queries.problem_kinds(wrong)}
        assert ("error", "date_day", 2) in kinds
        assert ("warning", "group_without_term", 3) in kinds


def test_an_institution_may_relax_the_student_id():
    school = a_school(student_id_required=False)
    roster_import = imported(school, "a@x.edu,,L,F,,,,,", "b@x.edu,,L,F,,,,,")
    with institution_scope(school.id):
        assert outcomes(roster_import) == ["created", "created"]


def test_a_file_level_refusal_is_kept_on_the_import_and_stores_nothing():
    school = a_school()
    refused = imported(school, "a;b;c", header="Username;StudentId;LastName")
    with institution_scope(school.id):
        assert refused.state == ImportState.FAILED
        assert refused.file_error["code"] == "wrong_delimiter"
        assert not Student.objects.exists()


def test_a_mapping_names_other_headers_and_constant_values():
    school = a_school(
        roster_mapping={
            "headers": {"username": "E-mail", "student_id": "Nr", "last_name": "Surname"},
            "constants": {"group": "Nursing", "term": "Fall 2026"},
        }
    )
    imported(school, "a@x.edu,1,Ångström", header="E-mail,Nr,Surname")
    with institution_scope(school.id):
        assert Membership.objects.get().tracker.name == "Nursing - Fall 2026"
        assert Student.objects.get().last_name == "Ångström"


@pytest.mark.parametrize(
    "cell",
    ["=1+1", "+1", "-1", "@SUM(1)", "=cmd|' /C calc'!A0", "‮evil", "שלום", "é́́", "𝔘nicode"],
    ids=["equals", "plus", "minus", "at", "dde", "right-to-left-override", "hebrew", "combining", "astral"],
)
def test_text_is_kept_as_given_and_neutralised_only_on_export(cell):
    school = a_school()
    roster_import = imported(school, f'{"a@x.edu"},"{cell}",{cell},{cell},,,,,')
    with institution_scope(school.id):
        student = Student.objects.get()
        assert student.last_name == unicodedata.normalize("NFC", cell)
        exported = b"".join(queries.results_csv(roster_import)).decode()
        assert f",{cell}," not in exported or not cell.startswith(("=", "+", "-", "@"))


def test_the_results_file_has_every_row_with_its_line():
    school = a_school()
    roster_import = imported(school, ANA, '"multi\nline@x.edu",9,L,F,,,,,', BEN)
    with institution_scope(school.id):
        lines = b"".join(queries.results_csv(roster_import)).decode().split("\r\n")
        assert lines[0] == "Line,Row,Outcome,Username,StudentId,Errors,Warnings"
        assert lines[1].startswith("2,1,created,ana@x.edu,0001")
        assert [line.split(",")[0] for line in lines[1:4]] == ["2", "3", "5"]


def test_check_stores_no_student_and_only_rows_with_problems():
    school = a_school()
    with institution_scope(school.id):
        content = "\n".join(
            ["Username,StudentId,Dob", "a@x.edu,1,01/02/2003", "b@x.edu,2,tomorrow", ""]
        ).encode()
        roster_import = actions.receive(
            institution=school, file_name="r.csv", content=content, source="console", by=BY, now=NOW
        )
        actions.request_check(roster_import=roster_import, by=BY, now=NOW)
    actions.check(institution=school, roster_import_id=roster_import.id, today=TODAY)
    with institution_scope(school.id):
        roster_import.refresh_from_db()
        assert roster_import.state == ImportState.READY
        assert roster_import.counts == {
            "rows": 2, "created": 1, "updated": 0, "unchanged": 0, "refused": 1, "warned": 0,
        }  # fmt: skip
        assert [r.row for r in RowResult.objects.all()] == [2]
        assert not Student.objects.exists()


def test_a_job_that_runs_twice_does_nothing_the_second_time():
    school = a_school()
    roster_import = imported(school, ANA)
    assert actions.apply(institution=school, roster_import_id=roster_import.id, today=TODAY, now=NOW) is False
    with institution_scope(school.id):
        assert AuditEvent.objects.filter(action="roster:import:applied").count() == 1


def test_a_cancelled_import_loses_its_bytes_and_cannot_be_applied():
    school = a_school()
    with institution_scope(school.id):
        roster_import = actions.receive(
            institution=school, file_name="r.csv", content=b"x", source="console", by=BY, now=NOW
        )
        actions.cancel(roster_import=roster_import, by=BY, now=NOW)
        assert not RosterFile.objects.exists()
        with pytest.raises(WrongStateError, match="cancelled"):
            actions.confirm(roster_import=roster_import, by=BY, now=NOW)


def test_the_number_of_queries_does_not_grow_with_the_rows():
    counts = []
    for rows in (10, 200):
        school = a_school()
        lines = [f"s{n}@x.edu,{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(rows)]
        with CaptureQueriesContext(connection) as captured:
            imported(school, *lines)
        counts.append(len(captured))
    assert counts[0] == counts[1]


def test_a_fault_of_ours_ends_the_import_with_words_for_a_person_and_stores_nothing(monkeypatch):
    school = a_school()
    with institution_scope(school.id):
        roster_import = actions.receive(
            institution=school,
            file_name="r.csv",
            content=b"Username,StudentId\na,1\n",
            source="console",
            by=BY,
            now=NOW,
        )
        actions.request_check(roster_import=roster_import, by=BY, now=NOW)

    def broken(*args, **options):
        raise ZeroDivisionError

    monkeypatch.setattr(actions, "plan_file", broken)
    monkeypatch.setattr(tasks, "reporting", lambda *ids: nullcontext(lambda *progress: None))
    with pytest.raises(ZeroDivisionError):
        tasks.check(institution_id=str(school.id), roster_import_id=str(roster_import.id))
    with institution_scope(school.id):
        roster_import.refresh_from_db()
        assert roster_import.state == ImportState.FAILED
        assert "our side" in roster_import.file_error["message"]
