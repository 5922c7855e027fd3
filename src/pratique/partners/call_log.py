"""The log of calls as the integrator reads it: what was called when, and why it was refused. Never about whom.

A busy client makes a million calls a month. So a page shows the newest `MOST_LISTED` that fit and sorts those; older
ones are reached by days, and a file holds them all.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from heapq import merge
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import QuerySet

from pratique.partners.models import PartnerCall

MOST_LISTED = 10_000
OK = "OK"
REFUSED = "refused"  # as a filter: any outcome but OK

_COLUMNS = (
    "id, institution_id, client_id, at, method, code, status, fingerprint, duration_ms, bytes_in, bytes_out, "
    "address, detail"
)
_SORTS = {
    "when": "at {0}, id {0}",
    "method": "method {0}, at desc, id desc",
    "outcome": "code {0}, at desc, id desc",
    "duration": "duration_ms {0}, at desc, id desc",
    "size": "bytes_in + bytes_out {0}, at desc, id desc",
}
SORTS = tuple(_SORTS)


@dataclass(frozen=True)
class CallFilter:
    """Which calls: an empty value filters nothing. Instants: from `since`, before `until`."""

    method: str = ""
    outcome: str = ""
    fingerprint: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Found:
    """How many calls fit, and how they ended: `total` stops at `MOST_LISTED`."""

    total: int
    outcomes: Sequence[tuple[str, int]]

    @property
    def is_more(self) -> bool:
        return self.total >= MOST_LISTED


def count(clients: Sequence[UUID], chosen: CallFilter) -> Found:
    """Return how many of the newest calls fit, by outcome, most frequent first."""
    window, values = _window(clients, chosen)
    with connection.cursor() as cursor:
        # The parts of the text are constants of this module; what was asked for is in `values`.
        cursor.execute(
            f"select code, count(*) from ({window}) found group by code order by 2 desc, 1",  # noqa: S608
            values,
        )
        outcomes = cursor.fetchall()
    return Found(sum(number for _code, number in outcomes), outcomes)


def page(
    clients: Sequence[UUID], chosen: CallFilter, *, sort: str, offset: int, size: int
) -> Sequence[PartnerCall]:
    """Return a part of the newest calls that fit, sorted (`SORTS`, with `-` before it: highest first)."""
    window, values = _window(clients, chosen)
    order = _SORTS[sort.removeprefix("-")].format("desc" if sort.startswith("-") else "asc")
    statement = f"select * from ({window}) found order by {order} limit %(size)s offset %(offset)s"  # noqa: S608
    return list(PartnerCall.objects.raw(statement, values | {"size": size, "offset": offset}))


def every_call(clients: Sequence[UUID], chosen: CallFilter) -> Iterator[PartnerCall]:
    """Yield all calls that fit, newest first, a few at a time."""
    ranges = [
        _filtered(client, chosen).order_by("-at", "-id").iterator(chunk_size=2000) for client in clients
    ]
    return merge(*ranges, key=lambda call: (call.at, call.id), reverse=True)


def _window(clients: Sequence[UUID], chosen: CallFilter) -> tuple[str, dict[str, Any]]:
    """Return SQL for the newest calls that fit: a range of the index for each client, and the newest of all."""
    if not clients:
        return f"select {_COLUMNS} from partners_partnercall where false", {}  # noqa: S608
    conditions, values = _conditions(chosen)
    parts = []
    for number, client in enumerate(clients):
        values[f"client_{number}"] = client
        parts.append(
            f"(select {_COLUMNS} from partners_partnercall "  # noqa: S608
            f"where client_id = %(client_{number})s{conditions} order by at desc, id desc limit {MOST_LISTED})"
        )
    newest = f"select * from ({' union all '.join(parts)}) each_client"  # noqa: S608
    return f"{newest} order by at desc, id desc limit {MOST_LISTED}", values


def _conditions(chosen: CallFilter) -> tuple[str, dict[str, Any]]:
    text = "".join(
        f" and {condition}"
        for condition, given in (
            ("method = %(method)s", chosen.method),
            ("code <> 'OK'", chosen.outcome == REFUSED),
            ("code = %(outcome)s", chosen.outcome not in ("", REFUSED)),
            ("fingerprint = %(fingerprint)s", chosen.fingerprint),
            ("at >= %(since)s", chosen.since),
            ("at < %(until)s", chosen.until),
        )
        if given
    )
    return text, {
        "method": chosen.method,
        "outcome": chosen.outcome,
        "fingerprint": chosen.fingerprint,
        "since": chosen.since,
        "until": chosen.until,
    }


def _filtered(client: UUID, chosen: CallFilter) -> QuerySet[PartnerCall]:
    found = PartnerCall.objects.filter(client=client)
    if chosen.method:
        found = found.filter(method=chosen.method)
    if chosen.outcome == REFUSED:
        found = found.exclude(code=OK)
    elif chosen.outcome:
        found = found.filter(code=chosen.outcome)
    if chosen.fingerprint:
        found = found.filter(fingerprint=chosen.fingerprint)
    if chosen.since:
        found = found.filter(at__gte=chosen.since)
    if chosen.until:
        found = found.filter(at__lt=chosen.until)
    return found
