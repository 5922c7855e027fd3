"""The hourly plan of an institution.

    what is over ends -> which step each tracker has reached -> who of it may be told -> ledger and notices, in sets

One transaction: a worker that is killed leaves nothing half done, and a second run finds nothing to do.
Some forty statements for any number of students.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reminders import facts, queries
from pratique.reminders.actions import escalations, ledger
from pratique.reminders.actions.batches import lapse
from pratique.reminders.models import BatchKind, BatchState, Reminder, ReminderState
from pratique.reminders.types import Planned, Step
from pratique.students.actions.notices import move_late_reminders

# A reminder is dropped when its turn to be sent comes, which is soon after its time.
_SETTLED_WITHIN = timedelta(days=14)


def plan(*, institution: Institution, now: datetime) -> Planned:
    """Queue the reminders and escalations that are due, end what is over; a second run finds nothing to do."""
    with institution_scope(institution.id):
        ledger.one_at_a_time(institution.id)
        moment = ledger.Moment(institution, now)
        lapsed = lapse(now=now)
        _settle(moment)
        _move(moment)
        ended = escalations.end_what_is_over(moment)
        if ledger.is_much_judged(moment):
            return Planned(ended=ended, lapsed=lapsed, held_back=True)
        reached = facts.reached(moment.today)
        lines = [
            line
            for line in ledger.decided(moment.reader.by_step(reached), moment)
            # What was put off for this reason an hour ago stands in the ledger already.
            if not line.reason or line.reason != line.candidate.facts.put_off_for
        ]
        reminded = waiting = 0
        if lines:
            batch = ledger.write_batch(lines, moment, kind=BatchKind.LADDER, by=str(audit.SYSTEM))
            waits = batch.state == BatchState.WAITING
            reminded, waiting = (0, batch.students) if waits else (batch.students, 0)
        escalated = escalations.escalate(reached, moment)
    return Planned(reminded, waiting, ledger.counted(lines), escalated, ended, lapsed)


def foresee(
    *, institution: Institution, requirement_group_id: UUID | None, steps: Sequence[Step], now: datetime
) -> int:
    """Return how many students a ladder with these steps would remind if it were on and planned now. Writes nothing.

    Without a requirement group: those of all groups that have no ladder of their own.
    """
    with institution_scope(institution.id):
        moment = ledger.Moment(institution, now)
        views = queries.ladders()[1:]
        groups = [
            one.requirement_group_id
            for one in views
            if (one.requirement_group_id == requirement_group_id if requirement_group_id else not one.is_own)
        ]
        lines = ledger.decided(
            moment.reader.by_step(facts.reached_by(dict.fromkeys(groups, steps), moment.today)), moment
        )
        return sum(not line.reason for line in lines)


_SETTLE = """
    update reminders_reminder r set state = %(stopped)s, changed_at = %(now)s
    where r.institution_id = %(institution)s and r.state = 'queued' and r.planned_at >= %(since)s
        and r.send_at <= %(now)s
        and exists (
            select 1 from students_notice n
            where n.institution_id = r.institution_id and n.cause = r.id and n.state = 'dropped'
        ) and not exists (
            select 1 from students_notice n
            where n.institution_id = r.institution_id and n.cause = r.id and n.state <> 'dropped'
        )
"""


def _settle(moment: ledger.Moment) -> None:
    """Note of the reminders whose notices were dropped that they never went out: they count for no cap."""
    values: dict[str, Any] = {
        "institution": moment.institution.id, "now": moment.now, "since": moment.now - _SETTLED_WITHIN,
        "stopped": ReminderState.STOPPED.value,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(_SETTLE, values)


def _move(moment: ledger.Moment) -> None:
    """Have what did not go out in its hours go out in the next ones."""
    opens, closes = moment.window
    moved = move_late_reminders(send_at=opens, send_until=closes, now=moment.now)
    if moved:
        Reminder.objects.filter(id__in=moved).update(send_at=opens, changed_at=moment.now)
