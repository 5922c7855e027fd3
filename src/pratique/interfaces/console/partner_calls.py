"""The log of calls as its address says it: filters, order, and outcomes in words."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.dateparse import parse_date
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.interfaces.console.partner_list import ENVIRONMENTS
from pratique.partner_client.fields import METHODS as FIELDS
from pratique.partners.call_log import OK, REFUSED, SORTS, CallFilter
from pratique.partners.models import PartnerCall, PartnerClient
from pratique.partners.types import ERRORS

METHODS = ("authenticate", *FIELDS)
OUTCOMES: Mapping[str, str | Promise] = {
    OK: _("Done"),
    REFUSED: _("Refused"),
    **{code: code for code in ERRORS},
}
# From the list into its file.
CARRIED = ("environment", "method", "outcome", "key", "from", "to")


@dataclass(frozen=True)
class LogFilter:
    """What the address asks for, as the form shows it again."""

    environment: str = ""
    method: str = ""
    outcome: str = ""
    fingerprint: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def in_use(self) -> bool:
        return self != LogFilter()


@dataclass(frozen=True)
class Outcome:
    """How calls ended: the code, how many, what it means and what helps."""

    code: str
    calls: int
    meaning: str
    remedy: str


def read_filter(query: QueryDict) -> LogFilter:
    """Return the filter that an address asks for. What cannot be read filters nothing."""
    environment, method = query.get("environment", ""), query.get("method", "")
    outcome, fingerprint = query.get("outcome", ""), query.get("key", "")
    return LogFilter(
        environment=environment if environment in ENVIRONMENTS else "",
        method=method if method in METHODS else "",
        outcome=outcome if outcome in OUTCOMES else "",
        fingerprint=fingerprint if fingerprint.isascii() and fingerprint.isalnum() else "",
        since=_day(query.get("from", "")),
        until=_day(query.get("to", "")),
    )


def read_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or newest first."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in SORTS else "-when"


def to_call_filter(chosen: LogFilter, zone: ZoneInfo) -> CallFilter:
    """Return the filter for the log. Days begin at midnight in `zone`."""
    return CallFilter(
        method=chosen.method,
        outcome=chosen.outcome,
        fingerprint=chosen.fingerprint,
        since=datetime.combine(chosen.since, time(), zone) if chosen.since else None,
        until=datetime.combine(chosen.until + timedelta(days=1), time(), zone) if chosen.until else None,
    )


def clients_in(clients: Iterable[PartnerClient], chosen: LogFilter) -> Sequence[PartnerClient]:
    """Return the clients whose calls are asked for."""
    return [one for one in clients if chosen.environment in ("", one.environment)]


def outcomes(counted: Sequence[tuple[str, int]]) -> Sequence[Outcome]:
    """Return the refusals among what was counted, with their words."""
    return [
        Outcome(code, calls, ERRORS[code].meaning, ERRORS[code].remedy)
        for code, calls in counted
        if code in ERRORS
    ]


def words_of(call: PartnerCall) -> str:
    """Return what was wrong with a call; empty where nothing was."""
    if call.code == OK:
        return ""
    return call.detail or (ERRORS[call.code].meaning if call.code in ERRORS else "")


def environment_name(client: PartnerClient) -> str:
    """Return in words where a client's calls have their effect."""
    return str(ENVIRONMENTS[client.environment])


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The first and the last day of the calendar have no midnight in some time zone.
    return day if day and 1900 <= day.year < 9000 else None
