"""Bytes as they come, cut into requests. Pure.

`feed` belongs to whoever receives, `take` to whoever works; the two may be different threads at the same time: they
share a deque, and each side writes only its own counter.
"""

from collections import deque
from struct import Struct

from pratique.interfaces.sftp.packets import Packet

_LENGTH = Struct(">I")
_SMALL = 4096  # copying so little is cheaper than a view, which keeps the whole chunk in memory
_COST = 100  # what a waiting request takes in memory besides its bytes
_SHORTEST = 5  # a type and an id (or a version) are in every request


class Requests:
    """What a client has sent and nobody has worked off."""

    def __init__(self, most: int) -> None:
        """A request longer than `most` cannot be."""
        self._most = most
        self._whole: deque[Packet] = deque()
        self._prefix = b""  # of a request's length, when its four bytes come in parts
        self._partial: bytearray | None = None
        self._filled = 0
        self._came = 0
        self._went = 0
        self.broken = False  # an impossible length came: nothing after it can be understood

    def __len__(self) -> int:
        return len(self._whole)

    @property
    def waiting(self) -> int:
        """How much memory the requests take that wait."""
        return self._came - self._went

    def feed(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere."""
        at, end = 0, len(data)
        while at < end and not self.broken:
            if self._partial is not None:
                at = self._fill(self._partial, data, at)
            elif self._prefix or end - at < 4:
                needed = 4 - len(self._prefix)
                self._prefix += data[at : at + needed]
                at += needed
                if len(self._prefix) == 4:
                    (length,) = _LENGTH.unpack(self._prefix)
                    self._prefix = b""
                    at = self._begin(length, data, at)
            else:
                (length,) = _LENGTH.unpack_from(data, at)
                at = self._begin(length, data, at + 4)

    def take(self) -> Packet:
        """Return the next request, which is there."""
        request = self._whole.popleft()
        self._went += len(request) + _COST
        return request

    def peek(self) -> Packet:
        """Return the next request, which is there, and leave it."""
        return self._whole[0]

    def drop(self) -> None:
        """Forget what waits."""
        while self._whole:
            self.take()

    def _begin(self, length: int, data: bytes, at: int) -> int:
        """Take a request of `length` bytes that begins at `at`; return where to go on."""
        if not _SHORTEST <= length <= self._most:
            self.broken = True
        elif len(data) - at < length:
            self._partial, self._filled = bytearray(length), 0
        else:
            self._keep(data[at : at + length] if length < _SMALL else memoryview(data)[at : at + length])
            return at + length
        return at

    def _fill(self, partial: bytearray, data: bytes, at: int) -> int:
        """Go on with the request that came in part; return where to go on after it."""
        taken = min(len(partial) - self._filled, len(data) - at)
        partial[self._filled : self._filled + taken] = memoryview(data)[at : at + taken]
        self._filled += taken
        if self._filled == len(partial):
            self._keep(partial)
            self._partial = None
        return at + taken

    def _keep(self, request: Packet) -> None:
        self._came += len(request) + _COST
        self._whole.append(request)
