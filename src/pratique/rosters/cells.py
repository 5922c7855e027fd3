"""The rules of one cell: text, date of birth, on campus. Which cells make a row is `rows`' business.

Each rule is made for one column and answers with a value and what is wrong with it. Contract:
file-transfer.md, "Row rules": text is kept as given (NFC), never interpreted.
"""

import re
import unicodedata
from calendar import month_name, monthrange
from datetime import date
from typing import Any, TypeAlias, TypeVar

from pratique.rosters.problems import shown
from pratique.rosters.types import Problem

FIRST_YEAR = 1900
TEXT_LIMITS = {
    "username": 254,
    "student_id": 64,
    "last_name": 150,
    "first_name": 150,
    "telephone": 40,
}
# A line break in an identifier could forge a mail header or split a line of an export.
ONE_LINE_FIELDS = frozenset({"username", "student_id", "telephone"})
IDENTIFIERS = frozenset({"username", "student_id"})

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_LINE_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DATE = re.compile(r"([0-9]{2})/([0-9]{2})/([0-9]{4})")
_YEAR_FIRST = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}")
_SHORT_DATE = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
_SHORT_YEAR = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{2}")

Value = TypeVar("Value")


# A cell's value (`None` when empty or wrong), its errors, its warnings. A plain tuple, because a file of
# 50,000 rows makes a quarter of a million of them.
Reading: TypeAlias = tuple[Value | None, tuple[Problem, ...], tuple[Problem, ...]]

EMPTY: Reading[Any] = (None, (), ())


_DECEIVING = frozenset("\u200b\ufeff\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


class TextRule:
    """Text of one field: trimmed of outer white space, NFC, within its length, without control characters.

    Nothing is interpreted: what looks like a formula, a tag or a number stays the text it is. Right-to-left,
    combining and zero-width characters are kept. In an identifier, where two that look alike would be two
    students, every invisible one is warned about; in a name, where some scripts need joiners, those that only
    deceive: marks that turn the direction of what follows, and spaces of no width.
    """

    def __init__(self, field: str, column: str) -> None:
        self.column = column
        self.limit = TEXT_LIMITS[field]
        self.one_line = field in ONE_LINE_FIELDS
        self.identifier = field in IDENTIFIERS

    def read(self, cell: str) -> Reading[str]:
        """Judge one cell."""
        value = cell.strip()
        # Most cells end here; printable ASCII cannot hold a control character and is NFC by nature.
        if value.isascii() and value.isprintable() and cell.isprintable() and len(value) <= self.limit:
            return (value, (), ()) if value else EMPTY
        value = unicodedata.normalize("NFC", value)
        errors = []
        control = _CONTROL.search(cell) or (self.one_line and _LINE_CONTROL.search(value))
        if control:
            name = f"U+{ord(control.group()):04X}"
            message = (
                f"{shown(cell)} contains the control character {name}. Remove it and type the value again."
            )
            errors.append(Problem("control_character", self.column, message))
        if len(value) > self.limit:
            message = (
                f"{shown(value)} has {len(value):,} characters; at most {self.limit} fit here. Shorten it."
            )
            errors.append(Problem("too_long", self.column, message))
        if errors:
            return None, tuple(errors), ()
        return value or None, (), self._invisible(value)

    def _invisible(self, value: str) -> tuple[Problem, ...]:
        hidden = sorted(
            {
                f"U+{ord(char):04X}"
                for char in value
                if unicodedata.category(char) == "Cf" and (self.identifier or char in _DECEIVING)
            }
        )
        if not hidden:
            return ()
        message = (
            f"{shown(value)} contains characters that cannot be seen ({', '.join(hidden)}); they were kept."
        )
        return (
            Problem("invisible_characters", self.column, f"{message} Type it again if they are not meant."),
        )


class DateOfBirthRule:
    """`MM/DD/YYYY` with all its digits, a day that exists, from 1900 to today; anything else is refused."""

    def __init__(self, column: str, today: date) -> None:
        self.column = column
        self.today = today

    def read(self, cell: str) -> Reading[date]:
        """Judge one cell. A refused date is repeated only as the cell that it stood in."""
        text = cell.strip()
        if not text:
            return EMPTY
        match = _DATE.fullmatch(text)
        if not match:
            return self._refused("date_format", text, _format_reason(text))
        month, day, year = (int(part) for part in match.groups())
        if not 1 <= month <= 12:
            swapped = " Is it day/month/year?" if 1 <= day <= 12 < month <= 31 else ""
            reason = f"month {match[1]} does not exist.{swapped} Write month/day/year, such as 09/30/2004."
            return self._refused("date_month", text, reason)
        if year < FIRST_YEAR:
            return self._refused("date_too_early", text, f"it is before {FIRST_YEAR}. Correct the year.")
        days = monthrange(year, month)[1]
        if not 1 <= day <= days:
            reason = f"{month_name[month]} {year} has days 1 to {days}. Correct the day."
            return self._refused("date_day", text, reason)
        value = date(year, month, day)
        if value > self.today:
            return self._refused("date_in_future", text, "nobody was born after today. Correct the year.")
        return value, (), ()

    def _refused(self, code: str, text: str, reason: str) -> Reading[date]:
        return None, (Problem(code, self.column, f"{shown(text)} is not a date of birth: {reason}"),), ()


def _format_reason(text: str) -> str:
    wanted = "Write month/day/year with 2, 2 and 4 digits, such as 09/30/2004."
    if _YEAR_FIRST.fullmatch(text):
        return f"the year stands first. {wanted}"
    if _SHORT_DATE.fullmatch(text):
        return f"month and day need two digits each. {wanted}"
    if _SHORT_YEAR.fullmatch(text):
        return f"the year needs four digits. {wanted}"
    return wanted[:1].lower() + wanted[1:]


class OnCampusRule:
    """`1` lives on campus, `0` does not, empty is not known. Contract: nothing else."""

    def __init__(self, column: str) -> None:
        self.column = column

    def read(self, cell: str) -> Reading[bool]:
        """Judge one cell."""
        text = cell.strip()
        if text in ("0", "1"):
            return text == "1", (), ()
        if not text:
            return EMPTY
        message = f"{shown(text)} is not allowed. Write 1 for on campus, 0 for not, or leave the cell empty."
        return None, (Problem("on_campus_value", self.column, message),), ()
