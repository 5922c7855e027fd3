"""Walks the doses of a series: which counts, as which number, and which limit another one broke.

Doses are walked in the order they were given. The next dose that breaks no limit takes the next number, so
a dose that breaks one costs nothing but itself. Taking the earliest is never worse than waiting: every limit
is "not before", counted from the dose before. What the walk means for the student is in `series.py`.

This is where a bulk run spends its time, so the common case (a dose that counts) is decided without a call
and without a reason being made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import date
from typing import NamedTuple, TypeVar

from pratique.rules.outcome import quick
from pratique.rules.periods import Period, format_period, shift_days, shifter
from pratique.rules.types import Dose, DoseFinding, Evidence, ParamValue, Reason, Series

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

    The days of the doses that count, a finding for each dose, the other live vaccines given, and the first
    day after today on which one of all these doses lies.
    """

    given: list[date]
    findings: list[DoseFinding]
    live: list[Dose]
    first_future: date | None


class DoseWalker:
    """The compiled limits of a series."""

    __slots__ = (
        "_accepts", "_cvx", "_earliest", "_latest", "_live", "_needed", "_odd", "_open_ended", "_vaccine",
        "_wanted", "slots",
    )  # fmt: skip

    def __init__(self, rule: Series) -> None:
        self._cvx, self._vaccine, self._needed = rule.cvx, rule.vaccine, rule.doses
        self.slots = (*(_slot(rule, number) for number in range(rule.doses)), _booster_slot(rule))
        self._accepts = tuple(_acceptance(slot) for slot in self.slots)
        self._earliest, self._latest, self._live = rule.earliest, rule.latest, rule.live_conflict
        self._odd = bool(rule.earliest or rule.latest or rule.live_conflict)
        self._open_ended = rule.window is not None or rule.booster_every is not None
        self._wanted = rule.cvx if rule.live_conflict is None else rule.cvx | rule.live_conflict.cvx

    def walk(self, evidence: Evidence, born: date | None, on_date: date, counted: frozenset[str]) -> Walk:
        """Walk the doses of one student whose state is counted; the others are only named."""
        wanted = self._wanted
        doses = [dose for dose in evidence.doses if dose.cvx in wanted]
        live: list[Dose] = []
        live_days: set[date] = set()
        if self._live is not None and doses:
            codes, cvx = self._live.cvx, self._cvx
            live = [dose for dose in doses if dose.cvx in codes and dose.state in counted]
            live_days = {dose.administered_on for dose in live}
            doses = [dose for dose in doses if dose.cvx in cvx]
        previous = date.min
        for dose in doses:
            if dose.administered_on <= previous:
                doses.sort(key=by_day_and_rank)
                break
            previous = dose.administered_on
        given: list[date] = []
        findings: list[DoseFinding] = []
        needed, vaccine, odd, accepts = self._needed, self._vaccine, self._odd, self._accepts
        last = first = date.min
        number = 0
        for dose in doses:
            day = dose.administered_on
            if (
                dose.state not in counted
                or day > on_date
                or (number and (day == last or (number >= needed and not self._open_ended)))
            ):
                code = _why_aside(dose, number > 0 and day == last, on_date, counted)
                findings.append(self.aside(dose, code))
                continue
            age, interval, from_first, products = accepts[number if number < needed else needed]
            if (
                (age is None if born is None else day >= born and (age is None or day >= age(born)))
                and (interval is None or day >= interval(last))
                and (from_first is None or day >= from_first(first))
                and (products is None or dose.cvx in products)
                and not (odd and self._is_odd(dose, live, live_days))
            ):
                number += 1
                given.append(day)
                last = day
                if number == 1:
                    first = day
                findings.append(quick(DoseFinding, (dose.id, number, True, (), None, vaccine)))
            else:
                problems = tuple(self._problems(dose, given, live, born))
                findings.append(DoseFinding(dose.id, number + 1, False, problems, None, vaccine))
        first_future = None
        if (doses and doses[-1].administered_on > on_date) or (live_days and max(live_days) > on_date):
            first_future = _first_future((*doses, *live), counted, on_date)
        return quick(Walk, (given, findings, live, first_future))

    def aside(self, dose: Dose, code: str) -> DoseFinding:
        """Name a dose that does not take part."""
        reason = Reason(code, (("vaccine", self._vaccine), ("given_on", dose.administered_on)))
        return DoseFinding(dose.id, None, False, (reason,), None, self._vaccine)

    def _is_odd(self, dose: Dose, live: list[Dose], live_days: set[date]) -> bool:
        """Check the limits that few series have: fixed dates, and other live vaccines."""
        day = dose.administered_on
        if self._earliest is not None and day < self._earliest:
            return True
        if self._latest is not None and day > self._latest:
            return True
        if self._live is not None:
            days = self._live.days
            for other_on in live_days:
                if other_on < day and (day - other_on).days < days:
                    return _conflict(dose, live, days) is not None
        return False

    def _problems(
        self, dose: Dose, given: list[date], live: list[Dose], born: date | None
    ) -> Iterator[Reason]:
        """Yield every limit that a dose breaks as the next of the series."""
        day, number = dose.administered_on, len(given) + 1
        about: tuple[_Param, ...] = (("vaccine", self._vaccine), ("number", number), ("given_on", day))
        age, interval, from_first, products = self.slots[min(len(given), self._needed)]
        if born is None:
            if age is not None:
                yield Reason("dose_age_unknown", about)
        elif day < born:
            yield Reason("dose_before_birth", about)
        elif age is not None and day < (limit := age.accepted(born)):
            yield Reason("dose_before_age", (*about, _days(day, limit), ("age", age.period)))
        if interval is not None and day < (limit := interval.accepted(given[-1])):
            yield Reason("dose_too_soon", (*about, _days(day, limit), ("interval", interval.period)))
        if from_first is not None and day < (limit := from_first.accepted(given[0])):
            period = ("interval", from_first.period)
            yield Reason("dose_too_soon_after_first", (*about, _days(day, limit), period))
        other_on = None if self._live is None else _conflict(dose, live, self._live.days)
        if self._live is not None and other_on is not None:
            limit = shift_days(other_on, self._live.days)
            yield Reason("dose_near_live_dose", (*about, _days(day, limit), ("other_on", other_on)))
        if self._earliest is not None and day < self._earliest:
            yield Reason("dose_before_earliest", (*about, ("earliest", self._earliest)))
        if self._latest is not None and day > self._latest:
            yield Reason("dose_after_latest", (*about, ("latest", self._latest)))
        if products is not None and dose.cvx not in products:
            yield Reason("dose_wrong_product", (*about, ("cvx", dose.cvx)))


