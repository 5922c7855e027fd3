"""Deciding on batches that wait."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.reminders import planning
from pratique.reminders.actions import ledger
from pratique.reminders.models import Batch, BatchState, Reminder, ReminderState
from pratique.reminders.types import PASSING, DecidedError, ReminderError


def approve(*, batch: Batch, by: audit.Actor, now: datetime) -> Batch:
    """Have a batch sent, to those of its students who still have something to do; raises ReminderError.

    Everybody is looked at again: who did their part since is stopped, who was written to meanwhile is left out.
    """
    with institution_scope(batch.institution_id):
        kept = _waiting(batch, now)
        moment = ledger.Moment(kept.institution, now)
        if ledger.is_much_judged(moment):
            raise ReminderError(
                _(
                    "The requirements have changed, and standings are being worked out. Try again in some minutes."
                )
            )
        lines = ledger.decided(moment.reader.by_batch(kept.id), moment)
        ledger.write_lines(lines, moment, batch=kept, may_go=True)
        kept.students = sum(not line.reason for line in lines)
        detail = {"students": kept.students, "left_out": dict(ledger.counted(lines))}
        return _decide(kept, BatchState.APPROVED, by, now, detail)


def refuse(*, batch: Batch, by: audit.Actor, now: datetime) -> Batch:
    """Send nothing of a batch, now or later; raises DecidedError."""
    with institution_scope(batch.institution_id):
        kept = _waiting(batch, now)
        _leave_out(kept, "refused", now)
        return _decide(kept, BatchState.REFUSED, by, now, {"students": kept.students})


def lapse(*, now: datetime) -> int:
    """End the batches of the present institution that nobody decided on in time; return how many."""
    old = Batch.objects.filter(state=BatchState.WAITING, created_at__lte=now - planning.DECIDE_WITHIN)
    found = list(old.order_by("created_at", "id"))
    for batch in found:
        _leave_out(batch, "lapsed", now)
        batch.state = BatchState.LAPSED
        batch.save(update_fields=["state"])
        _record(batch, audit.SYSTEM, now, {"students": batch.students})
    return len(found)


def _waiting(batch: Batch, now: datetime) -> Batch:
    """Return the batch as it is stored, locked; raises DecidedError unless it waits."""
    ledger.one_at_a_time(batch.institution_id)
    kept = Batch.objects.select_related("institution").get(id=batch.id)
    if kept.state == BatchState.WAITING and kept.created_at > now - planning.DECIDE_WITHIN:
        return kept
    if kept.state in (BatchState.LAPSED, BatchState.WAITING):
        raise DecidedError(_("Nobody decided within three days, so these reminders are not sent any more."))
    raise DecidedError(_("Somebody has decided about these reminders already."))


def _leave_out(batch: Batch, reason: str, now: datetime) -> None:
    """End what waits of a batch, and what was put off when it was made: the decision is about that step."""
    waits = Q(state=ReminderState.WAITING) | Q(state=ReminderState.LEFT_OUT, reason__in=PASSING)
    Reminder.objects.filter(waits, batch=batch).update(
        state=ReminderState.LEFT_OUT, reason=reason, changed_at=now
    )


def _decide(
    batch: Batch, state: BatchState, by: audit.Actor, now: datetime, detail: Mapping[str, Any]
) -> Batch:
    batch.state, batch.decided_at, batch.decided_by = state, now, str(by)
    batch.save(update_fields=["state", "students", "decided_at", "decided_by"])
    _record(batch, by, now, detail)
    return batch


def _record(batch: Batch, by: audit.Actor, now: datetime, detail: Mapping[str, Any]) -> None:
    audit.record(
        f"reminders:batch:{batch.state}", institution_id=batch.institution_id, by=by, now=now,
        subject_type="batch", subject_id=batch.id, detail=detail,
    )  # fmt: skip
