"""Reminding a list by hand: what the preview says is what is done, and above the limit it waits."""

import orjson
import pytest
from typer.testing import CliRunner

from pratique.foundation import clock
from pratique.foundation.audit import about
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli.reminders import app
from pratique.reminders import queries
from pratique.reminders.actions import batches, nudges, plan
from pratique.reminders.models import Batch, Reminder
from pratique.students.models import Membership, Notice, Student
from tests.integration.reminders.situations import (
    STAFF,
    a_class,
    hand_in,
    ledger,
    limit,
    notices,
    on,
    planned,
)
from tests.schools import NOW

pytestmark = pytest.mark.django_db


def all_of(school):
    with institution_scope(school.id):
        return list(Membership.objects.order_by("student__username").values_list("id", flat=True))


def nudged(school, now=NOW):
    return nudges.nudge(institution=school, membership_ids=all_of(school), told="All", by=STAFF, now=now)


def test_the_preview_is_what_the_nudge_does():
    school = a_class(5)
    hand_in(school, "s0@x.edu")
    hand_in(school, "s1@x.edu", state="approved")
    with institution_scope(school.id):
        Student.objects.filter(username="s2@x.edu").update(email="")
    said = nudges.preview(institution=school, membership_ids=all_of(school), now=on(3, 23))
    assert (said.count, said.by_channel, said.needs_approval) == (2, {"mail": 2}, False)
    assert said.left_out == {"all_handed_in": 1, "complete": 1, "no_address": 1}
    assert said.send_at == on(4, 8)
    assert "Aug. 10, 2026" in said.texts["en"]["mail"]
    assert "10 de agosto de 2026" in said.texts["es"]["text"].lower()
    assert ledger(school) == notices(school) == []
    batch = nudged(school, on(3, 23))
    assert (batch.students, batch.kind, batch.state, batch.told) == (2, "nudge", "approved", "All")
    assert notices(school) == [("s3", "mail", "queued"), ("s4", "mail", "queued")]
    assert ledger(school)[0] == ("s2", "", "left_out", "no_address")
    with institution_scope(school.id):
        assert [event.action for event in about("batch", batch.id)] == ["reminders:students:nudged"]

    second = nudges.preview(institution=school, membership_ids=all_of(school), now=on(3, 23))
    assert (second.count, second.left_out["waiting"]) == (0, 2)
    assert nudged(school, on(3, 23)).students == 0
    # The ladder knows of the nudge: nobody hears twice within two days, and the step is not lost.
    assert planned(school, on(4, 9)).left_out["written_lately"] == 2
    with institution_scope(school.id):
        Notice.objects.update(state="sent", changed_at=on(4, 8))
    assert planned(school, on(6, 9)).reminded == 2


def test_a_long_list_waits_and_who_did_their_part_meanwhile_is_stopped():
    school = a_class(4, ladder=())
    limit(school, 3)
    assert nudges.preview(institution=school, membership_ids=all_of(school), now=NOW).needs_approval
    batch = nudged(school)
    assert (batch.state, notices(school)) == ("waiting", [])
    assert nudged(school).students == 0, "they wait already"
    hand_in(school, "s0@x.edu")
    assert batches.approve(batch=batch, by=STAFF, now=on(3, 12)).students == 3
    assert [row[2] for row in ledger(school) if row[3] != "waiting"] == [
        "stopped",
        "queued",
        "queued",
        "queued",
    ]


def test_a_plan_that_dies_leaves_nothing_and_is_done_again(monkeypatch):
    school = a_class(2)

    class KilledError(Exception):
        pass

    def die(*_args):
        raise KilledError

    with monkeypatch.context() as patched:
        patched.setattr(plan.escalations, "escalate", die)
        with pytest.raises(KilledError):
            planned(school)
    assert notices(school) == []
    with institution_scope(school.id):
        assert Batch.objects.count() == Reminder.objects.count() == 0
    assert planned(school).reminded == 2


def test_the_command_plans_and_says_what_waits(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    school = a_class(3)
    limit(school, 2)

    def run(*arguments):
        done = CliRunner().invoke(app, [*arguments, "--institution", school.slug, "--json"])
        assert done.exit_code == 0, done.output
        return orjson.loads(done.stdout)

    assert run("plan")["waiting"] == 3
    assert run("plan")["waiting"] == 0
    said = run("status")
    assert said["waiting"] == {"batches": 1, "escalations": 0}
    assert said["ladders"][0]["steps"] == ["7-before", "3-before", "on-the-day", "7-after"]
    assert said["batches"][0]["students"] == 3
    for command in ("plan", "status"):
        assert CliRunner().invoke(app, [command, "--institution", school.slug]).exit_code == 0
    assert CliRunner().invoke(app, ["status", "--institution", "nowhere"]).exit_code == 2
    with institution_scope(school.id):
        assert queries.waiting().batches == 1
