"""What the parts of file transfer say to each other, and every code with its sentence for people."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

Words = Mapping[str, str | Promise]

# Why an inbound file is where it is (InboundFile.reason, TransferEvent.reason).
REASONS: Words = {
    "settling": _("It is complete; processing begins in a few seconds."),
    "not_csv": _("Only names that end in .csv are processed. Rename it."),
    "temporary_name": _("The name is that of an upload under way. Rename it to its final name."),
    "hidden_name": _("Names that begin with a dot are not processed. Rename it."),
    "size_differs": _("The client announced another size than it sent. Upload the file again."),
    "hole": _("A part in the middle of the file never came. Upload the file again."),
    "connection_lost": _("The connection ended before the file was closed. Resume the upload, or send it again."),
    "empty": _("The file has no bytes. Nothing was processed."),
    "same_as_last": _("It has the same bytes as the file that was processed last."),
    "retry": _("The same upload came again because its first answer may not have arrived. It was processed once."),
    "refused_file": _("The file as a whole was refused. The results file says why."),
    "damaged": _("The stored file cannot be read. Upload it again."),
    "too_large": _("The file is larger than a roster may be."),
    "disk_full": _("There was no room to store it. Try again later."),
    "account_suspended": _("The account is suspended. The file waits until an administrator lifts that."),
    "account_closed": _("The account is closed."),
    "busy": _("Another session was uploading the same name at that moment."),
    "taken": _("It was taken for processing, so it cannot be changed any more."),
    "read_refused": _("Files in /inbound cannot be read back."),
    "read_only": _("Files in /outbound can be read and deleted, nothing else. Uploads go to /inbound."),
    "name_refused": _(
        "Uploads go into /inbound itself, under a name of at most 255 bytes without control characters."
    ),
    "failed_here": _("Something went wrong on our side, and nothing of it was stored. We have been told."),
}  # fmt: skip

# Why a session was refused (TransferSession.refused).
REFUSALS: Words = {
    "key_unknown": _("The key that the client offered is not one of this account."),
    "key_revoked": _("The key that the client offered was revoked."),
    "key_too_short": _("The RSA key has fewer than 2048 bits."),
    "key_type": _("Keys of this type are not accepted."),
    "signature_sha1": _("The client signed with ssh-rsa (SHA-1), which is not safe. Upgrade the client."),
    "signature_wrong": _("The client does not hold the private key that belongs to the public key."),
    "too_many_keys": _("The client offered too many keys. Let it offer one (IdentitiesOnly yes)."),
    "suspended": _("The account is suspended."),
    "closed": _("The account is closed."),
    "network": _("The account may not come from this address."),
    "too_many_sessions": _("The account has as many sessions as it may have."),
}  # fmt: skip

# Why a session ended (TransferSession.end).
ENDS: Words = {
    "client": _("The client ended it."),
    "lost": _("The connection broke."),
    "idle": _("Nothing came for a long time."),
    "revoked": _("Its key was revoked."),
    "suspended": _("The account was suspended."),
    "closed": _("The account was closed."),
    "protocol": _("The client sent what is no SFTP."),
    "restart": _("The service was restarted."),
    "unknown": _("The service stopped without a word."),
}  # fmt: skip

# What happened to a file (TransferEvent.kind).
EVENTS: Words = {
    "uploaded": _("Uploaded"),
    "interrupted": _("Upload interrupted"),
    "resumed": _("Upload resumed"),
    "renamed": _("Renamed"),
    "removed": _("Removed by the account"),
    "claimed": _("Taken for processing"),
    "processed": _("Processed"),
    "failed": _("Failed"),
    "repeated": _("Left unprocessed: same as the last file"),
    "ignored": _("Ignored: same as the last file"),
    "delivered": _("Put into the outbound folder"),
    "downloaded": _("Downloaded"),
    "refused": _("Refused"),
}


@dataclass(frozen=True)
class LoginKey:
    """A key that may sign in: as SSH writes it on the wire, and how it is named in logs."""

    id: UUID
    public_data: bytes
    fingerprint: str
    revoked: bool


@dataclass(frozen=True)
class Login:
    """What the SFTP server must know of an account before it lets somebody in."""

    account_id: UUID
    institution_id: UUID
    username: str
    suspended_for: str  # empty: not suspended
    closed: bool
    networks: Sequence[str]
    most_sessions: int
    keys: Sequence[LoginKey]


@dataclass(frozen=True)
class AccountRef:
    """An account as files know it."""

    institution_id: UUID
    id: UUID
    username: str


@dataclass(frozen=True)
class FileEvent:
    """A line of the per-file log, before it is stored."""

    account: AccountRef
    kind: str
    at: datetime
    session: UUID | None = None
    path: str = ""
    size: int = 0
    reason: str = ""


@dataclass
class SessionCounts:
    """What a session has moved so far."""

    files_in: int = 0
    bytes_in: int = 0
    files_out: int = 0
    bytes_out: int = 0


@dataclass(frozen=True)
class Upload:
    """A complete upload as the spool hands it over to be claimed. The content is read from the spool itself."""

    account: AccountRef
    file_id: UUID
    name: str
    size: int
    received_at: datetime
    session: UUID | None
    # The client may not have heard that the upload was taken (the connection or we died before or with the answer).
    unanswered: bool = False
