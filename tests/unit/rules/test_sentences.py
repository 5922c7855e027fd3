"""Every reason code has a sentence, every sentence a situation that brings it about."""

import ast
import re
from datetime import date
from pathlib import Path

import pytest

import pratique.rules
from pratique.rules import PartialDate, Reason, evaluate, explain, reason_from_data, reason_to_data
from pratique.rules.explain import format_date
from pratique.rules.sentences import INEXACT_SENTENCES, SENTENCES
from tests.unit.rules.inexact_dates import INEXACT
from tests.unit.rules.situations import ALL, MMR, S, doses

# A failing all_of as one way among several is named part by part.
_TOGETHER = S(
    "two titers together as the other way",
    {"kind": "any_of", "rules": [MMR, {"kind": "titer", "antibodies": ["measles", "mumps"]}]},
    doses("2006-03-01"),
    "incomplete",
    "dose_missing or_titer or_titer",
)


def reasons_of(situation):
    verdict = evaluate(situation.requirement, situation.evidence, situation.facts, situation.on_date)
    return (*verdict.reasons, *(reason for finding in verdict.doses for reason in finding.reasons))


OCCURRING = [(one.words, reason) for one in [*ALL, *INEXACT, _TOGETHER] for reason in reasons_of(one)]


def codes_in_the_code():
    """Yield the codes written in the engine, so that one that no situation reaches is noticed."""
    package = Path(pratique.rules.__file__).parent
    for name in ("doses", "series", "dated", "combine", "windows", "evaluate"):
        for node in ast.walk(ast.parse((package / f"{name}.py").read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") in ("Reason", "_Codes"):
                yield from (arg.value for arg in node.args if isinstance(arg, ast.Constant))


def test_every_code_has_a_sentence_and_every_sentence_a_situation():
    assert {reason.code for _, reason in OCCURRING} == set(SENTENCES)


def test_every_code_written_in_the_engine_has_a_sentence():
    assert set(codes_in_the_code()) <= set(SENTENCES)


@pytest.mark.parametrize("code", SENTENCES)
def test_all_forms_of_a_sentence_can_be_filled(code):
    """Singular and plural forms use no parameter that the reason does not carry."""
    for _, reason in OCCURRING:
        if reason.code == code:
            for form in (SENTENCES[code].text, SENTENCES[code].one, SENTENCES[code].two):
                assert set(re.findall(r"{(\w+)}", form)) <= dict(reason.params).keys()


def is_inexact(reason):
    return any(isinstance(value, PartialDate) for _, value in reason.params)


def test_every_reason_with_a_month_or_year_has_its_own_sentence_and_every_such_sentence_a_situation():
    needs_date = {"dose_needs_day", "dose_needs_month"}  # said of nothing else
    occurring = {reason.code for _, reason in OCCURRING if is_inexact(reason)}
    assert occurring == set(INEXACT_SENTENCES) | needs_date


@pytest.mark.parametrize("code", INEXACT_SENTENCES)
def test_all_forms_of_a_sentence_for_a_month_or_year_can_be_filled(code):
    for _, reason in OCCURRING:
        if reason.code == code and is_inexact(reason):
            for form in (INEXACT_SENTENCES[code].text, INEXACT_SENTENCES[code].one):
                assert set(re.findall(r"{(\w+)}", form)) <= dict(reason.params).keys()


MARCH, YEAR = PartialDate(date(2006, 3, 1), "month"), PartialDate(date(2006, 1, 1), "year")
EXPLAINED = [
    pytest.param(
        Reason("dose_needs_day", (("vaccine", "MMR"), ("given_on", MARCH))),
        "The dose of MMR in March 2006 needs its exact day.",
        id="a month where the day is asked",
    ),
    pytest.param(
        Reason("dose_needs_month", (("vaccine", "Tdap"), ("given_on", YEAR))),
        "The dose of Tdap in 2006 needs its month.",
        id="a year where the month is asked",
    ),
    pytest.param(
        Reason("dose_too_soon", (("vaccine", "MMR"), ("number", 2), ("given_on", MARCH), ("days", 9))),
        "Dose 2 of MMR (March 2006) may be up to 9 days too early.",
        id="too early at worst",
    ),
    pytest.param(
        Reason(
            "dose_near_live_dose",
            (("vaccine", "Varicella"), ("number", 1), ("given_on", date(2006, 3, 10)), ("other_on", MARCH)),
        ),
        "Dose 1 of Varicella (March 10, 2006) may be too close to another live vaccine (March 2006), "
        "as long as an exact day is missing.",
        id="too close at worst",
    ),
    pytest.param(
        Reason(
            "dose_in_future", (("vaccine", "Tdap"), ("given_on", PartialDate(date(2026, 11, 1), "month")))
        ),
        "The dose of Tdap in November 2026 cannot count before that time is over: give its exact day.",
        id="a month that is not over",
    ),
    pytest.param(
        Reason(
            "dose_too_soon",
            (
                ("vaccine", "MMR"),
                ("number", 2),
                ("given_on", date(2024, 4, 3)),
                ("days", 3),
                ("interval", "P28D"),
                ("needed_on", date(2024, 5, 1)),
            ),
        ),
        "Dose 2 of MMR was given on April 3, 2024, 3 days too early: "
        "another dose is needed on or after May 1, 2024.",
        id="too early, and what to do",
    ),
    pytest.param(
        Reason(
            "dose_too_soon", (("vaccine", "MMR"), ("number", 2), ("given_on", date(2024, 4, 3)), ("days", 1))
        ),
        "Dose 2 of MMR was given on April 3, 2024, one day too early.",
        id="one day, nothing to do",
    ),
    pytest.param(
        Reason(
            "dose_before_age",
            (
                ("vaccine", "MMR"),
                ("number", 1),
                ("given_on", date(2006, 1, 1)),
                ("days", 10),
                ("age", "P12M"),
            ),
        ),
        "Dose 1 of MMR was given on January 1, 2006, 10 days too early for the age of 12 months.",
        id="age in words",
    ),
    pytest.param(
        Reason("doses_count", (("vaccine", "MMR"), ("doses", 1))), "The dose of MMR counts.", id="one dose"
    ),
    pytest.param(
        Reason("doses_count", (("vaccine", "MMR"), ("doses", 2))), "Both doses of MMR count.", id="both"
    ),
    pytest.param(
        Reason("doses_count", (("vaccine", "HPV"), ("doses", 3))), "All 3 doses of HPV count.", id="all"
    ),
    pytest.param(
        Reason("titer_positive", (("antibody", "measles"), ("on", date(2024, 4, 3)))),
        "Positive titer for measles on April 3, 2024.",
        id="titer",
    ),
    pytest.param(
        Reason("exemption_until", (("exemption", "medical"), ("through", date(2027, 1, 1)))),
        "Medical exemption until January 1, 2027.",
        id="exemption",
    ),
    pytest.param(
        Reason("or_titer", (("antibody", "hepatitis_b"),)),
        "Or: a positive titer for hepatitis B.",
        id="another way",
    ),
    pytest.param(
        Reason("or_titer", (("antibody", "mumps"), ("together", 1))),
        "Together with that: a positive titer for mumps.",
        id="not another way by itself",
    ),
    pytest.param(
        Reason("document_missing", (("document", "physical_exam"),)),
        "A document is missing: physical exam.",
        id="codes in words",
    ),
    pytest.param(
        Reason("of_the_future"),
        "Something else is needed; please ask your school (of_the_future).",
        id="a code from another version",
    ),
    pytest.param(
        Reason("titer_missing"), "A positive titer for … is missing.", id="a parameter from another version"
    ),
]


@pytest.mark.parametrize(("reason", "sentence"), EXPLAINED)
def test_explained(reason, sentence):
    assert explain(reason) == sentence


@pytest.mark.parametrize(
    ("words", "reason"), [pytest.param(*one, id=f"{one[1].code}: {one[0]}") for one in OCCURRING]
)
def test_every_occurring_reason_is_a_whole_sentence_and_survives_json(words, reason):
    sentence = explain(reason)
    assert re.fullmatch(r"[A-Z].*\.", sentence)
    assert not re.search(r"[{}…_]|\bNone\b|P\d|\.\.", sentence), sentence
    assert reason_from_data(reason_to_data(reason)) == reason


def test_translation_reaches_sentence_words_and_dates():
    german = {
        "{exemption} until {through}.": "{exemption} bis {through}.",
        "Medical exemption": "Ärztliche Befreiung",
    }
    reason = Reason("exemption_until", (("exemption", "medical"), ("through", date(2027, 1, 1))))
    assert explain(reason, german.get, date.isoformat) == "Ärztliche Befreiung bis 2027-01-01."


def test_months_and_years_are_translated():
    spanish = {
        "The dose of {vaccine} in {given_on} needs its exact day": "Falta el día de la dosis de {given_on}",
        "{month} {year}": "{month} de {year}",
        "March": "marzo",
        "{sentence}.": "{sentence}.",
    }
    reason = Reason("dose_needs_day", (("vaccine", "MMR"), ("given_on", MARCH)))
    assert explain(reason, spanish.__getitem__) == "Falta el día de la dosis de marzo de 2006."


def test_products_are_named_where_the_caller_knows_their_names():
    reason = Reason(
        "dose_wrong_product",
        (("vaccine", "Tdap"), ("number", 1), ("given_on", date(2020, 1, 1)), ("cvx", "09")),
    )
    named = "The product given on January 1, 2020 ({}) is not accepted as dose 1 of Tdap."
    assert explain(reason) == named.format("CVX code 09")
    assert explain(reason, products={"09": "Td"}) == named.format("Td")
    assert explain(reason, products={"115": "Tdap"}) == named.format("CVX code 09")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(date(2006, 3, 4), "2006-03-04", id="day"),
        pytest.param(MARCH, "2006-03", id="month"),
        pytest.param(YEAR, "2006", id="year"),
    ],
)
def test_dates_of_any_precision_are_written_to_json_and_back(value, text):
    reason = Reason("dose_rejected", (("given_on", value),))
    assert reason_to_data(reason)["params"] == {"given_on": {"date": text}}
    assert reason_from_data(reason_to_data(reason)) == reason


def test_dates_are_written_by_month_name():
    assert format_date(date(2024, 4, 3)) == "April 3, 2024"
