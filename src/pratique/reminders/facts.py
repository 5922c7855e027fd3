"""Reading in sets what decides about reminders: a fixed number of statements for any number of students."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation import bulk
from pratique.institutions.models import Institution, Tracker
from pratique.reminders import planning, queries
from pratique.reminders.types import PASSING, Facts, Step, StepKind

# The longest stretch that a cap looks back upon, and the longest that a reminder may wait before it goes out.
_LOOK_BACK = timedelta(days=31)


@dataclass(frozen=True)
class Reached:
    """A step that a tracker has reached."""

    tracker_id: UUID
    due_on: date
    step: Step


def reached(today: date) -> list[Reached]:
    """Return the steps that trackers have reached on `today`, by the ladders that are on."""
    return reached_by(
        {view.requirement_group_id: view.steps for view in queries.ladders() if view.is_on}, today
    )


def reached_by(ladders: Mapping[UUID | None, Sequence[Step]], today: date) -> list[Reached]:
    """Return the steps that trackers have reached on `today`, by these ladders of requirement groups."""
    found = []
    trackers = Tracker.objects.filter(requirement_group_id__in=[key for key in ladders if key])
    for tracker in trackers.order_by("due_on", "id"):
        steps = ladders[tracker.requirement_group_id]
        step = planning.step_reached(steps, tracker.due_on, today)
        found += [Reached(tracker.id, tracker.due_on, step)] if step else []
        for escalation in planning.escalations_reached(steps, tracker.due_on, today):
            found.append(Reached(tracker.id, tracker.due_on, escalation))
    return found


# What went out, or waits to, counts; what was stopped or left out does not. An invitation counts by itself.
_WRITTEN = """
    select student_id, count(*) filter (where state = 'queued' and day > %(week_ago)s)::int as this_week,
        max(day) filter (where state = 'queued') as told_on,
        coalesce(bool_or(state = 'waiting' or state = 'queued' and send_at > %(now)s), false) as waits,
        max(invited_on) as invited_on
    from (
        select m.student_id, r.state, r.send_at, (r.send_at at time zone %(zone)s)::date as day,
            null::date as invited_on
        from reminders_reminder r
        join students_membership m on m.institution_id = r.institution_id and m.id = r.membership_id
        where r.institution_id = %(institution)s and r.planned_at >= %(since)s and r.state in ('waiting', 'queued')
            and r.batch_id is distinct from %(batch)s::uuid
        union all
        select m.student_id, 'invited', null, null,
            (case when i.state = 'queued' then %(now)s else i.changed_at end at time zone %(zone)s)::date
        from students_invitation i
        join students_membership m on m.institution_id = i.institution_id and m.id = i.membership_id
        where i.institution_id = %(institution)s and i.state in ('queued', 'sending', 'sent', 'in_doubt')
            and (i.state = 'queued' or i.changed_at >= %(since)s)
    ) written
    group by student_id
"""
_FACTS = """
    select c.step, c.asked_for, c.channels, m.id, m.student_id, m.state, m.expires_on, t.due_on, m.complete,
        m.user_complete, m.stale_since is not null, s.email <> '', a.id is not null, coalesce(a.notify_by_mail, true),
        coalesce(a.notify_by_text, false), w.invited_on, coalesce(w.this_week, 0), w.told_on,
        coalesce(w.waits, false), c.ledger_id, coalesce(c.reason, '')
    from reminders_chosen c
    join students_membership m on m.institution_id = %(institution)s and m.id = c.membership_id
    join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
    left join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id
    left join students_studentaccount a on a.institution_id = m.institution_id and a.student_id = m.student_id
    left join reminders_written w on w.student_id = m.student_id
    order by t.due_on, m.id
