"""The spool in the database, for the console: what is being uploaded, waits or was removed, a second late.

The spool is the truth about these. A row that a claim has taken over is not touched any more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.transfers.types import AccountRef

_BATCH = 1000
_COLUMNS = 9
_ROW = f"({', '.join(['%s'] * _COLUMNS)}, false)"
_UPSERT = """
    insert into transfers_inboundfile as f
        (institution_id, id, account_id, name, size, state, reason, session, received_at, sha256, unanswered)
    select institution_id::uuid, id::uuid, account_id::uuid, name, size::bigint, state, reason, session::uuid,
        received_at::timestamptz, '', unanswered
    from (values {rows}) as v
        (institution_id, id, account_id, name, size, state, reason, session, received_at, unanswered)
    -- what came and went within a second was never here, and a client may do that a thousand times a second
    where v.state <> 'removed' or exists (
        select 1 from transfers_inboundfile k where k.institution_id = v.institution_id::uuid and k.id = v.id::uuid)
    on conflict (institution_id, id) do update set name = excluded.name, size = excluded.size,
        state = excluded.state, reason = excluded.reason, session = excluded.session,
        received_at = excluded.received_at,
        -- what a claim read while the account was suspended holds only for those bytes
        sha256 = case when f.received_at = excluded.received_at and f.size = excluded.size then f.sha256 else '' end
    where f.state in ('incomplete', 'waiting', 'removed')
        and (f.name, f.size, f.state, f.reason, f.session, f.received_at) is distinct from
            (excluded.name, excluded.size, excluded.state, excluded.reason, excluded.session, excluded.received_at)
"""


@dataclass(frozen=True)
class SpoolRow:
    """An upload as the spool has it. `reason` says why it waits: a code of `transfers.types.REASONS`, or nothing."""

    account: AccountRef
    file_id: UUID
    name: str
    size: int
    state: Literal["incomplete", "waiting", "removed"]
    reason: str
    session: UUID | None
    received_at: datetime


def mirror(rows: Iterable[SpoolRow]) -> None:
    """Store how uploads stand; of two rows of one file, the later counts. What changed nothing writes nothing."""
    latest = {(row.account.institution_id, row.file_id): row for row in rows}
    for institution_id, group in groupby(sorted(latest.items(), key=lambda item: item[0]), _institution):
        # In the order of their ids, so that two servers that mirror the same files wait for each other in turn.
        _store(institution_id, [row for _key, row in group])


def _institution(item: tuple[tuple[UUID, UUID], SpoolRow]) -> UUID:
    return item[0][0]


def _store(institution_id: UUID, rows: Sequence[SpoolRow]) -> None:
    with institution_scope(institution_id), connection.cursor() as cursor:
        for start in range(0, len(rows), _BATCH):
            batch = rows[start : start + _BATCH]
            values = [value for row in batch for value in _values(institution_id, row)]
            cursor.execute(_UPSERT.format(rows=", ".join([_ROW] * len(batch))), values)


def _values(institution_id: UUID, row: SpoolRow) -> tuple[Any, ...]:
    return (
        institution_id, row.file_id, row.account.id, row.name, row.size, row.state, row.reason, row.session,
        row.received_at,
    )  # fmt: skip
