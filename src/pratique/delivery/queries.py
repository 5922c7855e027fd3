"""Reading destinations and deliveries, for screens and commands. All of it wants an open `institution_scope`."""

from collections.abc import Mapping
from enum import StrEnum
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.expressions import OrderBy
from django.db.models.functions import Lower

from pratique.delivery.models import Delivery, DeliveryState, Destination
from pratique.delivery.types import Place

# What lists can be ordered by; `-` before a key turns it round. The second column keeps one order.
DESTINATION_SORTS: Mapping[str, str] = {
    "name": "lower_name", "host": "host", "last_success": "last_success_at", "created": "created_at",
}  # fmt: skip
DELIVERY_SORTS: Mapping[str, str] = {
    "requested": "requested_at", "finished": "finished_at", "file_name": "file_name", "report": "report_key",
    "state": "state", "size": "size", "tries": "tries",
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


def waiting_for(destination: Destination) -> int:
    """Return how many deliveries wait for a destination, or are on their way."""
    return Delivery.objects.filter(destination_id=destination.id, state__in=OPEN_STATES).count()


def _order(sorts: Mapping[str, str], sort: str, usual: str) -> list[str | OrderBy]:
    if sort.removeprefix("-") not in sorts:
        sort = usual
    field = F(sorts[sort.removeprefix("-")])
    backwards = sort.startswith("-")
    return [
        field.desc(nulls_last=True) if backwards else field.asc(nulls_last=True),
        "-id" if backwards else "id",
    ]
