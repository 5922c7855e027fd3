"""Conditions, each with yes, no and unknown."""

from datetime import date

import pytest

from pratique.rules import StudentFacts, condition_from_data
from pratique.rules.conditions import compile_condition

TODAY = date(2026, 9, 1)
NOBODY = StudentFacts(None, None, {})
CAMPUS = {"kind": "on_campus"}
UNDER_22 = {"kind": "age", "at": "term_start", "below": "P22Y"}
ADULT = {"kind": "age", "at": "today", "at_least": "P18Y"}
US = {"kind": "attribute", "name": "citizenship", "in": ["US"]}
NURSING = {"kind": "attribute", "name": "programs", "has": "nursing"}
CREDITS = {"kind": "attribute", "name": "credits", "at_least": 6}


def facts(**known):
    return NOBODY._replace(**known)


def attributes(**known):
    return NOBODY._replace(attributes=known)


def both(kind, *parts):
    return {"kind": kind, "of": list(parts)}


TABLE = [
    pytest.param(CAMPUS, facts(on_campus=True), True, id="on campus"),
    pytest.param(CAMPUS, facts(on_campus=False), False, id="off campus"),
    pytest.param(CAMPUS, NOBODY, None, id="housing unknown"),
    pytest.param({**CAMPUS, "is": False}, facts(on_campus=False), True, id="asked for off campus"),
    pytest.param(
        UNDER_22,
        facts(date_of_birth=date(2004, 8, 21), term_starts_on=date(2026, 8, 20)),
        True,
        id="21 years and 364 days on the first day of term",
    ),
    pytest.param(
        UNDER_22,
        facts(date_of_birth=date(2004, 8, 20), term_starts_on=date(2026, 8, 20)),
        False,
        id="22 on the first day of term",
    ),
    pytest.param(UNDER_22, facts(date_of_birth=date(2004, 8, 20)), None, id="first day of term unknown"),
    pytest.param(UNDER_22, facts(term_starts_on=date(2026, 8, 20)), None, id="date of birth unknown"),
    pytest.param(ADULT, facts(date_of_birth=date(2008, 9, 1)), True, id="18 today"),
    pytest.param(ADULT, facts(date_of_birth=date(2008, 9, 2)), False, id="18 tomorrow"),
    pytest.param(
        {"kind": "age", "at": "2030-01-01", "at_least": "P18Y"},
        facts(date_of_birth=date(2012, 1, 1)),
        True,
        id="age on a fixed date",
    ),
    pytest.param(
        {"kind": "age", "at": "due", "at_least": "P18Y"},
        facts(date_of_birth=date(2000, 1, 1)),
        None,
        id="due date unknown",
    ),
    pytest.param(
        {"kind": "born", "before": "1957-01-01"},
        facts(date_of_birth=date(1956, 12, 31)),
        True,
        id="born on the last day of 1956",
    ),
    pytest.param(
        {"kind": "born", "before": "1957-01-01"},
        facts(date_of_birth=date(1957, 1, 1)),
        False,
        id="born on the first day of 1957",
    ),
    pytest.param(
        {"kind": "born", "from": "1994-07-01"},
        facts(date_of_birth=date(1994, 7, 1)),
        True,
        id="born on the first day that matters",
    ),
    pytest.param({"kind": "born", "from": "1994-07-01"}, NOBODY, None, id="birth unknown"),
    pytest.param(US, attributes(citizenship="US"), True, id="citizen of a listed country"),
    pytest.param(US, attributes(citizenship="FR"), False, id="citizen of another"),
    pytest.param(US, attributes(citizenship=""), None, id="empty text is unknown"),
    pytest.param(US, NOBODY, None, id="attribute absent"),
    pytest.param(NURSING, attributes(programs=["art", "nursing"]), True, id="has the program"),
    pytest.param(NURSING, attributes(programs=["art"]), False, id="has another program"),
    pytest.param(NURSING, attributes(programs=[]), False, id="has no program"),
    pytest.param(NURSING, attributes(programs="nursing"), True, id="one program as text"),
    pytest.param(CREDITS, attributes(credits=6), True, id="six credits"),
    pytest.param(CREDITS, attributes(credits=5.5), False, id="five and a half credits"),
    pytest.param(CREDITS, attributes(credits="six"), None, id="text cannot be compared with a number"),
    pytest.param(CREDITS, attributes(credits=True), None, id="yes is not a number"),
    pytest.param(
        {"kind": "attribute", "name": "entered", "below": "2026-01-01"},
        attributes(entered="2025-12-31"),
        True,
        id="ISO dates are compared as text",
    ),
    pytest.param(
        {"kind": "attribute", "name": "online", "equals": True},
        attributes(online=False),
        False,
        id="no is known",
    ),
    pytest.param({"kind": "group", "in": ["Nursing"]}, facts(group="Nursing"), True, id="in the group"),
    pytest.param({"kind": "group", "in": ["Nursing"]}, NOBODY, None, id="in no group"),
    pytest.param(
        {"kind": "term", "in": ["Fall"]}, facts(group="Fall", term="Spring"), False, id="another term"
    ),
    pytest.param(both("and", CAMPUS, US), facts(on_campus=False), False, id="no and unknown is no"),
    pytest.param(both("and", US, CAMPUS), facts(on_campus=False), False, id="unknown and no is no"),
    pytest.param(both("and", CAMPUS, US), facts(on_campus=True), None, id="yes and unknown is unknown"),
    pytest.param(both("or", US, CAMPUS), facts(on_campus=True), True, id="unknown or yes is yes"),
    pytest.param(both("or", CAMPUS, US), facts(on_campus=False), None, id="no or unknown is unknown"),
    pytest.param(both("or", CAMPUS), facts(on_campus=False), False, id="no or nothing is no"),
    pytest.param(both("and", CAMPUS), facts(on_campus=True), True, id="yes and nothing is yes"),
    pytest.param({"kind": "not", "of": CAMPUS}, facts(on_campus=True), False, id="not yes is no"),
    pytest.param({"kind": "not", "of": CAMPUS}, facts(on_campus=False), True, id="not no is yes"),
    pytest.param({"kind": "not", "of": CAMPUS}, NOBODY, None, id="not unknown is unknown"),
]


@pytest.mark.parametrize(("condition", "known", "truth"), TABLE)
def test_truth(condition, known, truth):
    assert compile_condition(condition_from_data(condition))(known, TODAY).truth is truth


def test_every_unknown_fact_is_named_once():
    condition = both("and", CAMPUS, US, {"kind": "not", "of": CAMPUS}, UNDER_22)
    answer = compile_condition(condition_from_data(condition))(NOBODY, TODAY)
    assert answer.unknown == ("on_campus", "citizenship", "date_of_birth")


def test_an_age_today_says_when_it_turns():
    check = compile_condition(condition_from_data({**ADULT, "below": "P22Y"}))
    assert check(facts(date_of_birth=date(2010, 3, 1)), TODAY) == (False, date(2028, 3, 1), ())
    assert check(facts(date_of_birth=date(2006, 3, 1)), TODAY) == (True, date(2028, 3, 1), ())
    assert check(facts(date_of_birth=date(2000, 3, 1)), TODAY) == (False, None, ())
