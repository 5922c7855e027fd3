"""Ninety days of the demo institution, told back from how its students stand today.

PURE. The demo is judged all at once on the day on which it is loaded, and its papers were reviewed within a few weeks;
so that each student gets a day on which the last of their papers came, always the same one, and their items are taken
back from there. On the last day everybody stands as they do.
"""

import math
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from hashlib import blake2b
from typing import Any, NamedTuple
from uuid import UUID

from pratique.compliance.models import ItemStatus, RequirementDay, TrackerDay

DAYS = 90
# Of a hundred students so many were done before the time that is told; the others came with more and more haste.
_EARLY = 24
_HASTE = 0.75
_LONG_AGO = 400


class Known(NamedTuple):
    """An active student of a tracker (or of none), and how each of their requirements stands."""

    student_id: str
    package_id: UUID
    tracker_id: UUID | None
    items: Mapping[str, str]


class Figures(NamedTuple):
    """The rows of all days, unsaved."""

    trackers: Sequence[TrackerDay]
    requirements: Sequence[RequirementDay]


def past_days(students: Sequence[Known], *, today: date) -> Figures:
    """Return the figures of the DAYS days before today."""
    everybody = Counter((one.package_id, one.tracker_id) for one in students)
    complete: _Rise = Counter()
    handed_in: _Rise = Counter()
    items: _Rise = Counter()
    for one in students:
        passed = [(key, _spans(one.student_id, key, status)) for key, status in one.items.items()]
        for key, spans in passed:
            for status, (first, last) in spans.items():
                _add(items, (one.tracker_id, key, status), first, last)
        if passed:
            of = (one.package_id, one.tracker_id)
            _add(complete, of, *_all(spans.get(_APPROVED) for _key, spans in passed))
            _add(handed_in, of, *_all(_joined(spans) for _key, spans in passed))
    keys = sorted({(tracker, key) for (tracker, key, _status), _ago in items}, key=str)
    done, given, stood = _summed(complete), _summed(handed_in), _summed(items)
    return Figures(
        [
            TrackerDay(
                day=day, package_id=of[0], tracker_id=of[1], students=count,
                complete=done[of, ago], user_complete=given[of, ago],
            )
            for ago, day in _days(today)
            for of, count in everybody.items()
        ],
        [
            RequirementDay(
                day=day, tracker_id=tracker, requirement_key=key,
                **{status.value: stood[(tracker, key, status.value), ago] for status in ItemStatus},
            )
            for ago, day in _days(today)
            for tracker, key in keys
        ],
    )  # fmt: skip


# By what is counted and how many days ago: first how many begin or end to count there, then how many count.
_Rise = Counter[tuple[Any, int]]
# From and to how many days ago, the later day first.
_Span = tuple[int, int]
_APPROVED, _PENDING = ItemStatus.APPROVED.value, ItemStatus.PENDING.value


def _add(rise: _Rise, of: Any, first: int, last: int) -> None:
    if first <= min(last, DAYS):
        rise[of, first] += 1
        rise[of, last + 1] -= 1


def _summed(rise: _Rise) -> _Rise:
    counts: _Rise = Counter()
    for of in {of for of, _ago in rise}:
        for ago in range(1, DAYS + 1):
            counts[of, ago] = counts[of, ago - 1] + rise[of, ago]
    return counts


def _all(spans: Iterable[_Span | None]) -> _Span:
    """Return when all of it was so at once; a span that ends before it begins where it never was."""
    found = list(spans)
    if None in found:
        return 1, 0
    return max(one[0] for one in found if one), min(one[1] for one in found if one)


def _joined(spans: Mapping[str, _Span]) -> _Span | None:
    """Return when an item was approved or waited for review; one follows the other."""
    found = [spans[one] for one in (_APPROVED, _PENDING) if one in spans]
    return (min(one[0] for one in found), max(one[1] for one in found)) if found else None


def _days(today: date) -> Iterator[tuple[int, date]]:
    return ((ago, today - timedelta(days=ago)) for ago in range(DAYS, 0, -1))


def _spans(student_id: str, key: str, status: str) -> Mapping[str, _Span]:
    """Return by status when an item had it; the first day before today has the status of today."""
    chance = _part(student_id, key)
    match status:
        case ItemStatus.APPROVED:
            since = _done(student_id) + 1 + chance % 20
            spans = [(status, since), (_PENDING, since + 1 + chance % 4)]
        case ItemStatus.EXPIRED:
            spans = [(status, 1 + chance % 40), (_APPROVED, _LONG_AGO)]
        case ItemStatus.REJECTED:
            spans = [(status, 1 + chance % 3), (_PENDING, 4 + chance % 3)]
        case ItemStatus.PENDING:
            spans = [(status, 1 + chance % 5)]
        case _:
            spans = []
    if not spans or spans[-1][1] < DAYS:
        spans.append((ItemStatus.INCOMPLETE.value, _LONG_AGO))
    found, first = {}, 1
    for name, last in spans:
        found[str(name)] = (first, last)
        first = last + 1
    return found


def _done(student_id: str) -> int:
    """Return how many days ago the last of a student's papers was approved; above DAYS: before all that is told."""
    place = _part(student_id, "done") % 1000 / 1000
    early = _EARLY / 100
    if place < early:
        return DAYS + 1
    return round(DAYS * (1 - math.pow((place - early) / (1 - early), _HASTE)))


def _part(student_id: str, of: str) -> int:
    """Return a number that is the same each time."""
    return int.from_bytes(blake2b(f"{student_id} {of}".encode(), digest_size=4).digest(), "big")


def known(rows: Iterable[tuple[str, UUID, UUID | None, str | None, str | None]]) -> list[Known]:
    """Put rows (student id, package, tracker, requirement, status), ordered by student, together by student."""
    found: dict[tuple[str, UUID], Known] = {}
    for student_id, package_id, tracker_id, key, status in rows:
        one = found.setdefault((student_id, package_id), Known(student_id, package_id, tracker_id, {}))
        if key and status:
            one.items[key] = status  # type: ignore[index]
    return list(found.values())
