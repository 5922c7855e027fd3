"""Uploads as the spool hands them over, and the life of a file with a worker's steps done by hand."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from uuid import UUID

from pratique.foundation import clock
from pratique.foundation.ids import new_id
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.transfers import importing, mails, queries
from pratique.transfers.actions.claiming import ClaimOutcome, claim
from pratique.transfers.models import InboundFile, OutboundFile, TransferAccount, TransferEvent
from pratique.transfers.outbound import stored_name
from pratique.transfers.types import AccountRef, Upload
from tests.schools import HEADER

ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,,,0"


def a_roster(*rows: str) -> bytes:
    return "\r\n".join([HEADER, *rows, ""]).encode()


def an_upload(
    account: AccountRef, content: bytes, *, name: str = "students.csv", unanswered: bool = False
) -> Upload:
    return Upload(
        account=account, file_id=new_id(), name=name, size=len(content), received_at=clock.now() - timedelta(seconds=3),
        session=None, unanswered=unanswered,
    )  # fmt: skip


def in_blocks(content: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([content[: len(content) // 2], content[len(content) // 2 :]])


def claimed(
    account: AccountRef, content: bytes, *, name: str = "students.csv", unanswered: bool = False
) -> tuple[Upload, ClaimOutcome]:
    """Claim a new upload of this content."""
    upload = an_upload(account, content, name=name, unanswered=unanswered)
    return upload, claim(upload, in_blocks(content), clock.now())


def brought(account: AccountRef, content: bytes, *, name: str = "students.csv") -> Upload:
    """Bring a file through its whole life, mail included."""
    upload, _outcome = claimed(account, content, name=name)
    importing.import_file(account.institution_id, upload.file_id, is_last_try=False)
    mails.send_result(account.institution_id, upload.file_id)
    return upload


def row_of(upload: Upload) -> InboundFile:
    with institution_scope(upload.account.institution_id):
        return InboundFile.objects.select_related("roster_import", "account").get(id=upload.file_id)


def account_of(account: AccountRef) -> TransferAccount:
    with institution_scope(account.institution_id):
        return TransferAccount.objects.get(id=account.id)


def results_of(account: AccountRef) -> dict[str, str]:
    """The results files that lie there, by name."""
    with institution_scope(account.institution_id):
        files = list(OutboundFile.objects.filter(account_id=account.id, folder="results", deleted_at=None))
    return {
        file.name: blob_store()
        .get(institution_id=account.institution_id, name=stored_name(account.id, file.id))
        .decode()
        for file in files
    }


def events_of(account: AccountRef) -> list[tuple[str, str]]:
    with institution_scope(account.institution_id):
        found = TransferEvent.objects.filter(account_id=account.id).order_by("at", "id")
        return list(found.values_list("kind", "reason"))


def listed(account: AccountRef) -> list[str]:
    return [file.name for file in queries.listed_inbound(account.institution_id, account.id)]


def stored(account: AccountRef) -> set[UUID]:
    """The ids of the files of an account whose content is stored."""
    prefix = f"account-{account.id}/"
    names = blob_store().names(institution_id=account.institution_id, prefix=prefix)
    return {UUID(name.removeprefix(prefix)) for name in names}
