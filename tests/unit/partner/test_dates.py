"""Days as longs are midnights in US Central time, both ways; instants are themselves."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.interfaces.partner.dates import day_to_long, instant_to_long, long_to_day, long_to_instant


def long(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


@pytest.mark.parametrize(
    ("day", "midnight"),
    [
        pytest.param(date(2026, 1, 15), "2026-01-15T06:00:00+00:00", id="winter-is-six-hours-behind"),
        pytest.param(date(2026, 7, 15), "2026-07-15T05:00:00+00:00", id="summer-is-five-hours-behind"),
        pytest.param(
            date(2026, 3, 8), "2026-03-08T06:00:00+00:00", id="the-day-clocks-go-forward-begins-in-winter"
        ),
        pytest.param(date(2026, 3, 9), "2026-03-09T05:00:00+00:00", id="the-day-after-begins-in-summer"),
        pytest.param(
            date(2026, 11, 1), "2026-11-01T05:00:00+00:00", id="the-day-clocks-go-back-begins-in-summer"
        ),
        pytest.param(date(2026, 11, 2), "2026-11-02T06:00:00+00:00", id="the-day-after-begins-in-winter"),
        pytest.param(date(1970, 1, 1), "1970-01-01T06:00:00+00:00", id="the-epoch's-own-day"),
        pytest.param(date(1944, 1, 15), "1944-01-15T05:00:00+00:00", id="war-time-all-year"),
    ],
)
def test_a_day_is_its_midnight_in_central_time_and_comes_back(day, midnight):
    assert day_to_long(day) == long(midnight)
    assert long_to_day(long(midnight)) == day
    assert long_to_day(long(midnight) - 1) == day - timedelta(1), "a millisecond earlier it is the day before"


@pytest.mark.parametrize(
    ("instant", "day"),
    [
        pytest.param("2001-05-05T04:59:59+00:00", date(2001, 5, 4), id="before-a-summer-midnight"),
        pytest.param("2001-05-05T05:00:00+00:00", date(2001, 5, 5), id="at-a-summer-midnight"),
        pytest.param("2001-12-05T05:59:59+00:00", date(2001, 12, 4), id="before-a-winter-midnight"),
        pytest.param("2001-12-05T06:00:00+00:00", date(2001, 12, 5), id="at-a-winter-midnight"),
        pytest.param("2026-03-08T07:59:59+00:00", date(2026, 3, 8), id="before-clocks-go-forward"),
        pytest.param("2026-03-09T04:59:59+00:00", date(2026, 3, 8), id="the-last-second-of-the-short-day"),
        pytest.param("2026-11-02T05:59:59+00:00", date(2026, 11, 1), id="the-last-second-of-the-long-day"),
        pytest.param("1978-03-22T20:16:45.250+00:00", date(1978, 3, 22), id="any-time-of-the-day"),
    ],
)
def test_a_long_names_the_day_it_falls_on_in_central_time(instant, day):
    assert long_to_day(long(instant)) == day


def test_nothing_is_zero():
    assert day_to_long(None) == 0
    assert instant_to_long(None) == 0


def test_an_instant_loses_what_is_less_than_a_millisecond():
    at = datetime(2026, 8, 3, 15, 0, 0, 123_999, tzinfo=UTC)
    assert instant_to_long(at) == long("2026-08-03T15:00:00.123+00:00")
    assert long_to_instant(instant_to_long(at)) == at.replace(microsecond=123_000)
    assert instant_to_long(datetime(1969, 12, 31, 23, 59, 59, 999_500, tzinfo=UTC)) == -1, (
        "downwards before 1970 too"
    )


@given(st.dates())
def test_every_day_of_the_calendar_comes_back(day):
    assert long_to_day(day_to_long(day)) == day


@pytest.mark.parametrize("value", [10**15, -(10**15), 2**63, -(2**63), 10**400])
def test_what_lies_outside_the_calendar_is_said(value):
    with pytest.raises(OverflowError):
        long_to_instant(value)
    with pytest.raises(OverflowError):
        long_to_day(value)
