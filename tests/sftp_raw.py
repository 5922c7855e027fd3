"""SFTP version 3 packet by packet, for habits and tricks that no client library lets a test have."""

import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import NamedTuple

import paramiko

INIT, VERSION, OPEN, CLOSE, READ, WRITE, LSTAT, FSTAT, SETSTAT, FSETSTAT = 1, 2, 3, 4, 5, 6, 7, 8, 9, 10
OPENDIR, READDIR, REMOVE, MKDIR, RMDIR, REALPATH, STAT, RENAME, READLINK, SYMLINK = (
    11,
    12,
    13,
    14,
    15,
    16,
    17,
    18,
    19,
    20,
)
STATUS, HANDLE, DATA, NAME, ATTRS, EXTENDED = 101, 102, 103, 104, 105, 200

OK, EOF, NO_SUCH_FILE, PERMISSION_DENIED, FAILURE, BAD_MESSAGE, OP_UNSUPPORTED = 0, 1, 2, 3, 4, 5, 8
TO_WRITE = 0x02 | 0x08 | 0x10
TO_READ = 0x01


class Answer(NamedTuple):
    """An answer: its kind, and its bytes after the id. `status` is None where it is no STATUS."""

    kind: int
    body: bytes

    @property
    def status(self) -> int | None:
        return struct.unpack(">I", self.body[:4])[0] if self.kind == STATUS else None

    @property
    def message(self) -> str:
        (length,) = struct.unpack(">I", self.body[4:8])
        return self.body[8 : 8 + length].decode()

    @property
    def handle(self) -> bytes:
        assert self.kind == HANDLE, self
        return self.body[4:]


def string(text: str | bytes) -> bytes:
    """Return a string as the protocol writes it."""
    data = text.encode() if isinstance(text, str) else text
    return struct.pack(">I", len(data)) + data


def times(modified: int) -> bytes:
    """Return attributes that carry times alone."""
    return struct.pack(">III", 0x08, modified, modified)


def size_of(size: int) -> bytes:
    """Return attributes that carry a size alone."""
    return struct.pack(">IQ", 0x01, size)


NOTHING = struct.pack(">I", 0)


class Raw:
    """One SFTP channel. `send` does not wait; `ask` sends and returns the answer."""

    def __init__(self, channel: paramiko.Channel) -> None:
        self.channel = channel
        self._id = 0
        self._came = b""

    def send(self, kind: int, *parts: bytes) -> int:
        """Send a request made of `parts` behind an id, and return the id."""
        self._id += 1
        self.send_packet(bytes([kind]) + struct.pack(">I", self._id) + b"".join(parts))
        return self._id

    def send_packet(self, packet: bytes) -> None:
        """Send a packet with its length in front."""
        self.channel.sendall(struct.pack(">I", len(packet)) + packet)

    def receive(self) -> tuple[int, Answer]:
        """Return the next answer and its id. Raises EOFError when the server closed."""
        (length,) = struct.unpack(">I", self._take(4))
        packet = self._take(length)
        return struct.unpack(">I", packet[1:5])[0], Answer(packet[0], packet[5:])

    def ask(self, kind: int, *parts: bytes) -> Answer:
        """Send a request and wait for its answer."""
        sent = self.send(kind, *parts)
        answered, answer = self.receive()
        assert answered == sent
        return answer

    def begin(self) -> None:
        """Agree on version 3."""
        self.send_packet(bytes([INIT]) + struct.pack(">I", 3))
        (length,) = struct.unpack(">I", self._take(4))
        packet = self._take(length)
        assert packet[0] == VERSION
        assert struct.unpack(">I", packet[1:5])[0] == 3

    def open(self, path: str | bytes, flags: int, attributes: bytes = NOTHING) -> Answer:
        """Open a file."""
        return self.ask(OPEN, string(path), struct.pack(">I", flags), attributes)

    def write(self, handle: bytes, offset: int, data: bytes, trailing: bytes = b"") -> Answer:
        """Write, with bytes behind the packet's end as rclone sends them."""
        return self.ask(WRITE, string(handle), struct.pack(">Q", offset), string(data), trailing)

    def read(self, handle: bytes, offset: int, length: int) -> Answer:
        """Read."""
        return self.ask(READ, string(handle), struct.pack(">QI", offset, length))

    def close(self, handle: bytes) -> Answer:
        """Close a handle."""
        return self.ask(CLOSE, string(handle))

    def _take(self, count: int) -> bytes:
        while len(self._came) < count:
            came = self.channel.recv(65536)
            if not came:
                raise EOFError("the server closed the channel")
            self._came += came
        taken, self._came = self._came[:count], self._came[count:]
        return taken


@contextmanager
def raw(transport: paramiko.Transport, *, window: int | None = None) -> Iterator[Raw]:
    """Open a channel of SFTP and agree on version 3; `window` bytes are what the server may send unasked."""
    channel = transport.open_session(window_size=window)
    channel.settimeout(30)
    channel.invoke_subsystem("sftp")
    try:
        there = Raw(channel)
        there.begin()
        yield there
    finally:
        with suppress(EOFError, OSError):  # the connection may be cut
            channel.close()
