"""When a delivery is tried again, when a destination is left alone, when somebody is told, and what a schedule does
when its time has come. PURE.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from django.utils.translation import gettext as _

from pratique.delivery.types import SchedulePlan

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
# A delivered file of a schedule, for whoever has it sent again; and one that staff got a link to.
FILES_KEPT = timedelta(days=7)
# What runs every few minutes is tried again no later than after this, or than after its own interval.
_LONGEST_WAIT_OF_FREQUENT = timedelta(minutes=15)

_STOP_AT_ONCE = {"host_key_changed", "host_key_not_pinned"}
# What another try cannot change.
_FINAL = {"report_failed", "name_taken", "account_closed", "file_gone", "key_unusable"}


# Whoever runs the server has no part in these.
OURS = frozenset({"report_failed", "key_unusable"})


def next_try(tries: int, code: str, *, every_minutes: int | None = None, now: datetime) -> datetime | None:
    """Return when a delivery whose `tries`-th try failed with `code` is tried again; None: it has failed.

    That of a schedule which runs every so many minutes waits no longer than the schedule does, and never gives up: its
    next file would have the same trouble.
    """
    if code in _FINAL:
        return None
    if every_minutes is not None:
        wait = WAITS[min(tries, len(WAITS)) - 1]
        return now + min(wait, max(_LONGEST_WAIT_OF_FREQUENT, timedelta(minutes=every_minutes)))
    return None if tries > len(WAITS) else now + WAITS[tries - 1]


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


class Deed(StrEnum):
    """What a schedule does when its time has come."""

    CUT = "cut"  # a new file
    WAIT = "wait"  # the file before is still on its way
    REVIVE = "revive"  # the file before had failed: its very bytes again
    SUPERSEDE = "supersede"  # a new file in place of the one that waits
    SKIP = "skip"  # nothing changed, and empty files are not wanted
    PAUSE = "pause"  # a person must look


@dataclass(frozen=True)
class Situation:
    """What a schedule finds when its time has come.

    `latest` is the state of its newest delivery (a code of DeliveryState; empty: there is none), those that send a
    file again left out; `failure`, `is_renaming` (the server was asked for the final name) and `has_file` are about
    it. `obstacle` is a code of PAUSES: why no file could arrive. `is_empty`: nothing changed, and an empty file is
    not wanted.
    """

    is_delta: bool
    latest: str = ""
    failure: str = ""
    is_renaming: bool = False
    has_file: bool = False
    is_stopped: bool = False
    is_empty: bool = False
    obstacle: str = ""


@dataclass(frozen=True)
class Decision:
    """A deed, and for a pause its reason as a code of PAUSES."""

    deed: Deed
    because: str = ""


def at_occurrence(found: Situation) -> Decision:
    """Return what a schedule does when its time has come.

    A delta's open file is never overtaken: it is tried again until it has arrived, so that changes arrive in their
    order and none twice. A whole file that still waits is worth nothing once there is a newer one.
    """
    if found.obstacle:
        return Decision(Deed.PAUSE, found.obstacle)
    if found.latest in ("waiting", "sending"):
        untouched = found.latest == "waiting" and not found.is_renaming and not found.is_stopped
        return Decision(Deed.SUPERSEDE if untouched and not found.is_delta else Deed.WAIT)
    if found.is_delta and found.latest in ("failed", "cancelled"):
        if found.latest == "failed" and found.has_file and found.failure not in _FINAL:
            return Decision(Deed.REVIVE)
        if found.is_renaming:
            return Decision(Deed.PAUSE, "in_doubt")
    return Decision(Deed.SKIP if found.is_empty else Deed.CUT)


def said_of_change(before: SchedulePlan, after: SchedulePlan) -> str:
    """Return what somebody should know who changes a delta's report or filters; empty where there is nothing."""
    stays_delta = before.contents == "delta" and after.contents == "delta"
    same = (before.report_key, dict(before.parameters)) == (after.report_key, dict(after.parameters))
    if not stays_delta or same:
        return ""
    return _(
        "The next file still holds only what changed since the last one. What the new report or filters add is not in "
        "it until it changes; to send it, replay from an earlier date."
    )
