"""Claiming an upload: from the spool of one machine into the storage and the database, once.

    hash and store the content -> one transaction: lock the account, decide, note, ask for the import

The content is stored before the transaction, under the file's own id: a process that dies in between leaves content
without a row, which the sweep removes, or the next claim of the same upload overwrites with the same bytes.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.queue import enqueue
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import SealBrokenError
from pratique.institutions.models import Institution
from pratique.rosters.csvfile import MAX_BYTES
from pratique.transfers.actions.accounts import suspend
from pratique.transfers.decisions import AccountNow, Content, Decision, LastFile, decide_claim
from pratique.transfers.models import InboundFile, InboundState, SuspendedFor, TransferAccount, TransferEvent
from pratique.transfers.outbound import stored_name
from pratique.transfers.queries import later_id
from pratique.transfers.types import AccountRef, Upload

# Until then the spool is the truth about a file, and its row a mirror.
UNCLAIMED = (InboundState.INCOMPLETE, InboundState.WAITING, InboundState.REMOVED)
SUSPENDED = "The same file came twice in a row."
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class ClaimOutcome:
    """What became of an upload. `claimed_at` is the time in its new name (`transfers.queries.name_of`)."""

    state: InboundState
    reason: str = ""
    claimed_at: datetime | None = None

    @property
    def taken(self) -> bool:
        """Whether it has left the spool; if not, it stays there (`reason` says why) and may be claimed later."""
        return self.state not in UNCLAIMED


class ContentGoneError(Exception):
    """What was stored for a claim was swept before it had its row. Another try stores it anew."""


def claim(upload: Upload, content: Callable[[], Iterator[bytes]], now: datetime) -> ClaimOutcome:
    """Take over a complete upload that nobody writes to any more; call it outside any transaction.

    A repeat, after a crash or by another process, changes nothing and returns the first outcome. Claims of one account
    wait for each other. Raises what storage and database raise (no room, no key, no connection): the upload stays
    then, and a later try finds it as it is. Content that the spool cannot open is claimed as `failed`.
    """
    known = _known_outcome(upload)
    if known and known.taken and _is_other_content(upload, content):
        upload = replace(upload, file_id=later_id(upload.file_id, upload.received_at))
        known = _known_outcome(upload)
    if known:
        return known
    found = _take_in(upload, content)
    with institution_scope(upload.account.institution_id):
        account = _locked(upload.account)  # from here on the sweep waits for us
        if earlier := _claimed_before(upload):
            return earlier
        last = _last_file(account)
        decision = decide_claim(
            found,
            AccountNow(
                account.suspended_at is not None, account.closed_at is not None, _ignores_repeated(upload)
            ),
            LastFile(last.sha256, last.unanswered) if last else None,
        )
        if decision.state is InboundState.CLAIMED and not _is_stored(upload):
            raise ContentGoneError(str(upload.file_id))
        claimed_at = None if decision.is_left else _free_instant(account, now)
        _note(upload, found, decision, claimed_at)
        if not decision.is_left:
            _follow(upload, account, last, decision, now)
    if decision.state not in (InboundState.CLAIMED, InboundState.REPEATED):
        blob_store().delete(institution_id=upload.account.institution_id, name=_stored(upload))
    return ClaimOutcome(decision.state, decision.reason, claimed_at)


def note_unanswered(*, account: AccountRef, file_ids: Sequence[UUID], unanswered: bool = True) -> None:
    """Note afterwards that a client may not have heard that these uploads were taken (or that it has).

    For sessions that turn out to be dead only after the claim; what is not claimed yet carries it in its Upload.
    """
    with institution_scope(account.institution_id):
        InboundFile.objects.filter(account_id=account.id, id__in=file_ids).exclude(
            state__in=UNCLAIMED
        ).update(unanswered=unanswered)


def _known_outcome(upload: Upload) -> ClaimOutcome | None:
    """Return the outcome if there is one, or if the account is still kept out as it was when we last asked."""
    with institution_scope(upload.account.institution_id):
        if earlier := _claimed_before(upload):
            return earlier
        account = TransferAccount.objects.get(id=upload.account.id)
        if account.closed_at is not None:
            return ClaimOutcome(InboundState.WAITING, "account_closed")
        if account.suspended_at is None:
            return None
        # Known bytes need not be read again each time that the keeper looks: they cannot have become the last ones.
        left = InboundFile.objects.filter(id=upload.file_id, received_at=upload.received_at, sha256__gt="")
        return ClaimOutcome(InboundState.WAITING, "account_suspended") if left.exists() else None


def _is_other_content(upload: Upload, content: Callable[[], Iterator[bytes]]) -> bool:
    """Return whether an upload that was claimed has been written to since.

    The process that claimed it died before it took it out of the spool, and a client that does not truncate (scp)
    was quicker than the next one: it was told that its file is complete, and that file was not the one claimed.
    """
    with institution_scope(upload.account.institution_id):
        row = InboundFile.objects.get(id=upload.file_id)
    if row.received_at == upload.received_at:
        return False
    digest = hashlib.sha256()
    try:
        for block in content():
            digest.update(block)
    except SealBrokenError:
        return False
    return digest.hexdigest() != row.sha256


def _claimed_before(upload: Upload) -> ClaimOutcome | None:
    row = InboundFile.objects.filter(id=upload.file_id).exclude(state__in=UNCLAIMED).first()
    if row is None:
        return None
    if row.claimed_at and row.state in (InboundState.IMPORTING, InboundState.PROCESSED):
        return ClaimOutcome(InboundState.CLAIMED, "", row.claimed_at)
    return ClaimOutcome(InboundState(row.state), row.reason, row.claimed_at)


def _take_in(upload: Upload, content: Callable[[], Iterator[bytes]]) -> Content:
    """Hash the content, and store it where it may be imported."""
    digest, too_large = hashlib.sha256(), upload.size > MAX_BYTES

    def hashed(blocks: Iterable[bytes]) -> Iterator[bytes]:
        for block in blocks:
            digest.update(block)
            yield block

    try:
        if too_large:
            for _block in hashed(content()):
                pass
        elif upload.size:
            blob_store().put(
                institution_id=upload.account.institution_id, name=_stored(upload), content=hashed(content())
            )
    except SealBrokenError:
        return Content(upload.size, "", upload.unanswered, damaged=True)
    return Content(upload.size, digest.hexdigest(), upload.unanswered, too_large=too_large)


def _stored(upload: Upload) -> str:
    return stored_name(upload.account.id, upload.file_id)


def _is_stored(upload: Upload) -> bool:
    return blob_store().exists(institution_id=upload.account.institution_id, name=_stored(upload))


def _locked(account: AccountRef) -> TransferAccount:
    return TransferAccount.objects.select_for_update(no_key=True).get(id=account.id)


def _last_file(account: TransferAccount) -> InboundFile | None:
    return InboundFile.objects.filter(id=account.last_claimed).first() if account.last_claimed else None


def _ignores_repeated(upload: Upload) -> bool:
    wanted = Institution.objects.values_list("repeated_file", flat=True).get(id=upload.account.institution_id)
    return wanted == "ignore"


def _free_instant(account: TransferAccount, now: datetime) -> datetime:
    """Return `now`, or the first microsecond after it that is in no other name of the account."""
    taken = InboundFile.objects.filter(account=account, claimed_at__gte=now).order_by("claimed_at")
    instant = now
    for one in taken.values_list("claimed_at", flat=True).iterator(chunk_size=100):
        if one != instant:
            break
        instant += _MICROSECOND
    return instant


def _note(upload: Upload, found: Content, decision: Decision, claimed_at: datetime | None) -> None:
    InboundFile.objects.update_or_create(
        id=upload.file_id,
        institution_id=upload.account.institution_id,
        defaults={
            "account_id": upload.account.id, "name": upload.name, "size": upload.size, "state": decision.state,
            "reason": decision.reason, "sha256": found.sha256, "unanswered": upload.unanswered,
            "session": upload.session, "received_at": upload.received_at, "claimed_at": claimed_at,
            "finished_at": claimed_at if decision.state in _SETTLED else None,
        },
    )  # fmt: skip


# Nothing more happens to these. One that failed here still gets its results file.
_SETTLED = (InboundState.REPEATED, InboundState.IGNORED)


def _follow(
    upload: Upload, account: TransferAccount, last: InboundFile | None, decision: Decision, now: datetime
) -> None:
    """Do to the account what follows from the decision, and say so to the log and the trail."""
    by = audit.Actor("sftp", account.username)
    if decision.becomes_last:
        account.last_claimed = upload.file_id
        account.save(update_fields=["last_claimed"])
    if decision.retry_is_over and last is not None:
        InboundFile.objects.filter(id=last.id).update(unanswered=False)
    TransferEvent.objects.create(
        institution_id=account.institution_id,
        account=account,
        session=upload.session,
        at=now,
        kind=decision.state,
        path=f"/inbound/{upload.name}"[:300],
        size=upload.size,
        reason=decision.reason,
    )
    _record(f"file:{decision.state}", upload, by, now, {"reason": decision.reason, "size": upload.size})
    if decision.suspends:
        suspend(
            account=account, reason=SUSPENDED, by=audit.SYSTEM, now=now, because=SuspendedFor.REPEATED_FILE
        )
        enqueue(
            "transfers.mail_suspension",
            institution_id=account.institution_id,
            queue="mail",
            file_id=str(upload.file_id),
        )
    if decision.state in (InboundState.CLAIMED, InboundState.FAILED):
        enqueue(
            "transfers.import_file",
            institution_id=account.institution_id,
            lock=f"roster:{account.institution_id}",
            file_id=str(upload.file_id),
        )


def _record(verb: str, upload: Upload, by: audit.Actor, now: datetime, detail: dict[str, Any]) -> None:
    audit.record(
        f"transfers:{verb}",
        institution_id=upload.account.institution_id,
        by=by,
        now=now,
        subject_type="inbound_file",
        subject_id=upload.file_id,
        detail={"account": str(upload.account.id), **detail},
    )
