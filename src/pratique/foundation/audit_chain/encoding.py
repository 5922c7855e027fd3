"""What is hashed. PURE: texts in, digests out; anyone can repeat it with SHA-256 and JSON (docs/guides/audit.md).

Everything is first written as one JSON array, which no two contents share: compact, in ASCII, with the keys of
objects in order.
"""

import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

FIRST = bytes(32)  # what the first seal has for the hash before it
_EVENT, _SEAL = "pratique audit event 1", "pratique audit seal 1"
_JSON = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Content(NamedTuple):
    """An event as it is hashed: ids in lower-case hexadecimal, `at` as `instant` writes it, `detail` as values."""

    institution_id: str
    id: str
    at: str
    by: str
    action: str
    subject_type: str
    subject_id: str | None
    detail: Any


def instant(at: datetime) -> str:
    """Return the seconds since 1970 in UTC with six decimals, as `round(extract(epoch from at), 6)` gives them."""
    microseconds = (at - _EPOCH) // timedelta(microseconds=1)
    sign, whole = "-" if microseconds < 0 else "", abs(microseconds)
    return f"{sign}{whole // 1_000_000}.{whole % 1_000_000:06}"


def event_digest(event: Content) -> bytes:
    """Return the digest of an event's content."""
    return _sha256([_EVENT, *event])


def seal_hash(*, institution_id: str, sequence: int, previous: bytes, digest: bytes, sealed_at: str) -> bytes:
    """Return the hash of a link, which stands for all the links before it too."""
    return _sha256([_SEAL, institution_id, sequence, previous.hex(), digest.hex(), sealed_at])


def _sha256(values: list[Any]) -> bytes:
    return hashlib.sha256(_JSON.encode(values).encode("ascii")).digest()
