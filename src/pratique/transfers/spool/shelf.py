"""Where the uploads of one account lie: found by a hash of their name, locked, read, and finished after a death."""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pratique.foundation.ids import new_id
from pratique.foundation.vault import SealBrokenError
from pratique.foundation.vault.keys import key_of, newest_key
from pratique.transfers.policies import TOMBSTONE_SECONDS
from pratique.transfers.spool.errors import NoSuchUploadError, UnreadableError, UploadBusyError
from pratique.transfers.spool.header import (
    HEADER_BYTES,
    Facts,
    Start,
    State,
    file_cipher,
    new_start,
    open_facts,
    read_start,
    seal_facts,
)
from pratique.transfers.spool.sealed import SealedFile
from pratique.transfers.spool.spool import MICROSECONDS, Change, Place, Spool
from pratique.transfers.types import AccountRef

UPLOAD = ".up"
TOMBSTONE = ".done"
TRIES = 20
# A claim of a large file takes about a second; who comes in that moment waits for its end.
_CLAIM_PATIENCE = 3.0
UNREADABLE = "What is stored under this name cannot be read. Remove it and upload it again."


@dataclass
class Held:
    """An upload whose lock we hold."""

    fd: int
    path: Path
    content: SealedFile


class Shelf:
    """The folder of one account on the disk. What its methods raise are SpoolErrors, in words for the client."""

    def __init__(self, spool: Spool, account: AccountRef) -> None:
        self._spool, self.account = spool, account
        self._place: Place | None = None
        self._owner = account.institution_id.bytes + account.id.bytes

    def path_of(self, name: str) -> Path:
        """Return where the upload of this name lies."""
        return self._path(name)

    def paths(self, suffix: str = UPLOAD) -> list[Path]:
        """Return where uploads (or tombstones) lie."""
        try:
            return [Path(entry.path) for entry in os.scandir(self._folder()) if entry.name.endswith(suffix)]
        except FileNotFoundError:
            return []

    @contextmanager
    def held(self, name: str, *, readable: bool = True) -> Iterator[Held]:
        """Hold the lock of an upload. Raises NoSuchUploadError, UploadBusyError, and UnreadableError if `readable`."""
        path = self._path(name)
        with self.held_at(path, name, patient=True) as fd:
            content = self._readable(fd, path) if readable else self._read(fd, path)
            if not self.settled(fd, path, content):
                raise NoSuchUploadError("There is no such file.")
            if readable and content.facts.state is State.OPEN:
                content.recover()  # its process died
            yield Held(fd, path, content)

    @contextmanager
    def held_at(self, path: Path, name: str, *, patient: bool) -> Iterator[int]:
        """Hold the lock of whatever upload lies there."""
        for _attempt in range(TRIES):
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NoSuchUploadError("There is no such file.") from None
            try:
                if not self._locked(fd, name, patient=patient):
                    raise UploadBusyError(f"Another session is uploading {name} at the moment.")
                if is_there(fd, path):
                    yield fd
                    return
            finally:
                os.close(fd)
        raise UploadBusyError(f"{name} keeps changing at the moment. Try again.")

    def read_at(self, fd: int, path: Path) -> SealedFile:
        """Return the upload behind a descriptor. Raises SealBrokenError."""
        return self._read(fd, path)

    def settled(self, fd: int, path: Path, content: SealedFile) -> bool:
        """Finish a rename whose process died in the middle; return whether the upload lies at `path` after that."""
        if not content.facts.moved_from:
            return True
        self._finish_move(fd, path, content)
        return is_there(fd, path)

    def recovered(self, path: Path) -> Facts:
        """Return how an upload stands, after finding out how much came of it if its process died.

        Raises UploadBusyError if somebody writes to it, NoSuchUploadError, SealBrokenError.
        """
        with self.held_at(path, "The file", patient=False) as fd:
            content = self._read(fd, path)
            if content.facts.state is State.OPEN:
                content.recover()
            self.settled(fd, path, content)
            return content.facts

    # --- within --------------------------------------------------------------------------------------------------

    def _folder(self) -> Path:
        if self._place is None:
            self._place = self._spool.place(self.account)
        return self._place.path

    def _path(self, name: str) -> Path:
        digest = blake2b(name.encode(), digest_size=20, key=self.account.id.bytes).hexdigest()
        return self._folder() / f"{digest}{UPLOAD}"

    def _label(self, path: Path) -> str:
        return f"spool/{self.account.id}/{path.name}"

    def _read(self, fd: int, path: Path) -> SealedFile:
        block = os.pread(fd, HEADER_BYTES, 0)
        label = self._label(path)
        start = read_start(block, label)
        key = key_of(self.account.institution_id, self.account.id, start.key_version, name=label).key
        cipher = file_cipher(key, start)
        facts = open_facts(block, start, cipher, self._owner, label)
        if path.suffix == UPLOAD and path not in (self._path(facts.name), self._path(facts.moved_from)):
            raise SealBrokenError(label, "it lies under another file's name")
        return SealedFile(fd, start, cipher, self._owner, facts, label)

    def _readable(self, fd: int, path: Path) -> SealedFile:
        try:
            return self._read(fd, path)
        except SealBrokenError:
            raise UnreadableError(UNREADABLE) from None

    def _locked(self, fd: int, name: str, *, patient: bool) -> bool:
        """Take the lock. A complete upload that is locked is being claimed, which is over soon."""
        until = time.monotonic() + _CLAIM_PATIENCE
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not patient or time.monotonic() > until or not self._is_complete(fd, name):
                    return False
                time.sleep(0.02)
            else:
                return True

    def _is_complete(self, fd: int, name: str) -> bool:
        with suppress(SealBrokenError):
            facts = self._read(fd, self._path(name)).facts
            return facts.state in (State.COMPLETE, State.GONE) and facts.file_id not in self._spool.open_here
        return False

    def _finish_move(self, fd: int, path: Path, content: SealedFile) -> None:
        """Finish what a process that died in the middle of a rename left, or undo it."""
        facts = content.facts
        target, source = self._path(facts.name), self._path(facts.moved_from)
        if path == source:
            try:
                os.link(source, target)
            except FileExistsError:
                if not is_there(fd, target):  # another upload has the name meanwhile
                    content.save(name=facts.moved_from, moved_from="")
                    return
        if is_there(fd, source):
            source.unlink()
        content.save(moved_from="")

    def _tombstone(self, path: Path) -> Facts | None:
        gone = path.with_suffix(TOMBSTONE)
        try:
            fd = os.open(gone, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            with suppress(SealBrokenError):
                facts = self._read(fd, gone).facts
                if self._spool.now() - facts.changed_at < TOMBSTONE_SECONDS * MICROSECONDS:
                    return replace(facts, state=State.GONE)  # its process may have died before it wrote so
        finally:
            os.close(fd)
        return None

    def _new_start(self, file_id: UUID) -> tuple[Start, AESGCM]:
        version, key = newest_key(self.account.institution_id, self.account.id)
        start = new_start(version, file_id)
        return start, file_cipher(key, start)

    def _write_tombstone(self, path: Path, facts: Facts) -> None:
        start, cipher = self._new_start(facts.file_id)
        block = seal_facts(start, cipher, self._owner, facts)
        beside = path.with_name(f".{new_id()}.part")
        beside.write_bytes(block)
        beside.replace(path.with_suffix(TOMBSTONE))

    def _tell(self, facts: Facts, *, removed: bool = False) -> None:
        if removed:
            self._spool.unheard.pop(facts.file_id, None)
        self._spool.changes.append(Change(self.account, facts, removed))


def is_there(fd: int, path: Path) -> bool:
    """Return whether an open file still lies at `path`: it may have been removed, renamed or claimed meanwhile."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False
