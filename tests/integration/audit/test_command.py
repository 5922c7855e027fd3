"""`pratique audit`, as people and scripts call it."""

import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from pratique.accounts.roles import Role
from pratique.foundation import audit, clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli.audit import app
from pratique.students.models import Student
from tests.integration.audit.trail import settle, tamper
from tests.schools import NOW, a_school, imported
from tests.staff import make_school

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _the_day(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)


def call(*arguments):
    settle()
    return CliRunner().invoke(app, list(arguments))


def test_a_whole_chain_prints_its_head_which_holds_later():
    school = a_school("whole")
    first = call("verify")
    assert first.exit_code == 0, first.output
    assert "whole: whole, 2 events" in first.stdout
    noted = first.stdout.split("head ")[1].strip()
    imported(school, "ana@x.edu,0001,Lee,Ana,,,,,")
    again = call("verify", "--institution", "whole", "--expect", noted, "--json")
    assert again.exit_code == 0, again.output
    told = json.loads(again.stdout)
    [one] = told["institutions"]
    assert told["ok"]
    assert one["head"]["sequence"] == one["checked"] > 2


def test_each_broken_chain_is_named_and_the_status_is_1():
    a_school("broken")
    a_school("sound")
    assert call("verify").exit_code == 0
    tamper(
        "update foundation_auditevent set by = 'staff:nobody' where action = 'institutions:package:created' "
        "and institution_id = (select id from institutions_institution where slug = 'broken')"
    )
    done = call("verify")
    assert done.exit_code == 1
    assert "broken: BROKEN. seal 2: the event" in done.stdout
    assert "sound: whole, 2 events" in done.stdout
    told = json.loads(call("verify", "--json").stdout)
    assert [(one["slug"], one["ok"]) for one in told["institutions"]] == [("broken", False), ("sound", True)]
    assert told["institutions"][0]["broken"]["kind"] == "event_changed"
    assert told["institutions"][0]["broken"]["sequence"] == 2
    assert call("verify", "--institution", "sound").exit_code == 0


def test_a_tail_that_was_cut_off_is_found_by_the_noted_head():
    a_school("cut")
    noted = call("verify").stdout.split("head ")[1].strip()
    tamper(
        "delete from foundation_auditevent where action = 'institutions:package:created'",
        "delete from foundation_auditseal where sequence = 2",
    )
    assert call("verify").exit_code == 0
    done = call("verify", "--institution", "cut", "--expect", noted)
    assert done.exit_code == 1
    assert "cut off or made anew" in done.stdout


def test_an_event_that_nobody_can_read_is_told_without_a_stack_trace():
    a_school("mangled")
    tamper("update foundation_auditevent set detail = repeat('9', 5000)::jsonb")
    done = call("verify")
    assert done.exit_code == 1
    assert "changed before it was sealed" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["verify", "--expect", "1:00"], "--institution"),
        (["verify", "--institution", "ours", "--expect", "1:xyz"], "SEQUENCE:HASH"),
        (["verify", "--institution", "ours", "--expect", "0:" + "00" * 32], "SEQUENCE:HASH"),
        (["verify", "--institution", "nowhere"], "no institution"),
        (["who", "--student", "nobody"], "no student"),
        (["who", "--student", "nobody", "--from", "March"], "YYYY-MM-DD"),
        (["who", "--student", "x", "--institution", "nowhere"], "no institution"),
    ],
)
def test_what_cannot_be_done_is_said_with_status_2(arguments, words):
    a_school("ours")
    done = call(*arguments)
    assert done.exit_code == 2, done.output
    assert words in done.stderr


def test_who_opened_this_record_in_march():
    school = make_school("ours")
    imported(school.institution, "ana@x.edu,0001,Lee,Ana,,,,,", "ben@x.edu,0002,Lee,Ben,,,,,")
    reviewer = school.staff[Role.REVIEWER]
    with school.scope():
        ana, ben = (Student.objects.get(username=f"{name}@x.edu") for name in ("ana", "ben"))
        # New York is four or five hours behind: the first is still February there, the last is still March.
        for at in ((2026, 3, 1, 4, 59), (2026, 3, 1, 5, 0), (2026, 4, 1, 3, 59), (2026, 4, 1, 4, 0)):
            for student in (ana, ben):
                audit.record(
                    "console:student:viewed",
                    institution_id=school.institution.id,
                    by=audit.Actor("staff", str(reviewer.id)),
                    now=datetime(*at, tzinfo=UTC),
                    subject_type="student",
                    subject_id=student.id,
                )
    done = call("who", "--student", "ANA@x.edu", "--from", "2026-03-01", "--to", "2026-03-31", "--json")
    assert done.exit_code == 0, done.output
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    assert [row["at"] for row in rows] == ["2026-03-31T23:59:00-04:00", "2026-03-01T00:00:00-05:00"]
    assert {(row["name"], row["action"]) for row in rows} == {(reviewer.name, "console:student:viewed")}
    assert reviewer.name in call("who", "--student", "0001", "--institution", "ours").stdout
    with institution_scope(school.institution.id):
        asked = AuditEvent.objects.filter(action="command:history:viewed", by="command:audit")
        assert {event.subject_id for event in asked} == {ana.id}
        assert asked.count() == 2
