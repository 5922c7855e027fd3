"""Dates as people type and paste them. PURE: text in; a date, a question or a problem out.

A date is asked for as day, month by name, and year, so that 04/03 cannot be mistaken. What is pasted with
numbers alone and can be read in two ways is asked back in words, never guessed.
"""

import re
import unicodedata
from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.utils.dates import MONTHS
from django.utils.formats import date_format
from django.utils.translation import gettext as _

_WHOLE = re.compile(
    r"^\s*(\w+)(?:\s*[./,\-–\s]\s*|\s+de\s+)(\w+)\.?(?:\s*[./,\-–\s]\s*|\s+de\s+)(\d{2,4})\.?\s*$"
)
_ISO = re.compile(r"^\s*(\d{4})-(\d{1,2})-(\d{1,2})(?:T.*)?\s*$")
_MONTH_AND_YEAR = re.compile(r"^\s*(\w+)\.?(?:\s*[./,\-–\s]\s*|\s+de\s+|\s+del\s+)(\d{4})\.?\s*$")
_YEAR_AND_MONTH = re.compile(r"^\s*(\d{4})[-/.](\d{1,2})\s*$")
_ORDINAL = re.compile(r"^(\d{1,2})(?:st|nd|rd|th|er|º|ª|\.)$")
_MONTH_NAMES = {
    # By their first three letters, without accents: English, Spanish, French, Portuguese and German, as papers
    # from abroad have them.
    "jan": 1, "ene": 1, "feb": 2, "fev": 2, "mar": 3, "apr": 4, "abr": 4, "avr": 4, "may": 5,
    "mai": 5, "jun": 6, "jul": 7, "aug": 8, "ago": 8, "aou": 8, "sep": 9, "set": 9, "oct": 10, "out": 10, "okt": 10,
    "nov": 11, "dec": 12, "dic": 12, "dez": 12,
}  # fmt: skip
_FRENCH = {"juin": 6, "juillet": 7}


@dataclass(frozen=True)
class TypedDate:
    """What was typed, and what it comes to.

    `iso` is "2006-03-04", "2006-03" or "2006", as well as the date is known; empty where it is none yet.
    `meant` holds the dates it may be, where only the person can say; `field` and `problem` say what is wrong.
    """

    day: str = ""
    month: str = ""
    year: str = ""
    iso: str = ""
    field: str = ""
    problem: str = ""
    meant: Sequence[date] = ()

    @property
    def empty(self) -> bool:
        return not (self.day or self.month or self.year)


def read(day: str, month: str, year: str, meant: str = "") -> TypedDate:
    """Read three fields, any of which may hold a whole pasted date. `meant` answers an earlier question."""
    day, month, year = (
        " ".join(unicodedata.normalize("NFC", part).split())[:40] for part in (day, month, year)
    )
    for part in (day, year, month):
        if len(part) > 4 or re.search(r"[./\-]", part):
            found = _whole(part, meant)
            if found is not None:
                return found
    return _parts(day, month, year)


def of_iso(iso: str) -> TypedDate:
    """Return the fields of a date that was stored as `iso`."""
    parts = (*str(iso or "").split("-"), "", "")
    year, month, day = (part.lstrip("0") for part in parts[:3])
    return TypedDate(day, month, year, iso=str(iso or ""))


def in_words(iso: str) -> str:
    """Return a stored date for reading: "4 March 2006", "March 2006" or "2006"; empty for none."""
    parts = [int(part) for part in str(iso or "").split("-") if part.isdigit()]
    if len(parts) == 3:
        return spoken(date(*parts))
    if len(parts) == 2:
        return _("%(month)s %(year)s") % {"month": MONTHS[parts[1]], "year": parts[0]}
    return str(parts[0]) if parts else ""


def spoken(day: date) -> str:
    """Return a day with its month by name, as the active language writes it."""
    return date_format(day, "DATE_FORMAT")


