"""Longs are midnight in US Central time, in summer and in winter, wherever the client runs."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.partner_client.dates import CENTRAL, to_birth_string, to_date, to_datetime, to_long


@pytest.mark.parametrize(
    ("day", "utc"),
    [
        (date(2026, 1, 15), datetime(2026, 1, 15, 6, tzinfo=UTC)),
        (date(2026, 7, 15), datetime(2026, 7, 15, 5, tzinfo=UTC)),
        (date(2026, 3, 8), datetime(2026, 3, 8, 6, tzinfo=UTC)),
        (date(2026, 3, 9), datetime(2026, 3, 9, 5, tzinfo=UTC)),
        (date(1969, 12, 31), datetime(1969, 12, 31, 6, tzinfo=UTC)),
        (date(1900, 1, 1), datetime(1900, 1, 1, 6, tzinfo=UTC)),
    ],
    ids=["winter", "summer", "the day the clocks go on", "the day after", "before 1970", "long ago"],
)
def test_a_day_is_its_midnight_in_chicago(day, utc):
    assert to_long(day) == round(utc.timestamp() * 1000)
    assert to_date(to_long(day)) == day
    assert to_date(to_long(day) - 1) == day - timedelta(days=1)
    assert to_date(to_long(day) + 23 * 3600 * 1000 - 1) == day


@given(st.dates(date(1900, 1, 1), date(2200, 1, 1)))
def test_every_day_both_ways(day):
    assert to_date(to_long(day)) == day


@given(st.integers(1, 7 * 10**12), st.integers(0, 999))
def test_every_instant_both_ways_to_the_millisecond(long, microseconds):
    assert to_long(to_datetime(long) + timedelta(microseconds=microseconds)) == long


def test_zero_is_no_date():
    assert to_date(0) is None
    assert to_datetime(0) is None


def test_an_instant_has_a_zone():
    instant = datetime(2026, 7, 1, 12, tzinfo=CENTRAL)
    assert to_long(instant) == to_long(instant.astimezone(timezone(timedelta(hours=9))))
    with pytest.raises(ValueError, match="time zone"):
        to_long(datetime(2026, 7, 1, 12))  # noqa: DTZ001


def test_the_string_of_a_birth_date():
    assert to_birth_string(date(1978, 3, 2)) == "03/02/1978"
