"""The rule of who will miss the due date, as a table of situations."""

import datetime
from itertools import product

import pytest

from pratique.foundation.ids import new_id
from pratique.reports.forecast import Situation, TrackerForecast, forecast, forecasts_by_code

FACTS = ("is_too_late", "has_handed_in_all", "has_begun", "is_soon", "is_behind")


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        pytest.param("has_begun", "on_track", id="has begun, and the others are quick"),
        pytest.param("", "on_track", id="has not begun, and there is time"),
        pytest.param("has_handed_in_all", "in_review", id="all handed in"),
        pytest.param("has_handed_in_all has_begun is_soon is_behind", "in_review", id="all handed in, soon"),
        pytest.param("is_too_late has_begun", "cannot", id="the last dose may be given only later"),
        pytest.param("is_too_late is_soon is_behind", "cannot", id="too late goes before not started"),
        pytest.param("is_soon", "not_started", id="nothing handed in, and soon"),
        pytest.param("is_soon is_behind", "not_started", id="not started goes before at risk"),
        pytest.param("has_begun is_soon", "on_track", id="has begun, soon, and the others are quick"),
        pytest.param("has_begun is_behind", "at_risk", id="has begun, and the others are slow"),
        pytest.param("is_behind", "at_risk", id="there is time, and the others are slow"),
    ],
)
def test_the_first_rule_that_holds_is_the_forecast(facts, expected):
    assert forecast(Situation(*(name in facts.split() for name in FACTS))) == expected


def test_sql_finds_each_situation_at_the_sum_of_its_facts():
    codes = forecasts_by_code()
    for facts in product((False, True), repeat=len(FACTS)):
        code = sum(2**place for place, fact in enumerate(facts) if fact)
        assert codes[code] == forecast(Situation(*facts))


@pytest.mark.parametrize(
    ("left", "students", "complete", "completed", "days", "expected", "share", "behind"),
    [
        pytest.param(28, 100, 40, 20, 28, 60, 33, True, id="as many again as in the last 28 days"),
        pytest.param(28, 100, 40, 30, 28, 70, 50, False, id="half of the rest is enough"),
        pytest.param(28, 100, 90, 50, 28, 100, 100, False, id="never more than there are"),
        pytest.param(7, 100, 40, 7, 7, 47, 11, True, id="a week's pace for a week"),
        pytest.param(28, 100, 40, -5, 28, 40, 0, True, id="fewer than before: nothing is expected"),
        pytest.param(0, 100, 40, 28, 28, 40, 0, True, id="the last day"),
        pytest.param(10, 5, 5, 0, 28, 5, 100, False, id="all are complete"),
        pytest.param(10, 0, 0, 0, 28, 0, 100, False, id="nobody is there"),
    ],
)
def test_the_pace_goes_on(left, students, complete, completed, days, expected, share, behind):
    due = datetime.date(2026, 10, 1)
    tracker = TrackerForecast(new_id(), "Nursing", "P", due, left, students, complete, completed, days)
    assert (tracker.expected, tracker.share_of_rest, tracker.is_behind) == (expected, share, behind)
    assert tracker.will_miss == students - expected


@pytest.mark.parametrize(
    ("completed", "days", "too_late", "known", "expected", "behind"),
    [
        pytest.param(60, 6, 0, False, 40, False, id="six days are chance: nothing is said"),
        pytest.param(60, 7, 0, True, 100, False, id="a week is a pace"),
        pytest.param(60, 28, 30, True, 70, False, id="who cannot be complete in time is not expected"),
        pytest.param(60, 28, 45, True, 55, True, id="more cannot than can"),
        pytest.param(0, 28, 70, True, 40, True, id="who is complete stays so"),
    ],
)
def test_no_pace_helps_who_comes_too_late_and_a_short_one_says_nothing(
    completed, days, too_late, known, expected, behind
):
    one = TrackerForecast(
        new_id(), "Nursing", "P", datetime.date(2026, 10, 1), 28, 100, 40, completed, days, too_late
    )
    assert (one.is_known, one.expected, one.is_behind) == (known, expected, behind)