def _parts(day: str, month: str, year: str) -> TypedDate:
    typed = TypedDate(day, month, year)
    if typed.empty:
        return typed
    if not re.fullmatch(r"\d{4}", year):
        return _wrong(typed, "year", _("Write the year with four digits, such as 2006."))
    number = _month(month)
    if month and number is None:
        return _wrong(typed, "month", _("Choose the month from the list."))
    if day and number is None:
        return _wrong(typed, "month", _("Choose the month too, or leave the day empty."))
    if not 1850 <= int(year) <= 2200:
        return _wrong(typed, "year", _("Check the year: %(year)s cannot be right.") % {"year": year})
    if number is None:
        return TypedDate(day, month, year, iso=f"{int(year):04}")
    if not day:
        return TypedDate(day, str(number), year, iso=f"{int(year):04}-{number:02}")
    last = monthrange(int(year), number)[1]
    if not re.fullmatch(r"\d{1,2}", day) or not 1 <= int(day) <= 31:
        return _wrong(typed, "day", _("Write the day as a number from 1 to 31."))
    if int(day) > last:
        return _wrong(
            typed,
            "day",
            _("%(month)s %(year)s has only %(last)s days. Check the day.")
            % {"month": MONTHS[number], "year": year, "last": last},
        )
    return TypedDate(day, str(number), year, iso=f"{int(year):04}-{number:02}-{int(day):02}")


def _whole(text: str, meant: str) -> TypedDate | None:
    """Read a whole date out of one field; None if it is not one."""
    as_iso = _ISO.match(text)
    if as_iso:
        return _parts(as_iso[3], as_iso[2], as_iso[1])
    found = _WHOLE.match(text)
    if not found:
        return _month_of_year(text)
    first, second, year = (_ORDINAL.sub(r"\1", part) for part in found.groups())
    if len(year) == 2:
        return _wrong(TypedDate(year=text), "year", _("Write the year with four digits, such as 2006."))
    if not first.isdecimal() and not second.isdecimal():
        return _month_of_year(text)
    if not first.isdecimal() or not second.isdecimal():
        named, number = (first, second) if not first.isdecimal() else (second, first)
        return _parts(number, str(_month(named)), year) if _month(named) else None
    readings = sorted(
        {
            date(int(year), int(month), int(day))
            for day, month in ((first, second), (second, first))
            if 1 <= int(month) <= 12 and 1 <= int(day) <= monthrange(int(year), int(month))[1]
        }
        if int(year) >= 1
        else set()
    )
    if not readings:
        return _wrong(TypedDate(day=text), "day", _("There is no such date. Check day and month."))
    chosen = [day for day in readings if day.isoformat() == meant] or (readings if len(readings) == 1 else [])
    if chosen:
        one = chosen[0]
        return _parts(str(one.day), str(one.month), f"{one.year:04}")
    question = _("Which day do you mean: %(one)s or %(other)s?") % {
        "one": spoken(readings[0]),
        "other": spoken(readings[1]),
    }
    return TypedDate(day=text, field="day", problem=question, meant=readings)


def _month_of_year(text: str) -> TypedDate | None:
    """Read "March 2006", "03/2006" or "2006-03"; None if it is no such thing."""
    if found := _YEAR_AND_MONTH.match(text):
        year, month = found.groups()
    elif found := _MONTH_AND_YEAR.match(text):
        month, year = found.groups()
    else:
        return None
    return _parts("", month, year) if _month(month) else None


def _month(text: str) -> int | None:
    """Return the number of a month given as number or name; None if it is none."""
    if text.isdecimal():
        return int(text) if 1 <= int(text) <= 12 else None
    letters = unicodedata.normalize("NFKD", text).casefold().strip(".")
    name = "".join(letter for letter in letters if not unicodedata.combining(letter))
    return _FRENCH.get(name) or _MONTH_NAMES.get(name[:3])


def _wrong(typed: TypedDate, field: str, problem: str) -> TypedDate:
    return TypedDate(typed.day, typed.month, typed.year, field=field, problem=problem)
