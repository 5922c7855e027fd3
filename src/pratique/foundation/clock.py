"""The only place that asks the machine what time it is.

Actions take `now=` and `today=` as arguments; interfaces and tasks call these two functions and hand the answer in.
"""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now() -> datetime:
    """Return the present instant in UTC."""
    return datetime.now(UTC)


def today(time_zone: str, *, at: datetime | None = None) -> date:
    """Return the calendar date in `time_zone` (an IANA name) at the instant `at`, or now.

    A school's day begins at its own midnight: a due date lapses there, not in UTC.
    """
    return (at or now()).astimezone(ZoneInfo(time_zone)).date()