"""
# Those of whom something is asked, who have no row for the step yet, or one that was put off.
_BY_STEP = """
    select m.id as membership_id, p.step, p.due_on as asked_for, p.channels, r.id as ledger_id, r.reason
    from unnest(%(trackers)s::uuid[], %(dates)s::date[], %(steps)s::text[], %(channels)s::text[])
        as p(tracker_id, due_on, step, channels)
    join students_membership m on m.institution_id = %(institution)s and m.tracker_id = p.tracker_id
    left join reminders_reminder r on r.institution_id = %(institution)s and r.membership_id = m.id
        and r.due_on = p.due_on and r.step = p.step and r.step > ''
    where m.state = 'active' and not m.user_complete and m.stale_since is null
        and (m.expires_on is null or m.expires_on >= %(today)s)
        and (r.id is null or r.state = 'left_out' and r.reason = any(%(passing)s))
"""
_BY_MEMBERSHIP = """
    select id as membership_id, '' as step, null::date as asked_for, %(both)s as channels, null::uuid as ledger_id,
        '' as reason
    from students_membership where institution_id = %(institution)s and id = any(%(memberships)s)
"""
_BY_BATCH = """
    select membership_id, step, due_on as asked_for, id as ledger_id, reason,
        (select string_agg(way, ' ') from jsonb_array_elements_text(channels) way) as channels
    from reminders_reminder
    where institution_id = %(institution)s and batch_id = %(batch)s::uuid and state = 'waiting'
"""


@dataclass(frozen=True)
class Candidate:
    """Somebody who may be reminded of a step (its key; a nudge: empty), and the ways that the step names.

    `due_on`: the date that the step is about, if it was planned for one.
    """

    step: str
    due_on: date | None
    channels: Sequence[str]
    facts: Facts


class Reader:
    """Reads candidates of an institution, as of `now`, for a reminder that would go out on the day `on`."""

    def __init__(self, institution: Institution, *, today: date, on: date, now: datetime) -> None:
        self._values: dict[str, Any] = {
            "institution": institution.id, "zone": institution.time_zone, "today": today, "now": now, "batch": None,
            "since": now - _LOOK_BACK, "week_ago": on - timedelta(days=planning.WEEK),
        }  # fmt: skip

    def by_step(self, found: Iterable[Reached]) -> list[Candidate]:
        """Return those who have not been reminded of the step that their tracker has reached."""
        steps = [one for one in found if one.step.kind == StepKind.REMINDER]
        if not steps:
            return []
        return self._read(
            _BY_STEP,
            trackers=[one.tracker_id for one in steps],
            dates=[one.due_on for one in steps],
            steps=[one.step.key for one in steps],
            channels=[" ".join(one.step.channels) for one in steps],
            passing=sorted(PASSING),
        )

    def by_membership(self, membership_ids: Collection[UUID], channels: Sequence[str]) -> list[Candidate]:
        """Return these memberships, whatever is to be said of them."""
        return self._read(_BY_MEMBERSHIP, memberships=list(membership_ids), both=" ".join(channels))

    def by_batch(self, batch_id: UUID) -> list[Candidate]:
        """Return those of a batch whose reminders wait for its approval."""
        return self._read(_BY_BATCH, batch=batch_id)

    def _read(self, chosen: str, **values: Any) -> list[Candidate]:
        values = {**self._values, **values}
        # Both are analysed before they are joined. Minutes ago they may have been empty, and a planner that believes
        # so compares each of 50,000 with each of 50,000.
        with connection.cursor() as cursor:
            for table, statement in (("reminders_chosen", chosen), ("reminders_written", _WRITTEN)):
                cursor.execute(f"create temporary table {table} on commit drop as {statement}", values)
                cursor.execute(f"analyze {table}")
        with bulk.reading() as reader:
            reader.execute(_FACTS, values)
            found = [
                Candidate(step, asked_for, channels.split(), Facts._make(facts))
                for step, asked_for, channels, *facts in reader
            ]
        bulk.drop("reminders_chosen")
        bulk.drop("reminders_written")
        return found
