"""Windows: whether something that happened on a day still counts on another.

A window is worked out once for a student and a day (`bounds`), then each event is fitted into it. The
anniversary itself is inside: a dose given exactly five years ago is "within 5 years"; a day later it is not.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import NamedTuple

from pratique.rules.conditions import FACT_OF_ANCHOR, anchor_day
from pratique.rules.evidence import StudentFacts
from pratique.rules.periods import add_period, day_after, shift_days, shifter, subtract_period
from pratique.rules.types import Anchor, Reason, Window


class Bounds(NamedTuple):
    """First and last day accepted, the day on which these move, or the fact that is missing for them.

    `floor` is the part of the opening that does not move with time: an event before it never was inside.
    """

    opens: date | None = None
    closes: date | None = None
    moves_on: date | None = None
    unknown: str = ""
    floor: date | None = None


class Fit(NamedTuple):
    """Whether an event is inside, and the first day on which it no longer is (past: it lapsed then)."""

    inside: bool
    over_on: date | None = None


def missing_fact(fact: str) -> Reason:
    """Return the reason for a limit that cannot be checked, because a fact is not on record."""
    if fact == "date_of_birth":
        return Reason("date_of_birth_missing")
    return Reason("window_unknown", (("fact", fact),))


def good_until(over_on: date) -> Reason:
    """Return the reason that tells the last good day of something that is over on a day."""
    return Reason("good_through", (("through", shift_days(over_on, -1)),))


_ALWAYS = Fit(True)
_NEVER = Fit(False)


NO_BOUNDS = Bounds()


class WindowCheck:
    """A compiled window.

    `rolls`: time alone can push an event out of it. `is_free_of_facts`: it has no fixed bounds at all.
    """

    __slots__ = ("_fixed", "_lasts", "_window", "is_free_of_facts", "rolls")

    def __init__(self, window: Window) -> None:
        self._window = window
        today = window.of is Anchor.TODAY
        self._lasts = shifter(window.within) if today and window.within is not None else None
        self.rolls = today and (window.within is not None or window.since_day is not None)
        moves = not today or window.since_day is not None or window.since_age is not None
        self._fixed = (
            None if moves else Bounds(window.since, floor=window.since) if window.since else NO_BOUNDS
        )
        self.is_free_of_facts = self._fixed is NO_BOUNDS

    def bounds(self, facts: StudentFacts, on_date: date) -> Bounds:
        """Work out the window for a student on a day."""
        if self._fixed is not None:
            return self._fixed
        window = self._window
        born, anchor = facts.date_of_birth, anchor_day(window.of, facts, on_date)
        if window.since_age is not None and born is None:
            return Bounds(unknown="date_of_birth")
        if anchor is None:
            return Bounds(unknown=FACT_OF_ANCHOR[window.of])
        return _bounds(window, None if window.since_age is None else born, anchor)

    def fit(self, event: date, bounds: Bounds, on_date: date, end: date | None = None) -> Fit:
        """Say whether an event counts on a day, and until when.

        `end` is the last day on which it may have been, where only a month or year is known.
        """
        opens, closes, moves_on, _, _ = bounds
        if closes is not None and (end or event) > closes:
            return _NEVER
        if opens is not None and event < opens:
            return _NEVER
        if self._lasts is None:
            return _ALWAYS if moves_on is None else Fit(True, moves_on)
        over_on = day_after(self._lasts(event))
        if over_on is None:
            return Fit(True, moves_on)
        if over_on <= on_date:
            return Fit(False, over_on)
        return Fit(True, over_on if moves_on is None or over_on < moves_on else moves_on)

    def why_outside(self, event: date, bounds: Bounds, end: date | None = None) -> tuple[str, date]:
        """Say why an event of today or before does not fit.

        "too_late" with the last day accepted, "too_old" with the first, or "lapsed" with the day it was over.
        """
        if bounds.closes is not None and (end or event) > bounds.closes:
            return "too_late", bounds.closes
        if bounds.floor is not None and event < bounds.floor:
            assert bounds.opens is not None  # never before the floor
            return "too_old", bounds.opens
        lapsed_on = self.lapses_on(event)
        assert lapsed_on is not None  # only time is left to blame
        return "lapsed", lapsed_on

    def lapses_on(self, event: date) -> date | None:
        """Return the day on which time alone pushes an event out of the window; None if it never does."""
        window = self._window
        over_on = None if self._lasts is None else day_after(self._lasts(event))
        if window.since_day is None or window.of is not Anchor.TODAY:
            return over_on
        moved_on = _next_such_day(window.since_day, event)
        if over_on is None or (moved_on is not None and moved_on < over_on):
            return moved_on
        return over_on


@lru_cache(maxsize=4096)
def _bounds(window: Window, born: date | None, anchor: date) -> Bounds:
    """Work out a window; remembered, since a bulk run has one day and few terms."""
    floor, moves_on = window.since, None
    if window.since_age is not None and born is not None:
        floor = _later(floor, add_period(born, window.since_age))
    if window.within is not None and window.of is not Anchor.TODAY:
        floor = _later(floor, subtract_period(anchor, window.within))
    opens = floor
    if window.since_day is not None:
        opens = _later(opens, _latest_such_day(window.since_day, anchor))
        if window.of is Anchor.TODAY:
            moves_on = _next_such_day(window.since_day, anchor)
        else:
            floor = opens
    lead = window.at_least_before
    closes = None if lead is None else subtract_period(anchor, lead)
    return Bounds(opens, closes, moves_on, floor=floor)


def _later(one: date | None, other: date) -> date:
    return other if one is None or other > one else one


def _latest_such_day(month_day: tuple[int, int], day: date) -> date:
    this_year = date(day.year, *month_day)
    return this_year if this_year <= day or day.year == date.min.year else date(day.year - 1, *month_day)


def _next_such_day(month_day: tuple[int, int], day: date) -> date | None:
    this_year = date(day.year, *month_day)
    if this_year > day:
        return this_year
    return None if day.year == date.max.year else date(day.year + 1, *month_day)
