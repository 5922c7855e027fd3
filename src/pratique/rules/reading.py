"""Reads JSON objects field by field and collects *all* problems: where, what is wrong, what to do.

Knows no rule: `data.py` says which fields there are. A field that nobody asked for is a problem too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from typing import Any, NamedTuple, TypeVar

from pratique.rules.periods import Period, parse_period

_T = TypeVar("_T")


class Problem(NamedTuple):
    """One thing wrong with rule data. `path` is a JSON pointer ("/rule/min_age/0")."""

    path: str
    message: str
    remedy: str


class RuleDataError(ValueError):
    """Rule data cannot be read. `problems` names every one of them."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__(
            "\n".join(f"{path or '/'}: {message}. {remedy}" for path, message, remedy in problems)
        )


class Fields:
    """The fields of one JSON object. Ask for each by name, then `close()`; problems go to the shared list."""

    def __init__(self, data: Any, path: str, problems: list[Problem]) -> None:
        self.path = path
        self.problems = problems
        self.is_object = isinstance(data, Mapping)
        self._data: Mapping[str, Any] = data if self.is_object else {}
        self._asked: set[str] = set()
        if not self.is_object:
            self.refuse("", "this must be an object", "Write it as {...}.")

    def refuse(self, name: str, message: str, remedy: str) -> None:
        """Note a problem with a field of this object ("" is the object itself)."""
        self.problems.append(Problem(f"{self.path}/{name}" if name else self.path, message, remedy))

    def has(self, name: str) -> bool:
        """Say whether a field is there and not null."""
        self._asked.add(name)
        return self._data.get(name) is not None

    def value(self, name: str) -> Any:
        """Return a field as it is, None where it is missing."""
        self._asked.add(name)
        return self._data.get(name)

    def close(self) -> None:
        """Refuse every field that was not asked for."""
        for name in sorted(set(self._data) - self._asked, key=str):
            known = ", ".join(sorted(self._asked))
            self.refuse(str(name), f"unknown field {name!r}", f"Remove it; the fields here are: {known}.")

    def text(self, name: str, *, default: str | None = None) -> str:
        """Read non-empty text; required where no default is given."""
        value = self.value(name)
        if value is None and default is not None:
            return default
        if not isinstance(value, str) or (not value and default is None):
            self.refuse(name, "this must be text", f'Give "{name}" as text in quotation marks.')
            return ""
        return value

    def choice(self, name: str, choices: Sequence[str], *, default: str | None = None) -> str:
        """Read one of some words."""
        value = self.value(name)
        if value is None and default is not None:
            return default
        if value not in choices:
            self.refuse(name, f"{value!r} is not known here", f"Use one of: {', '.join(choices)}.")
            return choices[0]
        return str(value)

    def integer(self, name: str, *, low: int, high: int, default: int | None = None) -> int:
        """Read a whole number between two bounds."""
        value = self.value(name)
        if value is None and default is not None:
            return default
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            self.refuse(name, f"{value!r} is not a whole number from {low} to {high}", "Correct the number.")
            return low
        return value

    def flag(self, name: str, *, default: bool) -> bool:
        """Read true or false."""
        value = self.value(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            self.refuse(name, f"{value!r} is neither true nor false", "Write true or false.")
            return default
        return value

    def day(self, name: str) -> date | None:
        """Read a date such as 2026-08-20, None where it is missing."""
        return self._parsed(name, self.value(name), parse_day, "a date", "2026-08-20")

    def month_day(self, name: str) -> tuple[int, int] | None:
        """Read a day of every year such as 08-01. February 29 is refused: not every year has it."""
        return self._parsed(name, self.value(name), _month_day, "a day of every year", "08-01")

    def period(self, name: str) -> Period | None:
        """Read a calendar period such as P12M, None where it is missing."""
        return self._parsed(name, self.value(name), parse_period, "a calendar period", "P12M, P16Y or P28D")

    def periods(self, name: str, *, most: int) -> tuple[Period | None, ...]:
        """Read a list of periods or nulls, no longer than `most`."""
        return self._list(
            name,
            most,
            lambda field, item: self._parsed(
                field, item, parse_period, "a calendar period", "P12M, P16Y or P28D"
            ),
        )

    def words(self, name: str, *, required: bool = True) -> tuple[str, ...]:
        """Read a list of different non-empty texts."""
        values = self.value(name)
        if values is None and not required:
            return ()
        good = isinstance(values, (list, tuple)) and all(isinstance(item, str) and item for item in values)
        if not good or not values or len(set(values)) < len(values):
            self.refuse(name, "this must be a list of different texts, not empty", 'Write it as ["a", "b"].')
            return ()
        return tuple(values)

    def codes(self, name: str) -> frozenset[str]:
        """Read a list of CVX codes such as ["03", "94"]."""
        return self._codes(name, self.value(name)) or frozenset()

    def code_lists(self, name: str, *, most: int) -> tuple[frozenset[str] | None, ...]:
        """Read a list of lists of CVX codes or nulls, no longer than `most`."""
        return self._list(name, most, self._codes)

    def _codes(self, name: str, values: Any) -> frozenset[str] | None:
        if values is None and "/" in name:
            return None  # an empty place in a list of lists
        good = isinstance(values, (list, tuple)) and all(
            isinstance(item, str) and item.isascii() and item.isdigit() and 2 <= len(item) <= 3
            for item in values
        )
        if not good or not values:
            self.refuse(name, "this must be a list of CVX codes", 'Write them as text, such as ["03", "94"].')
            return None
        return frozenset(values)

    def _list(self, name: str, most: int, read: Callable[[str, Any], _T | None]) -> tuple[_T | None, ...]:
        values = self.value(name)
        if values is None:
            return ()
        if not isinstance(values, (list, tuple)):
            self.refuse(name, "this must be a list", "Write it as [...], null for no limit.")
            return ()
        if len(values) > most:
            self.refuse(name, f"the list has {len(values)} entries", f"Give at most {most}.")
        return tuple(read(f"{name}/{place}", value) for place, value in enumerate(values))

    def _parsed(
        self, name: str, value: Any, parse: Callable[[str], _T], what: str, example: str
    ) -> _T | None:
        if value is None:
            return None
        try:
            return parse(value)
        except (TypeError, ValueError):
            self.refuse(name, f"{value!r} is not {what}", f"Write it as {example}.")
            return None


def parse_day(text: str) -> date:
    """Read 2026-08-20 and no other of the forms that ISO 8601 has. Raises ValueError."""
    if len(text) != len("2026-08-20") or text[4] != "-" or text[7] != "-":
        raise ValueError(f"{text!r} is not a date such as 2026-08-20")
    return date.fromisoformat(text)


def _month_day(text: str) -> tuple[int, int]:
    day = parse_day(f"2023-{text}")  # a year without February 29
    return day.month, day.day
