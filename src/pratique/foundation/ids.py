"""Identifiers: UUIDv7 keys made in Python (RFC 9562 section 5.7), and opaque base62 tokens.

PostgreSQL has uuidv7() only from version 18 on; making keys here lets every server do, and bulk writers know
the keys before they write.
"""

import os
import time
import uuid
from datetime import UTC, datetime

_BASE62 = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 22  # 62**22 > 2**130: an account token cannot be guessed
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)

# A random byte below 248 = 4 x 62 gives each letter the same chance; the other eight are thrown away.
_LETTERS = bytes(_BASE62[byte % 62] for byte in range(256))
_UNFAIR = bytes(range(248, 256))


def new_id() -> uuid.UUID:
    """Return a UUIDv7: 48 bits of Unix milliseconds, then random bits."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[uuid.UUID]:
    """Return `count` UUIDv7s in ascending order, so that indexes fill from the right.

    One millisecond for all; a counter fills the 26 bits after it (RFC 9562 section 6.2, method 1), and 48 random
    bits follow. At most 2**26 at once.
    """
    if count >= 1 << 26:
        raise ValueError("At most 67,108,863 ids can be made at once.")
    base = ((time.time_ns() // 1_000_000) << 80) | _VERSION_AND_VARIANT
    random = os.urandom(6 * count)
    ids = []
    for number in range(count):
        low = int.from_bytes(random[6 * number : 6 * number + 6], "big")
        counter = ((number >> 14) << 64) | ((number & 0x3FFF) << 48)
        ids.append(uuid.UUID(int=base | counter | low))
    return ids


def read_id(text: object) -> uuid.UUID | None:
    """Return the id that somebody wrote into an address, a form or a command; None for what is no id."""
    try:
        return uuid.UUID(str(text))
    except ValueError:
        return None


def time_of(id_: uuid.UUID) -> datetime:
    """Return when an id of `new_id` was made, to the millisecond."""
    return datetime.fromtimestamp((id_.int >> 80) / 1000, UTC)


def new_account_token() -> str:
    """Return an opaque 22-character base62 value (contracts/domain.md, "Account token")."""
    return new_account_tokens(1)[0]


def new_account_tokens(count: int) -> list[str]:
    """Return `count` account tokens from one draw of the system's randomness."""
    return _random_texts(count, _TOKEN_LENGTH)


def random_letters(length: int) -> str:
    """Return a text of base62 letters from the system's secure randomness, each as likely as any other."""
    return _random_texts(1, length)[0]


def _random_texts(count: int, length: int) -> list[str]:
    wanted = count * length
    letters = b""
    while len(letters) < wanted:
        letters += os.urandom(wanted + wanted // 16 + 64).translate(_LETTERS, _UNFAIR)
    text = letters[:wanted].decode("ascii")
    return [text[start : start + length] for start in range(0, wanted, length)]
