"""A local outbox: mails and texts that are kept instead of sent, and can be read in the console.

One SQLite file, so that 50,000 invitations are one file and not 50,000, and so that a message that is handed in
twice (same Message-ID) is kept once.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings

from pratique.foundation.tenancy import current_institution

_LARGEST_ID = 2**63 - 1
_SCHEMA = """
    create table if not exists message (
        id integer primary key, message_id text not null unique, kept_at text not null,
        recipients text not null, subject text not null, body text not null, institution text not null default ''
    )
"""


@dataclass(frozen=True)
class Kept:
    """A message to keep. `institution` says whose it is where no scope is open; without, nobody is shown it."""

    message_id: str
    recipients: str
    subject: str
    body: str
    institution: str = ""


@dataclass(frozen=True)
class KeptMessage:
    """One message of the outbox."""

    id: int
    kept_at: datetime
    recipients: str
    subject: str
    body: str


@dataclass(frozen=True)
class OutboxPage:
    """A page of messages, the newest first, of `total` that fit the search."""

    messages: Sequence[KeptMessage]
    total: int
    page: int
    pages: int


class Outbox:
    """The outbox of this installation, open for keeping messages."""

    def __init__(self) -> None:
        self._database = _connect(Path(settings.MAIL_OUTBOX))

    def close(self) -> None:
        self._database.close()

    def keep(self, messages: Iterable[Kept]) -> None:
        """Keep the messages; one whose id is there already is kept once."""
        with self._database:
            self._database.executemany(
                "insert or ignore into message (message_id, kept_at, recipients, subject, body, institution) "
                "values (?, ?, ?, ?, ?, ?)",
                [
                    (
                        one.message_id, datetime.now(UTC).isoformat(), one.recipients, one.subject, one.body,
                        one.institution or str(current_institution() or ""),
                    )
                    for one in messages
                ],
            )  # fmt: skip


def messages(*, institution_id: UUID, search: str = "", page: int = 1, page_size: int = 50) -> OutboxPage:
    """Return a page of one institution's mails; `search` looks in recipients and subject."""
    pattern = "%" + search.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    where = "where institution = ? and (recipients like ? escape '\\' or subject like ? escape '\\')"
    values = [str(institution_id), pattern, pattern]
    with _reading() as database:
        (total,) = database.execute(f"select count(*) from message {where}", values).fetchone()  # noqa: S608
        rows = database.execute(
            f"select id, kept_at, recipients, subject, body from message {where} order by id desc limit ? offset ?",  # noqa: S608
            [*values, page_size, (page - 1) * page_size],
        ).fetchall()
    return OutboxPage([_message(row) for row in rows], total, page, max(1, -(-total // page_size)))


def message(id_: int, *, institution_id: UUID) -> KeptMessage | None:
    """Return one message of an institution, or None."""
    if id_ > _LARGEST_ID:
        return None
    with _reading() as database:
        row = database.execute(
            "select id, kept_at, recipients, subject, body from message where id = ? and institution = ?",
            [id_, str(institution_id)],
        ).fetchone()
    return _message(row) if row else None


@contextmanager
def _reading() -> Iterator[sqlite3.Connection]:
    database = _connect(Path(settings.MAIL_OUTBOX))
    try:
        yield database
    finally:
        database.close()


def _connect(path: Path) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    database = sqlite3.connect(path, timeout=30, check_same_thread=False)
    database.execute("pragma journal_mode = wal")
    database.execute("pragma synchronous = off")  # it is a convenience of development, not a record
    database.execute(_SCHEMA)
    return database


def _message(row: tuple[Any, ...]) -> KeptMessage:
    return KeptMessage(row[0], datetime.fromisoformat(row[1]), row[2], row[3], row[4])
