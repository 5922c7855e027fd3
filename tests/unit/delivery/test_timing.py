"""When schedules run: intervals, calendars, and the two nights a year on which clocks are changed."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.delivery import timing
from pratique.delivery.timing import Calendar
from pratique.delivery.types import ScheduleError

NEW_YORK = ZoneInfo(
    "America/New_York"
)  # in 2026 the clocks skip 02:00-03:00 on 8 March and repeat 01:00-02:00 on 1 November
KOLKATA = ZoneInfo("Asia/Kolkata")


def local(text, zone=NEW_YORK):
    return datetime.fromisoformat(text).replace(tzinfo=zone)


def at(*times):
    return tuple(time.fromisoformat(one) for one in times)


@pytest.mark.parametrize(
    ("every", "calendar", "after", "wanted"),
    [
        (5, None, "2026-08-03 10:02", "2026-08-03 10:05"),
        (5, None, "2026-08-03 10:05", "2026-08-03 10:10"),
        (60, None, "2026-08-03 10:02", "2026-08-03 11:00"),
        (None, Calendar(at("06:00")), "2026-08-03 05:59", "2026-08-03 06:00"),
        (None, Calendar(at("06:00")), "2026-08-03 06:00", "2026-08-04 06:00"),
        (None, Calendar(at("18:00", "06:00")), "2026-08-03 07:00", "2026-08-03 18:00"),
        (None, Calendar(at("06:00"), weekdays=(1,)), "2026-08-03 07:00", "2026-08-10 06:00"),
        (None, Calendar(at("06:00"), weekdays=(1, 4)), "2026-08-03 07:00", "2026-08-06 06:00"),
        (None, Calendar(at("06:00"), days=(15,)), "2026-08-03 07:00", "2026-08-15 06:00"),
        (None, Calendar(at("06:00"), days=(31,)), "2026-08-31 07:00", "2026-10-31 06:00"),
        (None, Calendar(at("06:00"), days=(31,)), "2027-01-31 07:00", "2027-03-31 06:00"),
        (None, Calendar(at("06:00"), days=(-1,)), "2027-01-31 07:00", "2027-02-28 06:00"),
        (None, Calendar(at("06:00"), weekdays=(5,), days=(5,)), "2026-08-03 07:00", "2026-08-05 06:00"),
        (None, Calendar(at("06:00"), weekdays=(5,), days=(5,)), "2026-08-05 07:00", "2026-08-07 06:00"),
        (None, Calendar(at("02:30")), "2026-03-07 12:00", "2026-03-08 03:00"),
        (None, Calendar(at("02:30", "03:00")), "2026-03-08 03:00", "2026-03-09 02:30"),
        (None, Calendar(at("01:30")), "2026-10-31 12:00", "2026-11-01 01:30"),
        (None, Calendar(at("06:00")), "2026-03-07 12:00", "2026-03-08 06:00"),
    ],
    ids=[
        "next-five-minutes", "not-the-present-instant", "on-the-hour", "today", "tomorrow", "the-later-of-two",
        "next-monday", "thursday-comes-first", "the-fifteenth", "a-month-without-a-31st", "february", "the-last-day",
        "either-the-5th", "or-a-friday", "a-skipped-time-runs-at-the-next-minute", "and-not-twice",
        "a-repeated-time-runs-the-first-time", "six-o-clock-stays-six-o-clock",
    ],
)  # fmt: skip
def test_the_next_time(every, calendar, after, wanted):
    found = timing.next_time(every, calendar, after=local(after).astimezone(UTC), zone=NEW_YORK)
    assert found == local(wanted).astimezone(UTC)


def test_a_repeated_hour_runs_once():
    calendar = Calendar(at("01:30"))
    times = timing.upcoming(
        None, calendar, after=local("2026-10-31 12:00").astimezone(UTC), zone=NEW_YORK, count=2
    )
    assert [one.astimezone(NEW_YORK).isoformat() for one in times] == [
        "2026-11-01T01:30:00-04:00", "2026-11-02T01:30:00-05:00",
    ]  # fmt: skip


def test_the_hour_is_full_where_zones_are_half_an_hour_off():
    after = local("2026-08-03 10:02", KOLKATA).astimezone(UTC)
    assert timing.next_time(60, None, after=after, zone=KOLKATA) == local("2026-08-03 11:00", KOLKATA)


zones = st.sampled_from(
    ["America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "Pacific/Apia", "UTC"]
).map(ZoneInfo)
calendars = st.builds(
    Calendar,
    times=st.lists(
        st.times().map(lambda one: one.replace(second=0, microsecond=0)), min_size=1, max_size=4
    ).map(tuple),
    weekdays=st.sets(st.integers(1, 7)).map(tuple),
    days=st.sets(st.sampled_from([-1, 1, 15, 29, 30, 31])).map(tuple),
)
instants = st.datetimes(datetime(2011, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(calendar=calendars, after=instants, later=st.timedeltas(timedelta(0), timedelta(days=3)), zone=zones)
def test_a_calendar_goes_forward_and_shows_its_own_time(calendar, after, later, zone):
    found = timing.next_time(None, calendar, after=after, zone=zone)
    assert found > after
    # Nobody who asks later is sent back, and nobody in between is told of another.
    assert timing.next_time(None, calendar, after=after + later, zone=zone) >= found
    shown = found.astimezone(zone)
    before = (found - timedelta(minutes=1)).astimezone(zone)
    skipped = shown.replace(tzinfo=None) - before.replace(tzinfo=None) > timedelta(minutes=1)
    assert shown.time() in calendar.times or skipped
    on_a_day = not (calendar.weekdays or calendar.days) or (
        shown.isoweekday() in calendar.weekdays
        or shown.day in calendar.days
        or (-1 in calendar.days and (shown + timedelta(days=1)).month != shown.month)
    )
    assert on_a_day or skipped


@given(every=st.integers(5, 10_080), after=instants, zone=zones)
def test_an_interval_never_drifts(every, after, zone):
    first = timing.next_time(every, None, after=after, zone=zone)
    assert timedelta(0) < first - after <= timedelta(minutes=every)
    assert timing.next_time(every, None, after=first, zone=zone) - first == timedelta(minutes=every)


@pytest.mark.parametrize(
    ("every", "calendar", "field"),
    [
        (None, None, "every_minutes"),
        (5, Calendar(at("06:00")), "every_minutes"),
        (4, None, "every_minutes"),
        (10_081, None, "every_minutes"),
        (None, Calendar(()), "times"),
        (None, Calendar((time(6, 0, 1),)), "times"),
        (None, Calendar(at("06:00"), weekdays=(0,)), "weekdays"),
        (None, Calendar(at("06:00"), days=(0,)), "days"),
        (None, Calendar(at("06:00"), days=(32,)), "days"),
    ],
    ids=["nothing", "both", "too-often", "too-seldom", "no-time", "seconds", "weekday-0", "day-0", "day-32"],
)  # fmt: skip
def test_what_no_schedule_can_have_names_the_field(every, calendar, field):
    with pytest.raises(ScheduleError) as caught:
        timing.check(every, calendar)
    assert caught.value.field == field


@pytest.mark.parametrize(
    ("every", "calendar", "words"),
    [
        (15, None, "every 15 minutes"),
        (60, None, "every hour"),
        (120, None, "every 2 hours"),
        (None, Calendar(at("18:00", "06:00")), "every day at 06:00, 18:00"),
        (None, Calendar(at("06:00"), weekdays=(4, 1)), "at 06:00 on Monday, Thursday"),
        (None, Calendar(at("06:00"), weekdays=(1, 2, 3, 4, 5)), "at 06:00 on weekdays"),
        (None, Calendar(at("06:00"), weekdays=(1, 2, 3, 4, 5, 6, 7), days=(1,)), "every day at 06:00"),
        (None, Calendar(at("06:00"), days=(1, -1)), "at 06:00 on day 1 of the month and the last day of the month"),
        (
            None, Calendar(at("06:00"), weekdays=(1,), days=(1,)),
            "at 06:00 on Monday, and on day 1 of the month",
        ),
    ],
    ids=["minutes", "an-hour", "hours", "daily", "some-days", "monday-to-friday", "all-seven", "days", "both"],
)  # fmt: skip
def test_in_words_and_as_data(every, calendar, words):
    assert timing.in_words(every, calendar) == words
    kept = timing.from_data(timing.to_data(calendar))
    assert timing.in_words(every, kept) == words
