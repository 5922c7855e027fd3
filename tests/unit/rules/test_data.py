"""Reading rules: everything wrong is named at once, with its place and what to do."""

import pytest

from pratique.rules import (
    Precision,
    RuleDataError,
    Series,
    condition_from_data,
    requirement_from_data,
    rule_from_data,
    rule_to_data,
)

GOOD = {"kind": "series", "vaccine": "MMR", "cvx": ["03"], "doses": 2}
EXAM = {"kind": "document", "document": "physical_exam"}


def paths(read, data):
    with pytest.raises(RuleDataError) as caught:
        read(data)
    for problem in caught.value.problems:
        assert problem.message
        assert problem.remedy.endswith(".")
        assert problem.message in str(caught.value)
    return [problem.path for problem in caught.value.problems]


WRONG_RULES = [
    pytest.param([], [""], id="not an object"),
    pytest.param({}, ["/kind"], id="no kind"),
    pytest.param({"kind": "potion"}, ["/kind"], id="an unknown kind"),
    pytest.param({"kind": ["series"]}, ["/kind"], id="a kind that is a list"),
    pytest.param({**GOOD, "dosis": 2}, ["/dosis"], id="a misspelt field"),
    pytest.param({"kind": "series", "doses": 2}, ["/vaccine", "/cvx"], id="missing fields"),
    pytest.param({**GOOD, "vaccine": ""}, ["/vaccine"], id="an empty name"),
    pytest.param({**GOOD, "cvx": ["3"]}, ["/cvx"], id="a code without its zero"),
    pytest.param({**GOOD, "cvx": [3]}, ["/cvx"], id="a code as a number"),
    pytest.param({**GOOD, "cvx": []}, ["/cvx"], id="no code"),
    pytest.param({**GOOD, "doses": 0}, ["/doses"], id="no dose"),
    pytest.param({**GOOD, "doses": True}, ["/doses"], id="yes is not a number of doses"),
    pytest.param({**GOOD, "doses": 13}, ["/doses"], id="too many doses"),
    pytest.param({**GOOD, "min_age": ["12 months", None, "P1Y"]}, ["/min_age", "/min_age/0"], id="ages"),
    pytest.param({**GOOD, "min_age": "P12M"}, ["/min_age"], id="an age that is no list"),
    pytest.param(
        {**GOOD, "min_interval": ["P28D", "P28D"]}, ["/min_interval"], id="more intervals than gaps"
    ),
    pytest.param({**GOOD, "products": [["94"]]}, ["/products/0"], id="a product that is not of the series"),
    pytest.param({**GOOD, "products": ["03"]}, ["/products/0"], id="products that are no list of lists"),
    pytest.param({**GOOD, "same_brand": [["94"]]}, ["/same_brand"], id="a brand that is not of the series"),
    pytest.param({**GOOD, "same_brand": "yes"}, ["/same_brand"], id="a brand that is no list"),
    pytest.param({**GOOD, "earliest": "1968"}, ["/earliest"], id="a year instead of a date"),
    pytest.param({**GOOD, "earliest": "2026-W01-1"}, ["/earliest"], id="a week instead of a date"),
    pytest.param({**GOOD, "earliest": "2020-01-02", "latest": "2020-01-01"}, ["/latest"], id="dates swapped"),
    pytest.param(
        {**GOOD, "live_conflict": {"cvx": ["21"], "grace": 1}}, ["/live_conflict/grace"], id="inner field"
    ),
    pytest.param({**GOOD, "grace_age_days": -4}, ["/grace_age_days"], id="negative grace"),
    pytest.param({**GOOD, "booster_every": "P0D"}, ["/booster_every"], id="a booster every no time"),
    pytest.param({**GOOD, "accept_dates": "week"}, ["/accept_dates"], id="an unknown precision"),
    pytest.param(
        {"kind": "recent", "of": "titer", "name": "x", "window": {"within": "P1Y"}, "accept_dates": "month"},
        ["/accept_dates"],
        id="a precision for something that is no dose",
    ),
    pytest.param({**EXAM, "window": {}}, ["/window"], id="a window without bound"),
    pytest.param({**EXAM, "window": {"within": "P1Y", "of": "noon"}}, ["/window/of"], id="an unknown anchor"),
    pytest.param({**EXAM, "window": {"at_least_before": "P10D"}}, ["/window/of"], id="a lead before today"),
    pytest.param(
        {**EXAM, "window": {"since_day": "02-29"}}, ["/window/since_day"], id="a day not in every year"
    ),
    pytest.param({**EXAM, "window": "P12M"}, ["/window"], id="a window that is text"),
    pytest.param(
        {"kind": "recent", "of": "exam", "name": "x"}, ["/of", "/window", "/cvx"], id="a recent nothing"
    ),
    pytest.param(
        {"kind": "titer", "antibodies": ["measles", "measles"]}, ["/antibodies"], id="an antibody twice"
    ),
    pytest.param(
        {"kind": "form", "form": "tb", "signature": "yes"}, ["/signature"], id="a flag that is text"
    ),
    pytest.param(
        {"kind": "form", "form": "tb", "answers": {"kind": "age"}},
        ["/answers", "/answers/at"],
        id="an inner condition",
    ),
    pytest.param({"kind": "exemption", "exemption": "lazy"}, ["/exemption"], id="an unknown exemption"),
    pytest.param(
        {"kind": "exemption", "exemption": "medical", "validity_months": 0},
        ["/validity_months"],
        id="good for no month",
    ),
    pytest.param({"kind": "all_of", "rules": []}, ["/rules"], id="all of nothing"),
    pytest.param(
        {"kind": "any_of", "rules": [GOOD, {"kind": "x"}, 3]},
        ["/rules/1/kind", "/rules/2"],
        id="wrong branches",
    ),
    pytest.param({"kind": "condition"}, ["/condition"], id="a condition rule without condition"),
]


