"""Files for schools to take: put there whole, noticed when they are read, deleted by the account or by age.

The content is stored first and the row committed after it, so that nobody is shown half a file. What a crash leaves
in between is content without a row, which the sweep of stored files removes.
"""

from collections.abc import Iterable, Iterator
from datetime import datetime
from functools import partial
from typing import Protocol
from uuid import UUID

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.models import OutboundFile, TransferAccount, TransferEvent
from pratique.transfers.outbound import (
    FOLDERS,
    KEPT_AFTER_READING,
    KEPT_UNREAD,
    NameTakenError,
    OutboundNameError,
    checked_name,
    stored_name,
)
from pratique.transfers.types import AccountRef


class LyingFile(Protocol):
    """What deleting must know of a file: a row of OutboundFile has it, and so has an OutboundListed."""

    @property
    def institution_id(self) -> UUID: ...
    @property
    def account_id(self) -> UUID: ...
    @property
    def id(self) -> UUID: ...


def put(
    *,
    account: AccountRef,
    folder: str,
    name: str,
    content: Iterable[bytes],
    source: str,
    by: audit.Actor,
    now: datetime,
    file_id: UUID | None = None,
) -> OutboundFile:
    """Put a file into `/outbound/<folder>` and return its row; it is listed when the transaction commits.

    Best called outside any transaction: storing takes as long as `content` does. The same `file_id` again changes
    nothing and returns what there is (even if it was deleted since), and `content` is not asked for. Raises
    NameTakenError, OutboundNameError, and what storage and `content` raise; then nothing is listed.
    """
    if folder not in FOLDERS:
        raise OutboundNameError(_("There is no such folder."))
    checked_name(name)
    if file_id is not None and (there := _by_id(account, file_id)):
        return there
    with institution_scope(account.institution_id):
        _check_free(account, folder, name)
    row = OutboundFile(
        id=file_id or new_id(),
        institution_id=account.institution_id,
        account_id=account.id,
        folder=folder,
        name=name,
        source=source,
        created_at=now,
    )
    stored = stored_name(account.id, row.id)
    counted = _Counted(content)
    blob_store().put(institution_id=account.institution_id, name=stored, content=counted)
    row.size = counted.size
    try:
        _keep(row, account, by, now)
    except IntegrityError:
        # Somebody was quicker in the instant since we looked: with this file itself, or with another of its name.
        if file_id is not None and (there := _by_id(account, file_id)):
            return there
        blob_store().delete(institution_id=account.institution_id, name=stored)
        with institution_scope(account.institution_id):
            _check_free(account, folder, name)
        raise
    return row


def delete(*, file: LyingFile, by: audit.Actor, now: datetime) -> bool:
    """Delete a file, its content after the commit; return whether it was still there."""
    return bool(_delete(file.institution_id, Q(account_id=file.account_id, id=file.id), by, now))


def delete_old(*, institution_id: UUID, by: audit.Actor, now: datetime) -> int:
    """Delete what was kept long enough (KEPT_AFTER_READING, KEPT_UNREAD); return how many files that were."""
    old = Q(first_read_at__lt=now - KEPT_AFTER_READING) | Q(
        first_read_at__isnull=True, created_at__lt=now - KEPT_UNREAD
    )
    return _delete(institution_id, old, by, now)


def noticed_read(*, institution_id: UUID, file_ids: Iterable[UUID], by: audit.Actor, now: datetime) -> int:
    """Note that files of an institution were read to their end; return how many were so for the first time.

    One statement for all of them and one audit row: the journal hands in what its batch holds.
    """
    with institution_scope(institution_id):
        unread = OutboundFile.objects.filter(id__in=set(file_ids), first_read_at__isnull=True)
        found = list(unread.select_for_update().order_by("id").values_list("id", "source"))
        if not found:
            return 0
        OutboundFile.objects.filter(id__in=[id_ for id_, _source in found]).update(first_read_at=now)
        audit.record(
            "transfers:outbound:downloaded",
            institution_id=institution_id,
            by=by,
            now=now,
            detail={"files": [{"id": str(id_), "source": source} for id_, source in found]},
        )
    return len(found)


def _by_id(account: AccountRef, file_id: UUID) -> OutboundFile | None:
    with institution_scope(account.institution_id):
        return OutboundFile.objects.filter(account_id=account.id, id=file_id).first()


def _check_free(account: AccountRef, folder: str, name: str) -> None:
    there = OutboundFile.objects.filter(
        account_id=account.id, folder=folder, name=name, deleted_at__isnull=True
    )
    if there.exists():
        raise NameTakenError(
            _("A file “%(name)s” lies there already. Choose another name, or delete that one.")
            % {"name": name}
        )


def _keep(row: OutboundFile, account: AccountRef, by: audit.Actor, now: datetime) -> None:
    store, stored = blob_store(), stored_name(account.id, row.id)
    with institution_scope(account.institution_id):
        # From here on the sweep of stored content waits for us. If it came first and took the content for a stray,
        # there is nothing to list.
        TransferAccount.objects.select_for_update(no_key=True).get(id=account.id)
        if not store.exists(institution_id=account.institution_id, name=stored):
            raise FileMissingError(stored)
        row.save(force_insert=True)
        TransferEvent.objects.create(
            institution_id=account.institution_id,
            account_id=account.id,
            at=now,
            kind="delivered",
            path="/".join(filter(None, ["/outbound", row.folder, row.name]))[:300],
            size=row.size,
        )
        audit.record(
            "transfers:outbound:put",
            institution_id=account.institution_id,
            by=by,
            now=now,
            subject_type="outbound_file",
            subject_id=row.id,
            detail={"account": str(account.id), "source": row.source, "size": row.size},
        )


def _delete(institution_id: UUID, which: Q, by: audit.Actor, now: datetime) -> int:
    with institution_scope(institution_id):
        lying = OutboundFile.objects.filter(which, deleted_at__isnull=True).select_for_update().order_by("id")
        found = list(lying.values_list("account_id", "id"))
        if not found:
            return 0
        OutboundFile.objects.filter(id__in=[id_ for _account, id_ in found]).update(
            deleted_at=now, deleted_by=str(by)
        )
        audit.record(
            "transfers:outbound:deleted",
            institution_id=institution_id,
            by=by,
            now=now,
            subject_type="outbound_file" if len(found) == 1 else "",
            subject_id=found[0][1] if len(found) == 1 else None,
            detail={"files": len(found)},
        )
        names = [stored_name(account_id, id_) for account_id, id_ in found]
        # Robust: the rows say that the files are gone, and the sweep of stored files finishes what fails here.
        transaction.on_commit(
            partial(blob_store().delete_many, institution_id=institution_id, names=names), robust=True
        )
    return len(found)


class _Counted:
    """Passes blocks on and counts their bytes."""

    def __init__(self, content: Iterable[bytes]) -> None:
        self._content, self.size = content, 0

    def __iter__(self) -> Iterator[bytes]:
        for block in self._content:
            self.size += len(block)
            yield block
