"""The uploads of one account: opened, listed, renamed, removed, by several sessions and processes at once.

An upload lies under a hash of its visible name, so that one name is one file, and making it is atomic. Whoever
writes to it, renames, removes or claims it holds its lock. A claimed file leaves a tombstone for ten minutes.
"""

import errno
import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from hashlib import blake2b
from pathlib import Path
from uuid import UUID

import structlog

from pratique.foundation.ids import new_id
from pratique.foundation.vault import SealBrokenError
from pratique.foundation.vault.keys import key_of, newest_key
from pratique.transfers.policies import MOST_BYTES_OF_ACCOUNT, MOST_FILES, TOMBSTONE_SECONDS
from pratique.transfers.spool.errors import (
    NoSuchUploadError,
    SpoolFullError,
    UnreadableError,
    UploadBusyError,
    UploadExistsError,
)
from pratique.transfers.spool.header import (
    HEADER_BYTES,
    NONCE,
    TAG,
    Facts,
    State,
    file_cipher,
    new_start,
    open_facts,
    read_start,
    seal_facts,
)
from pratique.transfers.spool.sealed import SealedFile
from pratique.transfers.spool.spool import MICROSECONDS, Change, Place, Spool
from pratique.transfers.spool.upload import Upload
from pratique.transfers.types import AccountRef

UPLOAD = ".up"
TOMBSTONE = ".done"
# A claim of a large file takes about a second; who comes in that moment waits for its end.
_CLAIM_PATIENCE = 3.0
_TRIES = 20
# How long the count of an account's files may lag behind what other processes make.
_COUNT_SECONDS = 5.0
_COUNT_BYTES = 64 * 1024 * 1024
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
_UNREADABLE = "What is stored under this name cannot be read. Remove it and upload it again."


log = structlog.get_logger(__name__)


@dataclass
class Held:
    """An upload whose lock we hold."""

    fd: int
    path: Path
    content: SealedFile


