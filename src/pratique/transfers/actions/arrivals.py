"""What moved before there was a server to move it: sessions, files and their log, added as they were elsewhere."""

from collections.abc import Sequence
from datetime import datetime

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions.accounts import record
from pratique.transfers.models import InboundFile, TransferAccount, TransferEvent, TransferSession


def add_past(
    *,
    account: TransferAccount,
    sessions: Sequence[TransferSession],
    files: Sequence[InboundFile],
    events: Sequence[TransferEvent],
    by: audit.Actor,
    now: datetime,
) -> None:
    """Add what is over. It has no content and nothing follows from it: no file of it counts as the last one."""
    with institution_scope(account.institution_id):
        TransferSession.objects.bulk_create(sessions)
        InboundFile.objects.bulk_create(files)
        TransferEvent.objects.bulk_create(events)
        record("past_added", account, by=by, now=now, sessions=len(sessions), files=len(files))
