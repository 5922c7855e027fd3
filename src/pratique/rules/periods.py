"""Calendar periods and the date arithmetic of the CDC logic specification.

Pure arithmetic: nothing here knows a rule. Windows (`windows.py`) and limits (`series.py`) are built on it.

Source: CDSi Logic Specification 4.6, table 3-6 (CALCDT-1 to CALCDT-6). Years and months move the calendar
fields; weeks and days are counted; a day that does not exist moves *forward* to the first of the next month.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

_ISO_PERIOD = re.compile(r"P(?=\d)(?:(\d{1,3})Y)?(?:(\d{1,4})M)?(?:(\d{1,4})W)?(?:(\d{1,5})D)?")


class Period(NamedTuple):
    """An ISO 8601 calendar period such as P12M, P16Y, P24W, P28D or P1Y6M."""

    years: int = 0
    months: int = 0
    weeks: int = 0
    days: int = 0


def parse_period(text: str) -> Period:
    """Read "P12M" and the like. Raises ValueError for anything else (time parts, signs, fractions)."""
    match = _ISO_PERIOD.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a calendar period such as P12M, P16Y, P24W or P28D")
    return Period(*(int(part or 0) for part in match.groups()))


def format_period(period: Period) -> str:
    """Write a period as ISO 8601; the inverse of `parse_period` ("P0D" for nothing at all)."""
    parts = [f"{amount}{letter}" for amount, letter in zip(period, "YMWD", strict=True) if amount]
    return "P" + ("".join(parts) or "0D")


def add_period(day: date, period: Period) -> date:
    """Move a date forward: years, then months, then weeks and days (CALCDT-6).

    A day that does not exist becomes the first of the next month (CALCDT-5). Past the calendar's last day
    the answer is that last day, so that "expires 9999-12-31" is not an error.
    """
    return shift_days(_move_months(day, period.years * 12 + period.months), period.weeks * 7 + period.days)


def subtract_period(day: date, period: Period) -> date:
    """Move a date back, in the order and with the roll-forward of `add_period`.

    `add_period(subtract_period(d, p), p)` is never before `d` for periods of one unit: the first day of a
    window computed this way always lies inside the window.
    """
    return shift_days(
        _move_months(day, -(period.years * 12 + period.months)), -(period.weeks * 7 + period.days)
    )


def shift_days(day: date, days: int) -> date:
    """Move a date by whole days (CALCDT-3, CALCDT-4), stopping at either end of the calendar."""
    try:
        return day + timedelta(days)
    except OverflowError:
        return date.max if days > 0 else date.min


def day_after(day: date) -> date | None:
    """Return the first day on which something that lasts through `day` is over.

    None at the calendar's end.
    """
    return None if day == date.max else day + timedelta(1)


def last_day(first: date, precision: str) -> date:
    """Return the last day of what a date says that is known to the "day", "month" or "year"."""
    if precision == "day":
        return first
    month = first.month if precision == "month" else 12
    return date(first.year, month, monthrange(first.year, month)[1])


@lru_cache(maxsize=1024)
def shifter(period: Period, back_days: int = 0) -> Callable[[date], date]:
    """Return a memoised "date plus period minus days of grace".

    One population has few birth dates and fewer dose dates, so a bulk run asks the same question many times.
    """

    @lru_cache(maxsize=32_768)
    def shift(day: date) -> date:
        return shift_days(add_period(day, period), -back_days)

    return shift


def _move_months(day: date, months: int) -> date:
    if not months:
        return day
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    if year < date.min.year:
        return date.min
    try:
        return date(year, month + 1, day.day)
    except ValueError:
        return date(
            year, month + 2, 1
        )  # only months 2 to 11 lack days, so the next month is in the same year
