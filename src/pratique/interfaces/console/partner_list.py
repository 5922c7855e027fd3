"""The list of partners as its address says it: filters, order, and the figures above it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.partners.models import Environment
from pratique.partners.policies import ClientStanding
from pratique.partners.queries import PartnerLine

ENVIRONMENTS: Mapping[str, str | Promise] = {
    Environment.PRODUCTION.value: _("Production"),
    Environment.DEMO.value: _("Demo"),
}
NEEDS_CARE = "care"
STANDINGS: Mapping[str, str | Promise] = {
    NEEDS_CARE: _("Needs attention"),
    ClientStanding.WORKS.value: _("Works"),
    ClientStanding.ENDING.value: _("Key ends soon"),
    ClientStanding.NO_KEY.value: _("No key that works"),
    ClientStanding.SUSPENDED.value: _("Suspended"),
    ClientStanding.NO_CALLS.value: _("No calls let through"),
}
_ORDER = list(ClientStanding)
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

_SORTS: Mapping[str, Callable[[PartnerLine], Any]] = {
    "name": lambda one: (),
    "environment": lambda one: one.line.client.environment if one.line else "",
    "standing": lambda one: _ORDER.index(one.line.standing) if one.line else len(_ORDER),
    "last": lambda one: one.line.health.last_at or _LONG_AGO if one.line else _LONG_AGO,
    "calls": lambda one: one.line.health.calls if one.line else -1,
    "refused": lambda one: _share(one),
}


@dataclass(frozen=True)
class ListFilter:
    """What the list shows. An empty value filters nothing."""

    text: str = ""
    environment: str = ""
    standing: str = ""

    @property
    def in_use(self) -> bool:
        return self != ListFilter()


@dataclass(frozen=True)
class Figures:
    """How things stand with all partners together."""

    last_at: datetime | None
    calls: int
    refused: int
    is_more: bool
    need_care: int


def read_filter(query: QueryDict) -> ListFilter:
    """Return the filter that an address asks for. What cannot be read filters nothing."""
    environment, standing = query.get("environment", ""), query.get("state", "")
    return ListFilter(
        text=query.get("q", "").replace("\0", "").strip()[:120],
        environment=environment if environment in ENVIRONMENTS else "",
        standing=standing if standing in STANDINGS else "",
    )


def read_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or by name."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in _SORTS else "name"


def chosen_lines(lines: Sequence[PartnerLine], chosen: ListFilter, sort: str) -> Sequence[PartnerLine]:
    """Return the lines that the filter lets through, in order. Lines come by name, and that breaks ties."""
    found = [one for one in lines if _fits(one, chosen)]
    key, turned = sort.removeprefix("-"), sort.startswith("-")
    if key == "name":
        return found[::-1] if turned else found
    return sorted(found, key=_SORTS[key], reverse=turned)


def figures(lines: Sequence[PartnerLine]) -> Figures:
    """Return what stands above the list: about production and demo together."""
    health = [one.line.health for one in lines if one.line]
    return Figures(
        last_at=max((one.last_at for one in health if one.last_at), default=None),
        calls=sum(one.calls for one in health),
        refused=sum(one.refused for one in health),
        is_more=any(one.is_more for one in health),
        need_care=sum(_needs_care(one) for one in lines),
    )


def _fits(one: PartnerLine, chosen: ListFilter) -> bool:
    if chosen.text.casefold() not in one.partner.name.casefold():
        return False
    if chosen.environment and (one.line is None or one.line.client.environment != chosen.environment):
        return False
    if chosen.standing == NEEDS_CARE:
        return _needs_care(one)
    return not chosen.standing or (one.line is not None and one.line.standing == chosen.standing)


def _needs_care(one: PartnerLine) -> bool:
    return one.line is None or one.line.standing is not ClientStanding.WORKS


def _share(one: PartnerLine) -> float:
    health = one.line.health if one.line else None
    return health.refused / health.calls if health and health.calls else -1.0
