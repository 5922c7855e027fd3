"""The exemption step: one of the kinds that the requirement accepts, in neutral words. PURE."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

_LONGEST_KEPT = 20_000  # what is longer than may be sent is kept, and told of


def piece_of(pieces: Iterable[Mapping[str, Any]]) -> Mapping[str, Any]:
    """Return the draft's exemption, or an empty one."""
    return next((piece for piece in pieces if piece.get("kind") == "exemption"), {})


def read_piece(posted: Mapping[str, Any], requirement_key: str, accepted: Collection[str]) -> dict[str, Any]:
    """Read the step's form; a kind that is not `accepted` is none. Its end is the reviewer's to say."""
    kind = str(posted.get("exemption", ""))
    return {
        "id": "x0", "kind": "exemption", "exemption": kind if kind in accepted else "",
        "requirement_key": requirement_key,
        "statement": str(posted.get("statement", ""))[:_LONGEST_KEPT],
        "expires_on": None,
    }  # fmt: skip
