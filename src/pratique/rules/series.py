"""Series: which doses count, which broke a limit, and when the next one may be given.

Doses are walked in the order they were given. The next dose that breaks no limit takes the next number, so
a dose that breaks one costs nothing but itself. Taking the earliest is never worse than waiting: every
limit is "not before", counted from the dose before. `dated.py` judges everything that is not a series.

Sources: minimum ages and intervals CDSi 4.64; 4 days of grace, none between different live vaccines, and no
grace when a next dose is planned: ACIP General Best Practices.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date
from typing import NamedTuple, TypeVar

from pratique.rules.outcome import Outcome, Relevance, earliest
from pratique.rules.periods import Period, day_after, format_period, shift_days, shifter
from pratique.rules.types import Dose, DoseFinding, Evidence, Reason, Series, StudentFacts
from pratique.rules.windows import Bounds, WindowCheck, missing_fact

_Shift = Callable[[date], date]
_T = TypeVar("_T")


class _Limit(NamedTuple):
    """One "not before": with grace for judging a dose, without for planning one, in words for the reason."""

    accepted: _Shift
    planned: _Shift
    period: str


class _Slot(NamedTuple):
    """The limits on one dose of the series."""

    age: _Limit | None
    interval: _Limit | None
    from_first: _Limit | None
    products: frozenset[str] | None


class _Walk(NamedTuple):
    """What walking the doses left: the days that count, a finding a dose, the first future dose's day."""

    given: list[date]
    findings: list[DoseFinding]
    first_future: date | None


def compile_series(rule: Series) -> SeriesCheck | BrandsCheck:
    """Turn a series into a check; one of a single brand becomes one series a brand, the furthest wins."""
    if not rule.same_brand:
        return SeriesCheck(rule)
    return BrandsCheck(
        rule, [SeriesCheck(replace(rule, cvx=brand, same_brand=())) for brand in rule.same_brand]
    )


