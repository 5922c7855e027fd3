"""Date arithmetic as the CDC does it; the first rows are the examples of CDSi 4.6, table 3-6."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.rules import Period, add_period, format_period, parse_period
from pratique.rules.periods import day_after, shift_days, subtract_period

ADDED = [
    pytest.param("2000-01-01", "P3Y", "2003-01-01", id="CALCDT-1 years"),
    pytest.param("2000-01-01", "P6M", "2000-07-01", id="CALCDT-2 months"),
    pytest.param("2000-11-01", "P6M", "2001-05-01", id="CALCDT-2 months over the year"),
    pytest.param("2000-01-01", "P3D", "2000-01-04", id="CALCDT-3 days"),
    pytest.param("2000-02-01", "P5W", "2000-03-07", id="CALCDT-3 weeks in a leap year"),
    pytest.param("2001-02-01", "P5W", "2001-03-08", id="CALCDT-3 weeks in another"),
    pytest.param("2000-03-31", "P6M", "2000-10-01", id="CALCDT-5 no September 31"),
    pytest.param("2010-08-31", "P6M", "2011-03-01", id="CALCDT-5 no February 31"),
    pytest.param("2000-01-31", "P6M1D", "2000-08-01", id="CALCDT-6 months before days"),
    pytest.param("2004-02-29", "P1Y", "2005-03-01", id="born on a leap day"),
    pytest.param("2004-02-29", "P4Y", "2008-02-29", id="leap day to leap day"),
    pytest.param("9999-12-31", "P1D", "9999-12-31", id="the calendar ends"),
    pytest.param("9999-12-31", "P1M", "9999-12-31", id="the calendar ends in months"),
]


@pytest.mark.parametrize(("day", "period", "expected"), ADDED)
def test_add_period(day, period, expected):
    assert add_period(date.fromisoformat(day), parse_period(period)) == date.fromisoformat(expected)


def test_grace_is_taken_off_last():
    """CALCDT-6: 01/31/2000 + 6 months - 4 days = 07/27/2000."""
    assert shift_days(add_period(date(2000, 1, 31), Period(months=6)), -4) == date(2000, 7, 27)


SUBTRACTED = [
    pytest.param("2025-08-20", "P5Y", "2020-08-20", id="years"),
    pytest.param("2025-03-31", "P1M", "2025-03-01", id="no February 31, so forward"),
    pytest.param("2024-02-29", "P1Y", "2023-03-01", id="no leap day, so forward"),
    pytest.param("2025-01-05", "P10D", "2024-12-26", id="days"),
    pytest.param("0001-01-01", "P1Y", "0001-01-01", id="the calendar begins"),
]


@pytest.mark.parametrize(("day", "period", "expected"), SUBTRACTED)
def test_subtract_period(day, period, expected):
    assert subtract_period(date.fromisoformat(day), parse_period(period)) == date.fromisoformat(expected)


usual_days = st.dates(date(1900, 1, 1), date(2100, 1, 1))
one_unit = st.sampled_from(
    [Period(years=5), Period(months=1), Period(months=18), Period(weeks=4), Period(days=28)]
)


@given(usual_days, one_unit)
def test_the_first_day_of_a_window_is_inside_it(day, period):
    assert add_period(subtract_period(day, period), period) >= day


@given(usual_days, usual_days, one_unit)
def test_adding_keeps_the_order_of_days(one, other, period):
    assert (one <= other) <= (add_period(one, period) <= add_period(other, period))


@given(st.builds(Period, *[st.integers(0, 99)] * 4))
def test_a_period_survives_being_written_and_read(period):
    assert parse_period(format_period(period)) == period


@pytest.mark.parametrize(
    "text", ["", "P", "12M", "P-1M", "P1.5M", "PT5H", "p12m", "P12M ", "P12M4", "P1D1M", "P99999Y"]
)
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match="is not a calendar period"):
        parse_period(text)


def test_what_lasts_to_the_end_of_the_calendar_is_never_over():
    assert day_after(date.max) is None
    assert day_after(date(2024, 2, 28)) == date(2024, 2, 29)
