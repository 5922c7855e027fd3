"""What is deleted by itself: stored content that no row needs, old rows of the log; and files whose job is gone.

A claim stores its content before its row is there. The sweep therefore works under the lock that a claim takes, and
a claim looks under that lock whether its content is still there: neither can undo the other.
"""

from collections.abc import Collection
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from pratique.foundation.ids import time_of
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.keys import ACCOUNT
from pratique.transfers.models import (
    InboundFile,
    OutboundFile,
    TransferAccount,
    TransferEvent,
    TransferSession,
)
from pratique.transfers.outbound import stored_name
from pratique.transfers.queries import results_id

# As long as it is listed, and as long as other rosters are kept.
CONTENT_KEPT = timedelta(days=30)
# Content without a row: no claim and no delivery takes as long.
STRAYS_KEPT = timedelta(days=1)
# A school year, and a month to ask about it.
ROWS_KEPT = timedelta(days=400)

_ABANDONED = """
    select f.id from transfers_inboundfile f
    where f.institution_id = %(institution)s and f.claimed_at < %(before)s and f.finished_at is null
        and f.state in ('claimed', 'importing', 'failed')
        and not exists (
            select 1 from procrastinate_jobs j where j.task_name = 'transfers.import_file'
                and j.args ->> 'file_id' = f.id::text and j.status in ('todo', 'doing'))
    order by f.claimed_at
"""


def delete_content(*, institution_id: UUID, now: datetime) -> int:
    """Delete stored content of inbound files that is old, and of either direction that has no row; how many files."""
    with institution_scope(institution_id):
        accounts = list(TransferAccount.objects.order_by("id").values_list("id", flat=True))
    return sum(_delete_of(institution_id, account_id, now) for account_id in accounts)


def delete_old_rows(*, institution_id: UUID, now: datetime) -> int:
    """Delete sessions, events and files of which nothing was heard for `ROWS_KEPT`; return how many rows."""
    before = now - ROWS_KEPT
    with institution_scope(institution_id):
        last = TransferAccount.objects.exclude(last_claimed=None).values("last_claimed")
        old = (
            TransferEvent.objects.filter(at__lt=before),
            TransferSession.objects.filter(started_at__lt=before),
            # The last one stays: the same bytes again are a repeated file however long after.
            InboundFile.objects.filter(received_at__lt=before).exclude(id__in=last),
            OutboundFile.objects.filter(deleted_at__lt=before),
        )
        return sum(rows.delete()[0] for rows in old)


def abandoned(*, institution_id: UUID, now: datetime) -> list[UUID]:
    """Return the claimed files that are not finished and for which no job is left: it was given up, or deleted."""
    with institution_scope(institution_id), connection.cursor() as cursor:
        cursor.execute(_ABANDONED, {"institution": institution_id, "before": now - timedelta(minutes=1)})
        return [file_id for (file_id,) in cursor]


def _delete_of(institution_id: UUID, account_id: UUID, now: datetime) -> int:
    store = blob_store()
    with institution_scope(institution_id):
        TransferAccount.objects.select_for_update(no_key=True).get(id=account_id)
        needed, old = _standing_of(account_id, now)
        names = [
            name
            for name in store.names(institution_id=institution_id, prefix=f"{ACCOUNT}{account_id}/")
            if _may_go(name, needed, old, now)
        ]
        # Inside the transaction, for the sake of its lock; a rollback loses nothing that somebody needs.
        return store.delete_many(institution_id=institution_id, names=names)


def _standing_of(account_id: UUID, now: datetime) -> tuple[set[str], set[str]]:
    """Return the names of content that is needed, and of that which was kept long enough."""
    needed: set[str] = set()
    old: set[str] = set()
    files = InboundFile.objects.filter(account_id=account_id).values_list("id", "claimed_at", "finished_at")
    for file_id, claimed_at, finished_at in files.iterator(chunk_size=2000):
        is_old = finished_at is not None and claimed_at is not None and claimed_at < now - CONTENT_KEPT
        (old if is_old else needed).add(stored_name(account_id, file_id))
        if claimed_at is not None and finished_at is None:
            needed.add(stored_name(account_id, results_id(file_id, claimed_at)))  # being put just now
    lying = OutboundFile.objects.filter(account_id=account_id, deleted_at__isnull=True)
    needed.update(stored_name(account_id, file_id) for file_id in lying.values_list("id", flat=True))
    return needed, old


def _may_go(name: str, needed: Collection[str], old: Collection[str], now: datetime) -> bool:
    if name in needed:
        return False
    if name in old:
        return True
    try:
        made_at = time_of(UUID(name.rpartition("/")[2]))
    except ValueError:
        return False  # none of ours
    return made_at < now - STRAYS_KEPT
