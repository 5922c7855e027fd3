"""asyncssh's way to its socket: small packets go out together, and what was said last reaches the client.

asyncssh hands each packet to the socket alone, with one to be ignored before it (that hides lengths): two system calls
for an answer of 30 bytes, a third of what an answer costs. Here they wait for the end of the loop's round.

asyncssh closes its socket as soon as it has written the reason for a disconnect. If the client was sending, bytes of it
lie unread then; the kernel answers them with a reset (RFC 1122, section 4.2.2.13), and the client's kernel may throw
away what the client had not read yet: the reason.
"""

import asyncio
from typing import Any, cast

# A client that hears the reason closes at once. Who does not is cut off: so long, or after so many bytes.
PATIENCE = 3.0
_MOST = 64 * 1024 * 1024
# Copying a larger packet costs more than a system call.
_SMALL = 4096

Leaving = set["_Farewell"]


class Line:
    """A transport that gathers small packets, and after `linger` closes only when the client has had time to read."""

    def __init__(self, transport: asyncio.Transport, leaving: Leaving) -> None:
        """`leaving`: where those are noted that still may read."""
        self._transport, self._leaving = transport, leaving
        self._loop = asyncio.get_running_loop()
        self._waiting: list[bytes] = []
        self._lingers = False
        # Whoever sets it flushes by itself, and takes it back.
        self.flushed_soon = False

    def write(self, data: bytes) -> None:
        """Send, at the end of this round of the loop at the latest."""
        if not self._waiting:
            if len(data) > _SMALL:
                self._transport.write(data)
                return
            if not self.flushed_soon:
                self._loop.call_soon(self.flush)
        self._waiting.append(data)

    def linger(self) -> None:
        """Something was said, or is about to be, that the client should read."""
        self._lingers = True

    def abort(self) -> None:
        """Close: at once, or when the client has read."""
        self.flush()
        if self._lingers and not self._transport.is_closing():
            _Farewell(self._transport, self._leaving)
        else:
            self._transport.abort()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def flush(self) -> None:
        """Send what waits."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._transport.write(b"".join(waiting))


class _Farewell(asyncio.Protocol):
    """Sends what is still to be sent, says that no more comes, and takes what the client sends until it closes."""

    def __init__(self, transport: asyncio.Transport, leaving: Leaving) -> None:
        self._transport, self._leaving = transport, leaving
        self._taken = 0
        leaving.add(self)
        transport.set_protocol(self)
        if not transport.is_reading():
            transport.resume_reading()
        transport.write_eof()
        self._cut = asyncio.get_running_loop().call_later(PATIENCE, transport.abort)

    def data_received(self, data: bytes) -> None:
        self._taken += len(data)
        if self._taken > _MOST:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._cut.cancel()
        self._leaving.discard(self)


def line_of(transport: asyncio.BaseTransport, leaving: Leaving) -> tuple[Line, asyncio.Transport]:
    """Return a line over a transport, and the same as what asyncssh takes for a transport."""
    line = Line(cast(asyncio.Transport, transport), leaving)
    return line, cast(asyncio.Transport, line)
