"""Accounts, their files, sessions and log, as the console lists them. Each is a fixed number of queries."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db.models import Count, Model, OuterRef, Q, QuerySet, Subquery

from pratique.rosters.models import RosterProgress
from pratique.transfers.models import (
    InboundFile,
    InboundState,
    OutboundFile,
    TransferAccount,
    TransferEvent,
    TransferKey,
    TransferSession,
)
from pratique.transfers.standing import FAILED, NEED_CARE, Standing, standing_of

# A busy account writes thousands of lines a day. A page shows the newest that fit; older ones are reached by days.
MOST_LISTED = 10_000
DAY = timedelta(hours=24)


@dataclass(frozen=True)
class AccountLine:
    """An account with its health. `last_file` carries its import, if it has one."""

    account: TransferAccount
    standing: Standing
    keys: int
    last_file: InboundFile | None
    last_session: datetime | None

    @property
    def needs_care(self) -> bool:
        return self.standing in NEED_CARE


@dataclass(frozen=True)
class Figures:
    """How things stand with all accounts together. Counts are of the last 24 hours."""

    last_file: InboundFile | None
    files: int
    failed: int
    need_care: int


@dataclass(frozen=True)
class Asked:
    """Which rows of a list: an empty value filters nothing. `kind` is one of the list's own; instants: from, before."""

    text: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Listing:
    """What a list is of: its rows, the field of their time, what `text` looks into, kinds and orders by name."""

    rows: type[Model]
    time: str
    text: str
    kinds: Mapping[str, Q]
    sorts: Mapping[str, str]


_UNDER_WAY = (InboundState.INCOMPLETE, InboundState.WAITING, InboundState.CLAIMED, InboundState.IMPORTING)
LISTINGS: Mapping[str, Listing] = {
    "files": Listing(
        InboundFile, "received_at", "name",
        {
            "under_way": Q(state__in=_UNDER_WAY), "processed": Q(state=InboundState.PROCESSED),
            "failed": Q(state__in=FAILED), "left": Q(state__in=(InboundState.IGNORED, InboundState.REMOVED)),
        },
        {"when": "received_at", "name": "name", "size": "size", "state": "state"},
    ),
    "outbound": Listing(
        OutboundFile, "created_at", "name",
        {
            "there": Q(deleted_at__isnull=True), "not_taken": Q(deleted_at__isnull=True, first_read_at__isnull=True),
            "deleted": Q(deleted_at__isnull=False),
        },
        {"when": "created_at", "name": "name", "size": "size", "taken": "first_read_at"},
    ),
    "sessions": Listing(
        TransferSession, "started_at", "client",
        {
            "open": Q(ended_at__isnull=True, refused=""), "accepted": Q(refused=""), "refused": ~Q(refused=""),
        },
        {"when": "started_at", "address": "address", "files": "files_in", "client": "client"},
    ),
    "log": Listing(
        TransferEvent, "at", "path", {}, {"when": "at", "kind": "kind", "path": "path", "size": "size"},
    ),
}  # fmt: skip


def find_account(account_id: UUID) -> TransferAccount | None:
    """Return an account of the present institution."""
    return TransferAccount.objects.filter(id=account_id).first()


def find_key(account: TransferAccount, key_id: UUID) -> TransferKey | None:
    """Return a key of the account."""
    return TransferKey.objects.filter(account=account, id=key_id).first()


def find_outbound(account: TransferAccount, file_id: UUID) -> OutboundFile | None:
    """Return a file in the account's outbound folder that is not deleted."""
    return OutboundFile.objects.filter(account=account, id=file_id, deleted_at__isnull=True).first()


def keys_of(account: TransferAccount) -> Sequence[TransferKey]:
    """Return all keys that the account ever had: those that work first, then newest first."""
    found = TransferKey.objects.filter(account=account).order_by("-created_at", "-id")
    return sorted(found, key=lambda key: key.revoked_at is not None)


def all_accounts() -> Sequence[AccountLine]:
    """Return every account of the present institution by name, closed ones last. Two queries."""
    return _lines(TransferAccount.objects.order_by("name", "username"))


def account_line(account: TransferAccount) -> AccountLine:
    """Return an account with its health."""
    return _lines(TransferAccount.objects.filter(id=account.id))[0]