class SeriesCheck:
    """A compiled series (a `Check`)."""

    def __init__(self, rule: Series) -> None:
        self._cvx = rule.cvx
        self._vaccine = rule.vaccine
        self._needed = rule.doses
        self._slots = (*tuple(_slot(rule, number) for number in range(rule.doses)), _booster_slot(rule))
        self._earliest, self._latest = rule.earliest, rule.latest
        self._window = None if rule.window is None else WindowCheck(rule.window)
        self._booster = None if rule.booster_every is None else shifter(rule.booster_every)
        self._open_ended = self._window is not None or self._booster is not None
        self._live = rule.live_conflict
        self._complete = Reason("doses_count", (("vaccine", rule.vaccine), ("doses", rule.doses)))
        self.relevance = Relevance(cvx=rule.cvx)
        self.alternative = (Reason("or_doses", (("vaccine", rule.vaccine), ("doses", rule.doses))),)

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the doses whose state is counted."""
        cvx = self._cvx
        doses = [dose for dose in evidence.doses if dose.cvx in cvx]
        if len(doses) > 1:
            doses.sort(key=_by_day)
            if len({dose.administered_on for dose in doses}) < len(doses):
                doses.sort(key=by_day_and_rank)
        live = self._live_doses(evidence, counted) if self._live is not None else []
        walk = self._walk(doses, live, facts.date_of_birth, on_date, counted)
        if len(walk.given) < self._needed:
            return self._unfinished(walk, live, facts, on_date)
        if not self._open_ended:
            return Outcome(
                True, (self._complete,), None, walk.first_future, walk.given[-1], tuple(walk.findings), 1.0
            )
        return self._still_good(walk, live, facts, on_date)

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which a dose leaves a rolling window or a booster is overdue."""
        for dose in evidence.doses:
            if dose.cvx in self._cvx:
                days = (
                    None if self._booster is None else day_after(self._booster(dose.administered_on)),
                    None if self._window is None else self._window.lapses_on(dose.administered_on),
                )
                yield from (day for day in days if day is not None)

    # --- walking the doses --------------------------------------------------------------------------------

    def _walk(
        self, doses: list[Dose], live: list[Dose], born: date | None, on_date: date, counted: frozenset[str]
    ) -> _Walk:
        given: list[date] = []
        findings: list[DoseFinding] = []
        first_future: date | None = None
        slots, needed, open_ended, vaccine = self._slots, self._needed, self._open_ended, self._vaccine
        for dose in doses:
            day = dose.administered_on
            if dose.state not in counted:
                findings.append(self._set_aside(dose, _CODE_OF_STATE[dose.state]))
            elif day > on_date:
                findings.append(self._set_aside(dose, "dose_in_future"))
                first_future = first_future or day
            elif given and day == given[-1]:
                findings.append(self._set_aside(dose, "dose_duplicate"))
            elif len(given) >= needed and not open_ended:
                findings.append(self._set_aside(dose, "dose_not_needed"))
            else:
                number = len(given)
                slot = slots[number if number < needed else needed]
                problems = self._problems(dose, slot, given, live, born)
                if problems:
                    findings.append(DoseFinding(dose.id, number + 1, False, problems, None, vaccine))
                else:
                    given.append(day)
                    findings.append(DoseFinding(dose.id, number + 1, True, (), None, vaccine))
        return _Walk(given, findings, first_future)

    def _problems(
        self, dose: Dose, slot: _Slot, given: list[date], live: list[Dose], born: date | None
    ) -> tuple[Reason, ...]:
        """Return every limit that a dose breaks as the next of the series; none in the common case."""
        day = dose.administered_on
        broken: list[Reason] = []
        age, interval, from_first, products = slot
        if born is None:
            if age is not None:
                broken.append(self._problem("dose_age_unknown", dose, given))
        elif day < born:
            broken.append(self._problem("dose_before_birth", dose, given))
        elif age is not None and day < (limit := age.accepted(born)):
            broken.append(self._short("dose_before_age", dose, given, limit, ("age", age.period)))
        if given:
            if interval is not None and day < (limit := interval.accepted(given[-1])):
                broken.append(self._short("dose_too_soon", dose, given, limit, ("interval", interval.period)))
            if from_first is not None and day < (limit := from_first.accepted(given[0])):
                period = ("interval", from_first.period)
                broken.append(self._short("dose_too_soon_after_first", dose, given, limit, period))
        if live:
            broken.extend(self._live_problems(dose, given, live))
        if self._earliest is not None and day < self._earliest:
            broken.append(self._problem("dose_before_earliest", dose, given, ("earliest", self._earliest)))
        if self._latest is not None and day > self._latest:
            broken.append(self._problem("dose_after_latest", dose, given, ("latest", self._latest)))
        if products is not None and dose.cvx not in products:
            broken.append(self._problem("dose_wrong_product", dose, given, ("cvx", dose.cvx)))
        return tuple(broken)

    def _live_doses(self, evidence: Evidence, counted: frozenset[str]) -> list[Dose]:
        assert self._live is not None
        codes = self._live.cvx
        return [dose for dose in evidence.doses if dose.cvx in codes and dose.state in counted]

    def _live_problems(self, dose: Dose, given: list[date], live: list[Dose]) -> Iterator[Reason]:
        assert self._live is not None
        day, days = dose.administered_on, self._live.days
        before = [
            other.administered_on
            for other in live
            if other.cvx != dose.cvx and other.administered_on < day < shift_days(other.administered_on, days)
        ]
        if before:
            other_on = max(before)
            limit = shift_days(other_on, days)
            yield self._short("dose_near_live_dose", dose, given, limit, ("other_on", other_on))

    # --- what the walk means ------------------------------------------------------------------------------

    def _unfinished(self, walk: _Walk, live: list[Dose], facts: StudentFacts, on_date: date) -> Outcome:
        given, needed = walk.given, self._needed
        bounds = self._bounds(facts, on_date) if len(given) == needed - 1 else Bounds()
        planned, changes_on = self._next_day(given, live, facts.date_of_birth, bounds, on_date)
        problems, findings = self._with_next_day(walk, planned)
        params = (
            ("vaccine", self._vaccine),
            ("counted", len(given)),
            ("doses", needed),
            ("number", len(given) + 1),
        )
        if problems:
            summary = Reason("doses_short", params)
        elif planned is not None and planned > on_date:
            summary = Reason("dose_possible_from", (*params, ("needed_on", planned)))
        else:
            summary = Reason("dose_missing", params)
        reasons = (*problems, summary)
        if bounds.unknown:
            reasons = (*reasons, missing_fact(bounds.unknown))
        elif facts.date_of_birth is None and self._slots[len(given)].age is not None:
            reasons = (*reasons, missing_fact("date_of_birth"))
        days = (walk.first_future, changes_on, bounds.moves_on)
        last = given[-1] if given else None
        return Outcome(False, reasons, planned, earliest(days), last, findings, len(given) / needed)

    def _next_day(
        self, given: list[date], live: list[Dose], born: date | None, bounds: Bounds, on_date: date
    ) -> tuple[date | None, date | None]:
        """Plan the next dose without grace.

        The first day it may be given, and the day on which this changes.
        """
        slot = self._slots[min(len(given), self._needed)]
        days = [self._earliest, bounds.opens]
        if slot.age is not None:
            if born is None:
                return None, None
            days.append(slot.age.planned(born))
        if given and slot.interval is not None:
            days.append(slot.interval.planned(given[-1]))
        if given and slot.from_first is not None:
            days.append(slot.from_first.planned(given[0]))
        later_live = None
        for other in live:
            if other.administered_on > on_date:
                later_live = (
                    other.administered_on if later_live is None else min(later_live, other.administered_on)
                )
            elif self._live is not None and self._cvx != {other.cvx}:
                days.append(shift_days(other.administered_on, self._live.days))
        planned = max((day for day in days if day is not None), default=None)
        coming = planned if planned is not None and planned > on_date else None
        last_chance = earliest((self._latest, bounds.closes))
        if last_chance is None:
            return planned, earliest((coming, later_live))
        if (coming or on_date) > last_chance:
            return None, later_live
        return planned, earliest((day_after(last_chance), coming, later_live))

    def _with_next_day(
        self, walk: _Walk, planned: date | None
    ) -> tuple[tuple[Reason, ...], tuple[DoseFinding, ...]]:
        """Tell each dose that tried for the number still open when another may be given."""
        number = len(walk.given) + 1
        problems: list[Reason] = []
        findings: list[DoseFinding] = []
        for finding in walk.findings:
            if finding.number == number and not finding.counts:
                reasons = tuple(_again(reason, planned) for reason in finding.reasons)
                problems.extend(reasons)
                finding = finding._replace(reasons=reasons, first_date_that_helps=planned)
            findings.append(finding)
        return tuple(problems), tuple(findings)

    def _still_good(self, walk: _Walk, live: list[Dose], facts: StudentFacts, on_date: date) -> Outcome:
        """All doses are there: is the last one inside the window, and is no booster overdue?"""
        bounds = self._bounds(facts, on_date)
        over_on: date | None = None
        problem = self._outside(walk.given, bounds, on_date)
        if isinstance(problem, Reason):
            return self._lapsed(problem, walk, live, facts, bounds, on_date)
        over_on = problem
        if self._booster is not None:
            due_on = self._booster(walk.given[-1])
            overdue_on = day_after(due_on)
            if overdue_on is not None and overdue_on <= on_date:
                params = (("vaccine", self._vaccine), ("last_on", walk.given[-1]), ("due_on", due_on))
                return self._lapsed(Reason("booster_overdue", params), walk, live, facts, bounds, on_date)
            over_on = earliest((over_on, overdue_on))
        reasons: tuple[Reason, ...] = (self._complete,)
        if over_on is not None:
            reasons = (*reasons, Reason("good_through", (("through", shift_days(over_on, -1)),)))
        changes_on = earliest((over_on, walk.first_future, bounds.moves_on))
        return Outcome(True, reasons, over_on, changes_on, walk.given[-1], tuple(walk.findings), 1.0)

    def _outside(self, given: list[date], bounds: Bounds, on_date: date) -> Reason | date | None:
        """Return why no last dose is in the window, or until when the newest one that is stays in it."""
        if self._window is None:
            return None
        if bounds.unknown:
            return missing_fact(bounds.unknown)
        for day in reversed(given[self._needed - 1 :]):
            fit = self._window.fit(day, bounds, on_date)
            if fit.inside:
                return fit.over_on
        last = (("vaccine", self._vaccine), ("last_on", given[-1]))
        if bounds.closes is not None and given[-1] > bounds.closes:
            return Reason("last_dose_too_late", (*last, ("closes", bounds.closes)))
        lapsed_on = self._window.lapses_on(given[-1])
        if lapsed_on is not None and lapsed_on <= on_date:
            return Reason("last_dose_lapsed", (*last, ("through", shift_days(lapsed_on, -1))))
        assert bounds.opens is not None  # not too late, not lapsed: only the opening is left
        return Reason("last_dose_too_old", (*last, ("opens", bounds.opens)))

    def _lapsed(
        self, why: Reason, walk: _Walk, live: list[Dose], facts: StudentFacts, bounds: Bounds, on_date: date
    ) -> Outcome:
        planned, changes_on = self._next_day(walk.given, live, facts.date_of_birth, bounds, on_date)
        problems, findings = self._with_next_day(walk, planned)
        progress = self._needed / (self._needed + 1)
        days = (changes_on, walk.first_future, bounds.moves_on)
        return Outcome(False, (why, *problems), planned, earliest(days), walk.given[-1], findings, progress)

    # --- small words --------------------------------------------------------------------------------------

    def _bounds(self, facts: StudentFacts, on_date: date) -> Bounds:
        return Bounds() if self._window is None else self._window.bounds(facts, on_date)

    def _set_aside(self, dose: Dose, code: str) -> DoseFinding:
        reason = Reason(code, (("vaccine", self._vaccine), ("given_on", dose.administered_on)))
        return DoseFinding(dose.id, None, False, (reason,), None, self._vaccine)

    def _problem(
        self, code: str, dose: Dose, given: list[date], *more: tuple[str, str | int | date]
    ) -> Reason:
        about = (("vaccine", self._vaccine), ("number", len(given) + 1), ("given_on", dose.administered_on))
        return Reason(code, (*about, *more))

    def _short(
        self, code: str, dose: Dose, given: list[date], limit: date, more: tuple[str, str | int | date]
    ) -> Reason:
        return self._problem(code, dose, given, ("days", (limit - dose.administered_on).days), more)


