"""A spool with sessions, a keeper and a clock that the test turns; the database is played."""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from pratique.foundation.ids import new_id
from pratique.foundation.vault.errors import KeyMissingError
from pratique.foundation.vault.keys import OpenKey
from pratique.interfaces.sftp import files
from pratique.interfaces.sftp.files import AccountFiles
from pratique.interfaces.sftp.filesystem import Attributes, FileHandle, Open
from pratique.transfers.actions.claiming import ClaimOutcome
from pratique.transfers.actions.mirror import SpoolRow
from pratique.transfers.models import InboundState
from pratique.transfers.spool import shelf
from pratique.transfers.spool.keeper import Doors, Keeper
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import AccountRef, FileEvent, SessionCounts, Upload

WRITE = Open.WRITE | Open.CREATE | Open.TRUNCATE
WITHOUT_TRUNCATE = Open.WRITE | Open.CREATE
RESUME = Open.WRITE
NOTHING = Attributes()
SETTLE = 3.0


class Keys:
    """Data keys by owner; `rotate` makes a newer one."""

    def __init__(self) -> None:
        self.of: dict[UUID, list[bytes]] = {}

    def newest(self, _institution: UUID, owner: UUID) -> OpenKey:
        keys = self.of.setdefault(owner, [os.urandom(32)])
        return OpenKey(len(keys), keys[-1])

    def version(self, _institution: UUID, owner: UUID, version: int, *, name: str) -> OpenKey:
        keys = self.of.setdefault(owner, [os.urandom(32)])
        if version > len(keys):
            raise KeyMissingError(name, version)
        return OpenKey(version, keys[version - 1])

    def rotate(self, owner: UUID) -> None:
        self.of[owner].append(os.urandom(32))


class Journal:
    def __init__(self) -> None:
        self.events: list[FileEvent] = []

    def file(self, event: FileEvent) -> None:
        self.events.append(event)

    def told(self) -> list[tuple[str, str, str]]:
        return [(event.kind, event.path, event.reason) for event in self.events]


@dataclass
class Claims:
    """A played `claim`: remembers what it was given, and answers or raises what the test wants."""

    taken: list[tuple[Upload, bytes]] = field(default_factory=list)
    answer: Callable[[Upload], ClaimOutcome] = lambda _upload: ClaimOutcome(InboundState.CLAIMED)
    calls: int = 0

    def __call__(self, upload: Upload, content: Callable[[], Iterator[bytes]], now: datetime) -> ClaimOutcome:
        self.calls += 1
        outcome = self.answer(upload)
        if outcome.taken:
            self.taken.append((upload, b"".join(content())))
        return outcome

    def names(self) -> list[str]:
        return [upload.name for upload, _content in self.taken]


class World:
    def __init__(self, root: Path) -> None:
        self.root, self.time = root, 1_700_000_000.0
        self.account = AccountRef(new_id(), new_id(), "north-sis")
        self.claims, self.journal = Claims(), Journal()
        self.rows: dict[UUID, SpoolRow] = {}
        self.answers: list[tuple[UUID, bool]] = []
        self.reads: list[UUID] = []
        self.spool = self.a_spool()
        self.keeper = self.a_keeper(self.spool)

    def a_spool(self) -> Spool:
        """Another server process, as far as the spool can tell."""
        spool = Spool(self.root, clock=lambda: self.time)
        spool.come_alive()
        return spool

    def a_keeper(self, spool: Spool) -> Keeper:
        return Keeper(
            spool,
            settle=SETTLE,
            doors=Doors(
                claim=self.claims,
                mirror=self._mirror,
                note_unanswered=self._note_unanswered,
                noticed_read=lambda **what: self.reads.extend(what["file_ids"]),
            ),
        )

    def session(self, account: AccountRef | None = None, spool: Spool | None = None) -> AccountFiles:
        return AccountFiles(
            account or self.account, new_id(), self.journal, SessionCounts(), spool or self.spool
        )

    def states(self) -> dict[str, tuple[str, str]]:
        return {row.name: (row.state, row.reason) for row in self.rows.values()}

    def passes(self, seconds: float = SETTLE + 0.5, keeper: Keeper | None = None) -> None:
        """Let time pass, with the keeper looking a few times."""
        (keeper or self.keeper).look()
        for _step in range(4):
            self.time += seconds / 4
            (keeper or self.keeper).look()

    def _mirror(self, rows: Iterable[SpoolRow]) -> None:
        self.rows.update({row.file_id: row for row in rows})

    def _note_unanswered(self, **what: Any) -> None:
        self.answers += [(one, what["unanswered"]) for one in what["file_ids"]]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    keys = Keys()
    monkeypatch.setattr(shelf, "newest_key", keys.newest)
    monkeypatch.setattr(shelf, "key_of", keys.version)
    monkeypatch.setattr(shelf, "_CLAIM_PATIENCE", 0.05)
    monkeypatch.setattr(files, "listed_inbound", lambda _institution, _account: [])
    monkeypatch.setattr(files, "listed", lambda _institution, _account: [])
    made = World(tmp_path)
    made.keys = keys  # type: ignore[attr-defined]
    keys.newest(made.account.institution_id, made.account.id)  # before other processes ask
    return made


def put(session: AccountFiles, path: str, content: bytes, flags: Open = WRITE, **wanted: int) -> None:
    """Upload as OpenSSH does; its next request tells that it had the answer."""
    handle = session.open(path.encode(), flags, Attributes(**wanted))
    send(handle, content)
    handle.close()
    session.heard()


def send(handle: FileHandle, content: bytes, start: int = 0, block: int = 32 * 1024) -> None:
    for at in range(0, len(content), block):
        handle.write(start + at, content[at : at + block])


def names(session: AccountFiles, path: bytes = b"/inbound") -> list[str]:
    return sorted(entry.name.decode() for entry in session.listing(path) if entry.name not in (b".", b".."))
