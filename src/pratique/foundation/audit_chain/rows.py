"""Reading events and seals for the chain, as texts: a row that was tampered with must be told, not refuse to load."""

import json
from typing import Any, NamedTuple
from uuid import UUID

from pratique.foundation.audit_chain.encoding import Content
from pratique.foundation.bulk import reading

# What `encoding.Content` needs of an event `e`.
CONTENT = (
    "e.id::text, round(extract(epoch from e.at), 6)::text, e.by, e.action, e.subject_type, e.subject_id::text, "
    "e.detail::text"
)
# A transaction that may still add rows. A number at or past the snapshot's end was never given out in this
# server's life: such a row came with a restored dump. Our own rows are left for the next time.
_ENDED = "e.transaction_id < pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
_SETTLED = (
    f"({_ENDED} or e.transaction_id >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint) "
    "and e.transaction_id is distinct from pg_current_xact_id_if_assigned()::text::bigint"
)
_NOT_SEALED = (
    "not exists (select from foundation_auditseal s "
    "where s.institution_id = e.institution_id and s.event_id = e.id)"
)
# ruff: noqa: S608  (only the constants above are put into these texts)
_NEXT = f"""
    select {CONTENT} from foundation_auditevent e
    where e.institution_id = %s and (e.transaction_id, e.id) > (%s, %s) and {_ENDED}
    order by e.transaction_id, e.id limit %s
"""
_LEFT_BEHIND = f"""
    select {CONTENT} from foundation_auditevent e
    where e.institution_id = %s and {_SETTLED} and {_NOT_SEALED}
    order by e.transaction_id, e.id limit %s
"""
_OVERDUE = f"""
    select count(*), (array_agg(e.id order by e.at, e.id))[1] from foundation_auditevent e
    where e.institution_id = %s and {_SETTLED} and e.at < %s and {_NOT_SEALED}
"""
_HEAD = """
    select s.sequence, s.hash, e.transaction_id, e.id,
        e.transaction_id >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint
    from foundation_auditseal s
    left join foundation_auditevent e on e.institution_id = s.institution_id and e.id = s.event_id
    where s.institution_id = %s order by s.sequence desc limit 1
"""
# `limit 1` keeps the planner from joining the whole trail for each batch, whatever its statistics say.
_SEALS = f"""
    select s.sequence, s.event_id, s.digest, s.previous_hash, s.hash,
        round(extract(epoch from s.sealed_at), 6)::text, {CONTENT}
    from foundation_auditseal s
    left join lateral (
        select * from foundation_auditevent e
        where e.institution_id = s.institution_id and e.id = s.event_id limit 1
    ) e on true
    where s.institution_id = %s and s.sequence > %s order by s.sequence limit %s
"""


class Head(NamedTuple):
    """The newest seal of an institution, and where its event stands. `strange`: that cannot be gone on from."""

    sequence: int
    hash: bytes
    transaction_id: int | None
    event_id: UUID | None
    strange: bool


class Link(NamedTuple):
    """A seal with the event it speaks of, which is None if that is gone, and without a content if it cannot be read."""

    sequence: int
    event_id: UUID
    digest: bytes
    previous_hash: bytes
    hash: bytes
    sealed_at: str
    event_is_there: bool
    content: Content | None


def head(institution_id: UUID) -> Head | None:
    """Return the newest seal of the present institution, or None."""
    found = _all(_HEAD, [institution_id])
    if not found:
        return None
    sequence, hash, transaction_id, event_id, from_elsewhere = found[0]
    return Head(sequence, hash, transaction_id, event_id, transaction_id is None or from_elsewhere)


def next_events(institution_id: UUID, *, after: Head | None, limit: int) -> list[Content]:
    """Return the events that follow the head in the order of transactions, as far as nothing can come between."""
    at = (after.transaction_id, after.event_id) if after else (-1, UUID(int=0))
    return _contents(institution_id, _all(_NEXT, [institution_id, *at, limit]))


def events_left_behind(institution_id: UUID, *, limit: int) -> list[Content]:
    """Return events without a seal wherever they stand; reads the whole trail."""
    return _contents(institution_id, _all(_LEFT_BEHIND, [institution_id, limit]))


def overdue(institution_id: UUID, *, before: Any) -> tuple[int, UUID | None]:
    """Return how many events from before an instant have no seal, and the oldest of them."""
    [(count, oldest)] = _all(_OVERDUE, [institution_id, before])
    return count, oldest


def links(institution_id: UUID, *, after: int, limit: int) -> list[Link]:
    """Return the seals past the sequence `after`, each with its event."""
    return [_link(institution_id, row) for row in _all(_SEALS, [institution_id, after, limit])]


def _link(institution_id: UUID, row: tuple[Any, ...]) -> Link:
    sequence, event_id, digest, previous_hash, hash, sealed_at, *content = row
    there = content[0] is not None
    found = _content(institution_id, tuple(content)) if there else None
    return Link(sequence, event_id, digest, previous_hash, hash, sealed_at, there, found)


def _contents(institution_id: UUID, rows: list[tuple[Any, ...]]) -> list[Content]:
    found = []
    for row in rows:
        content = _content(institution_id, row)
        if content is None:
            raise UnreadableEventError(f"The audit event {row[0]} holds a value that cannot be read.")
        found.append(content)
    return found


class UnreadableEventError(RuntimeError):
    """An event holds something that no writer of ours can have put there."""


def _content(institution_id: UUID, row: tuple[Any, ...]) -> Content | None:
    event_id, at, by, action, subject_type, subject_id, detail = row
    try:
        values = json.loads(detail)
    except (ValueError, RecursionError):
        return None  # a number of ten thousand digits, or brackets in brackets without end
    return Content(str(institution_id), event_id, at, by, action, subject_type, subject_id, values)


def _all(query: str, values: list[Any]) -> list[tuple[Any, ...]]:
    with reading() as cursor:
        return cursor.execute(query, values).fetchall()
