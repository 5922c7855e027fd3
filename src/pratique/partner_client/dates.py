"""Dates as the partner API writes them: milliseconds since the epoch of midnight in US Central time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

CENTRAL = ZoneInfo("America/Chicago")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def to_long(day: date) -> int:
    """Return the day as a long. A datetime with a zone is taken as that very instant; one without is refused."""
    if not isinstance(day, datetime):
        day = datetime.combine(day, time(), CENTRAL)
    elif day.tzinfo is None:
        raise ValueError("A datetime needs a time zone to be an instant.")
    return (day - _EPOCH) // timedelta(milliseconds=1)


def to_date(long: int) -> date | None:
    """Return the day in US Central time that a long falls on; None for 0, which means that there is none."""
    instant = to_datetime(long)
    return instant.astimezone(CENTRAL).date() if instant else None


def to_datetime(long: int) -> datetime | None:
    """Return the instant in UTC; None for 0, which means that there is none."""
    # Not datetime.fromtimestamp: that goes by way of a floating-point number.
    return _EPOCH + timedelta(milliseconds=long) if long else None


def to_birth_string(day: date) -> str:
    """Return mm/dd/yyyy, as dateOfBirthString is written."""
    return f"{day.month:02}/{day.day:02}/{day.year:04}"
