"""What is kept of sessions and of what happened to files: written in batches by the SFTP server's journal."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection
from django.db.models import Q

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.models import TransferKey, TransferSession
from pratique.transfers.types import AccountRef, FileEvent, SessionCounts

_CHANGES = ["ended_at", "end", "files_in", "bytes_in", "files_out", "bytes_out"]
_KEY_EVERY = timedelta(minutes=1)
_EVENTS = """
    insert into transfers_transferevent (institution_id, id, account_id, session, at, kind, path, size, reason)
    select %s::uuid, * from unnest(
        %s::uuid[], %s::uuid[], %s::uuid[], %s::timestamptz[], %s::text[], %s::text[], %s::bigint[], %s::text[])
    on conflict do nothing
"""


@dataclass(frozen=True)
class SessionLine:
    """A session as it stands, or a try to begin one (`refused`). A later line of an id replaces an earlier one."""

    id: UUID
    account: AccountRef
    started_at: datetime
    server: UUID | None
    address: str
    client: str = ""
    fingerprint: str = ""
    cipher: str = ""
    ended_at: datetime | None = None
    end: str = ""
    refused: str = ""
    counts: SessionCounts = field(default_factory=SessionCounts)


@dataclass(frozen=True)
class EventLine:
    """An event with the id that it keeps: stored twice, it is there once."""

    event: FileEvent
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True)
class KeyUse:
    """A key that signed in."""

    account: AccountRef
    key_id: UUID
    at: datetime


Line = SessionLine | EventLine | KeyUse


def store(institution_id: UUID, lines: Sequence[Line]) -> None:
    """Keep lines of one institution, all or none; what is there already is not written again."""
    sessions = {line.id: line for line in lines if isinstance(line, SessionLine)}
    events = [line for line in lines if isinstance(line, EventLine)]
    uses = [line for line in lines if isinstance(line, KeyUse)]
    with institution_scope(institution_id):
        if sessions:
            TransferSession.objects.bulk_create(
                [_session(line) for line in sessions.values()],
                update_conflicts=True, unique_fields=["institution", "id"], update_fields=_CHANGES,
            )  # fmt: skip
        if events:
            _store_events(institution_id, events)
        if uses:
            _note_used(uses)


def end_sessions_of(server: UUID, *, institution_id: UUID, now: datetime) -> int:
    """End what a server left open that died without a word; return how many sessions those were."""
    with institution_scope(institution_id):
        left = TransferSession.objects.filter(server=server, ended_at=None)
        return left.update(ended_at=now, end="unknown")


def _note_used(uses: Iterable[KeyUse]) -> None:
    """Note when keys were used, at most once a minute each."""
    latest = max(use.at for use in uses)
    stale = Q(last_used_at=None) | Q(last_used_at__lt=latest - _KEY_EVERY)
    keys = TransferKey.objects.filter(stale, id__in={use.key_id for use in uses})
    keys.update(last_used_at=latest)


def _session(line: SessionLine) -> TransferSession:
    return TransferSession(
        id=line.id, institution_id=line.account.institution_id, account_id=line.account.id,
        started_at=line.started_at, ended_at=line.ended_at, server=line.server, end=line.end,
        refused=line.refused, address=line.address or None, client=line.client[:120],
        fingerprint=line.fingerprint[:60], cipher=line.cipher[:40], files_in=line.counts.files_in,
        bytes_in=line.counts.bytes_in, files_out=line.counts.files_out, bytes_out=line.counts.bytes_out,
    )  # fmt: skip


def _store_events(institution_id: UUID, lines: Sequence[EventLine]) -> None:
    # Without models: a session that takes 500 small files shares its processor with this.
    events = [line.event for line in lines]
    columns = (
        [line.id for line in lines],
        [event.account.id for event in events],
        [event.session for event in events],
        [event.at for event in events],
        [event.kind for event in events],
        [event.path[:300] for event in events],
        [event.size for event in events],
        [event.reason for event in events],
    )
    with connection.cursor() as cursor:
        cursor.execute(_EVENTS, [institution_id, *columns])