def by_day_and_rank(dose: Dose) -> tuple[date, bool, str]:
    """Order doses of one day.

    Reviewed ones first, then by id, so that the order handed in does not matter.
    """
    return dose.administered_on, dose.state != "approved", str(dose.id)


_CODE_OF_STATE = {"pending": "dose_awaiting_review", "rejected": "dose_rejected"}


def _why_aside(dose: Dose, same_day: bool, on_date: date, counted: frozenset[str]) -> str:
    if dose.state not in counted:
        return _CODE_OF_STATE[dose.state]
    if dose.administered_on > on_date:
        return "dose_in_future"
    return "dose_duplicate" if same_day else "dose_not_needed"


def _first_future(doses: Iterable[Dose], counted: frozenset[str], on_date: date) -> date | None:
    """Return the first day after today on which one of these doses lies."""
    first: date | None = None
    for dose in doses:
        day = dose.administered_on
        if day > on_date and dose.state in counted and (first is None or day < first):
            first = day
    return first


def _conflict(dose: Dose, live: list[Dose], days: int) -> date | None:
    """Return the last day before a dose, nearer than so many days.

    On which another live vaccine was given.
    """
    day, found = dose.administered_on, None
    for other in live:
        other_on = other.administered_on
        if other_on < day and (day - other_on).days < days and other.cvx != dose.cvx:
            found = other_on if found is None or other_on > found else found
    return found


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
