"""Reading destinations and deliveries, for screens and commands. All of it wants an open `institution_scope`."""

from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from uuid import UUID

from django.db.models import Case, F, OuterRef, Q, QuerySet, Subquery, Value, When
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES, Permission, user_allows
from pratique.delivery import timing
from pratique.delivery.models import Delivery, DeliveryState, Destination, Schedule
from pratique.delivery.types import Place, SchedulePlan, place_of
from pratique.reports import layouts
from pratique.reports import queries as reports
from pratique.reports.types import Format

# What lists can be ordered by; `-` before a key turns it round. The second column keeps one order.
DESTINATION_SORTS: Mapping[str, str] = {
    "name": "lower_name", "host": "host", "last_success": "last_success_at", "created": "created_at",
}  # fmt: skip
DELIVERY_SORTS: Mapping[str, str] = {
    "requested": "requested_at", "finished": "finished_at", "file_name": "file_name", "report": "report_key",
    "state": "state", "size": "size", "tries": "tries",
}  # fmt: skip
SCHEDULE_SORTS: Mapping[str, str] = {
    "name": "lower_name", "next": "next_at", "delivered": "delivered_at", "created": "created_at",
    "report": "report_key",
}  # fmt: skip
OPEN_STATES = (DeliveryState.WAITING, DeliveryState.SENDING)


class Standing(StrEnum):
    """How a destination stands, for a badge."""

    CLOSED = "closed"
    STOPPED = "stopped"  # `stopped_for` says why: types.STOPS
    NO_SIGN_IN = "no_sign_in"  # neither password nor key yet
    NO_HOST_KEY = "no_host_key"  # none pinned: the connection must be tested
    FAILING = "failing"  # the last try failed; it is tried again
    READY = "ready"


def standing(destination: Destination) -> Standing:
    """Return how a destination stands: what keeps files from arriving first."""
    if destination.closed_at:
        return Standing.CLOSED
    if destination.stopped_at:
        return Standing.STOPPED
    if not destination.secret:
        return Standing.NO_SIGN_IN
    if not destination.host_keys:
        return Standing.NO_HOST_KEY
    return Standing.FAILING if destination.failures_in_row else Standing.READY


def destinations(*, search: str = "", closed: bool = False, sort: str = "name") -> QuerySet[Destination]:
    """Return destinations, open ones unless `closed`. `search` looks in name, host and username; slice it for a page.

    An unknown `sort` counts as `name`.
    """
    found = Destination.objects.filter(closed_at__isnull=not closed).annotate(lower_name=Lower("name"))
    if search:
        found = found.filter(
            Q(name__icontains=search) | Q(host__icontains=search) | Q(username__icontains=search)
        )
    return found.order_by(*_order(DESTINATION_SORTS, sort, "name"))


def destination_by_id(destination_id: UUID) -> Destination | None:
    """Return a destination, closed ones too."""
    return Destination.objects.filter(id=destination_id).first()


def destination_by_name(name: str) -> Destination | None:
    """Return the open destination of this name, in any case."""
    return Destination.objects.filter(name__iexact=name, closed_at__isnull=True).first()


def deliveries(
    *,
    place: Place | None = None,
    schedule: Schedule | None = None,
    state: str = "",
    report: str = "",
    search: str = "",
    sort: str = "-requested",
) -> QuerySet[Delivery]:
    """Return deliveries with their account or destination, in one statement; slice it for a page.

    `state` is a code of DeliveryState, `report` a report's key, `search` looks in the file's name. What is not known
    filters everything away; an unknown `sort` counts as `-requested`.
    """
    found = Delivery.objects.select_related("account", "destination")
    if place and place.account_id:
        found = found.filter(account_id=place.account_id)
    if place and place.destination_id:
        found = found.filter(destination_id=place.destination_id)
    if schedule:
        found = found.filter(schedule_id=schedule.id)
    if state:
        found = found.filter(state=state)
    if report:
        found = found.filter(report_key=report)
    if search:
        found = found.filter(file_name__icontains=search)
    return found.order_by(*_order(DELIVERY_SORTS, sort, "-requested"))


def delivery_by_id(delivery_id: UUID) -> Delivery | None:
    """Return a delivery with its account or destination."""
    return Delivery.objects.select_related("account", "destination").filter(id=delivery_id).first()


def recipients(staff: Iterable[UUID], report: str) -> Sequence[User]:
    """Return those of `staff` who may download a report now, in no order: who left or lost the right is not there.

    Raises UnknownReportError.
    """
    needed = reports.definition(report).permission
    found = User.objects.filter(
        id__in=list(staff), is_active=True, role__in=[one.value for one in STAFF_ROLES]
    )
    return [
        one for one in found if user_allows(one, Permission.DOWNLOAD_REPORTS) and user_allows(one, needed)
    ]


