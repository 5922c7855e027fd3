"""Dates as reviewers type them off a page. PURE: text in; "2006-03-04", "2006-03" or "2006" out, or a sentence.

A date in numbers alone that can be read in two ways is asked back, never guessed: "04/03/2006" is April to one
clinic and March to another.
"""

import re
from datetime import date
from typing import NamedTuple

from django.utils.dates import MONTHS
from django.utils.translation import gettext as _

_ISO = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?\Z")
_NAMED = (
    re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:de )?(?P<month>[^\W\d]+) (?:de )?(?P<year>\d{4})\Z"),
    re.compile(r"(?P<month>[^\W\d]+) (?P<day>\d{1,2})(?:st|nd|rd|th)? (?P<year>\d{4})\Z"),
    re.compile(r"(?P<month>[^\W\d]+) (?:de )?(?P<year>\d{4})\Z"),
)
_NUMBERS = re.compile(r"(\d{1,2}) (\d{1,2}) (\d{4})\Z")
# By their first three letters, in English and Spanish.
_MONTHS = {
    "jan": 1, "ene": 1, "feb": 2, "mar": 3, "apr": 4, "abr": 4, "may": 5, "jun": 6, "jul": 7, "aug": 8, "ago": 8,
    "sep": 9, "oct": 10, "nov": 11, "dec": 12, "dic": 12,
}  # fmt: skip


class Typed(NamedTuple):
    """What a text comes to: the date as far as it is known, or a sentence that says what to write instead."""

    iso: str
    problem: str = ""


def read(text: str) -> Typed:
    """Read a typed date; an empty text is an empty date without a problem."""
    text = " ".join(text.split())[:60]
    if not text:
        return Typed("")
    if found := _ISO.match(text):
        year, month, day = (int(part) if part else 0 for part in found.groups())
        return _made(year, month, day)
    words = " ".join(re.split(r"[\s,./\-]+", text.casefold().strip(" .,")))
    for shape in _NAMED:
        if found := shape.match(words):
            parts = found.groupdict()
            month = _MONTHS.get(parts["month"][:3], 0)
            return _made(int(parts["year"]), month, int(parts.get("day") or 0)) if month else _unread()
    if found := _NUMBERS.match(words):
        return _numbers(int(found[1]), int(found[2]), int(found[3]))
    return _unread()


def _numbers(first: int, second: int, year: int) -> Typed:
    """Read a date of numbers: month first or day first, if only one of the two can be."""
    readings = {
        one.iso for one in (_made(year, first, second), _made(year, second, first)) if not one.problem
    }
    if not readings:
        return _unread()
    if len(readings) == 1:
        return Typed(readings.pop())
    one, other = (date.fromisoformat(iso) for iso in sorted(readings))
    return Typed(
        "",
        _("This can be %(one)s or %(other)s. Write the month by its name.")
        % {"one": _spoken(one), "other": _spoken(other)},
    )


def _made(year: int, month: int, day: int) -> Typed:
    try:
        date(year, month or 1, day or 1)
    except ValueError:
        return _unread()
    parts = [f"{year:04}", *([f"{month:02}"] if month else []), *([f"{day:02}"] if day else [])]
    return Typed("-".join(parts))


def _spoken(day: date) -> str:
    return f"{day.day} {MONTHS[day.month]} {day.year}"


def _unread() -> Typed:
    return Typed("", _("Write the date like 2006-03-04 or 4 Mar 2006."))