class BrandsCheck:
    """A series that must be of one brand (a `Check`): one series for each brand, the furthest one speaks."""

    def __init__(self, rule: Series, brands: list[SeriesCheck]) -> None:
        self._brands = brands
        self._vaccine = rule.vaccine
        self.relevance = Relevance(cvx=rule.cvx)
        self.alternative = brands[0].alternative

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge each brand by itself; doses of the others are named as such."""
        outcomes = [brand(evidence, facts, on_date, counted) for brand in self._brands]
        best = max(outcomes, key=lambda outcome: (outcome.holds, outcome.progress))
        judged = {finding.dose_id for finding in best.doses}
        others = [dose for dose in evidence.doses if dose.cvx in self.relevance.cvx and dose.id not in judged]
        findings = tuple(self._other_brand(dose) for dose in sorted(others, key=by_day_and_rank))
        changes_on = earliest(tuple(outcome.changes_on for outcome in outcomes))
        return best._replace(doses=best.doses + findings, changes_on=changes_on)

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the lapses of every brand."""
        for brand in self._brands:
            yield from brand.lapses(evidence)

    def _other_brand(self, dose: Dose) -> DoseFinding:
        reason = Reason("dose_other_brand", (("vaccine", self._vaccine), ("given_on", dose.administered_on)))
        return DoseFinding(dose.id, None, False, (reason,), None, self._vaccine)


