"""Reminding a list of students by hand."""

from collections import Counter
from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reminders.actions import ledger
from pratique.reminders.models import Batch, BatchKind, BatchState
from pratique.reminders.types import CHANNELS, NOTHING_TO_DO, NudgePreview
from pratique.students.notices import samples


def preview(*, institution: Institution, membership_ids: Collection[UUID], now: datetime) -> NudgePreview:
    """Return what nudging these memberships would do now. Writes nothing."""
    with institution_scope(institution.id):
        moment = ledger.Moment(institution, now)
        lines = ledger.decided(moment.reader.by_membership(membership_ids, tuple(CHANNELS)), moment)
        told = [line for line in lines if not line.reason]
        due_on = told[0].candidate.facts.due_on if told else None
        return NudgePreview(
            count=len(told),
            left_out=ledger.counted(lines),
            by_channel=dict(Counter(channel for line in told for channel in line.channels)),
            texts=samples(institution, due_on, is_over=due_on < moment.on) if due_on else {},
            needs_approval=ledger.is_above_limit(moment, len(told)),
            send_at=moment.window.opens,
        )


def nudge(
    *,
    institution: Institution,
    membership_ids: Collection[UUID],
    told: str,
    by: audit.Actor,
    now: datetime,
) -> Batch:
    """Remind those of the list who may be reminded; `told` is the list in words, without names.

    Whoever was reminded a moment ago, by a colleague or a second click, is left out: the batch says so.
    """
    with institution_scope(institution.id):
        ledger.one_at_a_time(institution.id)
        moment = ledger.Moment(institution, now)
        lines = ledger.decided(moment.reader.by_membership(membership_ids, tuple(CHANNELS)), moment)
        # Of those who have nothing to do nobody wants to read in a ledger of reminders.
        kept = [line for line in lines if line.reason not in NOTHING_TO_DO]
        batch = ledger.write_batch(kept, moment, kind=BatchKind.NUDGE, by=str(by), told=told)
        audit.record(
            "reminders:students:nudged", institution_id=institution.id, by=by, now=now, subject_type="batch",
            subject_id=batch.id,
            detail={
                "students": batch.students, "left_out": dict(ledger.counted(lines)),
                "waits": batch.state == BatchState.WAITING,
            },
        )  # fmt: skip
        return batch
