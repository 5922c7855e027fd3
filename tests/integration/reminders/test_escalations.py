"""What follows a date: asked for once, allowed by a person, let go of as soon as the student has done their part."""

import pytest
from django.core import mail

from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.reminders import queries
from pratique.reminders.actions import escalations
from pratique.reminders.mails import tell_contacts
from pratique.reminders.models import Escalation
from pratique.reminders.types import Step
from pratique.students.models import Membership
from tests.integration.reminders.situations import (
    STAFF,
    a_class,
    escalated,
    hand_in,
    limit,
    notices,
    on,
    planned,
)
from tests.schools import judged

pytestmark = pytest.mark.django_db
HOLD = Step(7, "hold", needs_approval=True)
HOUSING = Step(7, "housing", contact="homes@x.edu", needs_approval=False)


def decide(school, now, *, approve=True):
    with institution_scope(school.id):
        keys = list(Escalation.objects.values_list("id", flat=True))
    return escalations.decide(institution=school, escalation_ids=keys, approve=approve, by=STAFF, now=now)


def held(school):
    with institution_scope(school.id):
        return sorted(one.membership.student.username for one in queries.holds_wanted(on(18).date()))


def test_a_hold_waits_for_a_person_and_ends_with_the_reason_for_it():
    school = a_class(5, ladder=(HOLD,))
    hand_in(school, "s0@x.edu")
    with institution_scope(school.id):
        Membership.objects.filter(student__username="s4@x.edu").update(created_at=on(15))
    assert planned(school, on(16)).escalations == 0, "not yet"
    assert planned(school, on(17)).escalations == 3
    assert planned(school, on(17, 12)).escalations == 0
    waiting = [(name, "7-after-hold", "waiting") for name in ("s1", "s2", "s3")]
    assert escalated(school) == waiting, "s0 handed in everything, s4 came two days ago"
    assert held(school) == []
    with institution_scope(school.id):
        assert queries.waiting().escalations == 3

    # s1 hands in just before the decision: it passes them by.
    hand_in(school, "s1@x.edu", at=on(17, 13))
    assert decide(school, on(17, 14)) == 2
    assert decide(school, on(17, 15)) == 0, "they are decided"
    assert [row[2] for row in escalated(school)] == ["ended", "approved", "approved"]
    with institution_scope(school.id):
        assert {one.decided_by for one in queries.escalations(state="approved")} == {str(STAFF)}
        assert AuditEvent.objects.get(action="reminders:escalations:approved").detail["escalations"] == 2
    assert held(school) == ["s2@x.edu", "s3@x.edu"]

    # In review nobody is held; complete ends it; what is returned begins it anew for who was never held.
    hand_in(school, "s2@x.edu", at=on(17, 16))
    assert held(school) == ["s3@x.edu"]
    hand_in(school, "s3@x.edu", state="approved", at=on(17, 16))
    assert held(school) == []
    with institution_scope(school.id):
        returned = Membership.objects.get(student__username="s1@x.edu")
        returned.student.document_set.update(state="rejected", reviewed_at=on(18), reviewed_by="staff:nurse")
        Membership.objects.filter(id=returned.id).update(stale_since=on(18))
    judged(school, today=on(18).date(), now=on(18))
    assert planned(school, on(18)).ended == 1
    assert escalated(school) == [
        ("s1", "7-after-hold", "waiting"), ("s2", "7-after-hold", "approved"), ("s3", "7-after-hold", "ended"),
    ]  # fmt: skip
    assert decide(school, on(18), approve=False) == 1
    assert planned(school, on(18, 12)).escalations == 0, "refused is refused"
    assert notices(school) == []


def test_an_office_gets_a_count_and_no_name_and_many_wait_all_the_same(django_capture_on_commit_callbacks):
    school = a_class(3, ladder=(HOUSING, HOLD))
    assert planned(school, on(17)).escalations == 6
    assert {row[1:] for row in escalated(school)} == {
        ("7-after-hold", "waiting"),
        ("7-after-housing", "approved"),
    }
    assert tell_contacts(school.id, now=on(17)) == 1
    assert tell_contacts(school.id, now=on(17)) == 0
    (message,) = mail.outbox
    assert message.to == ["homes@x.edu"]
    assert "3 students" in message.body
    assert "/reminders/escalations/" in message.body
    for name in ("s0", "First0", "exam", "hold"):
        assert name not in f"{message.subject}{message.body}"

    many = a_class(3, ladder=(HOUSING,))
    limit(many, 2)
    assert planned(many, on(17)).escalations == 3
    assert {row[2] for row in escalated(many)} == {"waiting"}, "more than may go without a person"
    assert tell_contacts(many.id, now=on(17)) == 0
