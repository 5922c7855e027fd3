"""The writes of an inbound file's import, each of them once: it begins, and it ends.

In between, `rosters.actions.apply` commits by itself, and the results file is put into the outbound folder
(`transfers.importing` has the order of it all).
"""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.rosters import actions as rosters
from pratique.rosters.contents import StoredContent
from pratique.rosters.models import RosterImport
from pratique.transfers.models import InboundFile, InboundState, TransferAccount, TransferEvent
from pratique.transfers.outbound import stored_name


@dataclass(frozen=True)
class Ended:
    """How an import ended: `processed`, or `failed` and why. `gives_up`: what is not applied by now never will be."""

    state: InboundState
    reason: str = ""
    gives_up: bool = False


def begin(*, institution_id: UUID, file_id: UUID, now: datetime) -> RosterImport:
    """Make the roster import of a claimed file, ready to be applied; the one that is there if this is a repeat."""
    with institution_scope(institution_id):
        file, account = _locked(file_id)
        if file.roster_import_id:
            return RosterImport.objects.get(id=file.roster_import_id)
        by = audit.Actor("sftp", account.username)
        roster_import = rosters.receive(
            institution=file.institution,
            file_name=file.name,
            content=StoredContent(stored_name(account.id, file.id), file.size, file.sha256),
            source="sftp",
            by=by,
            now=now,
        )
        rosters.apply_unseen(roster_import=roster_import, by=by, now=now)
        file.roster_import, file.state = roster_import, InboundState.IMPORTING
        file.save(update_fields=["roster_import", "state"])
        return roster_import


def finish(*, institution_id: UUID, file_id: UUID, ended: Ended, now: datetime) -> bool:
    """Note how a file's import ended, and have the account's contact told; False if that was noted before."""
    with institution_scope(institution_id):
        file, account = _locked(file_id)
        if file.finished_at is not None:
            return False
        if ended.gives_up and file.roster_import_id:
            rosters.give_up(institution=file.institution, roster_import_id=file.roster_import_id, now=now)
        failed_at_claim = file.state == InboundState.FAILED
        file.state, file.reason, file.finished_at = ended.state, ended.reason, now
        file.save(update_fields=["state", "reason", "finished_at"])
        if not failed_at_claim:  # the claim has said so to the log and the trail
            _tell(file, account, now)
        enqueue("transfers.mail_result", institution_id=institution_id, queue="mail", file_id=str(file_id))
    return True


def _locked(file_id: UUID) -> tuple[InboundFile, TransferAccount]:
    """Return a file with its account and import; two workers that hold the same job wait for each other here."""
    file = InboundFile.objects.select_for_update(no_key=True, of=("self",)).get(id=file_id)
    return file, file.account


def _tell(file: InboundFile, account: TransferAccount, now: datetime) -> None:
    TransferEvent.objects.create(
        institution_id=file.institution_id,
        account=account,
        session=file.session,
        at=now,
        kind=file.state,
        path=f"/inbound/{file.name}"[:300],
        size=file.size,
        reason=file.reason,
    )
    audit.record(
        f"transfers:file:{file.state}",
        institution_id=file.institution_id,
        by=audit.Actor("sftp", account.username),
        now=now,
        subject_type="inbound_file",
        subject_id=file.id,
        detail={"account": str(account.id), "reason": file.reason},
    )
