"""The uploads of one account: opened, listed, renamed, removed, by several sessions and processes at once.

An upload lies under a hash of its visible name, so that one name is one file, and making it is atomic. Whoever
writes to it, renames, removes or claims it holds its lock. A claimed file leaves a tombstone for ten minutes.
"""

import errno
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from uuid import UUID

import structlog

from pratique.foundation.ids import new_id
from pratique.foundation.vault import SealBrokenError, remembers_keys
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
)
from pratique.transfers.spool.room import Room
from pratique.transfers.spool.sealed import SealedFile
from pratique.transfers.spool.shelf import TOMBSTONE, TRIES, UNREADABLE, UPLOAD, Shelf, is_there
from pratique.transfers.spool.spool import MICROSECONDS, Spool
from pratique.transfers.spool.upload import Upload
from pratique.transfers.types import AccountRef

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
# No client writes so many files at a time out of order; a hostile one would have us hold a MiB of each.
_MANY_OPEN, _HELD_OF_MANY = 4, 2

log = structlog.get_logger(__name__)


class Folder(Shelf):
    """The uploads of one account. Made for each session; several may be used at once."""

    def __init__(self, spool: Spool, account: AccountRef) -> None:
        super().__init__(spool, account)
        self._room = Room(self._folder)
        self._unreadable: set[str] = set()
        self._writing = 0  # uploads that are open
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
        for _attempt in range(TRIES):
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
            self._room.check()
            try:
                fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                if exclusive:
                    raise UploadExistsError("There is a file of this name already.") from None
            except OSError as error:
                raise _no_room(error) from None
            else:
                self._room.file_made()
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
        if not is_there(fd, path):
            return None
        empty = not os.fstat(fd).st_size  # its maker died before the first byte
        if truncate or empty:
            with suppress(SealBrokenError):
                if not empty:
                    old = self._read(fd, path)
                    if not self.settled(fd, path, old):
                        return None
                    self._tell(old.facts, removed=True)
            os.ftruncate(fd, 0)
            return self._fresh(fd, path, name)
        content = self._readable(fd, path)
        if not self.settled(fd, path, content):
            return None
        if content.facts.name != name:
            raise UnreadableError(
                "The stored file is not the one of this name. Remove it and upload it again."
            )
        if content.facts.state is State.OPEN:
            content.recover()
        return content

    def _fresh(self, fd: int, path: Path, name: str) -> SealedFile:
        now = self._spool.now()
        start, cipher = self._new_start(new_id())
        facts = Facts(name, State.OPEN, now, now, server=self._spool.server, file_id=start.file_id)
        content = SealedFile(fd, start, cipher, self._owner, facts, self._label(path))
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
            room=self._room,
            done=self._done,
        )
        if announced is not None:
            upload.announced = announced
        self._writing += 1
        if self._writing > _MANY_OPEN:
            content.most_held = _HELD_OF_MANY
        self._spool.open_here[upload.file_id] = upload
        return upload

    def _done(self, upload: Upload, facts: Facts) -> None:
        self._writing -= 1
        self._spool.open_here.pop(upload.file_id, None)
        self._tell(facts)

    def makes_briefly(self) -> bool:
        """Return whether a new upload needs one new file and nothing else: no count, no key from elsewhere."""
        return self._room.is_counted() and remembers_keys(self.account.institution_id, self.account.id)

    # --- looking -------------------------------------------------------------------------------------------------

    def is_absent(self, name: str) -> bool:
        """Return whether there is neither an upload of this name nor the tombstone of one."""
        path = os.fspath(self._path(name))
        return not (os.path.lexists(path) or os.path.lexists(path.removesuffix(UPLOAD) + TOMBSTONE))

    def facts(self, name: str) -> Facts | None:
        """Return how the upload of this name stands (State.GONE: it was claimed a moment ago), or None."""
        path = self._path(name)
        try:
            return self._look(path)
        except FileNotFoundError:
            return self._tombstone(path)
        except SealBrokenError:
            raise UnreadableError(UNREADABLE) from None

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
        with suppress(OSError):  # no room for them: that is no reason to have the whole file sent again
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
        if upload.resumed:
            upload.abandon()  # what broke off is incomplete, whatever its size: only a CLOSE of its client completes it
        else:
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

    # --- for the keeper ------------------------------------------------------------------------------------------

    def bury(self, path: Path, content: SealedFile) -> None:
        """Make a claimed upload, whose lock we hold, its own tombstone.

        First by name, in one step: from then on nobody can write to what was claimed. And it needs no room.
        """
        path.replace(path.with_suffix(TOMBSTONE))
        content.bury(self._spool.now())

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


def _size_by_length(length: int) -> int:
    """Return about how many bytes of an upload that another process writes to have come."""
    slot = 64 * 1024 + NONCE + TAG
    full, rest = divmod(max(0, length - HEADER_BYTES), slot)
    return full * 64 * 1024 + max(0, rest - NONCE - TAG)


def _no_room(error: OSError) -> Exception:
    if error.errno in _NO_ROOM:
        return SpoolFullError("There is no room to store the file at the moment. Try again later.")
    return error
