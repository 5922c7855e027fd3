"""The hourly plan: who is reminded, once; who is not, and why; and that no change of rules writes to anybody."""

from datetime import time, timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

import pratique
from pratique.foundation.audit import about
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import RequirementGroup, Tracker
from pratique.reminders import queries
from pratique.reminders.actions import batches, ladders
from pratique.reminders.models import Batch, Reminder
from pratique.reminders.types import DecidedError, LadderError, ReminderError, Rules, Step
from pratique.requirements.actions import create_draft, publish
from pratique.students.models import Invitation, Membership, Notice, Student
from tests.integration.reminders.situations import (
    LADDER,
    STAFF,
    a_class,
    hand_in,
    ledger,
    limit,
    notices,
    on,
    planned,
)
from tests.schools import BY, EXAM, MMR, NOW, TODAY, judged

pytestmark = pytest.mark.django_db


def change(school, model, username, **values):
    with institution_scope(school.id):
        rows = model.objects.filter(username=username) if model is Student else model.objects.filter(
            student__username=username
        )  # fmt: skip
        assert rows.update(**values) == 1


def sent(school, at):
    with institution_scope(school.id):
        Notice.objects.filter(state="queued").update(state="sent", changed_at=at)


def test_nobody_is_reminded_until_somebody_turns_a_ladder_on():
    school = a_class(ladder=())
    assert planned(school).reminded == 0
    with institution_scope(school.id):
        everybody, *groups = queries.ladders()
        assert (everybody.is_on, everybody.is_own) == (False, False)
        assert [step.key for step in everybody.steps][:2] == ["60-before", "30-before"]
        assert [group.name for group in groups] == ["Nursing", "Undergraduate"]
        nursing = RequirementGroup.objects.get(name="Nursing")
    with pytest.raises(LadderError) as refused:
        ladders.set_ladder(
            institution=school, requirement_group=nursing, steps=(), is_on=True, by=STAFF, now=NOW
        )
    assert refused.value.field == "steps"
    ladders.set_ladder(
        institution=school, requirement_group=nursing, steps=LADDER, is_on=True, by=STAFF, now=NOW
    )
    assert planned(school).reminded == 0, "these are undergraduates"
    assert ledger(school) == notices(school) == []


def test_each_is_told_once_of_the_latest_step():
    school = a_class(3)
    hand_in(school, "s2@x.edu")
    assert planned(school).reminded == 2
    assert ledger(school) == [("s0", "7-before", "queued", ""), ("s1", "7-before", "queued", "")]
    assert notices(school) == [("s0", "mail", "queued"), ("s1", "mail", "queued")]
    assert planned(school, NOW + timedelta(hours=1)).reminded == 0
    assert planned(school, on(6)).reminded == 0, "no step on that day"
    sent(school, on(3))
    # The worker was down on the day of the step before, and comes back two days after the date.
    assert planned(school, on(12)).reminded == 2
    assert [row[1] for row in ledger(school)] == ["7-before", "on-the-day"] * 2


def test_why_somebody_is_left_out_is_in_the_ledger_and_what_passes_is_tried_again():
    school = a_class(5, invited=on(2))
    with institution_scope(school.id):
        Invitation.objects.exclude(membership__student__username="s1@x.edu").update(changed_at=on(1, month=7))
    change(school, Student, "s2@x.edu", email="")
    change(school, Membership, "s3@x.edu", state="archive")
    change(school, Membership, "s4@x.edu", expires_on=TODAY - timedelta(days=1))
    assert planned(school).left_out == {"just_invited": 1, "no_address": 1}
    first = [
        ("s0", "7-before", "queued", ""),
        ("s1", "7-before", "left_out", "just_invited"),
        ("s2", "7-before", "left_out", "no_address"),
    ]
    assert ledger(school) == first
    change(school, Student, "s2@x.edu", email="s2@x.edu")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert planned(school, NOW + timedelta(hours=1)).left_out == {}
    assert not [one for one in asked if "insert into reminders" in one["sql"].lower()], (
        "it said so an hour ago"
    )
    assert ledger(school) == first
    assert planned(school, on(4)).reminded == 1
    assert ledger(school)[1] == ("s1", "7-before", "queued", "")
    with institution_scope(school.id):
        told = queries.reminders_of(Student.objects.get(username="s1@x.edu").id)
        assert [queries.notices_of([one.id])[one.id][0].due_on for one in told] == [told[0].due_on]


def test_at_night_a_reminder_waits_for_the_morning():
    school = a_class(1)
    planned(school, on(3, 23))
    with institution_scope(school.id):
        (reminder,) = queries.reminders()
        (notice,) = queries.notices_of([reminder.id])[reminder.id]
    assert reminder.send_at == notice.send_at == on(4, 8)
    assert notice.send_until == on(4, 20)


def test_a_student_with_two_registrations_is_told_of_the_one_that_is_due_first():
    school = a_class(1)
    with institution_scope(school.id):
        first = Membership.objects.get()
        other = Tracker.objects.get(name="Undergraduate - Spring 2027")
        other.due_on = first.tracker.due_on + timedelta(days=1)
        other.save()
        package = other.package
        package.id, package.code, package.is_default = None, "OTHER", False
        package.id = first.student_id
        package.save(force_insert=True)
        first.id, first.package, first.tracker = first.student_id, package, other
        first.save(force_insert=True)
    assert planned(school, on(4)).left_out == {"written_lately": 1}
    with institution_scope(school.id):
        assert list(Reminder.objects.order_by("due_on").values_list("state", flat=True)) == [
            "queued",
            "left_out",
        ]
    sent(school, on(4))
    assert planned(school, on(6)).reminded == 1, "two days later"


