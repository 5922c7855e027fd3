"""Days and instants as the partner API writes them: milliseconds since the epoch. PURE.

A day as a long is its midnight in US Central time, both ways (contracts/partner-api.md, "Methods"). Existing clients
send any instant of the day, so a long names the day that it falls on there.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


def day_to_long(day: date | None) -> int:
    """Return midnight of `day` in US Central time; 0 where there is no day."""
    return 0 if day is None else instant_to_long(datetime.combine(day, time(), CENTRAL))


def long_to_day(value: int) -> date:
    """Return the day in US Central time that `value` falls on. Raises OverflowError outside the years 1 to 9999."""
    return long_to_instant(value).astimezone(CENTRAL).date()


def instant_to_long(at: datetime | None) -> int:
    """Return the millisecond that `at` lies in; 0 where there is no instant."""
    return 0 if at is None else (at - _EPOCH) // _MILLISECOND


def long_to_instant(value: int) -> datetime:
    """Return the instant of a long. Raises OverflowError outside the years 1 to 9999."""
    return _EPOCH + value * _MILLISECOND
