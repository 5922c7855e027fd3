"""The figures of the first page: plain counts over what is stored, a fixed number of queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from django.db import connection
from django.db.models import Count, Min, Q

from pratique.delivery import queries as delivery
from pratique.delivery.models import Destination, Schedule
from pratique.foundation.tenancy import current_institution
from pratique.interfaces.console import dashboard_changes, dashboard_lines, schedule_words
from pratique.interfaces.console.dashboard_changes import Changed
from pratique.interfaces.console.dashboard_lines import Line, Trend
from pratique.reminders import queries as reminders
from pratique.reminders.types import Waiting
from pratique.reports.forecast import TrackerForecast, worst_first
from pratique.reports.pace import forecast_by_tracker
from pratique.reviews.queries.messages import Unanswered, unanswered
from pratique.rosters.models import ImportState, RosterImport
from pratique.students.models import Invitation, InvitationState, Membership

SOON = timedelta(days=14)
LAPSE_SOON = timedelta(days=30)
_RECENT = timedelta(days=30)
_PATIENCE = timedelta(
    minutes=10
)  # evaluation follows a change within seconds: only a longer wait is worth saying
_UNANSWERED, _NAMED = 10, 5


class TrackerStanding(NamedTuple):
    """How a tracker stands: its active students by what is left to do, each counted once."""

    tracker_id: UUID
    name: str
    due_on: date
    students: int
    complete: int
    in_review: int

    @property
    def incomplete(self) -> int:
        """How many have something to hand in."""
        return self.students - self.complete - self.in_review


@dataclass(frozen=True)
class Figures:
    """What matters today. Archived memberships are not counted."""

    students: int
    cleared: int
    trend: Trend | None
    waiting: int
    waiting_since: datetime | None
    # How many cases of the queue have waited for up to a day, 1 to 3 days, 3 to 7 days, and longer.
    ages: Sequence[int]
    due_soon: int
    due_until: date
    overdue: int


@dataclass(frozen=True)
class Lapsing:
    """How many approved items of one requirement end within the next weeks."""

    name: str
    items: int
    first_on: date


@dataclass(frozen=True)
class Attention:
    """What a person should look at. All empty means that nothing needs them."""

    imports: Sequence[RosterImport]
    stale: int
    stale_since: datetime | None
    invitations_failed: int
    invitations_in_doubt: int
    lapsing: Sequence[Lapsing]
    # Who has waited longest for somebody to read what they wrote.
    messages: Sequence[Unanswered]
    # Schedules that fail or wait for somebody, and destinations that nothing is sent to.
    schedules: Sequence[Schedule]
    more_schedules: int
    destinations: Sequence[Destination]
    reminders: Waiting

    def __bool__(self) -> bool:
        return bool(
            self.imports or self.stale or self.invitations_failed or self.invitations_in_doubt or self.lapsing
            or self.messages or self.schedules or self.destinations or self.reminders.batches
            or self.reminders.escalations
        )  # fmt: skip


@dataclass(frozen=True)
class Outlook:
    """Who will miss the due date, at the present pace: by tracker, the worst first, and in all."""

    trackers: Sequence[TrackerForecast]
    students: int
    will_miss: int


@dataclass(frozen=True)
class Dashboard:
    """The whole page. `changed` is None where nobody has looked before."""

    figures: Figures
    trackers: Sequence[TrackerStanding]
    changed: Changed | None
    line: Line
    outlook: Outlook
    attention: Attention


def dashboard(
    *, today: date, now: datetime, since: datetime | None = None, asked: Mapping[str, str] | None = None
) -> Dashboard:
    """Return the first page's figures for the present institution.

    `since` is when its reader looked last; `asked` says which line is drawn (`dashboard_lines.read`).
    """
    trackers, without = _trackers()
    return Dashboard(
        _figures(trackers, without, today, now),
        trackers,
        dashboard_changes.since(since) if since else None,
        dashboard_lines.line(asked or {}, trackers=_names(trackers), today=today, now=now),
        _outlook(today),
        _attention(today, now),
    )


def line(*, today: date, now: datetime, asked: Mapping[str, str]) -> Line:
    """Return compliance over time alone, for the part of the page that is exchanged."""
    trackers, _without = _trackers()
    return dashboard_lines.line(asked, trackers=_names(trackers), today=today, now=now)


# One look at the memberships for the figures and the trackers; a tracker without students has zeros, students
# without a tracker are the row that has no tracker.
_TRACKERS = """
    select t.id, t.name, t.due_on, coalesce(k.students, 0), coalesce(k.complete, 0), coalesce(k.in_review, 0)
    from (
        select tracker_id, count(*) as students, count(*) filter (where complete) as complete,
            count(*) filter (where user_complete and not complete) as in_review
        from students_membership where institution_id = %(institution)s and state = 'active'
        group by tracker_id
    ) k
    full join (select id, name, due_on from institutions_tracker where institution_id = %(institution)s) t
        on t.id = k.tracker_id
    order by t.name, t.id