def test_a_change_of_rules_ends_in_one_batch_that_waits_and_no_mail_of_any_kind():
    """Twelve students with a limit of five stand for 30,000 with one of 500."""
    school = a_class(12)
    limit(school, 5)
    hand_in(school, state="approved")
    with institution_scope(school.id):
        assert Membership.objects.filter(complete=True).count() == 12
        for group in RequirementGroup.objects.all():
            draft = create_draft(
                group=group, requirements=(EXAM, MMR), applies_from=TODAY, by=BY, now=on(3, 12)
            )
            publish(draft=draft, by=BY, now=on(3, 12))
    assert planned(school, on(3, 12)).held_back, "nobody knows yet who is incomplete"
    judged(school, now=on(3, 13))
    with institution_scope(school.id):
        assert Membership.objects.filter(user_complete=False).count() == 12
    assert notices(school) == [], "the evaluation told nobody of anything"
    assert planned(school, on(3, 13)).waiting == 12
    assert planned(school, on(3, 14)).waiting == 0
    assert notices(school) == []
    with institution_scope(school.id):
        (batch,) = queries.batches("waiting")
        assert (batch.students, queries.waiting().batches) == (12, 1)
        # Two did their part before somebody came to look.
        Membership.objects.filter(student__username__in=["s0@x.edu", "s1@x.edu"]).update(user_complete=True)
    kept = batches.approve(batch=batch, by=STAFF, now=on(4))
    assert (kept.state, kept.students) == ("approved", 10)
    assert len(notices(school)) == 10
    assert [row for row in ledger(school) if row[2] != "queued"] == [
        ("s0", "7-before", "stopped", "all_handed_in"),
        ("s1", "7-before", "stopped", "all_handed_in"),
    ]
    with pytest.raises(DecidedError):
        batches.refuse(batch=batch, by=STAFF, now=on(4))
    with institution_scope(school.id):
        assert [event.action for event in about("batch", batch.id)] == ["reminders:batch:approved"]


def test_nothing_is_approved_while_standings_are_worked_out():
    school = a_class(3)
    limit(school, 2)
    planned(school)
    with institution_scope(school.id):
        Membership.objects.update(stale_since=NOW)
        (batch,) = queries.batches("waiting")
    with pytest.raises(ReminderError, match="worked out"):
        batches.approve(batch=batch, by=STAFF, now=NOW)


def test_only_what_people_do_queues_news():
    """Beside reminders, which wait above the limit, a notice follows from one person's deed about one student."""
    source = Path(pratique.__file__).parent
    callers = {
        path.relative_to(source).parts[0]
        for path in source.rglob("*.py")
        if "queue_notice(" in path.read_text()
    }
    assert callers == {"reviews", "students"}
    bulk = {
        path.relative_to(source).as_posix()
        for path in source.rglob("*.py")
        if "insert into students_notice" in path.read_text() or "Notice.objects.create" in path.read_text()
    }
    assert bulk == {"students/actions/notices.py"}


def test_what_nobody_decides_on_lapses_and_what_is_refused_is_never_sent():
    school = a_class(3)
    limit(school, 2)
    planned(school)
    with institution_scope(school.id):
        (batch,) = queries.batches("waiting")
    assert planned(school, on(6)).lapsed == 1
    assert {row[1:] for row in ledger(school)} == {
        ("7-before", "left_out", "lapsed"),
    }
    with institution_scope(school.id):
        batch.refresh_from_db()
        assert (batch.state, batch.decided_at) == ("lapsed", None)
        assert [event.action for event in about("batch", batch.id)] == ["reminders:batch:lapsed"]
    with pytest.raises(DecidedError, match="three days"):
        batches.approve(batch=batch, by=STAFF, now=on(6))
    assert planned(school, on(7)).waiting == 3, "the next step is a new question"
    with institution_scope(school.id):
        (batch,) = queries.batches("waiting")
    assert batches.refuse(batch=batch, by=STAFF, now=on(7)).decided_by == str(STAFF)
    assert planned(school, on(8)).waiting == 0
    assert notices(school) == []


def test_the_limit_counts_what_went_out_today_without_a_person():
    school = a_class(4)
    limit(school, 3)
    hand_in(school, "s2@x.edu", "s3@x.edu")
    assert planned(school).reminded == 2
    with institution_scope(school.id):
        Membership.objects.update(user_complete=False)
    assert planned(school, NOW + timedelta(hours=1)).waiting == 2
    with institution_scope(school.id):
        assert Batch.objects.count() == 2


def test_a_plan_asks_as_many_questions_for_many_as_for_few():
    counts = []
    for students in (2, 40):
        school = a_class(students, ladder=(*LADDER, Step(1, "hold")))
        with CaptureQueriesContext(connection) as asked:
            assert planned(school, on(11)).reminded == students
        counts.append(len(asked))
    assert counts[0] == counts[1] < 80


def test_a_setting_that_cannot_be_is_refused_with_its_field():
    school = a_class(0, ladder=())
    for field, value in {
        "weekdays": (0,), "most_a_week": 0, "days_between": 0, "approval_above": 200_000, "quiet_until": time(19, 30),
    }.items():  # fmt: skip
        with pytest.raises(LadderError) as refused:
            limit(school, **{"students": 5, field.replace("approval_above", "students"): value})
        assert refused.value.field == field
    limit(school, 7, weekdays=(5, 1, 1), quiet_from=time(0), quiet_until=time(0))
    with institution_scope(school.id):
        assert queries.settings_of() == Rules(time(0), time(0), (1, 5), 2, 2, 7)
