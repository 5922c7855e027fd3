"""The client of clamd(8): commands `zPING` and `zINSTREAM`, one connection each.

INSTREAM takes pieces, each behind its length in four bytes (big endian), and an empty one at the end. The daemon
answers `stream: OK`, `stream: <name> FOUND`, or a text that ends with `ERROR`.
"""

import re
import socket
import struct
import time

import structlog
from django.conf import settings

from pratique.connectors.clamd.types import Clean, Infected, Unavailable, Verdict

CONNECT_SECONDS = 5
SCAN_SECONDS = 60
_PIECE = 64 * 1024
_LONGEST_ANSWER = 4096
_FOUND = re.compile(r"stream: (.{1,200}) FOUND")
log = structlog.get_logger(__name__)


class ClamdError(Exception):
    """The daemon is not there, or answered what it should not."""


def is_configured() -> bool:
    """Return whether there is a scanner to ask."""
    return bool(settings.CLAMD)


def scan(content: bytes) -> Verdict:
    """Return what the daemon says of `content`; `Unavailable` covers every way of not knowing.

    A daemon that does not answer is never taken for a clean file, nor is a missing address.
    """
    try:
        answer = _ask(b"zINSTREAM\0", content, seconds=SCAN_SECONDS)
        if answer == "stream: OK":
            return Clean()
        if found := _FOUND.fullmatch(answer):
            return Infected(found[1])
        if "size limit exceeded" in answer:
            raise ClamdError("it takes no file of this size: set StreamMaxLength to 25M or more")
        raise ClamdError(f"it answered {answer[:80]!r}")
    except ClamdError as error:
        log.warning("clamd_unavailable", reason=str(error))
        return Unavailable(str(error))


def check() -> None:
    """Raise ClamdError unless the daemon answers a ping."""
    answer = _ask(b"zPING\0", None, seconds=CONNECT_SECONDS)
    if answer != "PONG":
        raise ClamdError(f"it answered {answer[:80]!r}")


def _ask(command: bytes, content: bytes | None, *, seconds: float) -> str:
    deadline = time.monotonic() + seconds
    try:
        with _connect() as daemon:
            daemon.settimeout(seconds)
            try:
                daemon.sendall(command)
                if content is not None:
                    _stream(daemon, content)
            except (BrokenPipeError, ConnectionResetError):
                pass  # it had enough before the end, and may have said why
            return _read(daemon, deadline)
    except TimeoutError:
        raise ClamdError("it does not answer in time") from None
    except OSError as error:
        raise ClamdError(f"it cannot be reached ({error.strerror or type(error).__name__})") from None


def _stream(daemon: socket.socket, content: bytes) -> None:
    view = memoryview(content)
    for start in range(0, len(view), _PIECE):
        piece = view[start : start + _PIECE]
        daemon.sendall(struct.pack(">I", len(piece)))
        daemon.sendall(piece)
    daemon.sendall(struct.pack(">I", 0))


def _read(daemon: socket.socket, deadline: float) -> str:
    answer = b""
    while not answer.endswith((b"\0", b"\n")) and len(answer) < _LONGEST_ANSWER:
        daemon.settimeout(max(0.01, deadline - time.monotonic()))
        piece = daemon.recv(_LONGEST_ANSWER)
        if not piece:
            break
        answer += piece
    if not answer:
        raise ClamdError("it closed the connection without an answer")
    return answer.rstrip(b"\0\n").decode("utf-8", "replace")


def _connect() -> socket.socket:
    address = settings.CLAMD
    if not address:
        raise ClamdError("no address is set in CLAMD")
    if "/" in address:
        daemon = socket.socket(socket.AF_UNIX)
        daemon.settimeout(CONNECT_SECONDS)
        try:
            daemon.connect(address)
        except BaseException:
            daemon.close()
            raise
        return daemon
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdigit() or not 0 < int(port) < 65_536:
        raise ClamdError("CLAMD must be host:port, such as 127.0.0.1:3310, or the path of a socket")
    return socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS)
