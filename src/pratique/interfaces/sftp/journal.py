"""What sessions tell, on its way into the database: by a thread of its own, in batches, and never at a session's cost.

While the database is away a bounded number of lines waits. What does not fit is dropped and counted in the log.
"""

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from uuid import UUID

import structlog
from django.db import InterfaceError, OperationalError, connections

from pratique.interfaces.sftp import metrics
from pratique.interfaces.sftp.penalties import Bucket
from pratique.transfers.actions.journal import EventLine, KeyUse, Line, SessionLine, store
from pratique.transfers.types import FileEvent

log = structlog.get_logger(__name__)

MOST_WAITING = 50_000
_EVERY = 0.3
_AFTER_TROUBLE = 2.0
_BATCH = 500
# Of one account. More than any system brings, and less than would fill the table: a client can upload and remove a
# file a thousand times a second.
_EVENTS_A_MINUTE = 3000


class Journal:
    """Takes lines from any thread; none of its methods blocks for long or raises. One for each server process."""

    def __init__(
        self, write: Callable[[UUID, Sequence[Line]], None] = store, *, most: int = MOST_WAITING
    ) -> None:
        self._write, self._most = write, most
        self._lines: deque[Line] = deque()
        self._dropped = 0
        self._often = Bucket(time.monotonic, _EVENTS_A_MINUTE)
        self._told = Bucket(time.monotonic, 1)
        self._give_up_at = 0.0
        self._lock = threading.Lock()
        self._wake, self._stopping = threading.Event(), False
        self._thread = threading.Thread(target=self._run, name="sftp-journal", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Write what waits and end; give up after so many seconds."""
        self._give_up_at = time.monotonic() + seconds
        self._stopping = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds + 1)
        if self._lines:
            log.error("lines of the transfer log were lost at the end", lines=len(self._lines))

    def file(self, event: FileEvent) -> None:
        """Keep something that happened to a file."""
        metrics.FILES.labels(kind=event.kind).inc()
        account = str(event.account.id)
        with self._lock:
            kept = self._often.take(account)
            told = kept or not self._told.take(account)
        if not told:
            log.warning("an account does too much for the transfer log", account=event.account.username)
        if kept:
            self._put(EventLine(event))

    def session(self, line: SessionLine) -> None:
        """Keep how a session stands: when it begins, when it ended, or why it never began."""
        self._put(line)

    def key_used(self, use: KeyUse) -> None:
        """Keep that a key signed in."""
        self._put(use)

    def _put(self, line: Line) -> None:
        with self._lock:
            if len(self._lines) >= self._most:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append(line)

    def _run(self) -> None:
        while True:
            ending = self._stopping
            fine = self._write_what_waits()
            if ending and (fine or time.monotonic() >= self._give_up_at):
                break
            if self._stopping:
                time.sleep(0 if fine else 0.1)
            else:
                self._wake.wait(_EVERY if fine else _AFTER_TROUBLE)
        with suppress(Exception):
            connections.close_all()

    def _write_what_waits(self) -> bool:
        """Write everything; return False if the database is away, and everything still waits."""
        while lines := self._taken():
            by_institution: dict[UUID, list[Line]] = {}
            for line in lines:
                by_institution.setdefault(_institution(line), []).append(line)
            while by_institution:
                institution_id, its_lines = by_institution.popitem()
                if not self._store(institution_id, its_lines):
                    by_institution[institution_id] = its_lines
                    self._put_back([line for some in by_institution.values() for line in some])
                    return False
        return True

    def _store(self, institution_id: UUID, lines: Sequence[Line]) -> bool:
        try:
            self._write(institution_id, lines)
        except (OperationalError, InterfaceError) as error:
            log.warning(
                "the transfer log waits for the database", error=type(error).__name__, lines=len(lines)
            )
            with suppress(Exception):
                connections["default"].close()
            return False
        except Exception:
            if len(lines) == 1:
                # What cannot be stored at all (its account is gone) must not hold up the rest.
                log.exception("a line of the transfer log could not be stored", kind=type(lines[0]).__name__)
                return True
            return all(self._store(institution_id, [line]) for line in lines)
        return True

    def _taken(self) -> list[Line]:
        with self._lock:
            dropped, self._dropped = self._dropped, 0
            taken = [self._lines.popleft() for _ in range(min(_BATCH, len(self._lines)))]
        if dropped:
            log.error("the transfer log was full: its oldest lines were dropped", lines=dropped)
        return taken

    def _put_back(self, lines: Sequence[Line]) -> None:
        with self._lock:
            room = max(0, self._most - len(self._lines))
            self._dropped += max(0, len(lines) - room)
            self._lines.extendleft(reversed(lines[len(lines) - min(room, len(lines)) :]))


def _institution(line: Line) -> UUID:
    return line.event.account.institution_id if isinstance(line, EventLine) else line.account.institution_id
