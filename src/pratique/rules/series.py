"""Series: what the doses that count mean for the student, and when the next one may be given.

Which doses count is worked out in `doses.py`; everything that is not a series of doses is in `dated.py`.

Sources: minimum ages and intervals CDSi 4.64; no grace when a next dose is planned, ACIP General Best
Practices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from functools import lru_cache

from pratique.rules.doses import NO_INEXACT, DoseWalker, Walk, by_day_and_rank, last_day_of, shown_day
from pratique.rules.evidence import Dose, Evidence, PartialDate, StudentFacts
from pratique.rules.outcome import Outcome, Relevance, earliest, quick, sooner
from pratique.rules.periods import day_after, shift_days, shifter
from pratique.rules.types import DoseFinding, Reason, Series
from pratique.rules.windows import NO_BOUNDS, Bounds, WindowCheck, good_until, missing_fact


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
        self._rule = rule
        self._vaccine, self._needed = rule.vaccine, rule.doses
        self._walker = DoseWalker(rule)
        self._window = None if rule.window is None else WindowCheck(rule.window)
        self._booster = None if rule.booster_every is None else shifter(rule.booster_every)
        self._open_ended = self._window is not None or self._booster is not None
        self.can_lapse = self._booster is not None or (self._window is not None and self._window.rolls)
        about = (("vaccine", rule.vaccine), ("doses", rule.doses))
        self._complete: tuple[Reason, ...] = (Reason("doses_count", about),)
        self._missing = [_missing(rule, number) for number in range(rule.doses)]
        # Without a dose and a window the birth date alone decides, and a population has few of them.
        self._nothing_given = lru_cache(maxsize=8192)(self._judge_nothing)
        self.relevance = Relevance(cvx=rule.cvx)
        self.alternative = (Reason("or_doses", about),)

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the doses whose state is counted."""
        walk = self._walker.walk(evidence, facts.date_of_birth, on_date, counted)
        given, findings, live, first_future, _ = walk
        if len(given) < self._needed:
            if not findings and not live and first_future is None and self._window is None:
                return self._nothing_given(facts.date_of_birth, on_date)
            return self._unfinished(walk, facts, on_date)
        if self._open_ended:
            return self._still_good(walk, facts, on_date)
        return quick(
            Outcome, (True, self._complete, None, first_future, given[-1], tuple(findings), 1.0, False)
        )

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the days on which a dose leaves a rolling window or a booster is overdue."""
        for dose in evidence.doses:
            if dose.cvx in self._rule.cvx:
                days = (
                    None if self._booster is None else day_after(self._booster(dose.administered_on)),
                    None if self._window is None else self._window.lapses_on(dose.administered_on),
                )
                yield from (day for day in days if day is not None)

    def _judge_nothing(self, born: date | None, on_date: date) -> Outcome:
        return self._unfinished(Walk([], [], [], None, NO_INEXACT), StudentFacts(born, None, {}), on_date)

    def _unfinished(self, walk: Walk, facts: StudentFacts, on_date: date) -> Outcome:
        """Doses are missing: say which, why those that were given do not count, and when the next may be."""
        given, findings, _, first_future, _ = walk
        number, born = len(given), facts.date_of_birth
        bounds = self._bounds(facts, on_date) if number == self._needed - 1 else NO_BOUNDS
        planned, changes_on = self._next_day(walk, born, bounds, on_date)
        problems: tuple[Reason, ...] = ()
        if len(findings) > number:
            problems, findings = self._with_next_day(findings, number + 1, planned)
        missing, short = self._missing[number]
        if problems:
            reasons = (*problems, short)
        elif planned is not None and planned > on_date:
            reasons = (Reason("dose_possible_from", (*missing.params, ("needed_on", planned))),)
        else:
            reasons = (missing,)
        if bounds.unknown:
            reasons = (*reasons, missing_fact(bounds.unknown))
        elif born is None and self._walker.slots[number].age is not None:
            reasons = (*reasons, missing_fact("date_of_birth"))
        if first_future is not None or bounds.moves_on is not None:
            changes_on = earliest((first_future, changes_on, bounds.moves_on))
        last, progress = given[-1] if given else None, number / self._needed
        return quick(Outcome, (False, reasons, planned, changes_on, last, tuple(findings), progress, False))

    def _next_day(
        self, walk: Walk, born: date | None, bounds: Bounds, on_date: date
    ) -> tuple[date | None, date | None]:
        """Plan the next dose, without grace: first day it may be given, and the day on which this changes."""
        age, interval, from_first, _ = self._walker.slots[min(len(walk.given), self._needed)]
        planned = _latest(self._rule.earliest, bounds.opens)
        if age is not None:
            if born is None:
                return None, None
            planned = _latest(planned, age.planned(born))
        elif planned is not None:
            planned = _latest(planned, born)
        if interval is not None:
            planned = _latest(planned, interval.planned(walk.last_day(-1)))
        if from_first is not None:
            planned = _latest(planned, from_first.planned(walk.last_day(0)))
        for day in self._after_live(walk.live, on_date) if walk.live else ():
            planned = _latest(planned, day)
        coming = planned if planned is not None and planned > on_date else None
        last_chance = sooner(self._rule.latest, bounds.closes)
        if last_chance is None:
            return planned, coming
        if (coming or on_date) > last_chance:
            return None, None
        return planned, sooner(day_after(last_chance), coming)

    def _after_live(self, live: list[Dose], on_date: date) -> Iterator[date]:
        """Yield the days from which on other live vaccines are no longer in the way of the next dose."""
        conflict = self._rule.live_conflict
        for other in live:
            alone = self._rule.cvx == {other.cvx}  # the next dose can only be of the same product
            if conflict is not None and other.administered_on <= on_date and not alone:
                yield shift_days(last_day_of(other), conflict.days)

    def _with_next_day(
        self, findings: list[DoseFinding], number: int, planned: date | None
    ) -> tuple[tuple[Reason, ...], list[DoseFinding]]:
        """Tell each dose that tried for the number still open when another may be given."""
        problems: list[Reason] = []
        told: list[DoseFinding] = []
        for finding in findings:
            if not finding.counts and finding.reasons[0].code in _NEED_DATE:
                problems.extend(finding.reasons)  # wherever it stands: with its date it may well count
            elif finding.number == number and not finding.counts:
                reasons = tuple([_again(reason, planned) for reason in finding.reasons])
                problems.extend(reasons)
                finding = DoseFinding(finding.dose_id, number, False, reasons, planned, self._vaccine)
            told.append(finding)
        return tuple(problems), told

    def _still_good(self, walk: Walk, facts: StudentFacts, on_date: date) -> Outcome:
        """All doses are there: is the last one inside the window, and is no booster overdue?"""
        bounds = self._bounds(facts, on_date)
        last = walk.given[-1]
        over_on = None if self._window is None else self._outside(walk, bounds, on_date)
        if isinstance(over_on, Reason):
            return self._lapsed(over_on, walk, facts, bounds, on_date)
        if self._booster is not None:
            due_on = self._booster(last)
            overdue_on = day_after(due_on)
            if overdue_on is not None and overdue_on <= on_date:
                params = (("vaccine", self._vaccine), ("last_on", walk.shown(-1)), ("due_on", due_on))
                lapsed = self._lapsed(Reason("booster_overdue", params), walk, facts, bounds, on_date)
                since = None if lapsed.next_action_on is None else max(lapsed.next_action_on, overdue_on)
                held = overdue_on > walk.last_day(-1)  # a month that outlasts its booster never counted
                return lapsed._replace(next_action_on=since or overdue_on, lapsed=held)
            if over_on is None or (overdue_on is not None and overdue_on < over_on):
                over_on = overdue_on
        reasons = self._complete
        if over_on is not None:
            reasons = (*reasons, good_until(over_on))
        changes_on = over_on
        if walk.first_future is not None or bounds.moves_on is not None:
            changes_on = earliest((over_on, walk.first_future, bounds.moves_on))
        return quick(Outcome, (True, reasons, over_on, changes_on, last, tuple(walk.findings), 1.0, False))

    def _outside(self, walk: Walk, bounds: Bounds, on_date: date) -> Reason | date | None:
        """Return why no last dose is in the window, or until when the newest one that is stays in it."""
        assert self._window is not None
        if bounds.unknown:
            return missing_fact(bounds.unknown)
        given, places = walk.given, range(self._needed - 1, len(walk.given))
        for place in reversed(places):
            fit = self._window.fit(given[place], bounds, on_date, walk.last_day(place))
            if fit.inside:
                return fit.over_on
        last = (("vaccine", self._vaccine), ("last_on", walk.shown(-1)))
        why, day = self._window.why_outside(given[-1], bounds, walk.last_day(-1))
        if why == "too_late":
            return Reason("last_dose_too_late", (*last, ("closes", day)))
        if why == "too_old":
            return Reason("last_dose_too_old", (*last, ("opens", day)))
        return Reason("last_dose_lapsed", (*last, ("through", shift_days(day, -1))))

    def _lapsed(self, why: Reason, walk: Walk, facts: StudentFacts, bounds: Bounds, on_date: date) -> Outcome:
        planned, changes_on = self._next_day(walk, facts.date_of_birth, bounds, on_date)
        problems, findings = self._with_next_day(walk.findings, len(walk.given) + 1, planned)
        progress = self._needed / (self._needed + 1)
        days = (changes_on, walk.first_future, bounds.moves_on)
        return Outcome(
            False, (why, *problems), planned, earliest(days), walk.given[-1], tuple(findings), progress
        )

    def _bounds(self, facts: StudentFacts, on_date: date) -> Bounds:
        return NO_BOUNDS if self._window is None else self._window.bounds(facts, on_date)


class BrandsCheck:
    """A series that must be of one brand (a `Check`): one series for each brand, the furthest one speaks."""

    def __init__(self, rule: Series, brands: list[SeriesCheck]) -> None:
        self._brands = brands
        self._vaccine = rule.vaccine
        self.relevance = Relevance(cvx=rule.cvx)
        self.alternative = brands[0].alternative
        self.can_lapse = brands[0].can_lapse

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
        reason = Reason("dose_other_brand", (("vaccine", self._vaccine), ("given_on", shown_day(dose))))
        return DoseFinding(dose.id, None, False, (reason,), None, self._vaccine)


_NEED_DATE = ("dose_needs_day", "dose_needs_month")


def _missing(rule: Series, counted: int) -> tuple[Reason, Reason]:
    """Return what is said with so many doses: the next is missing; and where some broke a limit, the sum."""
    params = (
        ("vaccine", rule.vaccine), ("counted", counted), ("doses", rule.doses), ("number", counted + 1),
    )  # fmt: skip
    return Reason("dose_missing", params), Reason("doses_short", params)


def _latest(one: date | None, other: date | None) -> date | None:
    """Return the last of two days; None is no limit."""
    if one is None:
        return other
    return one if other is None or one >= other else other


def _again(reason: Reason, planned: date | None) -> Reason:
    """Say when another dose is needed, unless that day was over before this dose was given."""
    if planned is None:
        return reason
    given_on = dict(reason.params)["given_on"]
    if (given_on.first if isinstance(given_on, PartialDate) else given_on) >= planned:  # type: ignore[operator]
        return reason
    return Reason(reason.code, (*reason.params, ("needed_on", planned)))
