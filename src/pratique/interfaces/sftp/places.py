"""What the server processes of one machine must agree on, by locks that the kernel drops when their holder dies.

An account's sessions are counted by files that are locked while a session lasts; a server's life by one file.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID

import fasteners


class Places:
    """The sessions that an account may have at once, over all processes of this machine."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def take(self, account_id: UUID, most: int) -> int | None:
        """Take one of `most` places; return what `give_back` wants, or None if all are taken."""
        for number in range(most):
            place = os.open(
                self._folder / f"{account_id}.{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600
            )
            if _lock(place):
                return place
            os.close(place)
        return None

    @staticmethod
    def give_back(place: int) -> None:
        """Free a place."""
        os.close(place)


class ServerLife:
    """The id of this server process, held for as long as it lives."""

    def __init__(self, folder: Path, server: UUID) -> None:
        self.id, self._folder = server, folder
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with self._alone():
            self._held = os.open(
                folder / f"{self.id}.life", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
            )
            _lock(self._held)

    def end(self) -> None:
        """Say that this process ended in good order: nothing of it has to be cleared up."""
        (self._folder / f"{self.id}.life").unlink(missing_ok=True)
        os.close(self._held)

    def dead(self) -> list[UUID]:
        """Return the servers that ended without `end`."""
        found = []
        with self._alone():
            for path in self._folder.glob("*.life"):
                if path.stem == str(self.id):
                    continue
                with suppress(FileNotFoundError):
                    probe = os.open(path, os.O_RDWR | os.O_CLOEXEC)
                    if _lock(probe):
                        found.append(UUID(path.stem))
                    os.close(probe)
        return found

    def forget(self, server: UUID) -> None:
        """Forget a dead server: what it left is cleared up."""
        (self._folder / f"{server}.life").unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        # Between making its file and locking it, a new server must not be taken for a dead one.
        with fasteners.InterProcessLock(self._folder / ".lock"):
            yield


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
