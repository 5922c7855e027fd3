"""What one session of an account can reach: the virtual root with /inbound and /outbound."""

from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from pratique.interfaces.sftp.filesystem import Attributes, Entry, FileHandle, Open
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import AccountRef, FileEvent, SessionCounts


class FileLog(Protocol):
    """Where events of files go (`interfaces.sftp.journal.Journal`): never blocks, never raises."""

    def file(self, event: FileEvent) -> None: ...


class AccountFiles:
    """The FileSystem (`interfaces.sftp.filesystem`) of one session. `spool` is the process's one."""

    def __init__(
        self, account: AccountRef, session_id: UUID, journal: FileLog, counts: SessionCounts, spool: Spool
    ) -> None:
        raise NotImplementedError

    def open(self, path: bytes, flags: Open, wanted: Attributes) -> FileHandle:
        raise NotImplementedError

    def attributes(self, path: bytes) -> Attributes:
        raise NotImplementedError

    def set_attributes(self, path: bytes, wanted: Attributes) -> None:
        raise NotImplementedError

    def listing(self, path: bytes) -> Sequence[Entry]:
        raise NotImplementedError

    def remove(self, path: bytes) -> None:
        raise NotImplementedError

    def rename(self, old: bytes, new: bytes, *, overwrite: bool) -> None:
        raise NotImplementedError

    def real_path(self, path: bytes) -> bytes:
        raise NotImplementedError

    def heard(self) -> None:
        raise NotImplementedError

    def ended(self) -> None:
        raise NotImplementedError
