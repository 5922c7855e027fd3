"""Walks the doses of a series: which counts, as which number, and which limit another one broke.

Doses are walked in the order they were given. The next dose that breaks no limit takes the next number, so
a dose that breaks one costs nothing but itself. Taking the earliest is never worse than waiting: every limit
is "not before", counted from the dose before. What the walk means for the student is in `series.py`.

Where only the month or year of a dose is known, it is walked by the last day that it may have been given on,
and judged by the day least in its favour: the first for its own limits, the last for the limits of the next.
Months and years either contain one another or lie apart, so of two that meet one is a report of the other.

This is where a bulk run spends its time, so the common case (a dose that counts) is decided without a call
and without a reason being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date
from typing import NamedTuple, TypeVar

from pratique.rules.evidence import Dose, Evidence, PartialDate
from pratique.rules.outcome import quick
from pratique.rules.periods import Period, format_period, last_day, shift_days, shifter
from pratique.rules.types import DoseFinding, ParamValue, Reason, Series

_Shift = Callable[[date], date]
_T = TypeVar("_T")
_Param = tuple[str, ParamValue]


class Limit(NamedTuple):
    """One "not before": with grace for judging a dose, without for planning one, in words for the reason."""

    accepted: _Shift
    planned: _Shift
    period: str


class Slot(NamedTuple):
    """The limits on one dose of the series."""

    age: Limit | None
    interval: Limit | None
    from_first: Limit | None
    products: frozenset[str] | None


class Walk(NamedTuple):
    """What walking the doses left.

    The days of the doses that count, a finding for each dose, the other live vaccines given, the first day
    after today on which one of all these doses comes to count, and those of the days that are only the first
    of a month or year.
    """

    given: list[date]
    findings: list[DoseFinding]
    live: list[Dose]
    first_future: date | None
    inexact: Mapping[date, PartialDate]

    def last_day(self, place: int) -> date:
        """Return the last day on which the dose that counts at a place may have been given."""
        day = self.given[place]
        return self.inexact[day].last if day in self.inexact else day

    def shown(self, place: int) -> date | PartialDate:
        """Return when the dose at a place was given, for a reason."""
        day = self.given[place]
        return self.inexact.get(day, day)


NO_INEXACT: Mapping[date, PartialDate] = {}
_COARSENESS = {"day": 0, "month": 1, "year": 2}


class DoseWalker:
    """The compiled limits of a series."""

    __slots__ = (
        "_accepts", "_coarsest", "_cvx", "_earliest", "_latest", "_live", "_needed", "_odd", "_open_ended", "_vaccine",
        "_wanted", "slots",
    )  # fmt: skip

    def __init__(self, rule: Series) -> None:
        self._cvx, self._vaccine, self._needed = rule.cvx, rule.vaccine, rule.doses
        self.slots = (*(_slot(rule, number) for number in range(rule.doses)), _booster_slot(rule))
        self._accepts = tuple(_acceptance(slot) for slot in self.slots)
        self._earliest, self._latest, self._live = rule.earliest, rule.latest, rule.live_conflict
        self._odd = bool(rule.earliest or rule.latest or rule.live_conflict)
        self._coarsest = _COARSENESS[rule.accepts]
        self._open_ended = rule.window is not None or rule.booster_every is not None
        self._wanted = rule.cvx if rule.live_conflict is None else rule.cvx | rule.live_conflict.cvx

    def walk(self, evidence: Evidence, born: date | None, on_date: date, counted: frozenset[str]) -> Walk:
        """Walk the doses of one student whose state is counted; the others are only named."""
        wanted = self._wanted
        doses = [dose for dose in evidence.doses if dose.cvx in wanted]
        live: list[Dose] = []
        live_days: set[date] = set()
        inexact_live: list[Dose] = []
        if self._live is not None and doses:
            codes, cvx = self._live.cvx, self._cvx
            live = [dose for dose in doses if dose.cvx in codes and dose.state in counted]
            live_days = {dose.administered_on for dose in live}
            inexact_live = [dose for dose in live if dose.precision != "day"]
            doses = [dose for dose in doses if dose.cvx in cvx]
        previous = date.min
        for dose in doses:
            if dose.administered_on <= previous or dose.precision != "day":
                doses.sort(key=by_day_and_rank)
                break
            previous = dose.administered_on
        if inexact_live:
            live_days.update(last_day_of(dose) for dose in inexact_live)
        last_of_all = date.min
        if doses:
            dose = doses[-1]
            last_of_all = dose.administered_on if dose.precision == "day" else last_day_of(dose)
        first_future = None
        if last_of_all > on_date or (live_days and max(live_days) > on_date):
            first_future = _first_future(doses, live_days, counted, on_date)
        if inexact_live:
            live, live_days = _settled(live, on_date), set()  # what follows from a month takes a closer look
        given: list[date] = []
        findings: list[DoseFinding] = []
        inexact = NO_INEXACT
        needed, vaccine, odd, accepts = self._needed, self._vaccine, self._odd, self._accepts
        last = first = date.min
        number = 0
        for dose in doses:
            day = end = dose.administered_on
            exact = dose.precision == "day"
            if not exact:
                end = last_day_of(dose)
            if (
                dose.state not in counted
                or end > on_date
                or (number and (day <= last or (number >= needed and not self._open_ended)))
            ):
                code = _why_aside(dose, number > 0 and day <= last, end, on_date, counted)
                findings.append(self.aside(dose, code))
                continue
            if not (exact or self._is_fine_enough(dose)):
                findings.append(self._needs_date(dose, number + 1))
                continue
            age, interval, from_first, products = accepts[number if number < needed else needed]
            aged_on = day if exact or born is None else _first_in_life(day, end, born)
            if (
                (age is None if born is None else aged_on >= born and (age is None or aged_on >= age(born)))
                and (interval is None or day >= interval(last))
                and (from_first is None or day >= from_first(first))
                and (products is None or dose.cvx in products)
                and not (odd and self._is_odd(dose, end, live, live_days))
            ):
                number += 1
                given.append(day)
                last = end
                if number == 1:
                    first = end
                if not exact:
                    inexact = {**inexact, day: PartialDate(day, dose.precision)}
                findings.append(quick(DoseFinding, (dose.id, number, True, (), None, vaccine)))
            else:
                walked = Walk(given, findings, live, None, inexact)
                problems = tuple(self._problems(dose, end, walked, born))
                findings.append(DoseFinding(dose.id, number + 1, False, problems, None, vaccine))
        return quick(Walk, (given, findings, live, first_future, inexact))

    def aside(self, dose: Dose, code: str) -> DoseFinding:
        """Name a dose that does not take part."""
        reason = Reason(code, (("vaccine", self._vaccine), ("given_on", shown_day(dose))))
        return DoseFinding(dose.id, None, False, (reason,), None, self._vaccine)

    def _is_fine_enough(self, dose: Dose) -> bool:
        return _COARSENESS.get(dose.precision, 2) <= self._coarsest

    def _needs_date(self, dose: Dose, number: int) -> DoseFinding:
        """Say of a dose that its date is not known well enough."""
        about = (("vaccine", self._vaccine), ("given_on", shown_day(dose)))
        reason = Reason("dose_needs_month", about) if self._coarsest else Reason("dose_needs_day", about)
        return DoseFinding(dose.id, number, False, (reason,), None, self._vaccine)

    def _is_odd(self, dose: Dose, end: date, live: list[Dose], live_days: set[date]) -> bool:
        """Check the limits that few series have: fixed dates, and other live vaccines."""
        day = dose.administered_on
        if self._earliest is not None and day < self._earliest:
            return True
        if self._latest is not None and end > self._latest:
            return True
        if self._live is not None:
            days = self._live.days
            if end != day or not live_days:
                return _conflict(dose, end, live, days) is not None
            for other_on in live_days:
                if other_on < day and (day - other_on).days < days:
                    return _conflict(dose, end, live, days) is not None
        return False

    def _problems(self, dose: Dose, end: date, walk: Walk, born: date | None) -> Iterator[Reason]:
        """Yield every limit that a dose breaks as the next of the series."""
        day, given = dose.administered_on, walk.given
        number = len(given) + 1
        about: tuple[_Param, ...] = (
            ("vaccine", self._vaccine), ("number", number), ("given_on", shown_day(dose)),
        )  # fmt: skip
        age, interval, from_first, products = self.slots[min(len(given), self._needed)]
        aged_on = day if born is None else _first_in_life(day, end, born)
        if born is None:
            if age is not None:
                yield Reason("dose_age_unknown", about)
        elif aged_on < born:
            yield Reason("dose_before_birth", about)
        elif age is not None and aged_on < (limit := age.accepted(born)):
            yield Reason("dose_before_age", (*about, _days(aged_on, limit), ("age", age.period)))
        if interval is not None and day < (limit := interval.accepted(walk.last_day(-1))):
            period = ("interval", interval.period)
            yield Reason("dose_too_soon", (*about, _days(day, limit), period, *_after(walk, -1)))
        if from_first is not None and day < (limit := from_first.accepted(walk.last_day(0))):
            period = ("interval", from_first.period)
            yield Reason("dose_too_soon_after_first", (*about, _days(day, limit), period, *_after(walk, 0)))
        other = None if self._live is None else _conflict(dose, end, walk.live, self._live.days)
        if self._live is not None and other is not None:
            limit = shift_days(last_day_of(other), self._live.days)
            yield Reason("dose_near_live_dose", (*about, _days(day, limit), ("other_on", shown_day(other))))
        if self._earliest is not None and day < self._earliest:
            yield Reason("dose_before_earliest", (*about, ("earliest", self._earliest)))
        if self._latest is not None and end > self._latest:
            yield Reason("dose_after_latest", (*about, ("latest", self._latest)))
        if products is not None and dose.cvx not in products:
            yield Reason("dose_wrong_product", (*about, ("cvx", dose.cvx)))


def last_day_of(dose: Dose) -> date:
    """Return the last day on which a dose may have been given."""
    return last_day(dose.administered_on, dose.precision)


def shown_day(dose: Dose) -> date | PartialDate:
    """Return when a dose was given, as well as it is known, for a reason."""
    day, precision = dose.administered_on, dose.precision
    return day if precision == "day" else PartialDate(day, precision)


def by_day_and_rank(dose: Dose) -> tuple[date, int, bool, str]:
    """Order doses by the last day that they may have been given on.

    Of one day: those known better first, then reviewed ones, then by id, so that the order handed in does not
    matter.
    """
    coarseness = _COARSENESS.get(dose.precision, 2)
    return last_day_of(dose), coarseness, dose.state != "approved", str(dose.id)


_CODE_OF_STATE = {"pending": "dose_awaiting_review", "rejected": "dose_rejected"}


def _why_aside(dose: Dose, same_day: bool, end: date, on_date: date, counted: frozenset[str]) -> str:
    if dose.state not in counted:
        return _CODE_OF_STATE[dose.state]
    if end > on_date:
        return "dose_in_future"
    return "dose_duplicate" if same_day else "dose_not_needed"


def _first_future(
    doses: Iterable[Dose], live_days: Iterable[date], counted: frozenset[str], on_date: date
) -> date | None:
    """Return the first day after today on which one of these doses comes to count."""
    days = (*live_days, *(last_day_of(dose) for dose in doses if dose.state in counted))
    return min((day for day in days if day > on_date), default=None)


def _first_in_life(day: date, end: date, born: date) -> date:
    """Return the first day of a month or year on which its dose may have been given: none is before birth."""
    return born if day < born <= end else day


def _settled(live: list[Dose], on_date: date) -> list[Dose]:
    """Leave out months and years that are not over, and those that are another report of a better known day."""
    return [
        dose
        for dose in live
        if dose.precision == "day"
        or not (last_day_of(dose) > on_date or any(_repeats(dose, other) for other in live))
    ]


def _repeats(dose: Dose, other: Dose) -> bool:
    """Say whether a dose is of the same product as another, in a longer time around it."""
    inside = dose.administered_on <= other.administered_on and last_day_of(other) <= last_day_of(dose)
    return inside and dose.cvx == other.cvx and dose.precision != other.precision


def _conflict(dose: Dose, end: date, live: list[Dose], days: int) -> Dose | None:
    """Return the last other live vaccine that may have been given before a dose, nearer than so many days."""
    day, found, found_on = dose.administered_on, None, date.min
    for other in live:
        if other.administered_on < end and other.cvx != dose.cvx:
            other_on = last_day_of(other)
            if (day - other_on).days < days and other_on > found_on:
                found, found_on = other, other_on
    return found


def _after(walk: Walk, place: int) -> tuple[_Param, ...]:
    """Name the dose before where its day is not known: then so many days too early is only the worst case."""
    shown = walk.shown(place)
    return () if type(shown) is date else (("after_on", shown),)


def _days(day: date, limit: date) -> _Param:
    return "days", (limit - day).days


def _slot(rule: Series, index: int) -> Slot:
    grace = rule.grace_interval_days
    return Slot(
        _limit(_at(rule.min_age, index), rule.grace_age_days),
        _limit(_at(rule.min_interval, index - 1), grace),
        _limit(_at(rule.min_interval_from_first, index - 1), grace),
        _at(rule.products, index),
    )


def _booster_slot(rule: Series) -> Slot:
    return Slot(_limit(_at(rule.min_age, rule.doses - 1), rule.grace_age_days), None, None, None)


def _acceptance(slot: Slot) -> tuple[_Shift | None, _Shift | None, _Shift | None, frozenset[str] | None]:
    age, interval, from_first = (None if limit is None else limit.accepted for limit in slot[:3])
    return age, interval, from_first, slot.products


def _limit(period: Period | None, grace: int) -> Limit | None:
    if period is None:
        return None
    return Limit(shifter(period, grace), shifter(period), format_period(period))


def _at(entries: tuple[_T | None, ...], index: int) -> _T | None:
    return entries[index] if 0 <= index < len(entries) else None