@pytest.mark.parametrize(("data", "expected"), WRONG_RULES)
def test_a_wrong_rule_is_refused_with_every_problem(data, expected):
    assert sorted(paths(rule_from_data, data)) == sorted(expected)


WRONG_CONDITIONS = [
    pytest.param({"kind": "moon"}, ["/kind"], id="an unknown kind"),
    pytest.param({"kind": "on_campus", "is": "yes"}, ["/is"], id="a flag that is text"),
    pytest.param({"kind": "age", "at": "noon", "below": "P22Y"}, ["/at"], id="an unknown day"),
    pytest.param({"kind": "age", "at": "today"}, [""], id="an age without bound"),
    pytest.param({"kind": "born"}, [""], id="a birth without bound"),
    pytest.param({"kind": "attribute", "name": "x"}, [""], id="no comparison"),
    pytest.param({"kind": "attribute", "name": "x", "equals": 1, "below": 2}, [""], id="two comparisons"),
    pytest.param({"kind": "attribute", "name": "x", "in": "US"}, ["/in"], id="a list that is text"),
    pytest.param({"kind": "attribute", "name": "x", "at_least": True}, ["/at_least"], id="at least yes"),
    pytest.param({"kind": "attribute", "name": "x", "equals": {}}, ["/equals"], id="equal to an object"),
    pytest.param({"kind": "group", "in": []}, ["/in"], id="no group"),
    pytest.param({"kind": "and", "of": []}, ["/of"], id="and of nothing"),
    pytest.param({"kind": "not", "of": {"kind": "or", "of": [{}]}}, ["/of/of/0/kind"], id="deep inside"),
]


@pytest.mark.parametrize(("data", "expected"), WRONG_CONDITIONS)
def test_a_wrong_condition_is_refused_with_every_problem(data, expected):
    assert sorted(paths(condition_from_data, data)) == sorted(expected)


def test_a_wrong_requirement_names_problems_of_all_its_parts():
    data = {
        "key": "mmr",
        "rule": {**GOOD, "doses": "two"},
        "condition": {"kind": "on_campus", "is": 1},
        "exemptions": [{"exemption": "medical"}, {"exemption": "medical", "needs": 1}],
        "as_of": "today",
        "confidence": "total",
        "colour": "red",
    }
    expected = [
        "/as_of", "/colour", "/condition/is", "/confidence", "/exemptions", "/exemptions/1/needs", "/name",
        "/rule/doses",
    ]  # fmt: skip
    assert sorted(paths(requirement_from_data, data)) == expected


@pytest.mark.parametrize("data", [None, 3, "x", [], {}, {"exemptions": 3}])
def test_no_input_whatever_raises_anything_else(data):
    assert paths(requirement_from_data, data)


def test_hostile_nesting_is_refused():
    rule, condition = GOOD, {"kind": "on_campus"}
    for _ in range(400):
        rule, condition = {"kind": "all_of", "rules": [rule]}, {"kind": "not", "of": condition}
    assert paths(rule_from_data, rule)
    assert paths(condition_from_data, condition)


def test_what_is_left_out_has_the_documented_values():
    rule = rule_from_data(GOOD)
    assert rule == Series("MMR", frozenset({"03"}), 2)
    assert (rule.grace_age_days, rule.grace_interval_days) == (4, 4)
    assert rule_to_data(rule) == GOOD


def test_how_well_dates_must_be_known_is_written_and_read():
    rule = rule_from_data({**GOOD, "accept_dates": "month"})
    assert rule.accepts is Precision.MONTH
    assert rule_to_data(rule) == {**GOOD, "accept_dates": "month"}
    assert rule_to_data(rule_from_data({**GOOD, "accept_dates": "day"})) == GOOD


def test_same_brand_true_makes_each_code_a_brand():
    rule = rule_from_data({**GOOD, "cvx": ["162", "163"], "same_brand": True})
    assert rule.same_brand == (frozenset({"162"}), frozenset({"163"}))
