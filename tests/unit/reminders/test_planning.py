"""Which step holds, who is left out, when something may go out: truth tables without a database."""

from datetime import UTC, date, datetime, time, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from pratique.reminders import planning, steps
from pratique.reminders.types import REASONS, Facts, LadderError, Rules, Step

DUE = date(2026, 8, 10)
NEW_YORK = ZoneInfo("America/New_York")
TODAY = date(2026, 8, 3)


@pytest.mark.parametrize(
    ("today", "key"),
    [
        (date(2026, 5, 1), None),
        (date(2026, 6, 11), "60-before"),
        (date(2026, 7, 10), "60-before"),
        (date(2026, 7, 11), "30-before"),
        (date(2026, 8, 6), "7-before"),
        (date(2026, 8, 7), "3-before"),
        (date(2026, 8, 9), "3-before"),
        (date(2026, 8, 10), "on-the-day"),
        (date(2026, 8, 16), "on-the-day"),
        (date(2026, 8, 17), "7-after"),
        (date(2026, 8, 30), "7-after"),
        (date(2026, 8, 31), None),
        (date(2029, 1, 1), None),
    ],
    ids=[
        "before the ladder", "first day of a step", "last day of a step", "the next replaces it",
        "a week before, slept through", "three days", "the day before", "the day", "until the next", "after",
        "fourteen days of it", "stale", "years ago",
    ],
)  # fmt: skip
def test_the_latest_step_reached_holds(today, key):
    step = planning.step_reached(steps.SUGGESTED, DUE, today)
    assert (step and step.key) == key


def test_a_step_before_the_date_ends_with_the_date():
    only = [Step(-30)]
    assert planning.step_reached(only, DUE, DUE) is not None
    assert planning.step_reached(only, DUE, DUE + timedelta(days=1)) is None


def test_every_escalation_that_is_due_is_asked_for_within_a_year():
    ladder = [Step(7, "hold"), Step(14, "housing", contact="a@x.edu"), Step(7)]

    def due(days):
        return [one.key for one in planning.escalations_reached(ladder, DUE, DUE + timedelta(days=days))]

    assert due(6) == []
    assert due(7) == ["7-after-hold"]
    assert due(20) == ["7-after-hold", "14-after-housing"]
    assert due(366) == []


def facts(**changed):
    usual = {
        "membership_id": UUID(int=1), "student_id": UUID(int=2), "state": "active", "expires_on": None,
        "due_on": DUE, "complete": False, "user_complete": False, "stale": False, "has_email": True,
        "has_account": True, "by_mail": True, "by_text": False, "invited_on": None, "told_this_week": 0,
        "told_on": None, "waits": False,
    }  # fmt: skip
    return Facts(**{**usual, **changed})


def day(number):
    return date(2026, 8, number)


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({}, ""),
        ({"complete": True, "user_complete": True}, "complete"),
        ({"user_complete": True}, "all_handed_in"),
        ({"state": "archive"}, "archived"),
        ({"expires_on": day(2)}, "ended"),
        ({"expires_on": day(3)}, ""),
        ({"due_on": None}, "no_tracker"),
        ({"stale": True}, "being_judged"),
        ({"has_email": False}, "no_address"),
        ({"has_email": False, "by_text": True}, ""),
        ({"by_mail": False}, "unwanted"),
        ({"waits": True}, "waiting"),
        ({"invited_on": day(2)}, "just_invited"),
        ({"invited_on": day(1)}, ""),
        ({"told_on": day(2), "told_this_week": 1}, "written_lately"),
        ({"told_on": day(3), "told_this_week": 1}, "written_lately"),
        ({"told_on": day(1), "told_this_week": 1}, ""),
        ({"told_on": day(1), "told_this_week": 2}, "capped"),
        ({"told_on": day(1), "told_this_week": 1, "invited_on": day(1)}, "capped"),
        ({"told_on": day(1), "told_this_week": 1, "invited_on": date(2026, 7, 20)}, ""),
        ({"state": "archive", "complete": True, "waits": True}, "archived"),
    ],
    ids=[
        "is reminded", "complete", "all handed in", "archived", "ended", "last good day", "no tracker", "judged",
        "no address", "by text alone", "wants no mail", "waits", "invited yesterday", "invited two days ago",
        "written to yesterday", "written to today", "two days ago", "twice this week", "once and invited",
        "invited long ago", "nothing to do comes first",
    ],
)  # fmt: skip
def test_why_somebody_is_left_out(changed, reason):
    assert planning.left_out(facts(**changed), ("mail", "text"), Rules(), today=TODAY, on=TODAY) == reason
    assert not reason or reason in REASONS


def test_the_days_between_are_counted_to_the_day_on_which_it_goes_out():
    told = facts(told_on=day(2), told_this_week=1)
    assert planning.left_out(told, ("mail",), Rules(), today=TODAY, on=day(4)) == ""


@pytest.mark.parametrize(
    ("channels", "changed", "ways"),
    [
        (("mail", "text"), {"by_text": True}, ("mail", "text")),
        (("mail", "text"), {}, ("mail",)),
        (("text",), {}, ()),
        (("mail",), {"by_mail": False, "by_text": True}, ()),
    ],
    ids=["both", "no number", "text step", "mail step"],
)
def test_the_ways_are_those_of_the_step_that_the_student_wants(channels, changed, ways):
    assert planning.ways(facts(**changed), channels) == ways