_CODE_OF_STATE = {"pending": "dose_awaiting_review", "rejected": "dose_rejected"}


def _slot(rule: Series, index: int) -> _Slot:
    grace = rule.grace_interval_days
    return _Slot(
        _limit(_at(rule.min_age, index), rule.grace_age_days),
        _limit(_at(rule.min_interval, index - 1), grace),
        _limit(_at(rule.min_interval_from_first, index - 1), grace),
        _at(rule.products, index),
    )


def _booster_slot(rule: Series) -> _Slot:
    return _Slot(_limit(_at(rule.min_age, rule.doses - 1), rule.grace_age_days), None, None, None)


def _limit(period: Period | None, grace: int) -> _Limit | None:
    if period is None:
        return None
    return _Limit(shifter(period, grace), shifter(period), format_period(period))


def _again(reason: Reason, planned: date | None) -> Reason:
    """Say when another dose is needed, unless that day was over before this dose was given."""
    if planned is None or dict(reason.params)["given_on"] >= planned:  # type: ignore[operator]
        return reason
    return Reason(reason.code, (*reason.params, ("needed_on", planned)))


def _at(entries: tuple[_T | None, ...], index: int) -> _T | None:
    return entries[index] if 0 <= index < len(entries) else None


def _by_day(dose: Dose) -> date:
    return dose.administered_on


def by_day_and_rank(dose: Dose) -> tuple[date, bool, str]:
    """Order doses of one day.

    Reviewed ones first, then by id, so that the order handed in does not matter.
    """
    return dose.administered_on, dose.state != "approved", str(dose.id)
