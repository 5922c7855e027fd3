"""Ladders as they are stored and as they are given: read, checked, suggested. PURE."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from pratique.reminders.types import CHANNELS, KINDS, LadderError, Step, StepKind

MOST_STEPS = 20
# Nobody thinks of the summer in the autumn before, and a step a year after the date is none of this intake's.
EARLIEST, LATEST = -365, 365
# What a school that never thought of it may begin with. It is off until somebody turns it on.
SUGGESTED = (
    *(Step(days) for days in (-60, -30, -14, -7, -3, 0, 7)),
    Step(14, StepKind.HOLD.value, channels=(), needs_approval=True),
)


def to_data(steps: Sequence[Step]) -> list[dict[str, Any]]:
    """Return steps as JSON."""
    return [
        {
            "days": step.days, "kind": step.kind, "channels": list(step.channels), "contact": step.contact,
            "needs_approval": step.needs_approval,
        }
        for step in steps
    ]  # fmt: skip


def from_data(data: Sequence[Mapping[str, Any]]) -> tuple[Step, ...]:
    """Return stored steps."""
    return tuple(
        Step(
            int(one["days"]), str(one.get("kind", StepKind.REMINDER)), tuple(one.get("channels", ())),
            str(one.get("contact", "")), bool(one.get("needs_approval", True)),
        )
        for one in data
    )  # fmt: skip


def checked(steps: Sequence[Step]) -> tuple[Step, ...]:
    """Return the steps in the order of their days, or raise LadderError, whose `field` is such as `steps.2.contact`."""
    if len(steps) > MOST_STEPS:
        raise LadderError(_("A ladder has at most {number} steps.").format(number=MOST_STEPS), "steps")
    seen = set()
    for place, step in enumerate(steps):
        _check(step, f"steps.{place}")
        if step.key in seen:
            raise LadderError(_("There are two steps of this kind on the same day."), f"steps.{place}.days")
        seen.add(step.key)
    return tuple(sorted((_tidy(step) for step in steps), key=lambda step: (step.days, step.kind)))


def _check(step: Step, at: str) -> None:
    if step.kind not in KINDS:
        raise LadderError(_("Choose what the step does."), f"{at}.kind")
    if not EARLIEST <= step.days <= LATEST:
        raise LadderError(
            _("Choose a day at most {number} days before or after the due date.").format(number=LATEST),
            f"{at}.days",
        )
    if step.kind == StepKind.REMINDER:
        if not step.channels or set(step.channels) - CHANNELS.keys():
            raise LadderError(_("Choose e-mail, text message or both."), f"{at}.channels")
        return
    if step.days < 1:
        raise LadderError(_("Nobody is reported before the due date has passed."), f"{at}.days")
    if step.kind in (StepKind.HOUSING, StepKind.ADVISOR):
        try:
            validate_email(step.contact)
        except ValidationError:
            raise LadderError(_("Write the e-mail address of the office."), f"{at}.contact") from None


def _tidy(step: Step) -> Step:
    """Leave out what says nothing about a step of this kind, and keep channels in one order."""
    if step.kind == StepKind.REMINDER:
        return Step(step.days, step.kind, tuple(one for one in CHANNELS if one in step.channels))
    contact = "" if step.kind == StepKind.HOLD else step.contact
    return Step(step.days, step.kind, (), contact, step.needs_approval)
