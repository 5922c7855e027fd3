"""SFTP version 3 on the wire: numbers, and the fields of packets in both directions. Pure.

By draft-ietf-secsh-filexfer-02 and, for the extensions, OpenSSH's PROTOCOL file. Everything that a client sends may
be wrong on purpose: reading raises Malformed and nothing else.
"""

import stat
import struct
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import IntEnum

from pratique.interfaces.sftp.filesystem import Attributes, Entry

Packet = bytes | bytearray | memoryview


class Kind(IntEnum):
    """Packet types (section 3)."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    FSTAT = 8
    SETSTAT = 9
    FSETSTAT = 10
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    RMDIR = 15
    REALPATH = 16
    STAT = 17
    RENAME = 18
    READLINK = 19
    SYMLINK = 20
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


VERSION = 3

# Which attributes are there (section 5).
HAS_SIZE, HAS_OWNER, HAS_PERMISSIONS, HAS_TIMES, HAS_EXTENDED = 0x01, 0x02, 0x04, 0x08, 0x80000000

_NUMBER = struct.Struct(">I")
_LONG = struct.Struct(">Q")
_STATUS = struct.Struct(">IBII")
_HEAD = struct.Struct(">IB")
_DATA = struct.Struct(">IBII")
_MOST_NUMBER = 0xFFFFFFFF
_LANGUAGE = b"\x00\x00\x00\x02en"


class Malformed(Exception):
    """The packet ends before its fields do."""


class Fields:
    """The fields of one packet, read one after the other from `at` on."""

    __slots__ = ("_at", "_packet")

    def __init__(self, packet: Packet, at: int) -> None:
        self._packet, self._at = packet, at

    def number(self) -> int:
        """Read a uint32."""
        try:
            value: int = _NUMBER.unpack_from(self._packet, self._at)[0]
        except struct.error:
            raise Malformed from None
        self._at += 4
        return value

    def long(self) -> int:
        """Read a uint64."""
        try:
            value: int = _LONG.unpack_from(self._packet, self._at)[0]
        except struct.error:
            raise Malformed from None
        self._at += 8
        return value

    def view(self) -> memoryview:
        """Read a string without copying it."""
        length = self.number()
        start, self._at = self._at, self._at + length
        if self._at > len(self._packet):
            raise Malformed
        return memoryview(self._packet)[start : self._at]

    def text(self) -> bytes:
        """Read a string."""
        return bytes(self.view())

    def attributes(self) -> Attributes:
        """Read attributes; extended ones are read over. None at all (some clients leave them out): nothing is asked."""
        if self._at == len(self._packet):
            return Attributes()
        flags = self.number()
        size = self.long() if flags & HAS_SIZE else None
        uid, gid = (self.number(), self.number()) if flags & HAS_OWNER else (None, None)
        permissions = self.number() if flags & HAS_PERMISSIONS else None
        accessed, modified = (self.number(), self.number()) if flags & HAS_TIMES else (None, None)
        if flags & HAS_EXTENDED:
            for _ in range(self.number()):  # a count that is a lie ends at the end of the packet
                self.view()
                self.view()
        return Attributes(
            size=size, uid=uid, gid=gid, permissions=permissions, accessed=accessed, modified=modified
        )


def string(value: bytes) -> bytes:
    """Return a string as it goes over the wire."""
    return _NUMBER.pack(len(value)) + value


def packet(kind: int, body: bytes) -> bytes:
    """Return a whole packet; `body` begins with the request's id where the kind has one."""
    return _HEAD.pack(1 + len(body), kind) + body


def reply(kind: int, request: int, body: bytes) -> bytes:
    """Return the answer to the request with this id."""
    return _HEAD.pack(5 + len(body), kind) + _NUMBER.pack(request) + body


def status(request: int, code: int, message: str) -> bytes:
    """Return SSH_FXP_STATUS with a sentence in English (section 7)."""
    said = message.encode("utf-8", "replace")
    body = string(said) + _LANGUAGE
    return _STATUS.pack(9 + len(body), Kind.STATUS, request, code) + body


def data_head(request: int, length: int) -> bytes:
    """Return what goes before the `length` bytes of SSH_FXP_DATA."""
    return _DATA.pack(9 + length, Kind.DATA, request, length)


def names(request: int, entries: Sequence[bytes]) -> bytes:
    """Return SSH_FXP_NAME with entries made by `name_entry`."""
    return reply(Kind.NAME, request, _NUMBER.pack(len(entries)) + b"".join(entries))


def name_entry(entry: Entry, now: datetime) -> bytes:
    """Return a line of a listing: name, the line that people see, attributes."""
    return string(entry.name) + string(long_name(entry, now)) + attributes(entry.attributes)


def attributes(value: Attributes) -> bytes:
    """Return attributes as they go over the wire."""
    flags, parts = 0, [b""]
    if value.size is not None:
        flags |= HAS_SIZE
        parts.append(_LONG.pack(max(0, value.size)))
    if value.uid is not None and value.gid is not None:
        flags |= HAS_OWNER
        parts.append(_number(value.uid) + _number(value.gid))
    if value.permissions is not None:
        flags |= HAS_PERMISSIONS
        parts.append(_number(value.permissions))
    if value.modified is not None:
        flags |= HAS_TIMES
        accessed = value.modified if value.accessed is None else value.accessed
        parts.append(_number(accessed) + _number(value.modified))
    parts[0] = _NUMBER.pack(flags)
    return b"".join(parts)


def long_name(entry: Entry, now: datetime) -> bytes:
    """Return the line of `ls -l` for an entry, with numbers in place of the names of owners."""
    value = entry.attributes
    head = f"{stat.filemode(value.permissions or 0)} 1 {value.uid or 0:<8d} {value.gid or 0:<8d} {value.size or 0:>10d}"
    return f"{head} {_when(value.modified or 0, now)} ".encode() + entry.name


def _when(modified: int, now: datetime) -> str:
    """Return a time as `ls -l` shows it: the hour of what is younger than half a year, else the year."""
    at = datetime.fromtimestamp(min(max(0, modified), _MOST_NUMBER), UTC)
    recent = now - timedelta(days=182) < at <= now + timedelta(days=1)
    month = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")[at.month - 1]
    return f"{month} {at.day:>2d} {at:%H:%M}" if recent else f"{month} {at.day:>2d} {at.year:>5d}"


def _number(value: int) -> bytes:
    """Return a uint32; what is outside of it becomes the nearest that is in it."""
    return _NUMBER.pack(min(max(0, value), _MOST_NUMBER))
