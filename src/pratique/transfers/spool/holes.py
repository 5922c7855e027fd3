"""What never came of an upload: sorted, disjoint, non-empty pieces (from, to) below its size. PURE."""

from collections.abc import Iterator, Sequence

Hole = tuple[int, int]


def filled(holes: Sequence[Hole], start: int, end: int) -> list[Hole]:
    """Return the holes that are left when the bytes from `start` to before `end` have come."""
    return [left for hole in holes for left in _without(hole, start, end)]


def cut(holes: Sequence[Hole], size: int) -> list[Hole]:
    """Return the holes of what is left when everything from `size` on is cut off."""
    return [(start, min(end, size)) for start, end in holes if start < size]


def covers(holes: Sequence[Hole], start: int, end: int) -> bool:
    """Return whether all from `start` to before `end` is missing."""
    return any(first <= start and end <= last for first, last in holes)


def _without(hole: Hole, start: int, end: int) -> Iterator[Hole]:
    first, last = hole
    if first < min(last, start):
        yield first, min(last, start)
    if max(first, end) < last:
        yield max(first, end), last
