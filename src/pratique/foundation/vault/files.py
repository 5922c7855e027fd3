"""Sealing and opening for an institution: the format (`sealing`) with that institution's keys (`keys`)."""

from collections.abc import Iterable, Iterator
from uuid import UUID

from pratique.foundation.vault import sealing
from pratique.foundation.vault.keys import key_of, newest_key, owner_of


def seal(*, institution_id: UUID, name: str, content: bytes) -> bytes:
    """Return `content` sealed for this institution under this name. Raises KeyProviderError, KeyLockedError."""
    return b"".join(seal_stream(institution_id=institution_id, name=name, content=[content]))


def open_sealed(*, institution_id: UUID, name: str, sealed: bytes) -> bytes:
    """Return what was sealed under this name. Raises SealBrokenError, KeyMissingError, KeyLockedError."""
    return b"".join(open_stream(institution_id=institution_id, name=name, sealed=[sealed]))


def seal_stream(*, institution_id: UUID, name: str, content: Iterable[bytes]) -> Iterator[bytes]:
    """Yield `content` (blocks of any size) sealed, holding one block and one chunk of it at a time."""
    version, data_key = newest_key(institution_id, owner_of(institution_id, name))
    return sealing.seal(
        content, data_key=data_key, key_version=version, institution_id=institution_id, name=name
    )


def reseal_stream(*, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> Iterator[bytes] | None:
    """Return the sealed file under the owner's newest data key, or None if it is under that key already.

    What comes is verified as it goes: a file that is not whole raises SealBrokenError before the end.
    """
    owner = owner_of(institution_id, name)
    header, rest = sealing.read_header(sealed, name=name)
    version, data_key = newest_key(institution_id, owner)
    if header.key_version >= version:
        return None
    old = key_of(institution_id, owner, header.key_version, name=name).key
    content = sealing.open_sealed(rest, header, data_key=old, institution_id=institution_id, name=name)
    return sealing.seal(
        content, data_key=data_key, key_version=version, institution_id=institution_id, name=name,
        chunk_size=header.chunk_size, resealed=header,
    )  # fmt: skip


def key_version_of(start: bytes, *, name: str) -> int:
    """Return which data key a sealed file names, by its first bytes. Raises SealBrokenError."""
    return sealing.read_header([start], name=name)[0].key_version


def open_stream(*, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> Iterator[bytes]:
    """Yield what was sealed, each chunk verified before it is given.

    That nothing is missing at the end is known only when the iteration ends without an error.
    """
    header, rest = sealing.read_header(sealed, name=name)
    key = key_of(institution_id, owner_of(institution_id, name), header.key_version, name=name).key
    yield from sealing.open_sealed(rest, header, data_key=key, institution_id=institution_id, name=name)