def waiting_for(destination: Destination) -> int:
    """Return how many deliveries wait for a destination, or are on their way."""
    return Delivery.objects.filter(destination_id=destination.id, state__in=OPEN_STATES).count()


class ScheduleStanding(StrEnum):
    """How a schedule stands, for a badge: the first of these that is so."""

    IN_DOUBT = "in_doubt"  # paused, because nobody knows whether a file arrived: a person looks
    PAUSED = "paused"  # `paused_for` says why: types.PAUSES
    REPORT_GONE = "report_gone"  # its report was deleted: its next time will pause it
    STOPPED = "stopped"  # deliveries to its destination are stopped
    FAILING = "failing"  # the last try failed; it is tried again, or at the next time
    WAITING = "waiting"  # a file is on its way
    NEVER = "never"  # nothing was delivered yet
    READY = "ready"


def schedules(
    *, search: str = "", state: str = "", report: str = "", sort: str = "name", deleted: bool = False
) -> QuerySet[Schedule]:
    """Return schedules with their place and how they stand, in one statement; slice it for a page.

    `state` is a code of ScheduleStanding, `report` a report's key, `search` looks in the name and the file's template.
    What is not known filters everything away; an unknown `sort` counts as `name`.
    """
    found = _with_standing(Schedule.objects.filter(deleted_at__isnull=not deleted))
    if search:
        found = found.filter(Q(name__icontains=search) | Q(template__icontains=search))
    if report:
        found = found.filter(report_key=report)
    if state:
        found = found.filter(Q(stands=state))
    return found.annotate(lower_name=Lower("name")).order_by(*_order(SCHEDULE_SORTS, sort, "name"))


def schedule_by_id(schedule_id: UUID) -> Schedule | None:
    """Return a schedule with its place and how it stands, deleted ones too."""
    return _with_standing(Schedule.objects.filter(id=schedule_id)).first()


def schedule_by_name(name: str) -> Schedule | None:
    """Return the schedule of this name, in any case, with its place and how it stands."""
    return _with_standing(Schedule.objects.filter(name__iexact=name, deleted_at__isnull=True)).first()


def schedule_standing(schedule: Schedule) -> ScheduleStanding:
    """Return how a schedule stands. One that `schedules` or `schedule_by_id` gave asks nothing of the database."""
    if not hasattr(schedule, "stands"):
        schedule = _with_standing(Schedule.objects.filter(id=schedule.id)).get()
    return ScheduleStanding(getattr(schedule, "stands"))  # noqa: B009  (annotated: no field of the model)


def plan_of(schedule: Schedule) -> SchedulePlan:
    """Return what somebody decided about a schedule, as a form shows it and `change_schedule` takes it."""
    return SchedulePlan(
        name=schedule.name,
        report_key=schedule.report_key,
        place=place_of(schedule),
        format=Format(schedule.format),
        parameters=schedule.parameters,
        layout=layouts.from_data(schedule.layout),
        sort=schedule.sort,
        neutralise=schedule.neutralise,
        bom=schedule.bom,
        template=schedule.template,
        pgp_key=schedule.pgp_key,
        contents=schedule.contents,
        send_empty=schedule.send_empty,
        every_minutes=schedule.every_minutes,
        calendar=timing.from_data(schedule.calendar),
    )


def _with_standing(found: QuerySet[Schedule]) -> QuerySet[Schedule]:
    """Annotate `stands`, a code of ScheduleStanding. A file that is sent again says nothing about its schedule."""
    latest = (
        Delivery.objects.filter(schedule_id=OuterRef("id"), resends__isnull=True)
        .order_by("-requested_at", "-id")
        .annotate(
            shows=Case(
                When(state=DeliveryState.FAILED, then=Value("failing")),
                When(state__in=OPEN_STATES, failure="", then=Value("waiting")),
                When(state__in=OPEN_STATES, then=Value("failing")),
                default=Value(""),
            )
        )
    )
    found = found.select_related("account", "destination").annotate(
        latest_shows=Subquery(latest.values("shows")[:1])
    )
    return found.annotate(
        stands=Case(
            When(paused_for="in_doubt", then=Value("in_doubt")),
            When(paused_at__isnull=False, then=Value("paused")),
            When(report_key__in=reports.deleted_keys(), then=Value("report_gone")),
            When(destination__stopped_at__isnull=False, then=Value("stopped")),
            When(latest_shows="failing", then=Value("failing")),
            When(latest_shows="waiting", then=Value("waiting")),
            When(delivered_at__isnull=True, then=Value("never")),
            default=Value("ready"),
        )
    )


def _order(sorts: Mapping[str, str], sort: str, usual: str) -> list[str | OrderBy]:
    if sort.removeprefix("-") not in sorts:
        sort = usual
    field = F(sorts[sort.removeprefix("-")])
    backwards = sort.startswith("-")
    return [
        field.desc(nulls_last=True) if backwards else field.asc(nulls_last=True),
        "-id" if backwards else "id",
    ]
