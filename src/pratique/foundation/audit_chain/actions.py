"""Sealing: chaining what was appended.

Events are appended freely, in the transactions that do the work; a lock that kept them in one line would make a
nurse wait for an import. The sealer comes soon after. It goes on from the last seal in the order (transaction,
id), and stops before the oldest transaction that is still open. All transactions before that one have ended, so
nothing can appear behind it, and what a long one wrote is sealed when it has ended.
"""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation.audit_chain import rows
from pratique.foundation.audit_chain.encoding import FIRST, Content, event_digest, instant, seal_hash
from pratique.foundation.tenancy import institution_scope

BATCH = 5_000
_LOCK_CLASS = 0x50524155  # "PRAU": beside the workers' locks (`worker_sql.LOCK_CLASS`)
# The digests and the hashes come as two long texts of 32 bytes each: three arrays of 5,000 took twice as long. The
# hashes begin with the one before the first, so that each row finds its previous one.
_INSERT = """
    insert into foundation_auditseal
        (institution_id, sequence, event_id, digest, previous_hash, hash, sealed_at)
    select %(institution)s, %(after)s + n, event_id, substring(digests from 32 * n::int - 31 for 32),
        substring(hashes from 32 * n::int - 31 for 32), substring(hashes from 32 * n::int + 1 for 32), %(now)s
    from (select %(digests)s::bytea as digests, %(hashes)s::bytea as hashes) as chain,
        unnest(%(events)s::uuid[]) with ordinality as one (event_id, n)
"""


def seal(
    *, institution_id: UUID, now: datetime, sweep: bool = False, wait: bool = False, batch: int = BATCH
) -> int:
    """Chain the events of an institution that have no seal yet; return how many were sealed.

    One transaction and one statement a batch, so call it outside any transaction. `sweep` also looks for events
    that were left behind: none are in a healthy database, but a restored dump numbers its transactions anew, and
    seals can be deleted by hand. Where another sealer is at work, `wait` for it, or leave it to that one.
    """
    done = 0
    for left_behind in (False, True):
        while True:
            with institution_scope(institution_id):
                if not _begin(institution_id, wait):
                    return done
                head = rows.head(institution_id)
                strange = head is not None and head.strange
                if left_behind and not (sweep or strange):
                    return done
                if left_behind:
                    events = rows.events_left_behind(institution_id, limit=batch)
                else:
                    events = [] if strange else rows.next_events(institution_id, after=head, limit=batch)
                _append(institution_id, head, events, now)
            done += len(events)
            if len(events) < batch:
                break
    return done


def _begin(institution_id: UUID, wait: bool) -> bool:
    """Become the one sealer of this institution until the transaction ends."""
    key = institution_id.int & 0x7FFFFFFF  # two institutions that share it wait for each other, no more
    lock = "pg_advisory_xact_lock" if wait else "pg_try_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"select {lock}(%s, %s)", [_LOCK_CLASS, key])
        (answer,) = cursor.fetchone()
    return wait or bool(answer)


def _append(institution_id: UUID, head: rows.Head | None, events: list[Content], now: datetime) -> None:
    if not events:
        return
    after, hash = (head.sequence, head.hash) if head else (0, FIRST)
    sealed_at, digests, hashes = instant(now), [], [hash]
    for sequence, event in enumerate(events, start=after + 1):
        digest = event_digest(event)
        hash = seal_hash(
            institution_id=str(institution_id),
            sequence=sequence,
            previous=hash,
            digest=digest,
            sealed_at=sealed_at,
        )
        digests.append(digest)
        hashes.append(hash)
    values: dict[str, Any] = {
        "institution": institution_id,
        "after": after,
        "events": [event.id for event in events],
        "digests": b"".join(digests),
        "hashes": b"".join(hashes),
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, values)