"""


def _trackers() -> tuple[list[TrackerStanding], tuple[int, int]]:
    """Return how the trackers stand; and of those without one how many students there are, how many are complete."""
    with connection.cursor() as cursor:
        cursor.execute(_TRACKERS, {"institution": current_institution()})
        found = [TrackerStanding(*row) for row in cursor]
    without = next(((one.students, one.complete) for one in found if one.tracker_id is None), (0, 0))
    return [one for one in found if one.tracker_id is not None], without


def _names(trackers: Sequence[TrackerStanding]) -> Mapping[UUID, str]:
    return {one.tracker_id: one.name for one in trackers}


_DAY = timedelta(days=1)
# The queue by age: what `reviews.queries.queue` counts as waiting, without the due dates that it looks up a case.
_AGES = """
    select min(queued_at), count(*), count(*) filter (where queued_at < %(day)s),
        count(*) filter (where queued_at < %(three)s), count(*) filter (where queued_at < %(week)s)
    from records_submission
    where institution_id = %(institution)s and state = 'waiting' and queued_at is not null
"""


def _figures(
    trackers: Sequence[TrackerStanding], without: tuple[int, int], today: date, now: datetime
) -> Figures:
    students = without[0] + sum(one.students for one in trackers)
    cleared = without[1] + sum(one.complete for one in trackers)
    with connection.cursor() as cursor:
        cursor.execute(
            _AGES,
            {"institution": current_institution(), "day": now - _DAY, "three": now - 3 * _DAY, "week": now - 7 * _DAY},
        )  # fmt: skip
        oldest, waiting, day, three, week = cursor.fetchone()
    return Figures(
        students=students,
        cleared=cleared,
        trend=dashboard_lines.trend(cleared, today=today),
        waiting=waiting,
        waiting_since=oldest,
        ages=(waiting - day, day - three, three - week, week),
        due_soon=sum(one.students - one.complete for one in trackers if today <= one.due_on <= today + SOON),
        due_until=today + SOON,
        overdue=sum(one.students - one.complete for one in trackers if one.due_on < today),
    )


def _outlook(today: date) -> Outlook:
    found = [one for one in forecast_by_tracker(today) if one.students]
    known = [one for one in found if one.is_known]
    return Outlook(
        worst_first(found), sum(one.students for one in known), sum(one.will_miss for one in known)
    )


# A requirement is known by its key; its newest published name is shown. On the day on which an item ends its
# membership's standing may change: by `changes_on` those few are found.
_LAPSING = """
    select coalesce(max(r.name), i.requirement_key), count(distinct i.membership_id), min(i.next_action_on)
    from compliance_item i
    join students_membership m on m.institution_id = i.institution_id and m.id = i.membership_id and m.state = 'active'
        and m.changes_on <= %(until)s
    left join lateral (
        select name from requirements_requirement r
        join requirements_requirementset s on s.institution_id = r.institution_id and s.id = r.requirement_set_id
        where r.key = i.requirement_key and s.state = 'published' order by s.published_at desc limit 1
    ) r on true
    where i.status = 'approved' and i.next_action_on between %(today)s and %(until)s
    group by i.requirement_key order by 2 desc, 1 limit 5
"""


def _attention(today: date, now: datetime) -> Attention:
    imports = RosterImport.objects.filter(received_at__gte=now - _RECENT).filter(
        Q(state=ImportState.APPLIED, counts__refused__gt=0)
        | Q(state__in=[ImportState.READY, ImportState.FAILED])
    )
    stale = Membership.objects.filter(stale_since__isnull=False).aggregate(
        count=Count("id"), since=Min("stale_since")
    )
    since = stale["since"]
    invitations = Invitation.objects.filter(
        state__in=[InvitationState.FAILED, InvitationState.IN_DOUBT]
    ).aggregate(
        failed=Count("id", filter=Q(state=InvitationState.FAILED)),
        in_doubt=Count("id", filter=Q(state=InvitationState.IN_DOUBT)),
    )
    with connection.cursor() as cursor:
        cursor.execute(_LAPSING, {"today": today, "until": today + LAPSE_SOON})
        lapsing = [Lapsing(*row) for row in cursor]
    schedules = [one for one in delivery.schedules() if schedule_words.needs_care(one)]
    return Attention(
        imports=list(imports.order_by("-received_at")[:_NAMED]),
        stale=stale["count"],
        stale_since=since if since and now - since > _PATIENCE else None,
        invitations_failed=invitations["failed"],
        invitations_in_doubt=invitations["in_doubt"],
        lapsing=lapsing,
        messages=unanswered(_UNANSWERED),
        schedules=schedules[:_NAMED],
        more_schedules=max(0, len(schedules) - _NAMED),
        destinations=list(delivery.destinations().filter(stopped_at__isnull=False)[:_NAMED]),
        reminders=reminders.waiting(),
    )
