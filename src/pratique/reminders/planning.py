"""Who is reminded of what, when, and why not. PURE: facts and days in, answers out."""

from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pratique.reminders.types import Facts, Rules, Step, StepKind

# A reminder after the date that nobody sent within so many days is of no use any more; without this, a ladder that
# is turned on would write about the dates of years ago.
FRESH_DAYS = 14
# What a school asks for after a date concerns this year's students.
ESCALATED_WITHIN = 365
# Somebody who came onto the list a moment ago is asked first, and reported later.
GRACE_DAYS = 7
# How long a batch waits for a decision. What it says of a date is stale after that.
DECIDE_WITHIN = timedelta(days=3)
WEEK = 7
# At which minute of each hour an institution is planned.
PLANNED_AT = 12


def step_reached(steps: Iterable[Step], due_on: date, today: date) -> Step | None:
    """Return the reminder that holds on `today`: the latest one reached; those before it are never sent.

    One before the date holds until the date, one on or after it for FRESH_DAYS; each until the next.
    """
    passed = (today - due_on).days
    reached = [step for step in steps if step.kind == StepKind.REMINDER and step.days <= passed]
    if not reached:
        return None
    latest = max(reached, key=lambda step: step.days)
    if latest.days < 0:
        return latest if passed <= 0 else None
    return latest if passed - latest.days < FRESH_DAYS else None


def escalations_reached(steps: Iterable[Step], due_on: date, today: date) -> list[Step]:
    """Return every escalation that is due on `today`, earliest first: each asks for something else."""
    passed = (today - due_on).days
    if passed > ESCALATED_WITHIN:
        return []
    found = [step for step in steps if step.kind != StepKind.REMINDER and step.days <= passed]
    return sorted(found, key=lambda step: step.days)


def nothing_to_do(facts: Facts, today: date) -> str:
    """Return why nothing is asked of a student (a code of NOTHING_TO_DO), or empty: there is something to do."""
    if facts.state != "active":
        return "archived"
    if facts.expires_on is not None and facts.expires_on < today:
        return "ended"
    if facts.due_on is None:
        return "no_tracker"
    if facts.complete:
        return "complete"
    if facts.user_complete:
        return "all_handed_in"
    return ""


def ways(facts: Facts, channels: Sequence[str]) -> tuple[str, ...]:
    """Return on which of `channels` the student can be and wants to be told."""
    wanted = {"mail": facts.has_email and facts.by_mail, "text": facts.by_text}
    return tuple(channel for channel in channels if wanted[channel])


def left_out(facts: Facts, channels: Sequence[str], rules: Rules, *, today: date, on: date) -> str:
    """Return why a student is not reminded (a code of REASONS), or empty: they are, on the day `on`.

    `today` is the day of the decision; what is decided at night or on a Sunday goes out later.
    """
    if reason := nothing_to_do(facts, today):
        return reason
    if facts.stale:
        return "being_judged"
    if facts.waits:
        return "waiting"
    if not ways(facts, channels):
        nowhere = not facts.has_email and not facts.by_text
        return "no_address" if nowhere else "unwanted"
    between = timedelta(days=rules.days_between)
    if facts.invited_on is not None and on < facts.invited_on + between:
        return "just_invited"
    if facts.told_on is not None and on < facts.told_on + between:
        return "written_lately"
    week_ago = on - timedelta(days=WEEK)
    invited = facts.invited_on is not None and facts.invited_on > week_ago
    return "capped" if facts.told_this_week + invited >= rules.most_a_week else ""


def needs_approval(today_already: int, more: int, rules: Rules) -> bool:
    """Return whether so many more students on a day want a person's decision first."""
    return more > 0 and today_already + more > rules.approval_above


def next_plan(at: datetime) -> datetime:
    """Return when it is looked next who is to be reminded."""
    planned = at.replace(minute=PLANNED_AT, second=0, microsecond=0)
    return planned if planned > at else planned + timedelta(hours=1)


class Window(NamedTuple):
    """A stretch of time in which reminders may go out: from `opens` on, and not from `closes` on (None: no end)."""

    opens: datetime
    closes: datetime | None


def window(rules: Rules, zone: ZoneInfo, *, at: datetime) -> Window:
    """Return the stretch that holds at the instant `at`, or the next one; in UTC."""
    start = at.astimezone(zone)
    day, clock = start.date(), start.time().replace(tzinfo=None)
    waits = False
    while not _is_open(day, clock, rules):
        waits = True
        asks_later = _is_allowed(day, rules) and clock < rules.quiet_until
        day, clock = (day, rules.quiet_until) if asks_later else (day + timedelta(days=1), time(0))
    opens = _instant(day, clock, zone, at) if waits else at.astimezone(UTC)
    for _ in range(WEEK):
        if _has_quiet_hours(rules) and clock < rules.quiet_from:
            return Window(opens, _instant(day, rules.quiet_from, zone, opens))
        day, clock = day + timedelta(days=1), time(0)
        if not _is_open(day, clock, rules):
            return Window(opens, _instant(day, clock, zone, opens))
    return Window(opens, None)


def _has_quiet_hours(rules: Rules) -> bool:
    return rules.quiet_from != rules.quiet_until


def _is_allowed(day: date, rules: Rules) -> bool:
    return not rules.weekdays or day.isoweekday() in rules.weekdays


def _is_open(day: date, clock: time, rules: Rules) -> bool:
    """Return whether a day and a time of it are neither quiet nor on a day that is left out.

    The quiet hours may pass midnight; from and until the same: there are none.
    """
    if not _is_allowed(day, rules):
        return False
    if rules.quiet_from <= rules.quiet_until:
        return not rules.quiet_from <= clock < rules.quiet_until
    return rules.quiet_until <= clock < rules.quiet_from


def _instant(day: date, clock: time, zone: ZoneInfo, not_before: datetime) -> datetime:
    """Return when a clock of the school shows this, at `not_before` or after it.

    In the hour that autumn repeats, the second time counts once the first is over; an hour that spring leaves out
    is the one after it.
    """
    shown = datetime.combine(day, clock, zone)
    first = shown.astimezone(UTC)
    return first if first >= not_before else max(shown.replace(fold=1).astimezone(UTC), not_before)
