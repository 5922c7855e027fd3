"""Schedules as people make them: created, changed, paused, resumed, deleted, run now, replayed, sent again."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.types import SchedulePlan
from pratique.foundation import audit
from pratique.institutions.models import Institution


def create_schedule(
    *,
    institution: Institution,
    plan: SchedulePlan,
    begin: Literal["everything", "now"] = "everything",
    by: audit.Actor,
    now: datetime,
) -> Schedule:
    """Create a schedule, which runs first at its next time.

    A delta's first file holds everything, or with `begin="now"` what changes from now on. Raises ScheduleError with
    the field to mend; UnknownReportError.
    """
    raise NotImplementedError


def change_schedule(*, schedule: Schedule, plan: SchedulePlan, by: audit.Actor, now: datetime) -> Schedule:
    """Change a schedule; the same as before changes nothing. A delta keeps its cursor: `policies.said_of_change` says
    what that means where the report or its filters change. Raises ScheduleError, UnknownReportError.
    """
    raise NotImplementedError


def pause_schedule(*, schedule: Schedule, by: audit.Actor, now: datetime) -> Schedule:
    """Let a schedule cut no more files until it is resumed. What is on its way arrives. One that is paused stays so."""
    raise NotImplementedError


def resume_schedule(
    *, schedule: Schedule, arrived: bool | None = None, by: audit.Actor, now: datetime
) -> Schedule:
    """Let a schedule go on from its next time.

    One that is paused `in_doubt` wants to know whether the file in doubt `arrived`. Raises ScheduleError while what it
    was paused for is still so.
    """
    raise NotImplementedError


def delete_schedule(*, schedule: Schedule, by: audit.Actor, now: datetime) -> bool:
    """Delete a schedule: what waits is cancelled, its history stays. Return whether there was anything to delete."""
    raise NotImplementedError


def run_now(*, schedule: Schedule, by: audit.Actor, now: datetime) -> Delivery | None:
    """Run a schedule as if its time had come, and return the delivery that is on its way; None: nothing to send.

    The next time stays. Raises ScheduleError for one that is paused.
    """
    raise NotImplementedError


def replay(*, schedule: Schedule, since: datetime, by: audit.Actor, now: datetime) -> Schedule:
    """Let a delta's next file hold all that changed since `since`, which was delivered before.

    Raises ScheduleError for a whole report and for a time that lies ahead.
    """
    raise NotImplementedError


def resend(*, delivery: Delivery, by: audit.Actor, now: datetime) -> Delivery:
    """Send the very bytes of a delivered file again, under a new name; return that delivery.

    No cursor moves. Raises DeliveryError where the file is no longer kept, or the place is closed.
    """
    raise NotImplementedError


def run_due(*, institution_id: UUID, now: datetime) -> int:
    """Run each schedule whose time has come; return how many. Times that were missed are one."""
    raise NotImplementedError
