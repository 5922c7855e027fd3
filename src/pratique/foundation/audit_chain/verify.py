"""Recomputing an institution's chain, from the first seal to the newest, in bounded memory."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from uuid import UUID

from pratique.foundation.audit_chain import actions, rows
from pratique.foundation.audit_chain.encoding import FIRST, event_digest, seal_hash
from pratique.foundation.tenancy import institution_scope

PATIENCE = timedelta(minutes=30)
BATCH = 5_000


class Fault(StrEnum):
    """What can be wrong with a chain."""

    EVENT_CHANGED = "event_changed"
    EVENT_DELETED = "event_deleted"
    SEAL_DELETED = "seal_deleted"
    SEAL_CHANGED = "seal_changed"
    ORDER_CHANGED = "order_changed"
    HEAD_GONE = (
        "head_gone"  # a noted head is in the chain no more: its tail was cut off, or all of it made anew
    )
    NOT_SEALED = "not_sealed"


@dataclass(frozen=True)
class Break:
    """The first broken place: the seal's sequence and the event, as far as there is one."""

    fault: Fault
    sequence: int | None = None
    event_id: UUID | None = None
    count: int = 1  # of events, for NOT_SEALED


@dataclass(frozen=True)
class Verdict:
    """How an institution's chain stands. `head` is the newest seal, to be written down elsewhere."""

    checked: int
    sealed_now: int
    head: tuple[int, bytes] | None
    broken: Break | None


def verify(
    *,
    institution_id: UUID,
    now: datetime,
    expected: Mapping[int, bytes] | None = None,
    patience: timedelta = PATIENCE,
    progress: Callable[[int], None] = lambda checked: None,
) -> Verdict:
    """Seal what is new, then recompute every digest and every hash; stop at the first that does not hold.

    `expected` are heads that were noted earlier (sequence to hash). Events that had waited for a seal for longer
    than `patience` are a fault too: no sealer ran, or somebody removed seals. Call it outside any transaction.
    """
    with institution_scope(institution_id):
        waiting, oldest = rows.overdue(institution_id, before=now - patience)
    sealed_now = actions.seal(institution_id=institution_id, now=now, sweep=True, wait=True)
    chain = _Chain(institution_id, dict(expected or {}))
    broken = None
    while broken is None:
        with institution_scope(institution_id):
            links = rows.links(institution_id, after=chain.sequence, limit=BATCH)
        broken = next(filter(None, map(chain.fault_of, links)), None)
        progress(chain.sequence)
        if len(links) < BATCH:
            break
    broken = broken or chain.missing_head()
    if broken is None and waiting:
        broken = Break(Fault.NOT_SEALED, event_id=oldest, count=waiting)
    with institution_scope(institution_id):
        head = rows.head(institution_id)
    return Verdict(chain.sequence, sealed_now, (head.sequence, bytes(head.hash)) if head else None, broken)


class _Chain:
    """Where the recomputation has come to."""

    def __init__(self, institution_id: UUID, expected: dict[int, bytes]) -> None:
        self.institution_id, self.sequence, self.hash = str(institution_id), 0, FIRST
        self._expected = expected

    def fault_of(self, link: rows.Link) -> Break | None:
        """Return what is wrong with the next link, or None and stand on it."""
        fault = self._fault_of(link)
        if fault is Fault.SEAL_DELETED:
            return Break(fault, self.sequence + 1)
        if fault:
            return Break(fault, link.sequence, link.event_id)
        self.sequence, self.hash = link.sequence, link.hash
        return None

    def missing_head(self) -> Break | None:
        """Return the first noted head that was not passed."""
        return Break(Fault.HEAD_GONE, min(self._expected)) if self._expected else None

    def _fault_of(self, link: rows.Link) -> Fault | None:
        if link.sequence != self.sequence + 1:
            return Fault.SEAL_DELETED
        if not link.event_is_there:
            return Fault.EVENT_DELETED
        if link.previous_hash != self.hash:
            return Fault.ORDER_CHANGED
        if self._recomputed(link) != link.hash:
            return Fault.SEAL_CHANGED
        if link.content is None or event_digest(link.content) != link.digest:
            return Fault.EVENT_CHANGED
        if self._expected.pop(link.sequence, link.hash) != link.hash:
            return Fault.HEAD_GONE
        return None

    def _recomputed(self, link: rows.Link) -> bytes:
        return seal_hash(
            institution_id=self.institution_id,
            sequence=link.sequence,
            previous=self.hash,
            digest=link.digest,
            sealed_at=link.sealed_at,
        )
