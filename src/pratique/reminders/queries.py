"""Reading ladders, batches, the ledger of reminders, and escalations. Call inside institution_scope."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Lower

from pratique.institutions.models import RequirementGroup
from pratique.reminders import steps
from pratique.reminders.models import (
    Batch,
    BatchKind,
    BatchState,
    Escalation,
    EscalationKind,
    EscalationState,
    Ladder,
    Reminder,
    ReminderSettings,
)
from pratique.reminders.types import LadderView, Rules, Waiting
from pratique.students.models import MembershipState, Notice


def ladders() -> Sequence[LadderView]:
    """Return the ladder for groups without one, then each requirement group's, by name."""
    stored = {one.requirement_group_id: one for one in Ladder.objects.all()}
    fallback = _view(None, "", stored.get(None), None)
    groups = RequirementGroup.objects.order_by(Lower("name"), "id")
    return [fallback, *(_view(one.id, one.name, stored.get(one.id), fallback) for one in groups)]


def _view(group_id: UUID | None, name: str, stored: Ladder | None, fallback: LadderView | None) -> LadderView:
    if stored is not None:
        return LadderView(
            group_id, name, steps.from_data(stored.steps), stored.is_on, True, stored.changed_at,
            stored.changed_by,
        )  # fmt: skip
    if fallback is not None:
        return LadderView(group_id, name, fallback.steps, fallback.is_on, False)
    # Nobody has set anything: nobody is reminded, and the suggestion is only shown.
    return LadderView(None, name, steps.SUGGESTED, False, False)


def settings_of() -> Rules:
    """Return how the present institution reminds."""
    stored = ReminderSettings.objects.first()
    if stored is None:
        return Rules()
    return Rules(
        stored.quiet_from, stored.quiet_until, tuple(stored.weekdays), stored.most_a_week, stored.days_between,
        stored.approval_above,
    )  # fmt: skip


def batches(state: str = "") -> QuerySet[Batch]:
    """Return batches, newest first; of a state, if one is named.

    A plan in which everybody was put off or left out reminds nobody and is none that a person wants to see.
    """
    found = Batch.objects.exclude(kind=BatchKind.LADDER, students=0)
    return (found.filter(state=state) if state else found).order_by("-created_at", "-id")


def batch_by_id(batch_id: UUID) -> Batch | None:
    """Return a batch, or None."""
    return Batch.objects.filter(id=batch_id).first()


def reminders(*, batch_id: UUID | None = None, state: str = "", reason: str = "") -> QuerySet[Reminder]:
    """Return reminders with membership, student and tracker, newest first."""
    equal = {"batch_id": batch_id, "state": state, "reason": reason}
    found = Reminder.objects.filter(**{name: value for name, value in equal.items() if value})
    return found.select_related("batch", "membership__student", "membership__tracker").order_by(
        "-planned_at", "-id"
    )


def reminders_of(student_id: UUID) -> Sequence[Reminder]:
    """Return all reminders of a student, newest first."""
    return list(reminders().filter(membership__student_id=student_id))


def notices_of(reminder_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Notice]]:
    """Return by reminder what went out for it, or was to."""
    found: dict[UUID, list[Notice]] = {}
    for notice in Notice.objects.filter(cause__in=list(reminder_ids)).order_by("channel", "id"):
        found.setdefault(notice.cause, []).append(notice)  # type: ignore[arg-type]
    return found


def escalations(*, state: str = "", kind: str = "") -> QuerySet[Escalation]:
    """Return escalations with membership, student and tracker, newest first."""
    equal = {"state": state, "kind": kind}
    found = Escalation.objects.filter(**{name: value for name, value in equal.items() if value})
    return found.select_related("membership__student", "membership__tracker").order_by("-created_at", "-id")


def waiting() -> Waiting:
    """Return how much waits for somebody's decision."""
    return Waiting(
        Batch.objects.filter(state=BatchState.WAITING).count(),
        Escalation.objects.filter(state=EscalationState.WAITING).count(),
    )


def holds_wanted(today: date) -> QuerySet[Escalation]:
    """Return the approved holds whose students still have something to do: what a registrar's system should hold.

    `today` is the school's. By what is stored of the students at this moment: nobody waits for the hourly plan to be
    let go, and somebody whose everything is handed in is not held while the school looks at it (wish 15).
    """
    still = Q(
        membership__state=MembershipState.ACTIVE,
        membership__user_complete=False,
        membership__tracker__due_on=F("due_on"),
    )
    ends = Q(membership__expires_on__isnull=True) | Q(membership__expires_on__gte=today)
    return escalations(state=EscalationState.APPROVED, kind=EscalationKind.HOLD).filter(still & ends)