@pytest.mark.parametrize(
    ("already", "more", "waits"),
    [(0, 500, False), (0, 501, True), (499, 1, False), (500, 1, True), (900, 0, False)],
    ids=["the limit", "above it", "up to it in a day", "one more in a day", "nobody"],
)
def test_more_than_the_limit_in_a_day_waits(already, more, waits):
    assert planning.needs_approval(already, more, Rules()) is waits


MONDAY_TO_FRIDAY = (1, 2, 3, 4, 5)


def local(text, fold=0):
    return datetime.fromisoformat(text).replace(tzinfo=NEW_YORK, fold=fold).astimezone(UTC)


@pytest.mark.parametrize(
    ("rules", "at", "opens", "closes"),
    [
        (Rules(), local("2026-08-03T12:00"), local("2026-08-03T12:00"), local("2026-08-03T20:00")),
        (Rules(), local("2026-08-03T20:00"), local("2026-08-04T08:00"), local("2026-08-04T20:00")),
        (Rules(), local("2026-08-03T07:59"), local("2026-08-03T08:00"), local("2026-08-03T20:00")),
        (
            Rules(weekdays=MONDAY_TO_FRIDAY), local("2026-08-07T21:00"), local("2026-08-10T08:00"),
            local("2026-08-10T20:00"),
        ),
        (
            Rules(time(12), time(14)), local("2026-08-03T12:30"), local("2026-08-03T14:00"),
            local("2026-08-04T12:00"),
        ),
        (
            Rules(time(0), time(0), MONDAY_TO_FRIDAY), local("2026-08-08T10:00"), local("2026-08-10T00:00"),
            local("2026-08-15T00:00"),
        ),
        (Rules(time(0), time(0)), local("2026-08-03T03:00"), local("2026-08-03T03:00"), None),
        (Rules(time(0), time(6)), local("2026-08-03T05:00"), local("2026-08-03T06:00"), local("2026-08-04T00:00")),
        # The clocks go forward on 8 March 2026: 02:30 never comes, and 03:30 is that instant.
        (
            Rules(time(20), time(2, 30)), local("2026-03-08T01:30"), datetime(2026, 3, 8, 7, 30, tzinfo=UTC),
            local("2026-03-08T20:00"),
        ),
        # They go back on 1 November 2026: 01:00 to 02:00 comes twice.
        (
            Rules(time(20), time(1, 30)), local("2026-11-01T00:30"), datetime(2026, 11, 1, 5, 30, tzinfo=UTC),
            local("2026-11-01T20:00"),
        ),
        (
            Rules(time(20), time(1, 30)), local("2026-11-01T01:10", fold=1),
            datetime(2026, 11, 1, 6, 30, tzinfo=UTC), local("2026-11-01T20:00"),
        ),
        (Rules(), local("2026-03-07T22:00"), local("2026-03-08T08:00"), local("2026-03-08T20:00")),
    ],
    ids=[
        "by day", "the quiet begins", "a minute early", "over a weekend", "a quiet noon", "no quiet, a weekend",
        "any time", "until midnight", "an hour that is left out", "the first of two", "the second of two",
        "a night of 23 hours",
    ],
)  # fmt: skip
def test_when_something_may_go_out(rules, at, opens, closes):
    assert planning.window(rules, NEW_YORK, at=at) == (opens, closes)


@pytest.mark.parametrize(
    ("ladder", "field"),
    [
        ([Step(-30), Step(-30)], "steps.1.days"),
        ([Step(-400)], "steps.0.days"),
        ([Step(-3, "shout")], "steps.0.kind"),
        ([Step(-3, channels=())], "steps.0.channels"),
        ([Step(-3, channels=("pigeon",))], "steps.0.channels"),
        ([Step(7), Step(0, "hold")], "steps.1.days"),
        ([Step(7, "housing")], "steps.0.contact"),
        ([Step(7, "advisor", contact="nobody")], "steps.0.contact"),
        ([Step(day) for day in range(21)], "steps"),
    ],
    ids=["twice", "too far", "unknown", "no way", "unknown way", "hold before", "no contact", "no address", "many"],
)  # fmt: skip
def test_a_ladder_that_cannot_be_is_refused_with_its_field(ladder, field):
    with pytest.raises(LadderError) as refused:
        steps.checked(ladder)
    assert refused.value.field == field


def test_a_ladder_is_kept_in_order_and_comes_back_as_it_was():
    given = [
        Step(14, "housing", ("mail",), "homes@x.edu", False),
        Step(-7, channels=("text", "mail")),
        Step(0),
    ]
    kept = steps.checked(given)
    assert [one.key for one in kept] == ["7-before", "on-the-day", "14-after-housing"]
    assert kept[0].channels == ("mail", "text")
    assert kept[2].channels == ()
    assert steps.from_data(steps.to_data(kept)) == kept
    assert steps.checked(steps.SUGGESTED) == steps.SUGGESTED
    assert max(len(one.key) for one in [*steps.SUGGESTED, Step(365, "housing")]) <= 20
