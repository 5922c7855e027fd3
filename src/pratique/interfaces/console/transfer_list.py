"""Lists about file transfer as their addresses say them: filters, order, and the accounts that fit."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import QueryDict
from django.utils.dateparse import parse_date

from pratique.interfaces.console import transfer_words as words
from pratique.transfers.lists import LISTINGS, AccountLine, Asked
from pratique.transfers.standing import Standing

_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)
_ORDER = list(Standing)
_SORTS: Mapping[str, Callable[[AccountLine], Any]] = {
    "name": lambda line: (),
    "standing": lambda line: _ORDER.index(line.standing),
    "last": lambda line: line.last_file.received_at if line.last_file else _LONG_AGO,
    "keys": lambda line: line.keys,
}
# From a list into its file.
CARRIED = ("q", "kind", "from", "to")


@dataclass(frozen=True)
class AccountFilter:
    """Which accounts are listed. An empty value filters nothing."""

    text: str = ""
    standing: str = ""

    @property
    def in_use(self) -> bool:
        return self != AccountFilter()


@dataclass(frozen=True)
class ListFilter:
    """What an address asks of a list, as the form shows it again."""

    text: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None

    @property
    def in_use(self) -> bool:
        return self != ListFilter()

    def asked(self, zone: ZoneInfo) -> Asked:
        """Return it for the query. Days begin at midnight in `zone`."""
        return Asked(
            text=self.text,
            kind=self.kind,
            since=datetime.combine(self.since, time(), zone) if self.since else None,
            until=datetime.combine(self.until + timedelta(days=1), time(), zone) if self.until else None,
        )


def read_account_filter(query: QueryDict) -> AccountFilter:
    """Return the filter that an address asks for. What cannot be read filters nothing."""
    standing = query.get("state", "")
    return AccountFilter(text=_text(query), standing=standing if standing in words.STANDINGS else "")


def read_account_sort(query: QueryDict) -> str:
    """Return the order that an address asks for, or by name."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in _SORTS else "name"


def chosen_lines(lines: Sequence[AccountLine], chosen: AccountFilter, sort: str) -> Sequence[AccountLine]:
    """Return the lines that the filter lets through, in order. Lines come by name, and that breaks ties."""
    found = [line for line in lines if _fits(line, chosen)]
    key, turned = sort.removeprefix("-"), sort.startswith("-")
    if key == "name":
        return found[::-1] if turned else found
    return sorted(found, key=_SORTS[key], reverse=turned)


def read_filter(what: str, query: QueryDict) -> ListFilter:
    """Return the filter that an address asks for. What cannot be read filters nothing."""
    kind = query.get("kind", "")
    return ListFilter(
        text=_text(query),
        kind=kind if kind in words.KINDS[what] else "",
        since=_day(query.get("from", "")),
        until=_day(query.get("to", "")),
    )


def read_sort(what: str, query: QueryDict) -> str:
    """Return the order that an address asks for, or newest first."""
    sort = query.get("sort", "")
    return sort if sort.removeprefix("-") in LISTINGS[what].sorts else "-when"


def _fits(line: AccountLine, chosen: AccountFilter) -> bool:
    text = chosen.text.casefold()
    if text not in line.account.name.casefold() and text not in line.account.username:
        return False
    if chosen.standing == words.NEEDS_CARE:
        return line.needs_care
    return chosen.standing in ("", line.standing)


def _text(query: QueryDict) -> str:
    return query.get("q", "").replace("\0", "").strip()[:120]


def _day(text: str) -> date | None:
    try:
        day = parse_date(text)
    except ValueError:
        return None
    # The first and the last day of the calendar have no midnight in some time zone.
    return day if day and 1900 <= day.year < 9000 else None
