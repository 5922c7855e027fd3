"""Writing ladders and settings."""

from collections.abc import Sequence
from datetime import datetime, time

from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, RequirementGroup
from pratique.reminders import steps as ladder_steps
from pratique.reminders.actions.ledger import one_at_a_time
from pratique.reminders.models import Ladder, ReminderSettings
from pratique.reminders.types import LadderError, Step

MOST_A_WEEK = 7
# Two reminders on one day are never wanted, whatever else is set: it is what keeps a second click from a second mail.
LEAST_DAYS_BETWEEN, MOST_DAYS_BETWEEN = 1, 14
MOST_WITHOUT_APPROVAL = 100_000
LEAST_OPEN_MINUTES = 60


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
    if is_on and not steps:
        raise LadderError(_("A ladder that is on has at least one step."), "steps")
    data = ladder_steps.to_data(ladder_steps.checked(steps))
    with institution_scope(institution.id):
        one_at_a_time(institution.id)
        ladder, _made = Ladder.objects.update_or_create(
            institution=institution, requirement_group=requirement_group,
            defaults={"steps": data, "is_on": is_on, "changed_at": now, "changed_by": str(by)},
        )  # fmt: skip
        audit.record(
            "reminders:ladder:changed", institution_id=institution.id, by=by, now=now, subject_type="ladder",
            subject_id=ladder.id,
            detail={
                "requirement_group": str(requirement_group.id) if requirement_group else "", "is_on": is_on,
                "steps": [step.key for step in ladder_steps.from_data(data)],
            },
        )  # fmt: skip
    return ladder


def remove_ladder(
    *, institution: Institution, requirement_group: RequirementGroup, by: audit.Actor, now: datetime
) -> None:
    """Let a requirement group go back to the ladder of all that have none of their own."""
    with institution_scope(institution.id):
        one_at_a_time(institution.id)
        removed, _by_model = Ladder.objects.filter(requirement_group=requirement_group).delete()
        if removed:
            audit.record(
                "reminders:ladder:removed", institution_id=institution.id, by=by, now=now,
                detail={"requirement_group": str(requirement_group.id)},
            )  # fmt: skip


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
    if set(weekdays) - set(range(1, 8)):
        raise LadderError(_("Choose days of the week."), "weekdays")
    if _open_minutes(quiet_from, quiet_until) < LEAST_OPEN_MINUTES:
        raise LadderError(
            _("Leave at least one hour of the day in which students may be told."), "quiet_until"
        )
    for field, value, least, most in (
        ("most_a_week", most_a_week, 1, MOST_A_WEEK),
        ("days_between", days_between, LEAST_DAYS_BETWEEN, MOST_DAYS_BETWEEN),
        ("approval_above", approval_above, 0, MOST_WITHOUT_APPROVAL),
    ):
        if not least <= value <= most:
            raise LadderError(
                _("Choose a number from {least} to {most}.").format(least=least, most=f"{most:,}"), field
            )
    values = {
        "quiet_from": quiet_from, "quiet_until": quiet_until, "weekdays": sorted(set(weekdays)),
        "most_a_week": most_a_week, "days_between": days_between, "approval_above": approval_above,
    }  # fmt: skip
    with institution_scope(institution.id):
        one_at_a_time(institution.id)
        stored, _made = ReminderSettings.objects.update_or_create(institution=institution, defaults=values)
        audit.record(
            "reminders:settings:changed", institution_id=institution.id, by=by, now=now,
            subject_type="institution", subject_id=institution.id,
            detail={name: str(value) for name, value in values.items()},
        )  # fmt: skip
    return stored


def _open_minutes(quiet_from: time, quiet_until: time) -> int:
    """Return how much of a day is not quiet; from and until the same: all of it."""
    day = 24 * 60
    quiet = (quiet_until.hour - quiet_from.hour) * 60 + quiet_until.minute - quiet_from.minute
    return day - quiet % day