class Folder:
    """The uploads of one account. Made for each session; several may be used at once."""

    def __init__(self, spool: Spool, account: AccountRef) -> None:
        self._spool, self.account = spool, account
        self._place: Place | None = None
        self._owner = account.institution_id.bytes + account.id.bytes
        self._counted = float("-inf")
        self._files = self._bytes = self._uncounted = 0
        self._unreadable: set[str] = set()
        self._seen: dict[str, tuple[tuple[int, int, int], Facts]] = {}

    # --- uploading -----------------------------------------------------------------------------------------------

    def open(
        self,
        name: str,
        *,
        session: UUID,
        create: bool,
        exclusive: bool,
        truncate: bool,
        announced: int | None,
    ) -> Upload:
        """Open an upload for writing. Raises SpoolError, in words for the client."""
        path = self._path(name)
        for _attempt in range(_TRIES):
            fd, made = self._opened(path, create, exclusive)
            try:
                content = self._begun(fd, path, name, made, truncate)
            except BaseException:
                os.close(fd)
                raise
            if content is not None:
                return self._handle(fd, content, session, announced)
            os.close(fd)
        raise UploadBusyError(f"{name} keeps changing at the moment. Try again.")

    def _opened(self, path: Path, create: bool, exclusive: bool) -> tuple[int, bool]:
        if create:
            self._check_room()
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                if exclusive:
                    raise UploadExistsError("There is a file of this name already.") from None
            except OSError as error:
                raise _no_room(error) from None
            else:
                self._files += 1
                return fd, True
        try:
            return os.open(path, os.O_RDWR | os.O_CLOEXEC), False
        except FileNotFoundError:
            if create:  # it vanished in this instant
                return self._opened(path, create, exclusive)
            raise NoSuchUploadError("There is no such file.") from None

    def _begun(self, fd: int, path: Path, name: str, made: bool, truncate: bool) -> SealedFile | None:
        """Return the content, locked; None if the file is not the one of this name any more."""
        if not self._locked(fd, name, patient=not made):
            raise UploadBusyError(f"Another session is uploading {name} at the moment.")
        if made:
            return self._fresh(fd, path, name)
        if not _is_there(fd, path):
            return None
        empty = not os.fstat(fd).st_size  # its maker died before the first byte
        if truncate or empty:
            with suppress(SealBrokenError):
                if not empty:
                    self._tell(self._read(fd, path).facts, removed=True)
            os.ftruncate(fd, 0)
            return self._fresh(fd, path, name)
        content = self._readable(fd, path)
        if content.facts.name != name:
            raise UnreadableError(
                "The stored file is not the one of this name. Remove it and upload it again."
            )
        if content.facts.state is State.OPEN:
            content.recover()
        return content

    def _fresh(self, fd: int, path: Path, name: str) -> SealedFile:
        now = self._spool.now()
        version, key = newest_key(self.account.institution_id, self.account.id)
        start = new_start(version, new_id())
        facts = Facts(name, State.OPEN, now, now, server=self._spool.server, file_id=start.file_id)
        content = SealedFile(fd, start, file_cipher(key, start), self._owner, facts, self._label(path))
        try:
            content.save()
        except SpoolFullError:
            path.unlink(missing_ok=True)
            raise
        return content

    def _handle(self, fd: int, content: SealedFile, session: UUID, announced: int | None) -> Upload:
        resumed = content.facts.state is State.INCOMPLETE
        upload = Upload(
            fd,
            content,
            session=session,
            server=self._spool.server,
            resumed=resumed,
            now=self._spool.now,
            room=self._has_room,
            done=self._done,
        )
        if announced is not None:
            upload.announced = announced
        self._spool.open_here[upload.file_id] = upload
        return upload

    def _done(self, upload: Upload, facts: Facts) -> None:
        self._spool.open_here.pop(upload.file_id, None)
        self._tell(facts)

    # --- looking -------------------------------------------------------------------------------------------------

    def facts(self, name: str) -> Facts | None:
        """Return how the upload of this name stands (State.GONE: it was claimed a moment ago), or None."""
        path = self._path(name)
        try:
            return self._look(path)
        except FileNotFoundError:
            return self._tombstone(path)
        except SealBrokenError:
            raise UnreadableError(_UNREADABLE) from None

    def listing(self) -> list[Facts]:
        """Return all uploads that can be read; of those that somebody writes to, what is there by now."""
        found, seen = [], {}
        for entry in os.scandir(self._folder()):
            if not entry.name.endswith(UPLOAD):
                continue
            with suppress(FileNotFoundError), self._named_once():
                stat = entry.stat(follow_symlinks=False)
                version = (stat.st_ino, stat.st_mtime_ns, stat.st_size)
                known = self._seen.get(entry.name)
                if known is None or known[0] != version or known[1].state is State.OPEN:
                    facts = self._look(Path(entry.path))
                    if facts is None:
                        continue
                    known = (version, facts)
                # A file that changed a moment ago may change again within the clock's tick.
                if time.time_ns() - stat.st_mtime_ns > MICROSECONDS * 1000:
                    seen[entry.name] = known
                found.append(known[1])
        self._seen = seen
        return found

    @contextmanager
    def _named_once(self) -> Iterator[None]:
        """Go on after an upload that cannot be read, and tell the log which."""
        try:
            yield
        except SealBrokenError as error:
            if error.name not in self._unreadable:
                self._unreadable.add(error.name)
                log.error("spool_upload_unreadable", account=self.account.username, file=error.name)

    def _look(self, path: Path) -> Facts | None:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            length = os.fstat(fd).st_size
            if not length:
                return None
            facts = self._read(fd, path).facts
        finally:
            os.close(fd)
        if facts.state is not State.OPEN and not facts.moved_from:
            return facts
        here = self._spool.open_here.get(facts.file_id)
        if isinstance(here, Upload):
            return here.facts
        try:
            return self.recovered(path)
        except UploadBusyError:
            return replace(facts, size=_size_by_length(length))
        except NoSuchUploadError:
            return None

    def recovered(self, path: Path) -> Facts:
        """Return how an upload stands, after finding out how much came of it if its process died.

        Raises UploadBusyError if somebody writes to it, NoSuchUploadError, SealBrokenError.
        """
        with self.held_at(path, "The file", patient=False) as fd:
            content = self._read(fd, path)
            if content.facts.state is State.OPEN:
                content.recover()
            if content.facts.moved_from:
                self._finish_move(fd, path, content)
            return content.facts

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
                    return facts
        finally:
            os.close(fd)
        return None

    # --- changing ------------------------------------------------------------------------------------------------

    def set_times(self, name: str, accessed: int | None, modified: int | None) -> bool:
        """Keep the times that a client sets by name; return whether there is such a file (or its tombstone)."""
        path = self._path(name)
        with suppress(NoSuchUploadError, UploadBusyError), self.held(name) as held:
            known = held.content.facts
            held.content.save(
                accessed=known.accessed if accessed is None else accessed,
                modified=known.modified if modified is None else modified,
                changed_at=self._spool.now(),
            )
            self._tell(held.content.facts)
            return True
        if path.exists():
            facts = self._look(path)
            here = self._spool.open_here.get(facts.file_id) if facts else None
            if isinstance(here, Upload):
                here.set_times(accessed, modified)
            return True
        gone = self._tombstone(path)
        if gone is None:
            return False
        with suppress(FileNotFoundError):
            self._write_tombstone(path, replace(gone, accessed=accessed, modified=modified))
        return True

    def resize(self, name: str, size: int, *, session: UUID) -> None:
        """Do what a SETSTAT of a size by name asks. Raises SpoolError."""
        upload = self.open(
            name, session=session, create=False, exclusive=False, truncate=False, announced=None
        )
        try:
            upload.resize(size)
        except BaseException:
            upload.abandon()
            raise
        upload.close()

    def remove(self, name: str) -> Facts | None:
        """Remove an upload, or a claimed one's tombstone (None: that). Raises SpoolError."""
        path = self._path(name)
        try:
            with self.held(name, readable=False) as held:
                facts = held.content.facts
                path.unlink()
                self._tell(facts, removed=True)
                return facts
        except SealBrokenError:
            path.unlink(missing_ok=True)
            return None
        except NoSuchUploadError:
            if self._tombstone(path) is None:
                raise
            path.with_suffix(TOMBSTONE).unlink(missing_ok=True)
            return None

    def rename(self, old: str, new: str, *, overwrite: bool, session: UUID) -> Facts:
        """Rename an upload. Raises SpoolError."""
        target = self._path(new)
        with self.held(old) as held:
            if old == new:
                return held.content.facts
            if target.exists():
                if not overwrite:
                    raise UploadExistsError(f"There is a file {new} already.")
                with suppress(NoSuchUploadError):
                    self.remove(new)
            now = self._spool.now()
            held.content.save(
                name=new, moved_from=old, received_at=now, changed_at=now, session=session,
                server=self._spool.server, heard=False,
            )  # fmt: skip
            try:
                os.link(held.path, target)
            except FileExistsError:
                held.content.save(name=old, moved_from="")
                raise UploadExistsError(f"There is a file {new} already.") from None
            held.path.unlink()
            held.content.save(moved_from="")
            self._tell(held.content.facts)
            return held.content.facts

    @contextmanager
    def held(self, name: str, *, readable: bool = True) -> Iterator[Held]:
        """Hold the lock of an upload. Raises NoSuchUploadError, UploadBusyError, and UnreadableError if `readable`."""
        path = self._path(name)
        with self.held_at(path, name, patient=True) as fd:
            content = self._readable(fd, path) if readable else self._read(fd, path)
            if readable and content.facts.state is State.OPEN:
                content.recover()  # its process died
            yield Held(fd, path, content)

    @contextmanager
    def held_at(self, path: Path, name: str, *, patient: bool) -> Iterator[int]:
        """Hold the lock of whatever upload lies there."""
        for _attempt in range(_TRIES):
            try:
                fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
            except FileNotFoundError:
                raise NoSuchUploadError("There is no such file.") from None
            try:
                if not self._locked(fd, name, patient=patient):
                    raise UploadBusyError(f"Another session is uploading {name} at the moment.")
                if _is_there(fd, path):
                    yield fd
                    return
            finally:
                os.close(fd)
        raise UploadBusyError(f"{name} keeps changing at the moment. Try again.")

    # --- for the keeper ------------------------------------------------------------------------------------------

    def bury(self, path: Path, facts: Facts) -> None:
        """Put the tombstone of a claimed upload, whose lock we hold, in its place."""
        self._write_tombstone(path, replace(facts, state=State.GONE, changed_at=self._spool.now()))
        path.unlink(missing_ok=True)

    def drop(self, facts: Facts) -> None:
        """Remove an upload that was kept long enough, if it has not changed since `facts`. Raises SpoolError."""
        with self.held(facts.name) as held:
            if held.content.facts == facts:  # nothing happened meanwhile
                held.path.unlink()
                self._tell(facts, removed=True)

    def drop_empty(self, path: Path) -> None:
        """Remove an upload whose maker died before its first byte. Raises SpoolError."""
        with self.held_at(path, "The file", patient=False) as fd:
            if not os.fstat(fd).st_size:
                path.unlink()

    def note_heard(self, facts: Facts) -> None:
        """Note that the client had the answer to the CLOSE. Raises SpoolError."""
        with self.held(facts.name) as held:
            if held.content.facts == facts:
                held.content.save(heard=True)

    def paths(self, suffix: str = UPLOAD) -> list[Path]:
        """Return where uploads (or tombstones) lie."""
        try:
            return [Path(entry.path) for entry in os.scandir(self._folder()) if entry.name.endswith(suffix)]
        except FileNotFoundError:
            return []

    def path_of(self, name: str) -> Path:
        """Return where the upload of this name lies."""
        return self._path(name)

    def read_at(self, fd: int, path: Path) -> SealedFile:
        """Return the upload behind a descriptor. Raises SealBrokenError."""
        return self._read(fd, path)

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
            raise UnreadableError(_UNREADABLE) from None

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
            return facts.state is State.COMPLETE and facts.file_id not in self._spool.open_here
        return False

    def _finish_move(self, fd: int, path: Path, content: SealedFile) -> None:
        """Finish what a process that died in the middle of a rename left, or undo it."""
        facts = content.facts
        target, source = self._path(facts.name), self._path(facts.moved_from)
        if path == source:
            try:
                os.link(source, target)
            except FileExistsError:
                if not _is_there(fd, target):  # another upload has the name meanwhile
                    content.save(name=facts.moved_from, moved_from="")
                    return
        if _is_there(fd, source):
            source.unlink()
        content.save(moved_from="")

    def _write_tombstone(self, path: Path, facts: Facts) -> None:
        version, key = newest_key(self.account.institution_id, self.account.id)
        start = new_start(version, facts.file_id)
        block = seal_facts(start, file_cipher(key, start), self._owner, facts)
        beside = path.with_name(f".{new_id()}.part")
        beside.write_bytes(block)
        beside.replace(path.with_suffix(TOMBSTONE))

    def _tell(self, facts: Facts, *, removed: bool = False) -> None:
        if removed:
            self._spool.unheard.pop(facts.file_id, None)
        self._spool.changes.append(Change(self.account, facts, removed))

    def _check_room(self) -> None:
        if time.monotonic() - self._counted > _COUNT_SECONDS or self._files >= MOST_FILES:
            self._count()
        if self._files >= MOST_FILES:
            raise SpoolFullError(
                f"There are {MOST_FILES} unprocessed files already. Remove some, or wait until they are processed."
            )

    def _has_room(self, more: int) -> bool:
        self._uncounted += more
        if self._uncounted > _COUNT_BYTES or self._bytes + self._uncounted > MOST_BYTES_OF_ACCOUNT:
            self._count()
            self._uncounted = more
        return self._bytes + self._uncounted <= MOST_BYTES_OF_ACCOUNT

    def _count(self) -> None:
        sizes = []
        for entry in os.scandir(self._folder()):
            with suppress(FileNotFoundError):
                if entry.name.endswith(UPLOAD):
                    sizes.append(entry.stat(follow_symlinks=False).st_size)
        self._files, self._bytes, self._counted = len(sizes), sum(sizes), time.monotonic()


def _is_there(fd: int, path: Path) -> bool:
    """Return whether an open file still lies at `path`: it may have been removed, renamed or claimed meanwhile."""
    try:
        return os.path.samestat(os.fstat(fd), os.stat(path, follow_symlinks=False))
    except FileNotFoundError:
        return False


def _size_by_length(length: int) -> int:
    """Return about how many bytes of an upload that another process writes to have come."""
    slot = 64 * 1024 + NONCE + TAG
    full, rest = divmod(max(0, length - HEADER_BYTES), slot)
    return full * 64 * 1024 + max(0, rest - NONCE - TAG)


def _no_room(error: OSError) -> Exception:
    if error.errno in _NO_ROOM:
        return SpoolFullError("There is no room to store the file at the moment. Try again later.")
    return error
