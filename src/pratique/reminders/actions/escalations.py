"""Escalations: made when a date has passed, decided on by people, ended when the student has done their part."""

from collections.abc import Collection, Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation import audit, bulk
from pratique.foundation.ids import new_ids
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reminders import planning
from pratique.reminders.actions import ledger
from pratique.reminders.facts import Reached
from pratique.reminders.models import Escalation, EscalationState
from pratique.reminders.types import StepKind

# Somebody of whom something is asked still, on a tracker that is due on the day that the escalation is about. Whoever
# has handed in everything is not punished for the time that the school takes to look at it (wish 15).
_OPEN = """
    from students_membership m
    join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    where m.institution_id = %(institution)s and m.state = 'active'
        and (m.expires_on is null or m.expires_on >= %(today)s)
"""
_END = f"""
    update reminders_escalation e set state = 'ended', ended_at = %(now)s
    where e.institution_id = %(institution)s and e.state in ('waiting', 'approved') and not exists (
        select 1 {_OPEN} and m.id = e.membership_id and t.due_on = e.due_on and not m.complete
            and (e.state = 'approved' or not m.user_complete)
    )
"""  # noqa: S608  (constants only)
_STEPS = (
    ("tracker_id", "uuid"), ("due_on", "date"), ("step", "text"), ("kind", "text"), ("contact", "text"),
    ("needs_approval", "bool"),
)  # fmt: skip
# What ended because everything was handed in begins anew when some of it is returned; what was refused stays so.
_FOUND = f"""
    select m.id, p.due_on, p.step, p.kind, p.contact, p.needs_approval
    from escalations_reached p join lateral (
        select m.id {_OPEN} and m.tracker_id = p.tracker_id and t.due_on = p.due_on and not m.user_complete
            and m.stale_since is null and m.created_at < %(known_since)s
    ) m on true
    left join reminders_escalation e on e.institution_id = %(institution)s and e.membership_id = m.id
        and e.due_on = p.due_on and e.step = p.step
    where e.id is null or e.state = 'ended'
    order by p.due_on, p.step, m.id
"""  # noqa: S608  (constants only)
_ROWS = (
    ("id", "uuid"), ("membership_id", "uuid"), ("due_on", "date"), ("step", "text"), ("kind", "text"),
    ("contact", "text"), ("waits", "bool"),
)  # fmt: skip
_WRITE = """
    insert into reminders_escalation (institution_id, id, membership_id, due_on, step, kind, contact, state, created_at,
        decided_at, decided_by)
    select %(institution)s, id, membership_id, due_on, step, kind, contact,
        case when waits then 'waiting' else 'approved' end, %(now)s,
        case when waits then null else %(now)s::timestamptz end, case when waits then '' else %(by)s end
    from escalations_made
    on conflict (institution_id, membership_id, due_on, step) do update set kind = excluded.kind,
        contact = excluded.contact, state = excluded.state, created_at = excluded.created_at,
        decided_at = excluded.decided_at, decided_by = excluded.decided_by, told_at = null, ended_at = null
"""


def escalate(reached: Iterable[Reached], moment: ledger.Moment) -> int:
    """Make the escalations that are due; return how many. A fixed number of statements for any number of students.

    Those of steps that need no approval are approved at once, unless they concern more students than may be reminded
    in a day without a person: a change of rules must not hold a whole school.
    """
    steps = [one for one in reached if one.step.kind != StepKind.REMINDER]
    if not steps:
        return 0
    bulk.stage(
        "escalations_reached",
        _STEPS,
        (
            (
                one.tracker_id,
                one.due_on,
                one.step.key,
                one.step.kind,
                one.step.contact,
                one.step.needs_approval,
            )
            for one in steps
        ),
    )
    values = {
        "institution": moment.institution.id, "today": moment.today,
        "known_since": moment.midnight - timedelta(days=planning.GRACE_DAYS),
    }  # fmt: skip
    with bulk.reading() as cursor:
        found = cursor.execute(_FOUND, values).fetchall()
    bulk.drop("escalations_reached")
    if not found:
        return 0
    at_once = {membership_id for membership_id, *_, needs_approval in found if not needs_approval}
    many = planning.needs_approval(_approved_today(moment), len(at_once), moment.rules)
    rows = [
        (id_, *row, needs_approval or many)
        for id_, (*row, needs_approval) in zip(new_ids(len(found)), found, strict=True)
    ]
    bulk.stage("escalations_made", _ROWS, rows)
    with connection.cursor() as cursor:
        cursor.execute(
            _WRITE, {"institution": moment.institution.id, "now": moment.now, "by": str(audit.SYSTEM)}
        )
    bulk.drop("escalations_made")
    if not all(waits for *_, waits in rows):
        _tell_contacts(moment.institution.id)
    return len(rows)


def _approved_today(moment: ledger.Moment) -> int:
    """Return how many students' escalations were approved today without a person."""
    today = Escalation.objects.filter(
        decided_at__gte=moment.midnight, decided_by=str(audit.SYSTEM), state=EscalationState.APPROVED
    )
    return today.values("membership_id").distinct().count()


def end_what_is_over(moment: ledger.Moment) -> int:
    """End what no longer holds: the student is complete, gone, or due on another day; what waits, also when all is
    handed in. Return how many.
    """
    values: dict[str, Any] = {
        "institution": moment.institution.id,
        "today": moment.today,
        "now": moment.now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_END, values)
        return int(cursor.rowcount)


def decide(
    *,
    institution: Institution,
    escalation_ids: Collection[UUID],
    approve: bool,
    by: audit.Actor,
    now: datetime,
) -> int:
    """Approve or refuse those that wait still, and whose student still has something to do; return how many."""
    state = EscalationState.APPROVED if approve else EscalationState.REFUSED
    with institution_scope(institution.id):
        ledger.one_at_a_time(institution.id)
        end_what_is_over(ledger.Moment(institution, now))
        waiting = Escalation.objects.filter(id__in=list(escalation_ids), state=EscalationState.WAITING)
        decided = waiting.update(state=state, decided_at=now, decided_by=str(by))
        if decided:
            audit.record(
                f"reminders:escalations:{state.value}", institution_id=institution.id, by=by, now=now,
                # Each escalation keeps who decided on it and when; this instant finds them.
                detail={"escalations": decided, "decided_at": now.isoformat()},
            )  # fmt: skip
            if approve:
                _tell_contacts(institution.id)
        return decided


def _tell_contacts(institution_id: UUID) -> None:
    enqueue(
        "reminders.tell_contacts",
        institution_id=institution_id,
        queue="mail",
        once=f"escalations:{institution_id}",
    )


def note_told(*, escalation_ids: Collection[UUID], now: datetime) -> None:
    """Note that the contact of these was told."""
    Escalation.objects.filter(id__in=list(escalation_ids)).update(told_at=now)
