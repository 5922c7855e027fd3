"""The keeper: a thread that claims what is complete, and tells the database how uploads stand.

It hears of changes by its own process through the spool's queues, at once; what other processes left behind when
they died it finds by looking over the whole spool, at its start and every ten seconds. Nothing that goes wrong with
one upload, one account or the database ends it: it is logged, and tried again later and later.
"""

import os
import threading
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Literal, Protocol, TypeVar
from uuid import UUID

import structlog
from django.conf import settings
from django.db import connections

from pratique.foundation import audit
from pratique.foundation.vault import SealBrokenError
from pratique.transfers import types
from pratique.transfers.actions.claiming import claim, note_unanswered
from pratique.transfers.actions.mirror import SpoolRow, mirror
from pratique.transfers.actions.outbound import noticed_read
from pratique.transfers.models import InboundState
from pratique.transfers.policies import (
    INCOMPLETE_KEPT_SECONDS,
    TOMBSTONE_SECONDS,
    WAITING_KEPT_SECONDS,
    why_not,
)
from pratique.transfers.spool.errors import NoSuchUploadError, UploadBusyError
from pratique.transfers.spool.folder import Folder
from pratique.transfers.spool.header import Facts, State
from pratique.transfers.spool.shelf import TOMBSTONE
from pratique.transfers.spool.spool import MICROSECONDS, Change, Spool
from pratique.transfers.spool.waiting import AWAY, DATABASE_AWAY, LONGEST_WAIT, Turns, Waiting
from pratique.transfers.types import AccountRef

LOOK_SECONDS = 0.25
MIRROR_SECONDS = 1.0
SCAN_SECONDS = 10.0
TIDY_SECONDS = 60.0
# An empty file nobody holds: its maker died before the first byte, if it is not just about to write it.
EMPTY_SECONDS = 60
_MOST_MIRRORED = 5000
# After so long changes are heard of again, whatever still waits: another account's upload may be due by now.
_ROUND_SECONDS = 1.0
# A claim of the largest file is over by then; one that is not is repeated by the next start, and changes nothing.
_STOP_SECONDS = 20

KEPT_SECONDS = {State.INCOMPLETE: INCOMPLETE_KEPT_SECONDS, State.COMPLETE: WAITING_KEPT_SECONDS}

log = structlog.get_logger(__name__)


class Claimed(Protocol):
    """What the keeper must know of a claim's outcome (`actions.claiming.ClaimOutcome`)."""

    @property
    def taken(self) -> bool: ...
    @property
    def state(self) -> InboundState: ...
    @property
    def reason(self) -> str: ...


@dataclass(frozen=True)
class Doors:
    """Where the keeper writes to the database."""

    claim: Callable[[types.Upload, Callable[[], Iterator[bytes]], datetime], Claimed] = claim
    mirror: Callable[[Iterable[SpoolRow]], None] = mirror
    note_unanswered: Callable[..., None] = note_unanswered
    noticed_read: Callable[..., object] = noticed_read


@dataclass
class _Known:
    """What this process remembers of uploads, by file id."""

    waiting: dict[UUID, Waiting] = field(default_factory=dict)
    # Claimed before their client said anything after the CLOSE: once it does, the row must know.
    claimed_unheard: dict[UUID, AccountRef] = field(default_factory=dict)
    rows: dict[UUID, SpoolRow] = field(default_factory=dict)
    # What a full scan has seen before, so that it tells the database only of what is new.
    mirrored: dict[UUID, SpoolRow] = field(default_factory=dict)


