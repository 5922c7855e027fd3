"""Conditions from JSON and back; the half of `data.py` about whom a requirement is for."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from pratique.rules.periods import Period, format_period
from pratique.rules.reading import Fields, Problem, parse_day
from pratique.rules.types import (
    AgeBetween,
    Anchor,
    And,
    Attribute,
    BornBetween,
    Comparison,
    Condition,
    InGroup,
    InTerm,
    Not,
    OnCampus,
    Or,
)

DEEPEST = 12  # levels; keeps a hostile file from exhausting the stack


def condition_to_data(condition: Condition) -> dict[str, Any]:
    """Write a condition as JSON values; `data.condition_from_data` reads the same one back."""
    match condition:
        case OnCampus(value):
            return {"kind": "on_campus", "is": value}
        case AgeBetween(at, at_least, below):
            where = at.value if isinstance(at, Anchor) else at.isoformat()
            return {"kind": "age", "at": where, **_periods(at_least=at_least, below=below)}
        case BornBetween(from_day, before):
            bounds = {"from": from_day, "before": before}
            return {
                "kind": "born",
                **{name: day.isoformat() for name, day in bounds.items() if day is not None},
            }
        case Attribute(name, comparison, value):
            plain = list(value) if isinstance(value, tuple) else value
            return {"kind": "attribute", "name": name, comparison.value: plain}
        case InGroup(names):
            return {"kind": "group", "in": sorted(names)}
        case InTerm(names):
            return {"kind": "term", "in": sorted(names)}
        case And(parts):
            return {"kind": "and", "of": [condition_to_data(part) for part in parts]}
        case Or(parts):
            return {"kind": "or", "of": [condition_to_data(part) for part in parts]}
        case Not(part):
            return {"kind": "not", "of": condition_to_data(part)}


def read_condition(data: Any, path: str, problems: list[Problem], depth: int = 1) -> Condition | None:
    """Read a condition, adding what is wrong to `problems`; None where nothing can be made of it."""
    read = Fields(data, path, problems)
    if not read.is_object:
        return None
    if depth > DEEPEST:
        read.refuse("", "conditions are nested too deeply", f"Use at most {DEEPEST} levels.")
        return None
    kind = read.value("kind")
    condition: Condition | None
    if kind in ("and", "or"):
        condition = _read_parts(read, kind, depth)
    elif kind == "not":
        part = read_condition(read.value("of"), f"{path}/of", problems, depth + 1)
        condition = None if part is None else Not(part)
    elif isinstance(kind, str) and kind in _READERS:
        condition = _READERS[kind](read)
    else:
        kinds = ", ".join(sorted((*_READERS, "and", "or", "not")))
        read.refuse("kind", f"{kind!r} is not a kind of condition", f"Use one of: {kinds}.")
        return None
    read.close()
    return condition


def _read_parts(read: Fields, kind: str, depth: int) -> Condition | None:
    values = read.value("of")
    if not isinstance(values, (list, tuple)) or not values:
        read.refuse("of", "this must be a list of conditions, not empty", "Write it as [{...}, {...}].")
        return None
    parts = [
        read_condition(value, f"{read.path}/of/{place}", read.problems, depth + 1)
        for place, value in enumerate(values)
    ]
    good = tuple(part for part in parts if part is not None)
    return And(good) if kind == "and" else Or(good)


def _read_on_campus(read: Fields) -> OnCampus:
    return OnCampus(read.flag("is", default=True))


def _read_age(read: Fields) -> AgeBetween:
    at = read.text("at")
    at_least, below = read.period("at_least"), read.period("below")
    if at_least is None and below is None:
        read.refuse("", "the age has no bound", 'Give "at_least", "below" or both.')
    return AgeBetween(_anchor_or_day(read, at), at_least, below)


def _anchor_or_day(read: Fields, at: str) -> Anchor | date:
    if not at:
        return Anchor.TODAY  # its absence is noted already
    try:
        return Anchor(at) if at in list(Anchor) else parse_day(at)
    except ValueError:
        read.refuse(
            "at", f"{at!r} is not a day", "Write today, term_start, due or a date such as 2026-08-20."
        )
        return Anchor.TODAY


def _read_born(read: Fields) -> BornBetween:
    born = BornBetween(read.day("from"), read.day("before"))
    if born == BornBetween():
        read.refuse("", "the date of birth has no bound", 'Give "from", "before" or both.')
    return born


def _read_attribute(read: Fields) -> Attribute:
    name = read.text("name")
    given = [comparison for comparison in Comparison if read.has(comparison)]
    if len(given) != 1:
        names = ", ".join(Comparison)
        read.refuse("", "an attribute is compared in exactly one way", f"Give one of: {names}.")
        return Attribute(name, Comparison.EQUALS, "")
    return Attribute(name, given[0], _read_operand(read, given[0]))


def _read_operand(read: Fields, comparison: Comparison) -> Any:
    value = read.value(comparison)
    if comparison is Comparison.IN:
        if (
            isinstance(value, (list, tuple))
            and value
            and all(isinstance(item, (str, int, float)) for item in value)
        ):
            return tuple(value)
        read.refuse("in", "this must be a list of values, not empty", 'Write it as ["a", "b"].')
        return ()
    ordered = comparison in (Comparison.AT_LEAST, Comparison.BELOW)
    if not isinstance(value, (str, int, float)) or (ordered and isinstance(value, bool)):
        read.refuse(comparison, f"{value!r} cannot be compared", "Give text or a number.")
        return ""
    return value


def _read_group(read: Fields) -> InGroup:
    return InGroup(frozenset(read.words("in")))


def _read_term(read: Fields) -> InTerm:
    return InTerm(frozenset(read.words("in")))


def _periods(**periods: Period | None) -> dict[str, str]:
    return {name: format_period(period) for name, period in periods.items() if period is not None}


_READERS: dict[str, Callable[[Fields], Condition]] = {
    "on_campus": _read_on_campus,
    "age": _read_age,
    "born": _read_born,
    "attribute": _read_attribute,
    "group": _read_group,
    "term": _read_term,
}
