"""The figures of the first page: plain counts over what is stored, a fixed number of queries."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection
from django.db.models import Count, Min, Q

from pratique.compliance.queries import TrackerProgress, progress_by_tracker
from pratique.reviews.queries import queue
from pratique.reviews.queries.messages import Unanswered, unanswered
from pratique.rosters.models import ImportState, RosterImport
from pratique.students.models import Invitation, InvitationState, Membership, MembershipState

SOON = timedelta(days=14)
LAPSE_SOON = timedelta(days=30)
_RECENT = timedelta(days=30)
_PATIENCE = timedelta(
    minutes=10
)  # evaluation follows a change within seconds: only a longer wait is worth saying


@dataclass(frozen=True)
class Figures:
    """What matters today. Archived memberships are not counted."""

    students: int
    cleared: int
    waiting: int
    waiting_since: datetime | None
    due_soon: int
    overdue: int


_UNANSWERED = 10


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

    def __bool__(self) -> bool:
        return bool(
            self.imports or self.stale or self.invitations_failed or self.invitations_in_doubt or self.lapsing
            or self.messages
        )  # fmt: skip


@dataclass(frozen=True)
class Dashboard:
    """The whole page."""

    figures: Figures
    trackers: Sequence[TrackerProgress]
    attention: Attention


def dashboard(*, today: date, now: datetime) -> Dashboard:
    """Return the first page's figures for the present institution."""
    return Dashboard(_figures(today), progress_by_tracker(), _attention(today, now))


def _figures(today: date) -> Figures:
    late = Q(complete=False)
    counts = Membership.objects.filter(state=MembershipState.ACTIVE).aggregate(
        students=Count("id"),
        cleared=Count("id", filter=Q(complete=True)),
        due_soon=Count("id", filter=late & Q(tracker__due_on__range=(today, today + SOON))),
        overdue=Count("id", filter=late & Q(tracker__due_on__lt=today)),
    )
    queued = queue.counts(today=today)
    return Figures(**counts, waiting=queued.waiting, waiting_since=queued.oldest_at)


# A requirement is known by its key; its newest published name is shown.
_LAPSING = """
    select coalesce(max(r.name), i.requirement_key), count(distinct i.membership_id), min(i.next_action_on)
    from compliance_item i
    join students_membership m on m.institution_id = i.institution_id and m.id = i.membership_id and m.state = 'active'
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
    return Attention(
        list(imports.order_by("-received_at")[:5]),
        stale["count"], since if since and now - since > _PATIENCE else None,
        invitations["failed"], invitations["in_doubt"], lapsing, unanswered(_UNANSWERED),
    )  # fmt: skip
