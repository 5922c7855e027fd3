"""An upload in the spool that a session has open for writing."""

import os
from collections.abc import Callable
from dataclasses import replace
from uuid import UUID

from pratique.foundation.vault import SealBrokenError
from pratique.transfers.policies import MOST_BYTES
from pratique.transfers.spool.errors import PartMissingError, SpoolError, SpoolFullError, TooLargeError
from pratique.transfers.spool.header import Facts, State
from pratique.transfers.spool.room import Room
from pratique.transfers.spool.sealed import SealedFile


class Upload:
    """It holds the file's lock until it is closed or abandoned. One thread at a time."""

    def __init__(
        self,
        fd: int,
        content: SealedFile,
        *,
        session: UUID,
        server: UUID,
        resumed: bool,
        now: Callable[[], int],
        room: Room,
        done: Callable[["Upload", Facts], None],
    ) -> None:
        self._fd: int | None = fd
        self._content, self._session, self._server = content, session, server
        self._now, self._room, self._done = now, room, done
        self._times: tuple[int | None, int | None] = (content.facts.accessed, content.facts.modified)
        # Why a write failed, if one did.
        self._failed = ""
        self.announced = content.facts.announced
        # Whether an upload that had broken off goes on here.
        self.resumed = resumed

    @property
    def file_id(self) -> UUID:
        return self._content.file_id

    @property
    def failed(self) -> str:
        """Why a write failed (a code of `types.REASONS`), if one did."""
        return self._failed

    @property
    def name(self) -> str:
        return self._content.facts.name

    @property
    def size(self) -> int:
        return self._content.size

    @property
    def facts(self) -> Facts:
        """What a listing says of it at this moment."""
        accessed, modified = self._times
        return replace(
            self._content.facts, size=self.size, accessed=accessed, modified=modified, state=State.OPEN
        )

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset`. Raises SpoolError; an upload where a write failed does not become complete."""
        end = offset + len(data)
        if end > MOST_BYTES:
            self._failed = TooLargeError.reason
            raise TooLargeError(f"A file may have at most {MOST_BYTES // 1024 // 1024} MiB.")
        if end > self.size and not self._room.has(end - self.size):
            self._failed = SpoolFullError.reason
            raise SpoolFullError(
                "There is no room left for this account. Wait until what was uploaded is processed, or remove files."
            )
        try:
            self._content.write(offset, data)
        except (SpoolError, SealBrokenError, OSError) as error:
            self._failed = getattr(error, "reason", "") or "failed_here"
            raise

    def writes_at_once(self, offset: int, length: int) -> bool:
        """Return whether `write` would only fill memory: the beginning of a new file, less than a chunk."""
        return self._content.buffers(offset, length) and self._room.has_surely(length)

    def closes_briefly(self) -> bool:
        """Return whether `close` writes one chunk and the header, and nothing has to be mended."""
        return not self._failed and self._content.flushes_briefly()

    def resize(self, size: int) -> None:
        """Cut the file at `size`; a size beyond its end is one that the client announces."""
        if size > self.size:
            self.announced = size
            return
        self.announced = None
        self._content.truncate(size)

    def set_times(self, accessed: int | None, modified: int | None) -> None:
        """Keep the times that the client set."""
        self._times = (
            self._times[0] if accessed is None else accessed,
            self._times[1] if modified is None else modified,
        )

    def sync(self) -> None:
        """Put it on the disk."""
        if self._fd is not None:
            self._content.flush()
            os.fsync(self._fd)

    def close(self) -> None:
        """It is complete. Raises SpoolError if it could not be stored: then it stays incomplete."""
        if self._fd is None:
            return
        if self._failed:
            self._break_off()
            raise PartMissingError(self._failed)
        try:
            self._content.flush()
            self._finish(State.COMPLETE)
        except BaseException:
            self._break_off()
            raise

    def abandon(self) -> bool:
        """It breaks off: incomplete, and what can be resumed of it stays; return whether that is so.

        One that was there before and was not written to stays as it was.
        """
        if self._fd is None:
            return False
        if self._content.facts.state is State.OPEN:
            self._break_off()
            return True
        self._let_go(self._content.facts)
        return False

    def _break_off(self) -> None:
        try:
            try:
                self._content.settle_broken_off()
                self._content.flush()
                self._content.cut_torn()
                self._finish(State.INCOMPLETE)
            except (SpoolError, SealBrokenError):
                # Not even the last bytes in memory find room: what lies there counts.
                self._content.recover()
                self._let_go(self._content.facts)
        finally:
            self._let_go(self._content.facts)

    def _finish(self, state: State) -> None:
        now = self._now()
        accessed, modified = self._times
        self._content.save(
            state=state, received_at=now, changed_at=now, announced=self.announced, accessed=accessed,
            modified=modified, session=self._session, server=self._server, heard=False, sure=None,
        )  # fmt: skip
        self._let_go(self._content.facts)

    def _let_go(self, facts: Facts) -> None:
        if self._fd is None:
            return
        fd, self._fd = self._fd, None
        # Told before the lock is free, so that what others tell of this upload comes after it.
        try:
            self._done(self, facts)
        finally:
            os.close(fd)
