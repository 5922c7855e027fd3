"""The first moments of a connection: `Door` lets in or turns away before anything is computed.

`Connection` is asyncssh's, with a look at each key and signature before it counts.
"""

import asyncio
import socket
from typing import TYPE_CHECKING, Any, cast

import asyncssh
import structlog

from pratique.interfaces.sftp import metrics, words
from pratique.interfaces.sftp.line import Line, line_of

if TYPE_CHECKING:
    from pratique.interfaces.sftp.connection import Guest
    from pratique.interfaces.sftp.server import Service

log = structlog.get_logger(__name__)

# Asked after a minute of silence, every 30 seconds, four times; a client that stopped reading has ten minutes.
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 60), ("TCP_KEEPINTVL", 30), ("TCP_KEEPCNT", 4), ("TCP_USER_TIMEOUT", 600_000),
)  # fmt: skip
_SERVICE_REQUEST, _SERVICE_ACCEPT, _KEXINIT = 5, 6, 20  # RFC 4253, section 12


class Door(asyncio.Protocol):
    """The first moment of a connection: nothing is computed for a source that is kept out."""

    def __init__(self, service: "Service") -> None:
        self._service = service

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport = cast(asyncio.Transport, transport)
        peer = transport.get_extra_info("peername")
        address = str(peer[0]).partition("%")[0] if peer else ""
        if reason := self._service.why_not(address):
            metrics.TURNED_AWAY.labels(reason=reason).inc()
            if address:
                transport.write(words.NOT_NOW)
            transport.close()
            return
        connection = Connection(asyncio.get_running_loop(), self._service.options())
        keep_alive(transport.get_extra_info("socket"))
        connection.line, as_transport = line_of(transport, self._service.leaving)
        transport.set_protocol(connection)
        connection.connection_made(as_transport)


def keep_alive(connected: socket.socket) -> None:
    """Have the kernel find out within three minutes that the other end is gone.

    asyncssh could ask by packets of its own, but sets a timer anew for each packet that comes: 7 % of a small file.
    """
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in _KEEPALIVE:
        if hasattr(socket, name):
            connected.setsockopt(socket.IPPROTO_TCP, getattr(socket, name), value)


class Connection(asyncssh.SSHServerConnection):
    """asyncssh's connection, whose keys are judged by what is on the wire before asyncssh looks at them."""

    guest: "Guest"
    line: Line

    def data_received(self, data: bytes, datatype: Any = None) -> None:
        if not self.guest.takes(len(data)):
            return
        # Sooner than the end of the loop's round: without another look at all sockets.
        self.line.flushed_soon = True
        try:
            super().data_received(data, datatype)
        finally:
            self.line.flushed_soon = False
            self.line.flush()

    def pause_writing(self) -> None:
        """The socket takes no more: asyncssh would fill memory as far as the client opened its window."""
        self.guest.hold(True)

    def resume_writing(self) -> None:
        self.guest.hold(False)

    def process_packet(self, pkttype: int, pktid: int, packet: Any) -> Any:
        """Answer who asks for the sign-in again: paramiko does before each key, and asyncssh would hang up.

        And end who asks for key exchanges without end: each costs us milliseconds, and the client next to nothing.
        """
        if pkttype == _KEXINIT and not self.guest.may_exchange_keys():
            return True
        if pkttype == _SERVICE_REQUEST and self.guest.signing_in:
            service = packet.get_string()
            self.send_packet(_SERVICE_ACCEPT, len(service).to_bytes(4, "big") + service)
            return True
        return super().process_packet(pkttype, pktid, packet)

    async def reload_config(self) -> None:
        """There is no configuration by user: asyncssh would make its options anew, in a thread, for each sign-in."""

    async def validate_public_key(self, username: str, key_data: bytes, msg: bytes, signature: bytes) -> bool:
        """Return whether this key signs in (`msg`: whether it has). SHA-1 is refused here: asyncssh would take it."""
        return await self.guest.judge(
            key_data, signature if msg else b"",
            lambda: super(Connection, self).validate_public_key(username, key_data, msg, signature),
        )  # fmt: skip

    def internal_error(self, exc_info: Any = None, error_logger: Any = None) -> None:
        # asyncssh tells this only to who debugs it.
        log.warning("an SSH connection ended in an error of ours", exc_info=exc_info or True)
        super().internal_error(exc_info, error_logger)
