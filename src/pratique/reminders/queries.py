"""Reading ladders, batches, the ledger of reminders, and escalations. Call inside institution_scope."""

from collections.abc import Collection, Mapping, Sequence
from uuid import UUID

from django.db.models import QuerySet

from pratique.reminders.models import Batch, Escalation, Reminder
from pratique.reminders.types import LadderView, Rules, Waiting
from pratique.students.models import Notice


def ladders() -> Sequence[LadderView]:
    """Return the ladder for groups without one, then each requirement group's, by name."""
    raise NotImplementedError


def settings_of() -> Rules:
    """Return how the present institution reminds."""
    raise NotImplementedError


def batches(state: str = "") -> QuerySet[Batch]:
    """Return batches, newest first; of a state, if one is named."""
    raise NotImplementedError


def batch_by_id(batch_id: UUID) -> Batch | None:
    """Return a batch, or None."""
    raise NotImplementedError


def reminders(*, batch_id: UUID | None = None, state: str = "", reason: str = "") -> QuerySet[Reminder]:
    """Return reminders with membership, student and tracker, newest first."""
    raise NotImplementedError


def reminders_of(student_id: UUID) -> Sequence[Reminder]:
    """Return all reminders of a student, newest first."""
    raise NotImplementedError


def notices_of(reminder_ids: Collection[UUID]) -> Mapping[UUID, Sequence[Notice]]:
    """Return by reminder what went out for it."""
    raise NotImplementedError


def escalations(*, state: str = "", kind: str = "") -> QuerySet[Escalation]:
    """Return escalations with membership, student and tracker, newest first."""
    raise NotImplementedError


def waiting() -> Waiting:
    """Return how much waits for somebody's decision."""
    raise NotImplementedError


def holds_wanted() -> QuerySet[Escalation]:
    """Return the approved holds whose students still have something to do: what a registrar's system should hold.

    Somebody whose everything is handed in is not held while the school looks at it (wish 15).
    """
    raise NotImplementedError
