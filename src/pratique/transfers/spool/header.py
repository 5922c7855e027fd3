"""The header of an upload in the spool: pure functions over bytes, with a data key given.

    start   magic "PRSP" · format 1 · key version (4) · chunk size (4) · file id (16) · salt (16), readable
    facts   nonce (12) · AES-256-GCM of everything else that is known of the upload · tag (16)

1024 bytes in all, written again in place whenever a fact changes. The file's own key is HKDF-SHA256 of the account's
data key and the salt; the additional data are start, institution and account, so that a header fits no other file.
"""

import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pratique.foundation.vault import SealBrokenError

HEADER_BYTES = 1024
NONCE = 12
TAG = 16
# Larger chunks measured no quicker (256 KiB: within 3 %), and a small one wastes less of a resumed upload.
CHUNK = 64 * 1024
MOST_HOLES = 16
_CHUNKS = (CHUNK,)
_MAGIC = b"PRSP"
_FORMAT = 1
_START = struct.Struct(">4sBII16s16s")
_FACTS = struct.Struct(">BQqqqQQ16s16s?qB")
_HOLE = struct.Struct(">QQ")
_INFO = b"pratique spool file key"
_ROOM = HEADER_BYTES - _START.size - NONCE - TAG
_NOBODY = bytes(16)
_MOST_NUMBER = 2**63 - 1


class State(IntEnum):
    """How an upload stands. What is OPEN with nobody holding its lock was left by a process that died."""

    OPEN = 1
    INCOMPLETE = 2
    COMPLETE = 3
    GONE = 4  # claimed: this is its tombstone


@dataclass(frozen=True)
class Start:
    """The readable part."""

    key_version: int
    chunk: int
    file_id: UUID
    salt: bytes

    def to_bytes(self) -> bytes:
        return _START.pack(
            _MAGIC, _FORMAT, self.key_version, self.chunk, self.file_id.bytes, self.salt
        )  # fmt: skip


@dataclass(slots=True)
class Facts:
    """What is known of an upload. Times are microseconds since 1970, but those that its client set are seconds."""

    name: str
    state: State
    received_at: int  # the last byte, rename or close
    changed_at: int  # the last of anything: it settles from here
    size: int = 0
    announced: int | None = None
    accessed: int | None = None
    modified: int | None = None
    session: UUID | None = None
    server: UUID | None = None  # the process that took its last change
    heard: bool = False  # the client is known to have had the answer to its CLOSE
    # Bytes before it are those that the client sent, in an upload that was left open; None: all that can be read.
    sure: int | None = None
    holes: Sequence[tuple[int, int]] = ()
    moved_from: str = ""  # while it is being renamed
    file_id: UUID = field(default=UUID(int=0))  # from the start


def new_start(key_version: int, file_id: UUID) -> Start:
    """Return the start of a new upload."""
    return Start(key_version, CHUNK, file_id, os.urandom(16))


def file_cipher(data_key: bytes, start: Start) -> AESGCM:
    """Return the cipher of one file."""
    return AESGCM(HKDF(SHA256(), 32, start.salt, _INFO).derive(data_key))


def read_start(block: bytes, name: str) -> Start:
    """Return the readable part of a header. Raises SealBrokenError."""
    if len(block) < HEADER_BYTES:
        raise SealBrokenError(name, "it is cut short")
    magic, kind, key_version, chunk, file_id, salt = _START.unpack_from(block)
    if magic != _MAGIC or kind != _FORMAT or chunk not in _CHUNKS:
        raise SealBrokenError(name, "it does not begin like an upload")
    return Start(key_version, chunk, UUID(bytes=file_id), salt)


def seal_facts(start: Start, cipher: AESGCM, owner: bytes, facts: Facts) -> bytes:
    """Return the whole header. `owner` is institution and account; too many holes grow together at the end."""
    holes = few(facts.holes)
    packed = _FACTS.pack(
        facts.state, facts.size, _or_minus(facts.announced), _or_minus(facts.accessed), _or_minus(facts.modified),
        facts.received_at, facts.changed_at, _id(facts.session), _id(facts.server), facts.heard,
        _or_minus(facts.sure), len(holes),
    )  # fmt: skip
    names = b"".join(bytes([len(text)]) + text for text in (facts.name.encode(), facts.moved_from.encode()))
    plain = packed + b"".join(_HOLE.pack(*hole) for hole in holes) + names
    first, nonce = start.to_bytes(), os.urandom(NONCE)
    return first + nonce + cipher.encrypt(nonce, plain.ljust(_ROOM, b"\0"), first + owner)


def open_facts(block: bytes, start: Start, cipher: AESGCM, owner: bytes, name: str) -> Facts:
    """Return what a header says. Raises SealBrokenError (`name`: the file's, for the message)."""
    after = _START.size + NONCE
    try:
        plain = cipher.decrypt(
            block[_START.size : after], block[after:HEADER_BYTES], block[: _START.size] + owner
        )
    except InvalidTag:
        raise SealBrokenError(name, "it is damaged, or it is not the file that was put there") from None
    state, size, announced, accessed, modified, received, changed, session, server, heard, sure, count = (
        _FACTS.unpack_from(plain)
    )
    at = _FACTS.size
    holes = [_HOLE.unpack_from(plain, at + number * _HOLE.size) for number in range(count)]
    at += count * _HOLE.size
    own, at = _text(plain, at)
    moved_from, _end = _text(plain, at)
    return Facts(
        own, State(state), received, changed, size, _or_none(announced), _or_none(accessed), _or_none(modified),
        _id_or_none(session), _id_or_none(server), heard, _or_none(sure), tuple(holes), moved_from, start.file_id,
    )  # fmt: skip


def few(holes: Sequence[tuple[int, int]]) -> Sequence[tuple[int, int]]:
    """Return at most 16 holes that cover all of them: what lies between the last ones counts as missing too."""
    if len(holes) <= MOST_HOLES:
        return holes
    return [*holes[: MOST_HOLES - 1], (holes[MOST_HOLES - 1][0], holes[-1][1])]


def _text(plain: bytes, at: int) -> tuple[str, int]:
    end = at + 1 + plain[at]
    return plain[at + 1 : end].decode(), end


def _id(value: UUID | None) -> bytes:
    return value.bytes if value else _NOBODY


def _id_or_none(value: bytes) -> UUID | None:
    return None if value == _NOBODY else UUID(bytes=value)


def _or_minus(value: int | None) -> int:
    # A client may announce what no number of eight bytes with a sign holds.
    return -1 if value is None else min(value, _MOST_NUMBER)


def _or_none(value: int) -> int | None:
    return None if value < 0 else value
