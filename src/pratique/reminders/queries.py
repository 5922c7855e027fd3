"""Reading ladders, batches, the ledger of reminders, and escalations. Call inside institution_scope."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from uuid import UUID

from django.db.models import Count, F, Q, QuerySet
from django.db.models.functions import Left, Lower

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
    ReminderState,
)
from pratique.reminders.types import LadderView, Rules, Waiting
from pratique.students.folding import plain
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


# What a list of reminders or escalations can be ordered by, with what follows where that is the same.
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "planned": ("planned_at", "id"),
    "student": ("name", "-planned_at", "id"),
    "due": ("due_on", "-planned_at", "id"),
    "step": ("step", "-planned_at", "id"),
    "state": ("state", "reason", "-planned_at", "id"),
}
REMINDER_SORTS = tuple(_ORDERS)
# The longest that anything waits between its plan and its hour: days without approval, and days that are left out.
_LONGEST_WAIT = timedelta(days=14)
# As the list of students has it (`students.queries.BY_NAME`).
_NAME = Left("membership__student__search_text", 100)
# How a nudge is asked for where a step is: the ledger has no step for it.
NUDGE = "nudge"


def reminders(
    *,
    batch_id: UUID | None = None,
    state: str = "",
    reason: str = "",
    step: str = "",
    search: str = "",
    sort: str = "-planned",
) -> QuerySet[Reminder]:
    """Return reminders with membership, student and tracker. `sort` is of REMINDER_SORTS, a "-" in front: backwards.

    `step` is a key of `types.Step`, or NUDGE; `search` words of a student's name, id or e-mail.
    """
    equal = {"batch_id": batch_id, "state": state, "reason": reason, "step": step if step != NUDGE else ""}
    found = Reminder.objects.filter(**{name: value for name, value in equal.items() if value})
    if step == NUDGE:
        found = found.filter(step="")
    for word in plain(search).split():
        found = found.filter(membership__student__search_text__contains=word)
    first, *others = _ORDERS[sort.removeprefix("-")]
    if first == "name":
        found = found.annotate(name=_NAME)
    # A date that is not there comes last in either direction; what is never empty is asked for as its index has it.
    last = True if first == "due_on" else None
    if sort.startswith("-"):
        order, others = F(first).desc(nulls_last=last), [*others[:-1], "-id"]
    else:
        order = F(first).asc(nulls_last=last)
    return found.select_related("batch", "membership__student", "membership__tracker").order_by(
        order, *others
    )


def outcomes_of(batch_id: UUID) -> Sequence[tuple[str, str, int]]:
    """Return how many reminders of a batch are in a state for a reason (empty: for none), most first."""
    counted = (
        Reminder.objects.filter(batch_id=batch_id).values_list("state", "reason").annotate(n=Count("id"))
    )
    return sorted(counted, key=lambda one: (-one[2], one[0], one[1]))


def messages_of(batch_id: UUID) -> Sequence[tuple[str, str, int]]:
    """Return how many messages of a batch went by a channel and are in a state."""
    causes = Reminder.objects.filter(batch_id=batch_id).values("id")
    counted = Notice.objects.filter(cause__in=causes).values_list("channel", "state").annotate(n=Count("id"))
    return sorted(counted, key=lambda one: (one[0], -one[2], one[1]))


def first_due(batch_id: UUID) -> date | None:
    """Return the earliest due date that a batch speaks of."""
    dates = Reminder.objects.filter(batch_id=batch_id, due_on__isnull=False).order_by("due_on")
    return dates.values_list("due_on", flat=True).first()


def sent_since(since: datetime, *, now: datetime) -> int:
    """Return how many reminders were let go after `since` and until `now`."""
    # By the day of the plan first, for which there is an index: nothing waits longer to be sent than that.
    planned = Reminder.objects.filter(planned_at__gte=since - _LONGEST_WAIT, state=ReminderState.QUEUED)
    return planned.filter(send_at__gt=since, send_at__lte=now).count()


def steps_known() -> Sequence[str]:
    """Return the keys of all steps of the ladders, in the order of their days."""
    found = {step.key: step for view in ladders() for step in view.steps}
    return [key for key, _step in sorted(found.items(), key=lambda one: (one[1].days, one[1].kind))]


def reminders_of(student_id: UUID) -> Sequence[Reminder]:
    """Return all reminders of a student, newest first."""
    return list(reminders().filter(membership__student_id=student_id))


def notices_of(reminder_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Notice]]:
    """Return by reminder what went out for it, or was to."""
    found: dict[UUID, list[Notice]] = {}
    for notice in Notice.objects.filter(cause__in=list(reminder_ids)).order_by("channel", "id"):
        found.setdefault(notice.cause, []).append(notice)  # type: ignore[arg-type]
    return found


def escalations_of(student_id: UUID) -> Sequence[Escalation]:
    """Return all escalations of a student, newest first."""
    return list(escalations().filter(membership__student_id=student_id))


def escalations(*, state: str = "", kind: str = "", search: str = "") -> QuerySet[Escalation]:
    """Return escalations with membership, student and tracker, newest first."""
    equal = {"state": state, "kind": kind}
    found = Escalation.objects.filter(**{name: value for name, value in equal.items() if value})
    for word in plain(search).split():
        found = found.filter(membership__student__search_text__contains=word)
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
