"""How long a place in the queue takes, from what was decided lately. PURE."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import ceil

from pratique.reviews.types import Estimate

# With less than this nothing is promised.
FEWEST_DECISIONS = 10
FEWEST_DAYS = 2
# A working day: what takes no longer is said in hours.
HOURS_OF_A_DAY = 8


def estimate(ahead: int, by_hour: Sequence[tuple[datetime, int]], today: date) -> Estimate | None:
    """Return low and high working time until a case behind `ahead` others is decided; None if too little is known.

    `by_hour`: how many cases were decided in each hour in which any was. A working day is a day with any decision,
    so weekends and holidays count as little here as they do at the desk. Low is the pace of a good day (the third
    quartile), high that of a slow one (the first). Today, which is not over, counts only where nothing else is known.
    """
    days: dict[date, int] = {}
    for hour, cases in by_hour:
        days[hour.date()] = days.get(hour.date(), 0) + cases
    whole = {day: cases for day, cases in days.items() if day != today}
    measured: Mapping[date, int] = whole if len(whole) >= FEWEST_DAYS else days
    if len(measured) < FEWEST_DAYS or sum(measured.values()) < FEWEST_DECISIONS:
        return None
    need = ahead + 1
    low, high = _range(need, list(measured.values()))
    if high > 1:
        return Estimate("days", low, high)
    low, high = _range(need, [cases for hour, cases in by_hour if hour.date() in measured])
    return Estimate("hours", low, high) if high <= HOURS_OF_A_DAY else Estimate("days", 1, 1)


def _range(need: int, pace: list[int]) -> tuple[int, int]:
    ordered = sorted(pace)
    slow = ordered[(len(ordered) - 1) // 4]
    fast = ordered[(3 * (len(ordered) - 1) + 3) // 4]
    return ceil(need / fast), ceil(need / slow)
