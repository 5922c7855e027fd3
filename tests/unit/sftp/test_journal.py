"""The journal never costs a session anything: what it does while the database is away, slow or unwilling."""

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import UUID

import pytest
from django.db import IntegrityError, OperationalError

from pratique.interfaces.sftp import journal as module
from pratique.interfaces.sftp.journal import Journal
from pratique.transfers.actions.journal import EventLine, Line
from pratique.transfers.types import AccountRef, FileEvent

NOW = datetime(2026, 11, 22, tzinfo=UTC)


@pytest.fixture(autouse=True)
def without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EVERY", 0.001)
    monkeypatch.setattr(module, "_AFTER_TROUBLE", 0.001)


class Database:
    """Keeps what is written; `trouble` may raise first."""

    def __init__(self, trouble: Callable[[Sequence[Line]], None] = lambda lines: None) -> None:
        self.paths: list[str] = []
        self.writes: list[tuple[UUID, int]] = []
        self._trouble = trouble

    def __call__(self, institution_id: UUID, lines: Sequence[Line]) -> None:
        self._trouble(lines)
        self.writes.append((institution_id, len(lines)))
        self.paths += [line.event.path for line in lines if isinstance(line, EventLine)]


def event(path: str, school: int = 1) -> FileEvent:
    return FileEvent(AccountRef(UUID(int=school), UUID(int=9), "school-sis"), "uploaded", NOW, path=path)


def test_an_account_that_does_without_end_fills_neither_table_nor_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    database = Database()
    journal = Journal(database)
    for number in range(9_000):
        journal.file(event(str(number)))
    other = FileEvent(AccountRef(UUID(int=1), UUID(int=8), "other-sis"), "uploaded", NOW, path="other")
    journal.file(other)
    journal.start()
    journal.stop()
    assert 3_000 <= len(database.paths) < 4_000
    assert database.paths[-1] == "other"
    assert caplog.text.count("too much for the transfer log") == 1


def test_what_was_told_is_written_in_order_and_by_school() -> None:
    database = Database()
    journal = Journal(database)
    for number in range(1200):
        journal.file(event(str(number), school=number % 2))
    journal.start()
    journal.stop()
    assert sorted(map(int, database.paths)) == list(range(1200))
    assert [path for path in map(int, database.paths) if path % 2] == list(range(1, 1200, 2))
    assert len(database.writes) == 6, "in batches: 1,200 lines of two schools"


def test_lines_wait_while_the_database_is_away_and_none_is_lost() -> None:
    tries = threading.Semaphore(0)
    back = threading.Event()

    def away(lines: Sequence[Line]) -> None:
        tries.release()
        if not back.is_set():
            raise OperationalError

    database = Database(away)
    journal = Journal(database)
    journal.start()
    for number in range(10):
        journal.file(event(str(number)))
    for _ in range(3):
        assert tries.acquire(timeout=20)
    back.set()
    journal.stop()
    assert database.paths == [str(number) for number in range(10)]


def test_a_full_journal_drops_the_oldest_and_goes_on() -> None:
    database = Database()
    journal = Journal(database, most=5)
    for number in range(8):
        journal.file(event(str(number)))
    journal.start()
    journal.stop()
    assert database.paths == ["3", "4", "5", "6", "7"]


def test_a_line_that_cannot_be_stored_does_not_hold_up_the_others() -> None:
    def unwilling(lines: Sequence[Line]) -> None:
        if any(isinstance(line, EventLine) and line.event.path == "bad" for line in lines):
            raise IntegrityError

    database = Database(unwilling)
    journal = Journal(database)
    for path in ("a", "bad", "b"):
        journal.file(event(path))
    journal.start()
    journal.stop()
    assert database.paths == ["a", "b"]


def test_it_ends_although_the_database_never_comes_back() -> None:
    def away(lines: Sequence[Line]) -> None:
        raise OperationalError

    journal = Journal(Database(away))
    journal.start()
    journal.file(event("a"))
    journal.stop(seconds=0.3)