class Keeper:
    """Looks after a spool from a thread of its own. One for each server process, started before its first session."""

    def __init__(self, spool: Spool, *, doors: Doors | None = None, settle: float | None = None) -> None:
        self._spool, self._doors = spool, doors or Doors()
        self._settle = settings.SFTP_SETTLE_SECONDS if settle is None else settle
        self._known = _Known()
        self._folders: dict[UUID, Folder] = {}
        self._turns = Turns()
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._next_mirror = self._next_scan = self._next_tidy = float("-inf")
        self._away_until, self._away, self._looked = float("-inf"), 1.0, float("-inf")

    def start(self) -> None:
        """Begin; returns at once. What killed processes left is looked over first."""
        self._spool.come_alive()
        self._thread = threading.Thread(target=self._run, name="spool-keeper", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End. What could be claimed soon stays in the spool for the next start."""
        self._stop.set()
        if self._thread:
            self._thread.join(timeout=_STOP_SECONDS)
        else:
            self._finish()
        self._spool.die()

    def _run(self) -> None:
        while not self._stop.is_set():
            self.look()
            connections.close_all()  # back to the pool: sessions need them more than a thread that waits
            self._stop.wait(LOOK_SECONDS)
        # Here, and not in the thread that stops us: that one may be an event loop's, which must not ask the database.
        self._finish()
        connections.close_all()

    def _finish(self) -> None:
        self._attempt("answers", self._keep_answers)
        self._attempt("mirror", self._mirror)

    def look(self) -> None:
        """Do once whatever is due. Never raises."""
        now = self._spool.clock()
        if now < self._looked:
            self._set_back(now)
        self._looked = now
        self._attempt("changes", self._hear)
        if now >= self._next_scan:
            self._next_scan = now + SCAN_SECONDS
            self._attempt("scan", self._scan)
        if now >= self._next_tidy:
            self._next_tidy = now + TIDY_SECONDS
            self._attempt("tidy", self._tidy)
        until = time.monotonic() + _ROUND_SECONDS
        for turn in Turns.of(list(self._known.waiting.values()), now):
            for one in turn:
                if self._stop.is_set():
                    return
                if self._turns.may(one, now):
                    self._attempt("claim", self._try, one, now)
            if time.monotonic() > until:
                break
        if now >= self._next_mirror:
            self._next_mirror = now + MIRROR_SECONDS
            self._attempt("mirror", self._mirror)

    def _set_back(self, now: float) -> None:
        """The machine's clock was set back: nothing waits for the time that it showed before."""
        self._next_mirror = self._next_scan = self._next_tidy = self._away_until = now
        self._turns.clock_set_back()
        for one in self._known.waiting.values():
            one.at = min(one.at, now + self._settle)

    def _attempt(self, what: str, do: Callable[..., None], *values: object) -> None:
        try:
            do(*values)
        except Exception:
            log.exception("spool_keeper_failed", what=what)
            # A connection that broke must not be met again.
            with suppress(Exception):
                connections.close_all()

    # --- hearing and looking -------------------------------------------------------------------------------------

    def _hear(self) -> None:
        for change in _drained(self._spool.changes):
            self._note(change)
        late: dict[AccountRef, list[UUID]] = defaultdict(list)
        for answer in _drained(self._spool.answers):
            claimed = self._known.claimed_unheard.pop(answer.file_id, None)
            if claimed and answer.heard:
                late[claimed].append(answer.file_id)
            if not answer.heard and answer.file_id in self._spool.unheard:
                self._spool.unheard[answer.file_id] = None
        for account, ids in late.items():
            self._attempt("answers", self._note_heard, account, ids)
        reads: dict[AccountRef, list[UUID]] = defaultdict(list)
        for read in _drained(self._spool.downloads):
            reads[read.account].append(read.file_id)
        for account, ids in reads.items():
            self._attempt("downloads", self._note_read, account, ids)

    def _note_heard(self, account: AccountRef, ids: list[UUID]) -> None:
        self._doors.note_unanswered(account=account, file_ids=ids, unanswered=False)

    def _note_read(self, account: AccountRef, ids: list[UUID]) -> None:
        by, now = audit.Actor("sftp", account.username), _instant(self._spool.now())
        self._doors.noticed_read(institution_id=account.institution_id, file_ids=ids, by=by, now=now)

    def _note(self, change: Change) -> None:
        """Remember an upload that a session of this process changed."""
        account, facts = change.account, change.facts
        self._known.waiting.pop(facts.file_id, None)
        if change.removed:
            self._mirrored(account, facts, "removed", "")
        elif facts.state is State.COMPLETE:
            self._consider(account, facts)
        elif facts.state is State.INCOMPLETE:
            self._mirrored(account, facts, "incomplete", "connection_lost")

    def _consider(self, account: AccountRef, facts: Facts) -> None:
        known = self._known.waiting.get(facts.file_id)
        if known is not None and known.facts.changed_at == facts.changed_at:
            return
        reason = why_not(facts.name, facts.size, facts.announced, facts.holes)
        self._mirrored(account, facts, "waiting", reason or "settling")
        if not reason:
            # A clock that was set back must not hold it up for as long.
            due = min(facts.changed_at / MICROSECONDS, self._spool.clock()) + self._settle
            self._known.waiting[facts.file_id] = Waiting(account, facts, due)

    def _scan(self) -> None:
        """Look over the whole spool: what no living process looks after is ours."""
        for place in self._spool.places():
            self._attempt("scan", self._scan_folder, self._folder(place.account))

    def _scan_folder(self, folder: Folder) -> None:
        for facts in folder.listing():
            if facts.server != self._spool.server and self._spool.lives(facts.server):
                continue
            if facts.state is State.INCOMPLETE:
                self._mirrored(folder.account, facts, "incomplete", "connection_lost")
            elif facts.state is State.COMPLETE:
                self._consider(folder.account, facts)

    # --- claiming ------------------------------------------------------------------------------------------------

    def _try(self, one: Waiting, now: float) -> None:
        if now < self._away_until:
            return
        file_id = one.facts.file_id
        try:
            outcome = self._claim(one)
        except (NoSuchUploadError, UploadBusyError):
            # Removed or claimed by another process, or opened again: whoever did it tells what comes of it.
            self._known.waiting.pop(file_id, None)
        except SealBrokenError as error:
            log.error("spool_upload_unreadable", account=one.account.username, file=error.name)
            self._known.waiting.pop(file_id, None)
        except Exception as error:
            one.later(now)
            if isinstance(error, AWAY):
                # The others would meet the same.
                self._away_until, self._away = now + self._away, min(self._away * 2, LONGEST_WAIT)
            raise
        else:
            self._away = 1.0
            if outcome is None:
                return
            if outcome.taken:
                self._known.waiting.pop(file_id, None)
                self._known.rows.pop(file_id, None)
                self._known.mirrored.pop(file_id, None)
            else:
                self._mirrored(one.account, one.facts, "waiting", outcome.reason)
                one.later(now, outcome.reason)
            self._turns.tried(one, "" if outcome.taken else outcome.reason)

    def _claim(self, one: Waiting) -> Claimed | None:
        """Claim an upload; return None if it changed meanwhile and is to be looked at again."""
        folder = self._folder(one.account)
        path = folder.path_of(one.facts.name)
        with folder.held_at(path, one.facts.name, patient=False) as fd:
            content = folder.read_at(fd, path)
            if not folder.settled(fd, path, content):
                raise NoSuchUploadError
            facts = content.facts
            if facts.file_id != one.facts.file_id or facts.state is not State.COMPLETE:
                raise NoSuchUploadError
            if facts.changed_at != one.facts.changed_at:
                self._known.waiting.pop(facts.file_id, None)
                self._consider(one.account, facts)
                return None
            os.fsync(fd)
            unanswered = self._unanswered(facts)
            upload = types.Upload(
                one.account, facts.file_id, facts.name, facts.size, _instant(facts.received_at), facts.session,
                unanswered,
            )  # fmt: skip
            outcome = self._doors.claim(upload, content.blocks, _instant(self._spool.now()))
            if outcome.taken:
                folder.bury(path, content)
                # It may have been heard just now: then its answer is in the queue.
                if self._spool.unheard.pop(facts.file_id, one.account) and unanswered:
                    self._known.claimed_unheard[facts.file_id] = one.account
            return outcome

    def _unanswered(self, facts: Facts) -> bool:
        if facts.heard:
            return False
        # Of a process that died, nobody knows what its client has heard.
        return facts.server != self._spool.server or facts.file_id in self._spool.unheard

    # --- the database's mirror -----------------------------------------------------------------------------------

    def _mirrored(
        self,
        account: AccountRef,
        facts: Facts,
        state: Literal["incomplete", "waiting", "removed"],
        reason: str,
    ) -> None:
        row = SpoolRow(
            account, facts.file_id, facts.name, facts.size, state, reason, facts.session, _instant(facts.received_at)
        )  # fmt: skip
        if self._known.mirrored.get(facts.file_id) != row:
            self._known.rows[facts.file_id] = row

    def _mirror(self) -> None:
        rows = dict(list(self._known.rows.items())[:_MOST_MIRRORED])
        if not rows:
            return
        try:
            self._doors.mirror(rows.values())
        except Exception as error:
            if isinstance(error, DATABASE_AWAY):
                raise
            # An account that the database does not have (a backup was put back) must not hold up all others.
            for account in {row.account for row in rows.values()}:
                its = [row for row in rows.values() if row.account == account]
                self._attempt("mirror", self._doors.mirror, its)
        for file_id, row in rows.items():
            if self._known.rows.get(file_id) is row:
                del self._known.rows[file_id]
            if row.state == "removed":
                self._known.mirrored.pop(file_id, None)
            else:
                self._known.mirrored[file_id] = row

    # --- tidying -------------------------------------------------------------------------------------------------

    def _tidy(self) -> None:
        for place in self._spool.places():
            self._attempt("tidy", self._tidy_folder, self._folder(place.account))

    def _tidy_folder(self, folder: Folder) -> None:
        now = self._spool.clock()
        for path in folder.paths(TOMBSTONE):
            with suppress(FileNotFoundError):
                if now - path.stat().st_mtime > TOMBSTONE_SECONDS:
                    path.unlink()
        for path in folder.paths():
            with suppress(FileNotFoundError, NoSuchUploadError, UploadBusyError):
                stat = path.stat()
                if not stat.st_size and now - stat.st_mtime > EMPTY_SECONDS:
                    folder.drop_empty(path)
        for facts in folder.listing():
            kept = KEPT_SECONDS.get(facts.state)
            old = kept is not None and now - facts.received_at / MICROSECONDS > kept
            waits = self._known.waiting.get(facts.file_id)
            if old and (
                waits is None or waits.reason == "account_closed"
            ):  # it can still be claimed, or never
                with suppress(NoSuchUploadError, UploadBusyError):
                    folder.drop(facts)

    def _keep_answers(self) -> None:
        """At the end, note in the spool which answers were heard: the next start must not doubt them."""
        self._hear()
        for one in self._known.waiting.values():
            if one.facts.file_id not in self._spool.unheard and one.facts.server == self._spool.server:
                with suppress(NoSuchUploadError, UploadBusyError, SealBrokenError):
                    self._folder(one.account).note_heard(one.facts)

    def _folder(self, account: AccountRef) -> Folder:
        folder = self._folders.get(account.id)
        if folder is None:
            folder = self._folders[account.id] = Folder(self._spool, account)
        return folder


_Item = TypeVar("_Item")


def _drained(queue: deque[_Item]) -> Iterator[_Item]:
    with suppress(IndexError):
        while True:
            yield queue.popleft()


def _instant(microseconds: int) -> datetime:
    return datetime.fromtimestamp(0, UTC) + timedelta(microseconds=microseconds)