def figures(lines: Sequence[AccountLine], *, now: datetime) -> Figures:
    """Return what stands above the list of accounts. One query."""
    counted = dict(
        InboundFile.objects.filter(received_at__gte=now - DAY)
        .exclude(state=InboundState.REMOVED)
        .order_by()
        .values("state")
        .annotate(number=Count("pk"))
        .values_list("state", "number")
    )
    files = [line.last_file for line in lines if line.last_file]
    return Figures(
        last_file=max(files, key=lambda file: file.received_at, default=None),
        files=sum(counted.values()),
        failed=sum(counted.get(state.value, 0) for state in FAILED),
        need_care=sum(line.needs_care for line in lines),
    )


def progress_of(files: Iterable[InboundFile]) -> Mapping[UUID, RosterProgress]:
    """Return how far the imports are that run, by import."""
    running = [file.roster_import_id for file in files if file.state == InboundState.IMPORTING]
    found = RosterProgress.objects.filter(roster_import_id__in=running) if running else []
    return {one.roster_import_id: one for one in found}


def selected(listing: Listing, account: TransferAccount, asked: Asked) -> QuerySet[Any]:
    """Return the rows of an account that are asked for, in no order yet."""
    rows = listing.rows._default_manager.filter(account=account)
    if asked.text:
        rows = rows.filter(**{f"{listing.text}__icontains": asked.text})
    if asked.kind:
        rows = rows.filter(listing.kinds[asked.kind] if listing.kinds else Q(kind=asked.kind))
    if asked.since:
        rows = rows.filter(**{f"{listing.time}__gte": asked.since})
    if asked.until:
        rows = rows.filter(**{f"{listing.time}__lt": asked.until})
    return rows


def count(listing: Listing, account: TransferAccount, asked: Asked) -> int:
    """Return how many rows are asked for; counting stops at `MOST_LISTED`."""
    newest = selected(listing, account, asked).order_by(f"-{listing.time}", "-id")
    return newest.values("pk")[:MOST_LISTED].count()


def page(
    listing: Listing, account: TransferAccount, asked: Asked, *, total: int, sort: str, offset: int, size: int
) -> list[Any]:
    """Return a page of rows in an order of `listing.sorts` (`-` in front turns it round): of the newest `MOST_LISTED`.

    `total` is what `count` said of the same.
    """
    rows = selected(listing, account, asked)
    if total >= MOST_LISTED:
        newest = rows.order_by(f"-{listing.time}", "-id").values_list(listing.time, flat=True)
        rows = rows.filter(**{f"{listing.time}__gte": newest[MOST_LISTED - 1]})
    turned = "-" if sort.startswith("-") else ""
    field = listing.sorts[sort.removeprefix("-")]
    rows = rows.order_by(
        f"{turned}{field}", *([] if field == listing.time else [f"-{listing.time}"]), f"{turned}id"
    )
    if listing.rows is InboundFile:
        rows = rows.select_related("roster_import")
    return list(rows[offset : offset + size])


def latest(name: str, account: TransferAccount, number: int) -> Sequence[Any]:
    """Return the newest rows of one of `LISTINGS`."""
    return page(LISTINGS[name], account, Asked(), total=0, sort="-when", offset=0, size=number)


def every_event(account: TransferAccount, asked: Asked) -> Iterator[TransferEvent]:
    """Yield all events that are asked for, newest first. Only inside a transaction."""
    yield from selected(LISTINGS["log"], account, asked).order_by("-at", "-id").iterator(chunk_size=2000)


def _lines(accounts: QuerySet[TransferAccount]) -> Sequence[AccountLine]:
    of_it = {"account": OuterRef("pk")}
    files = InboundFile.objects.filter(**of_it).exclude(state=InboundState.REMOVED)
    keys = TransferKey.objects.filter(**of_it, revoked_at__isnull=True).order_by().values("account")
    sessions = TransferSession.objects.filter(**of_it).order_by("-started_at", "-id").values("started_at")
    found = list(
        accounts.annotate(
            last_file=Subquery(files.order_by("-received_at", "-id").values("id")[:1]),
            keys=Subquery(keys.annotate(number=Count("pk")).values("number")),
            last_session=Subquery(sessions.filter(refused="")[:1]),
            last_refused=Subquery(sessions.exclude(refused="")[:1]),
        )
    )
    by_id = InboundFile.objects.select_related("roster_import").in_bulk(
        [account.last_file for account in found if account.last_file]
    )
    lines = [_line(account, by_id.get(account.last_file)) for account in found]
    return sorted(lines, key=lambda line: line.standing is Standing.CLOSED)


def _line(account: Any, last_file: InboundFile | None) -> AccountLine:
    standing = standing_of(
        account,
        keys=account.keys or 0,
        last_state=last_file.state if last_file else "",
        last_session=account.last_session,
        last_refused=account.last_refused,
    )
    return AccountLine(account, standing, account.keys or 0, last_file, account.last_session)
