"""Writing ladders and settings."""

from collections.abc import Sequence
from datetime import datetime, time

from pratique.foundation import audit
from pratique.institutions.models import Institution, RequirementGroup
from pratique.reminders.models import Ladder, ReminderSettings
from pratique.reminders.types import Step


def set_ladder(
    *,
    institution: Institution,
    requirement_group: RequirementGroup | None,
    steps: Sequence[Step],
    is_on: bool,
    by: audit.Actor,
    now: datetime,
) -> Ladder:
    """Set a requirement group's ladder, or (None) that of all groups without one; raises LadderError."""
    raise NotImplementedError


def set_settings(
    *,
    institution: Institution,
    quiet_from: time,
    quiet_until: time,
    weekdays: Sequence[int],
    most_a_week: int,
    days_between: int,
    approval_above: int,
    by: audit.Actor,
    now: datetime,
) -> ReminderSettings:
    """Set how the institution reminds; raises LadderError, whose `field` is the argument's name."""
    raise NotImplementedError
