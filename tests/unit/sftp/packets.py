"""A client's side of SFTP version 3, written from the draft and not from our own code, and files in memory."""

import struct
from dataclasses import dataclass, field

from pratique.interfaces.sftp.filesystem import Attributes, Entry, Open, SftpError, Status

INIT = struct.pack(">IBI", 5, 1, 3)


def s(value: bytes) -> bytes:
    return struct.pack(">I", len(value)) + value


def n(value: int) -> bytes:
    return struct.pack(">I", value)


def q(value: int) -> bytes:
    return struct.pack(">Q", value)


def asked(kind: int, request: int, *fields: bytes) -> bytes:
    body = struct.pack(">BI", kind, request) + b"".join(fields)
    return struct.pack(">I", len(body)) + body


@dataclass
class Answer:
    """An answer, taken apart."""

    kind: int
    request: int
    body: bytes

    @property
    def said(self) -> str:
        """A status as its code's name and nothing else; other answers by their kind."""
        if self.kind == 101:
            return Status(struct.unpack_from(">I", self.body)[0]).name
        return {2: "VERSION", 102: "HANDLE", 103: "DATA", 104: "NAME", 105: "ATTRS", 201: "EXTENDED"}[
            self.kind
        ]

    @property
    def sentence(self) -> str:
        assert self.kind == 101
        (length,) = struct.unpack_from(">I", self.body, 4)
        text, rest = self.body[8 : 8 + length], self.body[8 + length :]
        assert rest == s(b"en")
        return text.decode()

    @property
    def string(self) -> bytes:
        """A handle, or data."""
        (length,) = struct.unpack_from(">I", self.body)
        assert len(self.body) == 4 + length
        return self.body[4:]

    @property
    def names(self) -> list[tuple[bytes, bytes, Attributes]]:
        (count,) = struct.unpack_from(">I", self.body)
        at, found = 4, []
        for _ in range(count):
            name, at = _string(self.body, at)
            line, at = _string(self.body, at)
            attributes, at = read_attributes(self.body, at)
            found.append((name, line, attributes))
        assert at == len(self.body)
        return found

    @property
    def attributes(self) -> Attributes:
        value, at = read_attributes(self.body, 0)
        assert at == len(self.body)
        return value


def _string(body: bytes, at: int) -> tuple[bytes, int]:
    (length,) = struct.unpack_from(">I", body, at)
    assert at + 4 + length <= len(body)
    return body[at + 4 : at + 4 + length], at + 4 + length


def read_attributes(body: bytes, at: int) -> tuple[Attributes, int]:
    (flags,) = struct.unpack_from(">I", body, at)
    at += 4
    values: dict[str, int] = {}
    for bit, kind, names in (
        (1, ">Q", ("size",)),
        (2, ">II", ("uid", "gid")),
        (4, ">I", ("permissions",)),
        (8, ">II", ("accessed", "modified")),
    ):
        if flags & bit:
            values |= zip(names, struct.unpack_from(kind, body, at), strict=True)
            at += struct.calcsize(kind)
    return Attributes(**values), at


def answers(data: bytes) -> list[Answer]:
    """Cut what a server sent into answers; half an answer is an error."""
    found, at = [], 0
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        packet = data[at + 4 : at + 4 + length]
        assert len(packet) == length
        if packet[0] == 2:
            found.append(Answer(2, 0, packet[1:]))
        else:
            found.append(Answer(packet[0], struct.unpack_from(">I", packet, 1)[0], packet[5:]))
        at += 4 + length
    return found


@dataclass(eq=False)
class Handle:
    files: "Files"
    path: bytes
    flags: Open

    def read(self, offset: int, length: int) -> bytes:
        self.files.did.append(("read", offset, length))
        return bytes(self.files.content[self.path][offset : offset + length])

    def write(self, offset: int, data: bytes | memoryview) -> None:
        content = self.files.content[self.path]
        if self.flags & Open.APPEND:
            offset = len(content)
        if offset > len(content):
            content.extend(bytes(offset - len(content)))
        content[offset : offset + len(data)] = data

    def attributes(self) -> Attributes:
        return self.files.attributes(self.path)

    def set_attributes(self, wanted: Attributes) -> None:
        self.files.did.append(("set", self.path, wanted))

    def sync(self) -> None:
        self.files.did.append("sync")

    def close(self) -> None:
        self.files.did.append(("close", self.path))

    def abandon(self) -> None:
        self.files.did.append(("abandon", self.path))


@dataclass
class Files:
    """A folder in memory. `did` keeps what a test may ask about."""

    content: dict[bytes, bytearray] = field(default_factory=dict)
    did: list[object] = field(default_factory=list)

    def open(self, path: bytes, flags: Open, wanted: Attributes) -> Handle:
        self.did.append(("open", path, flags, wanted))
        if path not in self.content:
            if not flags & Open.CREATE:
                raise SftpError(Status.NO_SUCH_FILE, "There is no such file.")
            self.content[path] = bytearray()
        elif flags & Open.TRUNCATE:
            self.content[path] = bytearray()
        return Handle(self, path, flags)

    def attributes(self, path: bytes) -> Attributes:
        if path not in self.content:
            raise SftpError(Status.NO_SUCH_FILE, "There is no such file.")
        return Attributes(size=len(self.content[path]), permissions=0o100644, accessed=7, modified=9)

    def set_attributes(self, path: bytes, wanted: Attributes) -> None:
        self.attributes(path)
        self.did.append(("set", path, wanted))

    def listing(self, path: bytes) -> list[Entry]:
        return [Entry(name, self.attributes(name)) for name in self.content]

    def remove(self, path: bytes) -> None:
        self.attributes(path)
        del self.content[path]

    def rename(self, old: bytes, new: bytes, *, overwrite: bool) -> None:
        self.attributes(old)
        if new in self.content and not overwrite:
            raise SftpError(Status.FAILURE, "There is a file of that name.")
        self.content[new] = self.content.pop(old)

    def real_path(self, path: bytes) -> bytes:
        return b"/" + path.strip(b"/.")

    def heard(self) -> None:
        self.did.append("heard")

    def ended(self) -> None:
        self.did.append("ended")
