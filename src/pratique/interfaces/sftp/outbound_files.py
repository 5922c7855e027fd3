"""/outbound of one session: listed by the database, read from the storage."""

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

from pratique.foundation import audit, clock, vault
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.vault import SealBrokenError
from pratique.interfaces.sftp.filesystem import Attributes, Entry, Open, SftpError, Status
from pratique.interfaces.sftp.session_log import SessionLog
from pratique.transfers.actions.outbound import delete
from pratique.transfers.outbound import OutboundListed, stored_name
from pratique.transfers.spool.spool import Download, Spool
from pratique.transfers.types import AccountRef

FOLDER = "/outbound"
RESULTS = "/outbound/results"
# Which folder of the database a folder that the client sees is.
FOLDERS = {FOLDER: "", RESULTS: "results"}
FILE_MODE = 0o100644
ONLY_TAKEN = "Files in /outbound can be read and deleted, nothing else. Uploads go to /inbound."
_SMALL = 64 * 1024  # a file of one chunk of the vault
_ABSENT = "There is no such file."
_UNREADABLE = "The stored file cannot be read. We have been told."

Key = tuple[str, str]  # the database's folder, and the name


class Reader(Protocol):
    """What reads a stored file in ranges (`BlobStore.reader`)."""

    @property
    def size(self) -> int: ...
    def read(self, offset: int, length: int) -> bytes: ...
    def close(self) -> None: ...


class Outbound:
    """The folders /outbound and /outbound/results as one session sees them."""

    def __init__(
        self,
        account: AccountRef,
        log: SessionLog,
        spool: Spool,
        listed: Callable[[], dict[Key, OutboundListed]],
        forget: Callable[[], None],
    ) -> None:
        self._account, self._log, self._spool = account, log, spool
        self._listed, self._forget = listed, forget

    def open(self, folder: str, name: str, flags: Open) -> "OutboundHandle":
        """Open a file for reading."""
        path = f"{folder}/{name}"
        if flags & ~Open.READ:
            raise self._log.refused(path, "read_only", ONLY_TAKEN)
        file = self._file(folder, name)
        if not vault.remembers_keys(self._account.institution_id, self._account.id):
            # For the files after this one: `opens_briefly`. An older key that is lost does not concern this file.
            with suppress(vault.VaultError):
                vault.remember_keys(self._account.institution_id, self._account.id)
        try:
            reader = blob_store().reader(
                institution_id=self._account.institution_id, name=stored_name(self._account.id, file.id)
            )
        except FileMissingError:
            self._forget()
            raise SftpError(Status.NO_SUCH_FILE, _ABSENT) from None
        except SealBrokenError as error:
            raise self._broken(path, error) from None
        try:
            return OutboundHandle(self, file, reader, path)
        except SealBrokenError as error:
            raise self._broken(path, error) from None

    def opens_briefly(self, file: OutboundListed | None) -> bool:
        """Say whether `open` reads one chunk from this machine's disk (`interfaces.sftp.filesystem.PromptFiles`)."""
        account = self._account
        return (
            file is not None
            and file.size <= _SMALL
            and blob_store().is_here
            and vault.remembers_keys(account.institution_id, account.id)
        )

    def attributes(self, folder: str, name: str) -> Attributes:
        """Answer STAT."""
        return attributes_of(self._file(folder, name))

    def set_attributes(self, folder: str, name: str) -> None:
        """Answer SETSTAT: nothing can be changed."""
        self._file(folder, name)
        raise SftpError(Status.PERMISSION_DENIED, ONLY_TAKEN)

    def listing(self, folder: str) -> list[Entry]:
        """Return the files of a folder."""
        wanted = FOLDERS[folder]
        return [
            Entry(name.encode(), attributes_of(file))
            for (within, name), file in self._listed().items()
            if within == wanted
        ]

    def remove(self, folder: str, name: str) -> None:
        """Delete a file that was taken."""
        file = self._file(folder, name)
        there = delete(file=file, by=audit.Actor("sftp", self._account.username), now=clock.now())
        self._forget()
        if not there:
            raise SftpError(Status.NO_SUCH_FILE, _ABSENT)
        self._log.event("removed", f"{folder}/{name}", file.size)

    def sent(self, count: int) -> None:
        """Count bytes."""
        self._log.counts.bytes_out += count

    def downloaded(self, file: OutboundListed, path: str) -> None:
        """Count and note a file that was read to its end."""
        self._log.counts.files_out += 1
        self._spool.downloads.append(Download(self._account, file.id))
        self._log.event("downloaded", path, file.size)

    def _broken(self, path: str, error: SealBrokenError) -> SftpError:
        self._log.stored_file_broken(error.name)
        return self._log.refused(path, "damaged", _UNREADABLE, Status.FAILURE)

    def broken(self, path: str, error: SealBrokenError) -> SftpError:
        """Return what to answer where a stored file is not what was put there."""
        return self._broken(path, error)

    def _file(self, folder: str, name: str) -> OutboundListed:
        file = self._listed().get((FOLDERS[folder], name))
        if file is None:
            raise SftpError(Status.NO_SUCH_FILE, _ABSENT)
        return file


class OutboundHandle:
    """A file that its client reads (`interfaces.sftp.filesystem.FileHandle`)."""

    def __init__(self, outbound: Outbound, file: OutboundListed, reader: Reader, path: str) -> None:
        self._outbound, self._file, self._reader, self._path = outbound, file, reader, path
        self._size = reader.size
        self._open, self._noted = True, False
        # One chunk, which the reader has opened already: its reads and its close need no thread, nor the file.
        self._whole: bytes | None = None
        if self._size <= _SMALL:
            self._whole = reader.read(0, self._size)
            reader.close()

    def read(self, offset: int, length: int) -> bytes:
        if self._whole is not None:
            data = self._whole[offset : offset + length]
        else:
            try:
                data = self._reader.read(offset, length) if offset < self._size else b""
            except SealBrokenError as error:
                raise self._outbound.broken(self._path, error) from None
        self._outbound.sent(len(data))
        if not self._noted and offset + len(data) >= self._size:
            self._noted = True
            self._outbound.downloaded(self._file, self._path)
        return data

    def write(self, offset: int, data: bytes | memoryview) -> None:
        raise SftpError(Status.PERMISSION_DENIED, ONLY_TAKEN)

    def attributes(self) -> Attributes:
        return attributes_of(self._file)

    def set_attributes(self, wanted: Attributes) -> None:
        raise SftpError(Status.PERMISSION_DENIED, ONLY_TAKEN)

    def sync(self) -> None:
        """There is nothing to put on the disk."""

    def close(self) -> None:
        if self._open:
            self._open = False
            if self._whole is None:
                self._reader.close()

    def abandon(self) -> None:
        self.close()

    # --- what needs memory only (`interfaces.sftp.filesystem.PromptHandle`) --------------------------------------

    def reads_at_once(self, offset: int, length: int) -> bool:
        return self._whole is not None or offset >= self._size

    def closes_at_once(self) -> bool:
        return self._whole is not None


def attributes_of(file: OutboundListed) -> Attributes:
    """Return what STAT says of a file."""
    created = int(file.created_at.timestamp())
    return Attributes(file.size, 0, 0, FILE_MODE, created, created)
