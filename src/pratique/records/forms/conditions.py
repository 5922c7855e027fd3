"""Conditions over answers: which question is shown, and what follows from the answers.

A question that is hidden or not answered meets nothing but `not`. JSON: {"question": "born_in", "equals": "US"},
likewise "in", "in_list", "has", "answered": true; {"and": [...]}, {"or": [...]}, {"not": {...}}.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from pratique.records.forms.types import (
    And,
    Answered,
    Condition,
    CountryList,
    Equals,
    Has,
    InList,
    IsIn,
    Not,
    Or,
)
from pratique.rules.reading import Fields, Problem

DEEPEST = 8  # levels; keeps a hostile file from exhausting the stack
_COMPARISONS = ("equals", "in", "in_list", "has", "answered")


def holds(condition: Condition, answers: Mapping[str, Any], lists: Mapping[str, CountryList]) -> bool:
    """Say whether a condition is met by the answers."""
    match condition:
        case And(parts):
            return all(holds(part, answers, lists) for part in parts)
        case Or(parts):
            return any(holds(part, answers, lists) for part in parts)
        case Not(part):
            return not holds(part, answers, lists)
        case Answered(question):
            return is_answered(answers.get(question))
        case Equals(question, value):
            return _same(answers.get(question), value)
        case IsIn(question, values):
            return any(_same(answers.get(question), value) for value in values)
        case InList(question, name):
            answer = answers.get(question)
            return isinstance(answer, str) and answer in lists[name].countries
        case Has(question, value):
            answer = answers.get(question)
            return isinstance(answer, (list, tuple)) and value in answer


def is_answered(answer: Any) -> bool:
    """Say whether there is an answer; no is one, an empty text or list is none."""
    return answer is not None and answer not in ("", [], ())


def asked(condition: Condition) -> Iterator[Condition]:
    """Yield the parts of a condition that look at one question."""
    match condition:
        case And(parts) | Or(parts):
            for part in parts:
                yield from asked(part)
        case Not(part):
            yield from asked(part)
        case _:
            yield condition


def condition_to_data(condition: Condition) -> dict[str, Any]:
    """Write a condition as JSON values, as a script in the page needs it to show and hide questions."""
    match condition:
        case And(parts):
            return {"and": [condition_to_data(part) for part in parts]}
        case Or(parts):
            return {"or": [condition_to_data(part) for part in parts]}
        case Not(part):
            return {"not": condition_to_data(part)}
        case Answered(question):
            return {"question": question, "answered": True}
        case Equals(question, value):
            return {"question": question, "equals": value}
        case IsIn(question, values):
            return {"question": question, "in": list(values)}
        case InList(question, name):
            return {"question": question, "in_list": name}
        case Has(question, value):
            return {"question": question, "has": value}


def read_condition(data: Any, path: str, problems: list[Problem], depth: int = 1) -> Condition | None:
    """Read a condition, adding what is wrong to `problems`; None where nothing can be made of it."""
    read = Fields(data, path, problems)
    if not read.is_object:
        return None
    if depth > DEEPEST:
        read.refuse("", "conditions are nested too deeply", f"Use at most {DEEPEST} levels.")
        return None
    condition: Condition | None
    if read.has("and"):
        condition = And(_read_parts(read, "and", depth))
    elif read.has("or"):
        condition = Or(_read_parts(read, "or", depth))
    elif read.has("not"):
        part = read_condition(read.value("not"), f"{path}/not", problems, depth + 1)
        condition = None if part is None else Not(part)
    else:
        condition = _read_comparison(read)
    read.close()
    return condition


def _read_parts(read: Fields, name: str, depth: int) -> tuple[Condition, ...]:
    values = read.value(name)
    if not isinstance(values, (list, tuple)) or not values:
        read.refuse(name, "this must be a list of conditions, not empty", "Write it as [{...}, {...}].")
        return ()
    parts = [
        read_condition(value, f"{read.path}/{name}/{place}", read.problems, depth + 1)
        for place, value in enumerate(values)
    ]
    return tuple(part for part in parts if part is not None)


def _read_comparison(read: Fields) -> Condition | None:
    question = read.text("question")
    given = [name for name in _COMPARISONS if read.has(name)]
    if len(given) != 1:
        names = ", ".join(_COMPARISONS)
        read.refuse("", "an answer is compared in exactly one way", f"Give one of: {names}.")
        return None
    value = read.value(given[0])
    match given[0]:
        case "equals":
            if not isinstance(value, (str, bool)):
                read.refuse("equals", "this must be text, true or false", "Give the answer as it is stored.")
                return None
            return Equals(question, value)
        case "in":
            good = isinstance(value, (list, tuple)) and all(isinstance(item, (str, bool)) for item in value)
            if not good or not value:
                read.refuse("in", "this must be a list of answers, not empty", 'Write it as ["a", "b"].')
                return None
            return IsIn(question, tuple(value))
        case "in_list":
            return InList(question, read.text("in_list"))
        case "has":
            return Has(question, read.text("has"))
        case _:
            if value is not True:
                read.refuse(
                    "answered", "this can only be true", 'Put it in {"not": {...}} to ask for no answer.'
                )
                return None
            return Answered(question)


def _same(answer: Any, value: str | bool) -> bool:
    """Compare without taking true for 1 or "true"."""
    return type(answer) is type(value) and answer == value
