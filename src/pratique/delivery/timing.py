"""When a schedule runs: every so many minutes, or at times of a school's calendar. PURE.

Instants come in and go out with a time zone. A calendar's times are the school's: a time that the clocks skip in
spring runs at the next minute that exists, one that they show twice in autumn runs once, the first time.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, pgettext

from pratique.delivery.types import ScheduleError

LEAST_MINUTES = 5
MOST_MINUTES = 7 * 24 * 60
MOST_TIMES = 96
LAST_DAY = -1
_LONGEST_MONTH = 31
_ALL_DAYS = range(1, 8)
_MONDAY_TO_FRIDAY = range(1, 6)
# What runs every so many minutes runs at the full hour of the school's standard time, where the hour allows it.
_BEGINNING = datetime(2024, 1, 1)  # noqa: DTZ001  (the school's own)
# No day of a month is longer away than the 31st after the 31st of January in a year without a 29th of February.
_FARTHEST_DAYS = 70
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Calendar:
    """Times of day, on all days or on some: `weekdays` (1 Monday to 7), `days` of the month (1 to 31, -1 the last).

    With both, it runs on a day that either names. A month without a 31st has no such day.
    """

    times: tuple[time, ...]
    weekdays: tuple[int, ...] = ()
    days: tuple[int, ...] = ()


def check(every_minutes: int | None, calendar: Calendar | None) -> None:
    """Refuse what cannot be a schedule's times. Raises ScheduleError with the field to mend."""
    if (every_minutes is None) == (calendar is None):
        raise ScheduleError(
            _("A schedule runs every so many minutes, or at times of the day."), "every_minutes"
        )
    if every_minutes is not None and not LEAST_MINUTES <= every_minutes <= MOST_MINUTES:
        raise ScheduleError(
            _("A schedule runs every 5 minutes at most, and once a week at least."), "every_minutes"
        )
    if calendar is None:
        return
    if not calendar.times or len(calendar.times) > MOST_TIMES:
        raise ScheduleError(_("Say at which times of the day, such as 06:00; at most 96."), "times")
    if any(one.second or one.microsecond or one.tzinfo for one in calendar.times):
        raise ScheduleError(_("A time of the day is hours and minutes, such as 06:00."), "times")
    if any(one not in range(1, 8) for one in calendar.weekdays):
        raise ScheduleError(_("Weekdays are 1 (Monday) to 7 (Sunday)."), "weekdays")
    if any(one != LAST_DAY and one not in range(1, _LONGEST_MONTH + 1) for one in calendar.days):
        raise ScheduleError(_("Days of the month are 1 to 31, and -1 for the last."), "days")


def next_time(
    every_minutes: int | None, calendar: Calendar | None, *, after: datetime, zone: ZoneInfo
) -> datetime:
    """Return the first instant later than `after` at which it runs, in UTC. Raises ScheduleError."""
    check(every_minutes, calendar)
    if every_minutes is not None:
        beginning, step = _BEGINNING.replace(tzinfo=zone).astimezone(UTC), timedelta(minutes=every_minutes)
        return beginning + ((after - beginning) // step + 1) * step
    assert calendar is not None, "checked above"
    # The day before too: where a whole day was skipped, its times run on the next.
    day = after.astimezone(zone).date() - timedelta(days=1)
    for _number in range(_FARTHEST_DAYS):
        if _runs_on(calendar, day):
            later = [at for at in (_instant(day, one, zone) for one in calendar.times) if at > after]
            if later:
                return min(later)
        day += timedelta(days=1)
    raise AssertionError("every calendar has a day within two months")


def upcoming(
    every_minutes: int | None, calendar: Calendar | None, *, after: datetime, zone: ZoneInfo, count: int = 5
) -> Sequence[datetime]:
    """Return the next `count` times, for a preview. Raises ScheduleError."""
    found: list[datetime] = []
    for _number in range(count):
        found.append(next_time(every_minutes, calendar, after=found[-1] if found else after, zone=zone))
    return found


def in_words(every_minutes: int | None, calendar: Calendar | None) -> str:
    """Return when it runs, in words: `every 15 minutes`, `at 06:00 on Monday`."""
    if every_minutes is not None:
        return _every(every_minutes)
    if calendar is None:
        return ""
    times = ", ".join(f"{one:%H:%M}" for one in sorted(set(calendar.times)))
    if set(calendar.weekdays) == set(_ALL_DAYS):
        return _("every day at %(times)s") % {"times": times}
    weekdays = ", ".join(str(WEEKDAYS[one - 1]) for one in sorted(set(calendar.weekdays)))
    if set(calendar.weekdays) == set(_MONDAY_TO_FRIDAY):
        weekdays = pgettext("at 06:00 on", "weekdays")
    days = _days(calendar.days)
    if weekdays and days:
        return _("at %(times)s on %(weekdays)s, and on %(days)s") % {
            "times": times, "weekdays": weekdays, "days": days,
        }  # fmt: skip
    if weekdays or days:
        return _("at %(times)s on %(days)s") % {"times": times, "days": weekdays or days}
    return _("every day at %(times)s") % {"times": times}


def to_data(calendar: Calendar | None) -> dict[str, Any]:
    """Return a calendar as it is stored (Schedule.calendar); `{}` for none."""
    if calendar is None:
        return {}
    data: dict[str, Any] = {"times": sorted({f"{one:%H:%M}" for one in calendar.times})}
    if calendar.weekdays:
        data["weekdays"] = sorted(set(calendar.weekdays))
    if calendar.days:
        data["days"] = sorted(set(calendar.days))
    return data


def from_data(data: Mapping[str, Any]) -> Calendar | None:
    """Return a calendar that was stored; None for `{}`."""
    if not data:
        return None
    return Calendar(
        tuple(time.fromisoformat(one) for one in data["times"]),
        tuple(data.get("weekdays", ())),
        tuple(data.get("days", ())),
    )


def _runs_on(calendar: Calendar, day: date) -> bool:
    if not calendar.weekdays and not calendar.days:
        return True
    is_last = (day + timedelta(days=1)).month != day.month
    return (
        day.isoweekday() in calendar.weekdays
        or day.day in calendar.days
        or (is_last and LAST_DAY in calendar.days)
    )


def _instant(day: date, at: time, zone: ZoneInfo) -> datetime:
    """Return when a school's clocks first show `at` on `day`; if they skip it, when they first show a later minute."""
    local = datetime.combine(day, at)
    while True:
        instant = local.replace(tzinfo=zone).astimezone(UTC)
        if instant.astimezone(zone).replace(tzinfo=None) == local:
            return instant
        local += _MINUTE


def _every(minutes: int) -> str:
    if minutes % 60:
        return ngettext("every %(count)s minute", "every %(count)s minutes", minutes) % {"count": minutes}
    hours = minutes // 60
    return _("every hour") if hours == 1 else _("every %(count)s hours") % {"count": hours}


def _days(days: Sequence[int]) -> str:
    numbers = [str(one) for one in sorted(set(days)) if one != LAST_DAY]
    last = _("the last day of the month") if LAST_DAY in days else ""
    if not numbers:
        return last
    named = ngettext("day %(days)s of the month", "days %(days)s of the month", len(numbers)) % {
        "days": ", ".join(numbers)
    }
    return _("%(days)s and %(last)s") % {"days": named, "last": last} if last else named
