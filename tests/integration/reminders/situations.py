"""A school whose students are to be reminded, a week before their due date."""

from datetime import UTC, date, datetime, time, timedelta

from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_account_token
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Tracker
from pratique.records.actions import add_evidence
from pratique.records.models import Document
from pratique.reminders.actions import ladders
from pratique.reminders.actions.plan import plan
from pratique.reminders.models import Escalation, Reminder
from pratique.reminders.types import Step
from pratique.requirements.actions import create_draft, publish
from pratique.students.models import Invitation, Membership, Notice, Student
from tests.schools import BY, EXAM, NOW, a_school, judged

# NOW is 11 in the morning of 3 August in New York; Fall 2026 is due on the 10th.
DUE = date(2026, 8, 10)
STAFF = Actor("staff", "11111111-1111-7111-8111-111111111111")
LADDER = (Step(-7), Step(-3), Step(0), Step(7))


def on(day: int, hour: int = 11, month: int = 8) -> datetime:
    """An hour of a summer's day in New York."""
    return datetime(2026, month, day, 4, tzinfo=UTC) + timedelta(hours=hour)


def a_class(count: int = 3, *requirements, ladder=LADDER, invited: datetime | None = None) -> Institution:
    """A school that asks for an exam of so many students, s0@x.edu and on; they were invited long ago.

    The students are written straight into the tables: how a roster brings them is tested elsewhere.
    """
    school = a_school()
    with institution_scope(school.id):
        tracker = Tracker.objects.get(name="Undergraduate - Fall 2026")
        group = tracker.requirement_group
        draft = create_draft(
            group=group, requirements=requirements or (EXAM,), applies_from=date(2026, 1, 1), by=BY, now=NOW
        )
        publish(draft=draft, by=BY, now=NOW)
        long_ago = NOW - timedelta(days=40)
        students = Student.objects.bulk_create(
            Student(
                institution=school, username=f"s{n}@x.edu", username_key=f"s{n}@x.edu", email=f"s{n}@x.edu",
                first_name=f"First{n}", account_token=new_account_token(), search_text=f"s{n}",
                created_at=long_ago, updated_at=long_ago,
            )
            for n in range(count)
        )  # fmt: skip
        memberships = Membership.objects.bulk_create(
            Membership(
                institution=school, student=student, package=tracker.package, tracker=tracker,
                created_at=long_ago, stale_since=NOW,
            )
            for student in students
        )  # fmt: skip
        Invitation.objects.bulk_create(
            Invitation(
                institution=school, membership=one, state="sent", queued_at=long_ago,
                changed_at=invited or long_ago,
            )
            for one in memberships
        )  # fmt: skip
    judged(school)
    if ladder:
        ladders.set_ladder(
            institution=school, requirement_group=None, steps=ladder, is_on=True, by=STAFF, now=NOW
        )
    return school


def limit(school: Institution, students: int, **changed) -> None:
    """Let so many students a day be reminded without approval."""
    usual = {
        "quiet_from": time(20), "quiet_until": time(8), "weekdays": (), "most_a_week": 2, "days_between": 2,
    }  # fmt: skip
    ladders.set_settings(
        institution=school, **{**usual, **changed}, approval_above=students, by=STAFF, now=NOW
    )


def hand_in(school: Institution, *usernames: str, state: str = "pending", at: datetime = NOW) -> None:
    """Have these students hand in their exam (all of them, if none is named)."""
    reviewed = {} if state == "pending" else {"reviewed_at": at, "reviewed_by": "staff:nurse"}
    with institution_scope(school.id):
        students = Student.objects.all()
        students = students.filter(username__in=usernames) if usernames else students
        add_evidence(
            institution_id=school.id,
            evidence=[
                Document(
                    kind="physical_exam", issued_on=date(2026, 7, 1), state=state, submitted_at=at,
                    student_id=student.id, **reviewed,
                )
                for student in students
            ],
            by=BY,
            now=at,
        )  # fmt: skip
    judged(school, now=at)


def planned(school: Institution, now: datetime = NOW):
    return plan(institution=school, now=now)


def ledger(school: Institution) -> list[tuple[str, str, str, str]]:
    """Who, which step, its state and reason."""
    with institution_scope(school.id):
        rows = Reminder.objects.order_by("membership__student__username", "planned_at", "step")
        return [
            (name.removesuffix("@x.edu"), *rest)
            for name, *rest in rows.values_list("membership__student__username", "step", "state", "reason")
        ]


def notices(school: Institution) -> list[tuple[str, str, str]]:
    """Who is told how, and what became of it; of every kind there is."""
    with institution_scope(school.id):
        rows = Notice.objects.order_by("student__username", "queued_at", "channel", "kind")
        return [
            (name.removesuffix("@x.edu"), channel if kind == "reminder" else kind, state)
            for name, kind, channel, state in rows.values_list(
                "student__username", "kind", "channel", "state"
            )
        ]


def escalated(school: Institution) -> list[tuple[str, str, str]]:
    with institution_scope(school.id):
        rows = Escalation.objects.order_by("membership__student__username", "step")
        return [
            (name.removesuffix("@x.edu"), *rest)
            for name, *rest in rows.values_list("membership__student__username", "step", "state")
        ]
