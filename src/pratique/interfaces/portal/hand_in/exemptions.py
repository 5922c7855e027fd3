"""The exemption step: one of the kinds that the requirement accepts, in neutral words. PURE."""

from collections.abc import Iterable, Mapping
from typing import Any

LONGEST_STATEMENT = 4000


def piece_of(pieces: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the draft's exemption, or an empty one."""
    return next((piece for piece in pieces if piece.get("kind") == "exemption"), {})


def read_piece(posted: Mapping[str, Any], requirement_key: str) -> dict[str, Any]:
    """Read the step's form. Its end is the reviewer's to say."""
    return {
        "id": "x0", "kind": "exemption", "exemption": str(posted.get("exemption", ""))[:20],
        "requirement_key": requirement_key,
        # One letter more than fits, so that it is told rather than cut off.
        "statement": str(posted.get("statement", "")).replace("\0", "")[: LONGEST_STATEMENT + 1],
        "expires_on": None,
    }  # fmt: skip
