"""The content of an upload in the spool: a file that grows, shrinks and is written in any order, sealed in chunks.

    header (1024, `spool.header`) | chunks of 64 KiB: nonce (12) · ciphertext · tag (16)

Each chunk is sealed by AES-256-GCM with the file's own key and a random nonce; file id and chunk number are the
additional data, so that chunks can be neither exchanged nor moved to another file. A chunk that is not full is
sealed at its length, which follows from the size in the header. What is not full yet stays in memory until the file
is flushed; a process that dies loses that much of an upload that is incomplete anyway.
"""

import errno
import os
from collections.abc import Iterator
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pratique.foundation.vault import SealBrokenError
from pratique.transfers.spool import holes as pieces
from pratique.transfers.spool.errors import ScatteredError, SpoolFullError
from pratique.transfers.spool.header import HEADER_BYTES, NONCE, TAG, Facts, Start, State, few, seal_facts

# What is held of a file that is written out of order before chunks with gaps go to the disk: 1 MiB.
MOST_HELD = 16
MOST_PIECES = 256
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_AT_ONCE = 16


class SealedFile:
    """An upload's content behind a descriptor that its caller has locked, and will close."""

    def __init__(self, fd: int, start: Start, cipher: AESGCM, owner: bytes, facts: Facts, label: str) -> None:
        self._fd, self._start, self._cipher, self._owner, self._label = fd, start, cipher, owner, label
        self._chunk = start.chunk
        self._slot = start.chunk + NONCE + TAG
        self._bound = start.file_id.bytes
        self.facts = facts
        self.size = facts.size
        self._holes: list[pieces.Hole] = list(facts.holes)
        self._held: dict[int, bytearray] = {}
        self.most_held = MOST_HELD
        # Of what was there when it was opened: how much, and up to where it was written over.
        self._found = facts.size
        self._rewritten: int | None = None

    @property
    def file_id(self) -> UUID:
        return self._start.file_id

    @property
    def holes(self) -> list[pieces.Hole]:
        """What never came below the size."""
        return self._holes

    # --- writing -------------------------------------------------------------------------------------------------

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset`. Raises SpoolFullError, ScatteredError, SealBrokenError."""
        view = memoryview(data)
        if not len(view):
            return
        self._begin(offset, offset + len(view))
        if offset == self.size and not self._holes and len(self._held) < 2:
            self._append(view)
        else:
            self._put(offset, view)

    def buffers(self, offset: int, length: int) -> bool:
        """Return whether these bytes, the first of a new file, would only be kept in memory."""
        facts = self.facts
        return (
            offset == self.size == self._found == 0
            and length < self._chunk
            and not self._held
            and facts.state is State.OPEN
            and facts.sure is None
        )

    def flushes_briefly(self) -> bool:
        """Return whether `flush` writes one chunk at most."""
        return len(self._held) < 2 and not self._holes

    def truncate(self, size: int) -> None:
        """Cut everything from `size` on, which is at most the size there is."""
        if size == self.size:
            return
        self._begin(size, size)
        number, within = divmod(size, self._chunk)
        if within:
            del self._load(number)[within:]
        for one in [one for one in self._held if one > number or (one == number and not within)]:
            del self._held[one]
        self.size, self._holes = size, pieces.cut(self._holes, size)
        self._found = min(self._found, size)
        os.ftruncate(self._fd, HEADER_BYTES + number * self._slot)

    def flush(self) -> None:
        """Put on the disk, or at least into its cache, whatever is in memory. Raises SpoolFullError."""
        self._doubt_holes()
        self._spill(sorted(self._held))

    def save(self, **changes: object) -> None:
        """Write the header with these facts changed, and with size and holes as they are."""
        # In place: a copy took a tenth of the time that a small file takes.
        facts = self.facts
        facts.size, facts.holes = self.size, tuple(few(self._holes))
        for name, value in changes.items():
            setattr(facts, name, value)
        _write(self._fd, [seal_facts(self._start, self._cipher, self._owner, self.facts)], 0)

    def bury(self, now: int) -> None:
        """Keep the header alone, which says that it was claimed."""
        self.save(state=State.GONE, changed_at=now)
        os.ftruncate(self._fd, HEADER_BYTES)

    def settle_broken_off(self) -> None:
        """Keep of an upload that breaks off what can be resumed: up to the first gap, or where it was written over."""
        end = self._holes[0][0] if self._holes else self.size
        if self._mixed:
            end = min(end, self._rewritten or 0)
        self.truncate(end)

    def cut_torn(self) -> None:
        """Remove what a write that failed left behind the end."""
        os.ftruncate(self._fd, HEADER_BYTES + self._sealed_bytes())

    # --- reading -------------------------------------------------------------------------------------------------

    def read(self, offset: int, length: int) -> bytes:
        """Return what lies there; zeros where nothing came. Raises SealBrokenError."""
        end = min(offset + length, self.size)
        parts = []
        while offset < end:
            number, within = divmod(offset, self._chunk)
            part = self._content(number)[within : within + end - offset]
            parts.append(bytes(part))
            offset += len(part)
        return b"".join(parts)

    def blocks(self) -> Iterator[bytes]:
        """Yield the whole content of a flushed file without holes, each block verified. Raises SealBrokenError."""
        if os.fstat(self._fd).st_size != HEADER_BYTES + self._sealed_bytes():
            raise SealBrokenError(self._label, "it is cut short, or something was added")
        number, left = 0, self.size
        while left:
            sealed = memoryview(os.pread(self._fd, _AT_ONCE * self._slot, HEADER_BYTES + number * self._slot))
            for at in range(0, len(sealed), self._slot):
                part = self._opened(number, sealed[at : at + self._slot])
                if len(part) != min(left, self._chunk):
                    raise SealBrokenError(self._label, "it is cut short")
                left, number = left - len(part), number + 1
                yield part
            if not len(sealed):
                raise SealBrokenError(self._label, "it is cut short")

    def recover(self) -> None:
        """Find out how much came of an upload that was left open, and make it an incomplete one of that size.

        What can be opened from the beginning on is what came: the header was not written again since.
        """
        self._held.clear()
        number, size, known = 0, 0, os.fstat(self._fd).st_size - HEADER_BYTES
        while size % self._chunk == 0 and number * self._slot < known:
            try:
                size += len(self._opened(number, self._slot_bytes(number, self._chunk)))
            except SealBrokenError:
                break
            number += 1
        self.size = self._found = size
        self._holes, self._rewritten = [], None
        if self.facts.sure is not None and self.facts.sure < size:
            self.truncate(self.facts.sure)
            self.flush()
        self.cut_torn()
        self.save(state=State.INCOMPLETE, sure=None)

    # --- within --------------------------------------------------------------------------------------------------

    def _begin(self, start: int, end: int) -> None:
        """Note on the disk, before the first change, that it is being written to."""
        facts = self.facts
        if start < self._found:
            self._rewritten = max(self._rewritten or 0, end)
            if facts.state is not State.OPEN or facts.sure is None or start < facts.sure:
                before = [
                    known for known in (facts.sure, *(hole[0] for hole in self._holes)) if known is not None
                ]
                self.save(state=State.OPEN, sure=min([start, *before]))
        elif facts.state is not State.OPEN:
            self.save(state=State.OPEN, sure=self._holes[0][0] if self._holes else None)
        elif facts.sure is not None and not self._holes and not self._mixed:
            # Nothing is left of what was there before, and nothing is missing: all that can be read counts again.
            self.flush()
            self.save(sure=None)

    def _doubt_holes(self) -> None:
        """Note on the disk, before a chunk with a gap goes there, that it is none that can be resumed from."""
        if self._holes and (self.facts.sure is None or self._holes[0][0] < self.facts.sure):
            self.save(sure=self._holes[0][0])

    @property
    def _mixed(self) -> bool:
        """Whether it begins with new bytes and goes on with those that were found."""
        return self._rewritten is not None and self._rewritten < self._found

    def _append(self, view: memoryview) -> None:
        """Write at the end: full chunks go to the disk in one call, the rest waits in memory."""
        number, within = divmod(self.size, self._chunk)
        first, at, sealed = number, 0, []
        length = len(view)
        if within:
            tail = self._load(number)
            at = min(self._chunk - within, length)
            tail += view[:at]
            if within + at == self._chunk:
                sealed += self._seal(number, tail)
                number += 1
        while length - at >= self._chunk:
            sealed += self._seal(number, view[at : at + self._chunk])
            at, number = at + self._chunk, number + 1
        if sealed:
            try:
                _write(self._fd, sealed, HEADER_BYTES + first * self._slot)
            except SpoolFullError:
                if within:  # as it was before
                    del self._held[first][within:]
                raise
            self._held.pop(first, None)
        if at < length:
            self._held[number] = bytearray(view[at:])
        self.size += length

    def _put(self, offset: int, view: memoryview) -> None:
        """Write anywhere. Chunks with gaps wait in memory, as far as there is room for them."""
        end = offset + len(view)
        if end > self.size and self.size % self._chunk:
            self._load(self.size // self._chunk)  # its length on the disk follows from the old size
        left = pieces.filled(self._holes, offset, end)
        if offset > self.size:
            left.append((self.size, offset))
        if len(left) > MOST_PIECES:
            raise ScatteredError("The file is written in too many pieces at once.")
        at = 0
        while at < len(view):
            number, within = divmod(offset + at, self._chunk)
            part = view[at : at + self._chunk - within]
            held = self._held.get(number)
            if held is None:
                whole = len(part) == self._chunk
                held = self._held[number] = bytearray() if whole else self._load(number)
            if len(held) < within:
                held.extend(bytes(within - len(held)))
            held[within : within + len(part)] = part
            at += len(part)
        self.size, self._holes = max(self.size, end), left
        sure = left[0][0] if left else self.size
        self._spill([one for one in sorted(self._held) if (one + 1) * self._chunk <= sure])
        if len(self._held) > self.most_held:
            self._doubt_holes()
            self._spill(sorted(self._held)[:-1])

    def _load(self, number: int) -> bytearray:
        """Return a chunk in memory, to be changed there."""
        if (held := self._held.get(number)) is None:
            held = self._held[number] = bytearray(self._content(number))
        return held

    def _content(self, number: int) -> bytes | bytearray:
        length = min(self._chunk, self.size - number * self._chunk)
        if (held := self._held.get(number)) is not None:
            return held if len(held) >= length else held + bytes(length - len(held))
        if length <= 0:
            return b""
        if pieces.covers(self._holes, number * self._chunk, number * self._chunk + length):
            return bytes(length)
        content = self._opened(number, self._slot_bytes(number, length))
        if len(content) != length:
            raise SealBrokenError(self._label, "it is cut short")
        return content

    def _spill(self, numbers: list[int]) -> None:
        """Seal these chunks and write them, neighbours in one call; what was written is not held any more."""
        for number in numbers:
            held = self._held[number]
            length = min(self._chunk, self.size - number * self._chunk)
            if len(held) < length:
                held.extend(bytes(length - len(held)))
        at = 0
        while at < len(numbers):
            end = at + 1
            while end < len(numbers) and numbers[end] == numbers[end - 1] + 1 and end - at < _AT_ONCE:
                end += 1
            sealed = [part for one in numbers[at:end] for part in self._seal(one, self._held[one])]
            _write(self._fd, sealed, HEADER_BYTES + numbers[at] * self._slot)
            for one in numbers[at:end]:
                del self._held[one]
            at = end

    def _seal(self, number: int, content: bytes | bytearray | memoryview) -> list[bytes]:
        nonce = os.urandom(NONCE)
        return [nonce, self._cipher.encrypt(nonce, content, self._bound + number.to_bytes(8, "big"))]

    def _slot_bytes(self, number: int, length: int) -> bytes:
        return os.pread(self._fd, length + NONCE + TAG, HEADER_BYTES + number * self._slot)

    def _opened(self, number: int, sealed: bytes | memoryview) -> bytes:
        try:
            return self._cipher.decrypt(
                sealed[:NONCE], sealed[NONCE:], self._bound + number.to_bytes(8, "big")
            )
        except (InvalidTag, ValueError):
            what = "it is damaged, or it is not the file that was put there"
            raise SealBrokenError(self._label, what) from None

    def _sealed_bytes(self) -> int:
        full, rest = divmod(self.size, self._chunk)
        return full * self._slot + (rest + NONCE + TAG if rest else 0)


def _write(fd: int, parts: list[bytes], offset: int) -> None:
    """Write all of `parts` from `offset` on. Raises SpoolFullError if there is no room for them."""
    try:
        done, wanted = os.pwritev(fd, parts, offset), sum(map(len, parts))
        if done < wanted:  # the disk was full in the middle, or a signal came
            rest = memoryview(b"".join(parts))
            while done < wanted:
                done += os.pwrite(fd, rest[done:], offset + done)
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise SpoolFullError(
                "There is no room to store the file at the moment. Try again later."
            ) from None
        raise
