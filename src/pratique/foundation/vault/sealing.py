"""The format of a sealed file: pure functions over bytes, with a data key given.

    header  magic "PRVT" · format 1 · key version (4) · chunk size (4) · salt (32) · nonce prefix (7)
    chunks  each AES-256-GCM: ciphertext of at most `chunk size` bytes, then a 16-byte tag

The file's own key is HKDF-SHA256 of the data key and the salt. The nonce of chunk i is prefix (7) · i (4) · last
(1), where `last` is 1 for the last chunk and 0 before: the STREAM construction (Hoang, Reyhanitabar, Rogaway,
Vizár, "Online Authenticated-Encryption and its Nonce-Reuse Misuse-Resistance", 2015), so that chunks can be
neither exchanged nor cut off. The additional data of every chunk is header · institution (16) · name: neither can
be changed under a file. Every file has at least one chunk; only the chunk of an empty file is empty.
"""

import os
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pratique.foundation.vault.errors import SealBrokenError

CHUNK_SIZE = 64 * 1024
KEY_BYTES = 32
_MAGIC = b"PRVT"
_FORMAT = 1
_HEADER = struct.Struct(">4sBII32s7s")
HEADER_BYTES = _HEADER.size
TAG_BYTES = 16
DAMAGED = "it is damaged or cut short, or it is not the file that was put there"
# A header is only known to be true once a chunk has been opened: what it says must not make us take much memory.
_CHUNK_SIZES = range(1, 1024 * 1024 + 1)
_MOST_CHUNKS = 2**32
_INFO = b"pratique vault file"


@dataclass(frozen=True)
class Header:
    """What a sealed file says of itself; true only if its chunks open."""

    key_version: int
    chunk_size: int
    salt: bytes
    prefix: bytes

    @property
    def content(self) -> bytes:
        """Return what tells content from other content: kept when a file is sealed again under another data key."""
        return self.salt + self.prefix

    def to_bytes(self) -> bytes:
        return _HEADER.pack(_MAGIC, _FORMAT, self.key_version, self.chunk_size, self.salt, self.prefix)


class Chunks:
    """The chunks of one file, sealed and opened by number."""

    def __init__(self, header: Header, *, data_key: bytes, institution_id: UUID, name: str) -> None:
        self._cipher = AESGCM(HKDF(SHA256(), KEY_BYTES, header.salt, _INFO).derive(data_key))
        self._bound = header.to_bytes() + institution_id.bytes + name.encode()
        self._prefix = header.prefix

    def seal(self, number: int, chunk: bytes, *, last: bool) -> bytes:
        return self._cipher.encrypt(self._nonce(number, last), chunk, self._bound)

    def open(self, number: int, chunk: bytes | memoryview, *, last: bool) -> bytes:
        """Return the chunk's content. Raises InvalidTag."""
        return self._cipher.decrypt(self._nonce(number, last), chunk, self._bound)

    def _nonce(self, number: int, last: bool) -> bytes:
        return self._prefix + number.to_bytes(4, "big") + bytes([last])


def seal(
    content: Iterable[bytes],
    *,
    data_key: bytes,
    key_version: int,
    institution_id: UUID,
    name: str,
    chunk_size: int = CHUNK_SIZE,
    resealed: Header | None = None,
) -> Iterator[bytes]:
    """Yield the sealed file of `content` (any blocks): the header, then chunk by chunk.

    `resealed` is the header of a file that held this very content under another data key: salt and nonce prefix are
    kept, so that they tell a reader that the content is the same. The file's key is another one all the same.
    """
    if resealed is None:
        header = Header(key_version, chunk_size, os.urandom(32), os.urandom(7))
    elif resealed.key_version != key_version:
        header = replace(resealed, key_version=key_version)
    else:
        raise ValueError("A file is sealed again under another data key only: its nonces are used.")
    yield header.to_bytes()
    chunks = Chunks(header, data_key=data_key, institution_id=institution_id, name=name)
    for number, chunk, last in _numbered(_regroup(content, chunk_size)):
        yield chunks.seal(number, chunk, last=last)


def open_sealed(
    sealed: Iterator[bytes], header: Header, *, data_key: bytes, institution_id: UUID, name: str
) -> Iterator[bytes]:
    """Yield the content, chunk by chunk, of `sealed` (any blocks, after the header).

    Each chunk is verified before it is given. That the file is whole is known only when the iteration has ended:
    act on nothing before. Raises SealBrokenError.
    """
    chunks = Chunks(header, data_key=data_key, institution_id=institution_id, name=name)
    for number, chunk, last in _numbered(_regroup(sealed, header.chunk_size + TAG_BYTES)):
        if len(chunk) < TAG_BYTES or (len(chunk) == TAG_BYTES and number):
            raise SealBrokenError(name, "it is cut short")
        try:
            yield chunks.open(number, chunk, last=last)
        except InvalidTag:
            raise SealBrokenError(name, DAMAGED) from None


def read_header(sealed: Iterable[bytes], *, name: str) -> tuple[Header, Iterator[bytes]]:
    """Return the header and what follows it. Raises SealBrokenError if these are no sealed bytes."""
    blocks = iter(sealed)
    start = b""
    while len(start) < _HEADER.size and (block := next(blocks, None)) is not None:
        start += block
    if len(start) < _HEADER.size:
        raise SealBrokenError(name, "it is cut short")
    magic, kind, key_version, chunk_size, salt, prefix = _HEADER.unpack_from(start)
    if magic != _MAGIC or kind != _FORMAT or chunk_size not in _CHUNK_SIZES:
        raise SealBrokenError(name, "it does not begin like a sealed file")
    return Header(key_version, chunk_size, salt, prefix), _after(start[_HEADER.size :], blocks)


def _after(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _regroup(blocks: Iterable[bytes], size: int) -> Iterator[bytes]:
    """Yield pieces of exactly `size` bytes and then the rest, which is empty only if everything is."""
    waiting = bytearray()
    given = False
    for block in blocks:
        view = memoryview(block)
        for start in range(0, len(view), size):
            waiting += view[start : start + size]
            # One byte more than a piece says that this piece is not the last.
            while len(waiting) > size:
                yield bytes(waiting[:size])
                given = True
                del waiting[:size]
    if waiting or not given:
        yield bytes(waiting)


def _numbered(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes, bool]]:
    """Yield each piece with its number and whether it is the last."""
    piece = next(pieces)
    for number in range(_MOST_CHUNKS):
        following = next(pieces, None)
        yield number, piece, following is None
        if following is None:
            return
        piece = following
    raise ValueError("A sealed file has at most 2**32 chunks.")
