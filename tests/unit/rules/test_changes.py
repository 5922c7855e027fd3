"""When a verdict changes through time alone: the day named, the same verdict until its eve, another on it."""

from datetime import date, timedelta

import pytest

from pratique.rules import evaluate
from tests.unit.rules.situations import (
    EXAM,
    FACTS,
    LAST_YEAR,
    MEDICAL,
    MMR,
    ONE,
    TITER,
    TODAY,
    dose,
    doses,
    exemption,
    given,
    paper,
    rule,
    series,
    titer,
)

UNDER_22 = {"kind": "age", "at": "today", "below": "P22Y"}
LIVE = {"live_conflict": {"cvx": ["03", "21"]}}

CHANGES = [
    pytest.param(rule(MMR), doses("2006-02-01", "2006-03-01"), None, id="complete for good"),
    pytest.param(rule(MMR), doses("2006-02-01"), None, id="a dose has been missing for years"),
    pytest.param(rule(MMR), doses("2026-08-20"), date(2026, 9, 17), id="the next dose may be given"),
    pytest.param(
        rule(MMR), doses("2006-02-01", "2026-12-01"), date(2026, 12, 1), id="a dose dated ahead counts"
    ),
    pytest.param(
        rule(series(booster_every="P10Y")), doses("2020-05-01"), date(2030, 5, 2), id="a booster is overdue"
    ),
    pytest.param(
        rule(series(earliest="2026-01-01", latest="2026-12-31")),
        given(),
        date(2027, 1, 1),
        id="the last day of a schedule passes",
    ),
    pytest.param(
        rule(series(vaccine="Varicella", cvx=["21"], **LIVE)),
        given(dose("2026-12-01")),
        date(2026, 12, 1),
        id="another live vaccine is dated ahead",
    ),
    pytest.param(
        rule({**EXAM, "window": LAST_YEAR}), given(paper("2026-05-01")), date(2027, 5, 2), id="an exam ages"
    ),
    pytest.param(
        rule({**EXAM, "window": {"since_day": "08-01"}}),
        given(paper("2026-08-15")),
        date(2027, 8, 1),
        id="the academic year turns",
    ),
    pytest.param(
        rule({**EXAM, "window": {"since": "2026-10-01"}}), given(), date(2026, 10, 1), id="a window opens"
    ),
    pytest.param(
        rule(ONE, condition=UNDER_22), doses("2020-01-01"), date(2027, 1, 15), id="an age is reached"
    ),
    pytest.param(
        rule(ONE, condition={"kind": "not", "of": UNDER_22}),
        given(),
        date(2027, 1, 15),
        id="it begins to apply",
    ),
    pytest.param(
        rule(ONE, exemptions=[MEDICAL]),
        given(exemption(until="2026-12-31")),
        date(2027, 1, 1),
        id="an exemption ends",
    ),
    pytest.param(
        rule(ONE, exemptions=[MEDICAL]),
        given(exemption(granted="2026-10-01")),
        date(2026, 10, 1),
        id="an exemption begins",
    ),
    pytest.param(
        rule({"kind": "any_of", "rules": [EXAM, TITER]}),
        given(paper(state="pending"), titer(day="2026-11-01")),
        date(2026, 11, 1),
        id="pending by one way, approved by another that is dated ahead",
    ),
    pytest.param(
        rule({"kind": "any_of", "rules": [series(booster_every="P10Y"), TITER]}),
        given(dose("2020-05-01"), titer()),
        date(2030, 5, 2),
        id="a branch that does not speak lapses: the day may be named though nothing changes",
    ),
]


@pytest.mark.parametrize(("requirement", "evidence", "changes_on"), CHANGES)
def test_changes_on(requirement, evidence, changes_on):
    verdict = evaluate(requirement, evidence, FACTS, TODAY)
    assert verdict.changes_on == changes_on
    eve = (changes_on or date(2060, 1, 1)) - timedelta(1)
    assert evaluate(requirement, evidence, FACTS, eve) == verdict
    if changes_on is not None:
        assert evaluate(requirement, evidence, FACTS, changes_on) != verdict
