"""What a session tells of its files: events for the per-file log, counts, and refusals in words."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from uuid import UUID

import structlog

from pratique.foundation import clock
from pratique.interfaces.sftp.filesystem import SftpError, Status
from pratique.transfers.types import AccountRef, FileEvent, SessionCounts

# A client that asks for the same wrong thing a thousand times must not fill the log.
MOST_REFUSED = 100
_LONGEST_PATH = 300

log = structlog.get_logger(__name__)


class FileLog(Protocol):
    """Where events of files go (`interfaces.sftp.journal.Journal`): never blocks, never raises."""

    def file(self, event: FileEvent) -> None: ...


class SessionLog:
    """One for each session."""

    def __init__(
        self,
        account: AccountRef,
        session: UUID,
        journal: FileLog,
        counts: SessionCounts,
        now: Callable[[], datetime] = clock.now,
    ) -> None:
        self.session, self.counts = session, counts
        self._account, self._journal, self._now = account, journal, now
        self._refused = 0

    def event(self, kind: str, path: str, size: int = 0, reason: str = "") -> None:
        """Note what happened to a file."""
        shown = path[:_LONGEST_PATH].replace("\0", "")
        self._journal.file(FileEvent(self._account, kind, self._now(), self.session, shown, size, reason))

    def refused(
        self, path: str, reason: str, sentence: str, status: Status = Status.PERMISSION_DENIED
    ) -> SftpError:
        """Note a request that is refused, and return the answer to raise."""
        self._refused += 1
        if self._refused <= MOST_REFUSED:
            self.event("refused", path, reason=reason)
        return SftpError(status, sentence)

    def stored_file_broken(self, name: str) -> None:
        """Tell the operators of a stored file that cannot be opened."""
        log.error("sftp_stored_file_broken", account=self._account.username, file=name)
