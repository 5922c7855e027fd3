"""The demo's past: told back from today, the same each time, and never more than there is."""

from datetime import date, timedelta

from pratique.foundation.ids import new_id
from pratique.interfaces.cli.demo_history import DAYS, Known, past_days

TODAY = date(2026, 11, 22)
PACKAGE, TRACKER = new_id(), new_id()
STATES = (
    ("approved", "approved"),
    ("approved", "pending"),
    ("approved", "expired"),
    ("incomplete", "rejected"),
)
STUDENTS = [
    Known(f"{number:04}", PACKAGE, TRACKER, dict(zip(("mmr", "tdap"), STATES[number % 4], strict=True)))
    for number in range(400)
] + [Known("none", PACKAGE, None, {})]


def test_ninety_days_rise_to_how_everybody_stands():
    figures = past_days(STUDENTS, today=TODAY)
    of_tracker = [one for one in figures.trackers if one.tracker_id == TRACKER]
    assert [one.day for one in of_tracker] == [TODAY - timedelta(days=ago) for ago in range(DAYS, 0, -1)]
    assert {one.students for one in of_tracker} == {400}
    complete = [one.complete for one in of_tracker]
    # A hundred are complete today; of those whose item expired since, some were before.
    assert complete[0] < 75
    assert complete[-1] == 100
    assert all(one.complete <= one.user_complete <= 400 for one in of_tracker)
    assert {(one.students, one.complete) for one in figures.trackers if one.tracker_id is None} == {(1, 0)}


def test_every_item_has_one_status_each_day_and_the_same_again():
    figures = past_days(STUDENTS, today=TODAY)
    by_day = {(one.day, one.requirement_key): one for one in figures.requirements}
    assert len(by_day) == 2 * DAYS
    assert {
        one.approved + one.pending + one.incomplete + one.rejected + one.expired for one in by_day.values()
    } == {400}
    last = by_day[TODAY - timedelta(days=1), "tdap"]
    assert (last.expired, last.rejected, last.pending) == (100, 100, 100)
    again = past_days(STUDENTS, today=TODAY)
    assert [(one.day, one.complete) for one in again.trackers] == [
        (one.day, one.complete) for one in figures.trackers
    ]
