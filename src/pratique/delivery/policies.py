"""When a delivery is tried again, when a destination is left alone, and when somebody is told. PURE."""

from datetime import datetime, timedelta

# After each failed try in a row: soon, for a server that restarts; hourly, for a night's maintenance; then daily, for
# a weekend and a Monday. After the last of them the delivery has failed.
WAITS = (
    timedelta(minutes=1),
    timedelta(minutes=5),
    timedelta(minutes=15),
    timedelta(hours=1),
    timedelta(hours=4),
    timedelta(days=1),
    timedelta(days=1),
    timedelta(days=1),
)
# A mail after this many failed tries in a row to one destination: one that mends itself in an hour needs nobody.
ALERT_AFTER = 5
# Many servers lock a user out after five wrong sign-ins. We stop before.
SIGN_INS_REFUSED = 3
# A worker that has said nothing for so long is taken for dead, should the queue have lost its job.
LEASE = timedelta(hours=1)
# A failed delivery's file, for whoever has it tried again.
FAILED_FILES_KEPT = timedelta(days=30)

_STOP_AT_ONCE = {"host_key_changed", "host_key_not_pinned"}
# What another try cannot change.
_FINAL = {"report_failed", "name_taken", "account_closed", "file_gone"}


def next_try(tries: int, code: str, *, now: datetime) -> datetime | None:
    """Return when a delivery whose `tries`-th try failed with `code` is tried again; None: it has failed."""
    if code in _FINAL or tries > len(WAITS):
        return None
    return now + WAITS[tries - 1]


def stop_for(code: str, same_before: int) -> str:
    """Return why no more deliveries go to a destination (a code of STOPS), or empty.

    `code` is what the last try failed with, `same_before` how many tries just before it failed with the same.
    """
    if code in _STOP_AT_ONCE or (code == "sign_in_refused" and same_before + 1 >= SIGN_INS_REFUSED):
        return code
    return ""


def is_alert_due(failures_in_row: int) -> bool:
    """Return whether somebody is told of so many failures in a row: once, not after each further one."""
    return failures_in_row == ALERT_AFTER
