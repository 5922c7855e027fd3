"""Reading any part of a sealed file without the rest: only the chunks that a range touches are fetched and opened."""

from collections.abc import Callable
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag

from pratique.foundation.vault import sealing
from pratique.foundation.vault.errors import SealBrokenError
from pratique.foundation.vault.keys import key_of, owner_of

# Fetched by the first request: the header and a whole chunk of the usual size, which is all there is of a small file.
_FIRST = sealing.HEADER_BYTES + sealing.CHUNK_SIZE + sealing.TAG_BYTES


class ReplacedError(Exception):
    """The stored file is another one than when it was opened."""


class Opened(Protocol):
    """A stored file while it is read: the same bytes to the end, whatever is put in its place meanwhile."""

    size: int

    def read_at(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`; fewer only where the file ends.

        Raises ReplacedError where a place cannot keep what was replaced.
        """

    def close(self) -> None:
        """Let go of it."""


class Reader:
    """A sealed file's content by offset. For one thread at a time.

    Making one opens the last chunk, so that `size` is proven before anybody is told, and a file that was cut is an
    error before its first byte is given. The chunk that was opened last is kept: reads in a row open each chunk once.
    """

    def __init__(self, open_file: Callable[[], Opened], *, institution_id: UUID, name: str) -> None:
        """Read from what `open_file` opens. Raises SealBrokenError, KeyMissingError, KeyLockedError, OSError."""
        self._open_file, self._institution_id, self._name = open_file, institution_id, name
        self._opened = open_file()
        try:
            self._begin()
        except BaseException:
            self._opened.close()
            raise

    def _begin(self) -> None:
        opened, name = self._opened, self._name
        start = opened.read_at(0, _FIRST)
        header, _rest = sealing.read_header([start], name=name)
        owner = owner_of(self._institution_id, name)
        key = key_of(self._institution_id, owner, header.key_version, name=name).key
        self._chunks = sealing.Chunks(header, data_key=key, institution_id=self._institution_id, name=name)
        self._content = header.content
        self._each, self._sealed_each = header.chunk_size, header.chunk_size + sealing.TAG_BYTES
        body = opened.size - sealing.HEADER_BYTES
        self._last = max(-(-body // self._sealed_each) - 1, 0)
        rest = body - self._last * self._sealed_each
        if rest < sealing.TAG_BYTES or (rest == sealing.TAG_BYTES and self._last):
            raise SealBrokenError(name, "it is cut short")
        self.size = body - (self._last + 1) * sealing.TAG_BYTES
        self._kept_number, self._kept = -1, b""
        if self._last or opened.size > len(start):
            self._open(self._last, opened.read_at(self._offset(self._last), self._sealed_each))
        else:
            self._open(0, start[sealing.HEADER_BYTES :])

    def read(self, offset: int, length: int) -> bytes:
        """Return `length` bytes from `offset`, fewer at the end, none behind it. Raises SealBrokenError, OSError."""
        end = min(offset + length, self.size)
        if offset < 0 or offset >= end:
            return b""
        first, last = offset // self._each, (end - 1) // self._each
        skip = offset - first * self._each
        if first == last and first == self._kept_number:
            return self._kept[skip : skip + end - offset]
        pieces = []
        fetched_from = first
        if first == self._kept_number:
            pieces.append(self._kept)
            fetched_from += 1
        wanted = (last + 1 - fetched_from) * self._sealed_each
        sealed = memoryview(self._fetch(self._offset(fetched_from), wanted))
        for number in range(fetched_from, last + 1):
            at = (number - fetched_from) * self._sealed_each
            pieces.append(self._open(number, sealed[at : at + self._sealed_each]))
        if skip:
            pieces[0] = pieces[0][skip:]
        surplus = (last + 1) * self._each - end
        if last == self._last:
            surplus = self.size - end
        if surplus:
            pieces[-1] = pieces[-1][:-surplus]
        return pieces[0] if len(pieces) == 1 else b"".join(pieces)

    def close(self) -> None:
        """Let go of the file."""
        self._kept_number, self._kept = -1, b""
        self._opened.close()

    def _fetch(self, offset: int, length: int) -> bytes:
        try:
            return self._opened.read_at(offset, length)
        except ReplacedError:
            before = (self._content, self.size, self._each)
            self._opened.close()
            self._opened = self._open_file()
            self._begin()
            if (self._content, self.size, self._each) != before:
                raise SealBrokenError(
                    self._name, "it was replaced while it was read; read it again"
                ) from None
            # The same content, sealed again under a newer key: everything lies where it lay.
            return self._opened.read_at(offset, length)

    def _offset(self, number: int) -> int:
        return sealing.HEADER_BYTES + number * self._sealed_each

    def _open(self, number: int, sealed: bytes | memoryview) -> bytes:
        try:
            self._kept = self._chunks.open(number, sealed, last=number == self._last)
        except (InvalidTag, ValueError):
            raise SealBrokenError(self._name, sealing.DAMAGED) from None
        self._kept_number = number
        return self._kept
