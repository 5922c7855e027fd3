"""How much room an account has left in the spool."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from pratique.transfers.policies import MOST_BYTES_OF_ACCOUNT, MOST_FILES
from pratique.transfers.spool.errors import SpoolFullError

# How far the count may lag behind what other sessions and processes do.
_COUNT_SECONDS = 5.0
_COUNT_BYTES = 64 * 1024 * 1024


class Room:
    """Counts the files and bytes in `folder`: now and then on the disk, in between by what this session adds."""

    def __init__(self, folder: Callable[[], Path]) -> None:
        self._folder, self._counted = folder, float("-inf")
        self._files = self._bytes = self._uncounted = 0

    def check(self) -> None:
        """Raise SpoolFullError if there are as many files as there may be."""
        if time.monotonic() - self._counted > _COUNT_SECONDS or self._files >= MOST_FILES:
            self._count()
        if self._files >= MOST_FILES:
            raise SpoolFullError(
                f"There are {MOST_FILES} unprocessed files already. Remove some, or wait until they are processed."
            )

    def is_counted(self) -> bool:
        """Return whether `check` will do without looking at the disk."""
        return time.monotonic() - self._counted <= _COUNT_SECONDS and self._files < MOST_FILES

    def has_surely(self, more: int) -> bool:
        """Return whether `has` will say yes without looking at the disk."""
        coming = self._uncounted + more
        return coming <= _COUNT_BYTES and self._bytes + coming <= MOST_BYTES_OF_ACCOUNT

    def has(self, more: int) -> bool:
        """Return whether so many bytes more may come, and count them."""
        self._uncounted += more
        if self._uncounted > _COUNT_BYTES or self._bytes + self._uncounted > MOST_BYTES_OF_ACCOUNT:
            self._count()
            self._uncounted = more
        return self._bytes + self._uncounted <= MOST_BYTES_OF_ACCOUNT

    def file_made(self) -> None:
        """Count a new file."""
        self._files += 1

    def _count(self) -> None:
        sizes = []
        for entry in os.scandir(self._folder()):
            with suppress(FileNotFoundError):
                if entry.name.endswith(".up"):
                    sizes.append(entry.stat(follow_symlinks=False).st_size)
        self._files, self._bytes, self._counted = len(sizes), sum(sizes), time.monotonic()
