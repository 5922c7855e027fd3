"""Who will miss the due date: a rule that anybody can check by hand. PURE: no database, no clock.

Of a student who is not complete and whose due date is to come, the first of these that holds is the forecast:

    in review     all is handed in; what is left is the school's to do
    cannot        something is missing that no dose or paper can mend before the due date is over
    not started   never signed in, or has handed in nothing, and fewer than SOON_DAYS days are left
    at risk       something is missing, and at its tracker's pace fewer than half of those who are not complete
                  today will be by the due date
    on track      none of these

The pace is how many students of the tracker became complete in the last PACE_DAYS days; it is taken to go on alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import product
from typing import NamedTuple
from uuid import UUID

SOON_DAYS = 14
PACE_DAYS = 28
# A pace of fewer days is chance.
LEAST_DAYS = 7


class Forecast(StrEnum):
    """What is to be expected of one student."""

    CANNOT = "cannot"
    NOT_STARTED = "not_started"
    AT_RISK = "at_risk"
    IN_REVIEW = "in_review"
    ON_TRACK = "on_track"


class Situation(NamedTuple):
    """All that the forecast of one student depends on. The last two are the tracker's."""

    is_too_late: bool  # something missing is possible only after the due date
    has_handed_in_all: bool
    has_begun: bool  # has signed in, and handed something in
    is_soon: bool  # fewer than SOON_DAYS days are left
    is_behind: bool  # see `Pace.is_behind`


def forecast(situation: Situation) -> Forecast:
    """Return the forecast of a student who is not complete and whose due date is to come."""
    if situation.has_handed_in_all:
        return Forecast.IN_REVIEW
    if situation.is_too_late:
        return Forecast.CANNOT
    if situation.is_soon and not situation.has_begun:
        return Forecast.NOT_STARTED
    return Forecast.AT_RISK if situation.is_behind else Forecast.ON_TRACK


def forecasts_by_code() -> list[str]:
    """Return the forecast of every situation there is; a situation's place is `code` in SQL.

    The n-th fact of a situation counts 2 to the n. So SQL finds out facts, and the rule stands here alone.
    """
    situations = (Situation(*reversed(facts)) for facts in product((False, True), repeat=5))
    return [forecast(situation).value for situation in situations]


@dataclass(frozen=True)
class TrackerForecast:
    """How a tracker stands, how quick it was, and what follows for its due date. Counts are of active students."""

    tracker_id: UUID
    name: str
    package: str
    due_on: date
    days_left: int
    students: int
    complete: int
    # So many became complete (and stayed it) in the last so many days.
    completed: int
    measured_days: int
    # Of so many something is missing that no dose or paper can mend before the due date is over.
    too_late: int = 0

    @property
    def is_known(self) -> bool:
        """Whether there is a pace: that of fewer than LEAST_DAYS days is chance."""
        return self.measured_days >= LEAST_DAYS

    @property
    def expected(self) -> int:
        """How many will be complete when the due date is over, if the pace goes on; where it is known."""
        more = max(0, self.completed) * self.days_left // max(1, self.measured_days) if self.is_known else 0
        return max(self.complete, min(self.students - self.too_late, self.complete + more))

    @property
    def will_miss(self) -> int:
        """How many will not be."""
        return self.students - self.expected

    @property
    def share_of_rest(self) -> int:
        """Of those who are not complete today, how many of a hundred will be."""
        rest = self.students - self.complete
        return 100 * (self.expected - self.complete) // rest if rest else 100

    @property
    def is_behind(self) -> bool:
        """Whether whoever is not complete today is more likely than not to miss the due date."""
        return self.is_known and self.share_of_rest < 50

    @property
    def is_soon(self) -> bool:
        """Whether there is no time left to wait for those who have not begun."""
        return self.days_left < SOON_DAYS


def worst_first(forecasts: Sequence[TrackerForecast]) -> list[TrackerForecast]:
    """Return trackers with the most students to miss first, and last those of which nothing is known yet."""
    return sorted(forecasts, key=lambda one: (not one.is_known, -one.will_miss, one.due_on, one.name))
