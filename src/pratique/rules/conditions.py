"""Conditions: for whom a requirement applies, answered with yes, no or *unknown* (Kleene's three values).

What to do with *unknown* is decided in `evaluate.py`: it never lets a student off. Nothing here looks at
evidence; the one exception is a form's answers, which `dated.py` hands over as attributes.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any, NamedTuple

from pratique.rules.evidence import StudentFacts
from pratique.rules.periods import shifter
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


class Answer(NamedTuple):
    """Truth (None is unknown), the first later day on which it may differ.

    And the facts that were missing.
    """

    truth: bool | None
    changes_on: date | None = None
    unknown: tuple[str, ...] = ()


ConditionCheck = Callable[[StudentFacts, date], Answer]

YES = Answer(True)
NO = Answer(False)

FACT_OF_ANCHOR = {Anchor.TERM_START: "term_start", Anchor.DUE: "due_date"}


def compile_condition(condition: Condition) -> ConditionCheck:
    """Turn a condition into a function of (facts, on_date). Unknown facts give an unknown answer."""
    match condition:
        case OnCampus():
            return _on_campus(condition)
        case AgeBetween():
            return _age_between(condition)
        case BornBetween():
            return _born_between(condition)
        case Attribute():
            return _attribute(condition)
        case InGroup(names):
            return _named(names, "group")
        case InTerm(names):
            return _named(names, "term")
        case And(parts):
            return _decided_by(False, tuple(compile_condition(part) for part in parts))
        case Or(parts):
            return _decided_by(True, tuple(compile_condition(part) for part in parts))
        case Not(part):
            return _not(compile_condition(part))


def anchor_day(anchor: Anchor, facts: StudentFacts, on_date: date) -> date | None:
    """Return the day that an anchor stands for, None where the student has no such day."""
    if anchor is Anchor.TODAY:
        return on_date
    return facts.term_starts_on if anchor is Anchor.TERM_START else facts.due_on


def unknown(fact: str) -> Answer:
    """Return the answer for a fact that is not on record."""
    return Answer(None, None, (fact,))


def _on_campus(condition: OnCampus) -> ConditionCheck:
    wanted, missing = condition.value, unknown("on_campus")

    def check(facts: StudentFacts, on_date: date) -> Answer:
        if facts.on_campus is None:
            return missing
        return YES if facts.on_campus is wanted else NO

    return check


def _age_between(condition: AgeBetween) -> ConditionCheck:
    at = condition.at
    reached = None if condition.at_least is None else shifter(condition.at_least)
    passed = None if condition.below is None else shifter(condition.below)
    moves = at is Anchor.TODAY
    no_birth = unknown("date_of_birth")
    no_day = unknown(FACT_OF_ANCHOR.get(at, "")) if isinstance(at, Anchor) else NO

    def check(facts: StudentFacts, on_date: date) -> Answer:
        born = facts.date_of_birth
        if born is None:
            return no_birth
        day = at if type(at) is date else anchor_day(at, facts, on_date)  # type: ignore[arg-type]
        if day is None:
            return no_day
        if passed is not None and day >= passed(born):
            return NO
        if reached is not None and day < reached(born):
            return Answer(False, reached(born)) if moves else NO
        return Answer(True, passed(born)) if moves and passed is not None else YES

    return check


def _born_between(condition: BornBetween) -> ConditionCheck:
    first = condition.from_day or date.min
    before = condition.before
    missing = unknown("date_of_birth")

    def check(facts: StudentFacts, on_date: date) -> Answer:
        born = facts.date_of_birth
        if born is None:
            return missing
        return YES if born >= first and (before is None or born < before) else NO

    return check


def _attribute(condition: Attribute) -> ConditionCheck:
    name, wanted = condition.name, condition.value
    compare = _COMPARE[condition.comparison]
    missing = unknown(name)

    def check(facts: StudentFacts, on_date: date) -> Answer:
        actual = facts.attributes.get(name)
        if actual is None or actual == "":
            return missing
        truth = compare(actual, wanted)
        if truth is None:
            return missing
        return YES if truth else NO

    return check


def _has(actual: Any, wanted: Any) -> bool:
    return wanted in actual if isinstance(actual, (list, tuple, set, frozenset)) else bool(actual == wanted)


def _at_least(actual: Any, wanted: Any) -> bool | None:
    """Order numbers with numbers, and text with text (which orders ISO dates rightly); else unknown."""
    if isinstance(actual, bool) or isinstance(wanted, bool):
        return None
    alike = isinstance(actual, str) == isinstance(wanted, str)
    return bool(actual >= wanted) if alike and isinstance(actual, (str, int, float)) else None


def _below(actual: Any, wanted: Any) -> bool | None:
    reached = _at_least(actual, wanted)
    return None if reached is None else not reached


_COMPARE: dict[Comparison, Callable[[Any, Any], bool | None]] = {
    Comparison.EQUALS: lambda actual, wanted: bool(actual == wanted),
    Comparison.IN: lambda actual, wanted: actual in wanted,
    Comparison.HAS: _has,
    Comparison.AT_LEAST: _at_least,
    Comparison.BELOW: _below,
}


def _named(names: frozenset[str], fact: str) -> ConditionCheck:
    missing = unknown(fact)
    is_group = fact == "group"

    def check(facts: StudentFacts, on_date: date) -> Answer:
        name = facts.group if is_group else facts.term
        if not name:
            return missing
        return YES if name in names else NO

    return check


def _decided_by(decisive: bool, parts: tuple[ConditionCheck, ...]) -> ConditionCheck:
    """Build "and" (one no decides) or "or" (one yes decides).

    A decisive part alone carries the answer, so only its own change matters; otherwise any part's may.
    """
    opposite = not decisive
    settled = YES if opposite else NO

    def check(facts: StudentFacts, on_date: date) -> Answer:
        changes_on: date | None = None
        missing: tuple[str, ...] = ()
        for part in parts:
            answer = part(facts, on_date)
            if answer.truth is decisive:
                return answer
            later = answer.changes_on
            if later is not None and (changes_on is None or later < changes_on):
                changes_on = later
            missing += answer.unknown
        if missing:
            return Answer(None, changes_on, tuple(dict.fromkeys(missing)))
        if changes_on is None:
            return settled
        return Answer(opposite, changes_on)

    return check


def _not(part: ConditionCheck) -> ConditionCheck:
    def check(facts: StudentFacts, on_date: date) -> Answer:
        answer = part(facts, on_date)
        if answer is YES:
            return NO
        if answer is NO:
            return YES
        truth, changes_on, missing = answer
        return Answer(None if truth is None else not truth, changes_on, missing)

    return check
