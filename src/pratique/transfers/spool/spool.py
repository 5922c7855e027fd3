"""The spool of a machine, as one process sees it: its folders, and what the keeper must hear of."""

import fcntl
import json
import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from pratique.foundation.ids import new_id
from pratique.transfers.spool.header import Facts
from pratique.transfers.types import AccountRef

_SERVERS = ".servers"
_WHOSE = "account.json"
MICROSECONDS = 1_000_000


class Change(NamedTuple):
    """An upload changed: `facts` is what is known of it now. `removed`: it is not there any more."""

    account: AccountRef
    facts: Facts
    removed: bool = False


class Answer(NamedTuple):
    """Whether a client had the answer to the CLOSE of an upload; if not, its session is over."""

    account: AccountRef
    file_id: UUID
    heard: bool


class Download(NamedTuple):
    """A file of /outbound was read to its end."""

    account: AccountRef
    file_id: UUID


@dataclass(frozen=True)
class Place:
    """The folder of an account's uploads."""

    account: AccountRef
    path: Path


class Spool:
    """The folder of all uploads (`root`, by default `settings.SFTP_SPOOL`). One for each process.

    What sessions leave in the three queues is for the keeper; they are bounded, and a full scan makes up for losses.
    """

    def __init__(self, root: Path | None = None, *, clock: Callable[[], float] = time.time) -> None:
        self.root = Path(root or settings.SFTP_SPOOL)
        self.server: UUID = new_id()
        self.clock = clock
        self.changes: deque[Change] = deque(maxlen=200_000)
        self.answers: deque[Answer] = deque(maxlen=200_000)
        self.downloads: deque[Download] = deque(maxlen=200_000)
        # Uploads that sessions of this process write to, by file id.
        self.open_here: dict[UUID, object] = {}
        # Those whose client has said nothing since its CLOSE; None: and never will, its session is over.
        self.unheard: dict[UUID, AccountRef | None] = {}
        self._alive: int | None = None
        self._lock = threading.Lock()

    def now(self) -> int:
        """Return the time in microseconds since 1970."""
        return int(self.clock() * MICROSECONDS)

    def place(self, account: AccountRef) -> Place:
        """Return the folder of an account, made if there is none."""
        path = self.root / str(account.id)
        if not (path / _WHOSE).exists():
            path.mkdir(parents=True, exist_ok=True, mode=0o700)
            whose = {"institution": str(account.institution_id), "username": account.username}
            beside = path / f".{new_id()}.part"
            # On the disk before anything of the account is: without it, a power cut could leave uploads of nobody.
            with beside.open("w") as file:
                file.write(json.dumps(whose))
                file.flush()
                os.fsync(file.fileno())
            beside.replace(path / _WHOSE)
        return Place(account, path)

    def places(self) -> Iterator[Place]:
        """Yield the folders of all accounts that ever uploaded here."""
        with suppress(FileNotFoundError):
            for entry in sorted(os.scandir(self.root), key=lambda one: one.name):
                with suppress(FileNotFoundError, NotADirectoryError, ValueError, KeyError):
                    path = Path(entry.path)
                    whose = json.loads((path / _WHOSE).read_text())
                    account = AccountRef(UUID(whose["institution"]), UUID(entry.name), whose["username"])
                    yield Place(account, path)

    # --- which server processes live -----------------------------------------------------------------------------

    def come_alive(self) -> None:
        """Let other processes know, for as long as this one lives, that it looks after its own uploads."""
        with self._lock:
            if self._alive is None:
                folder = self.root / _SERVERS
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                fd = os.open(folder / str(self.server), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(fd, fcntl.LOCK_EX)
                self._alive = fd

    def die(self) -> None:
        """The opposite."""
        with self._lock:
            if self._alive is not None:
                (self.root / _SERVERS / str(self.server)).unlink(missing_ok=True)
                os.close(self._alive)
                self._alive = None

    def lives(self, server: UUID | None) -> bool:
        """Return whether the process `server` is there and looks after its uploads."""
        if server is None:
            return False
        if server == self.server:
            return self._alive is not None
        path = self.root / _SERVERS / str(server)
        try:
            fd = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return False
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        path.unlink(missing_ok=True)  # its process died: nobody else has this id
        return False
