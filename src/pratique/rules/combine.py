"""Rules made of rules: all of them, any of them; and the one place that compiles a rule of whatever kind.

What a status is made of is not decided here but in `evaluate.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pratique.rules.dated import ConditionCheck, DocumentCheck, ExemptionCheck, FormCheck, TiterCheck
from pratique.rules.evidence import Evidence, StudentFacts
from pratique.rules.outcome import Check, Outcome, merge_relevance, quick, sooner, together
from pratique.rules.series import compile_series
from pratique.rules.types import (
    AllOf,
    AnyOf,
    ConditionRule,
    DocumentRule,
    DoseFinding,
    ExemptionRule,
    FormRule,
    Reason,
    Recent,
    RecentKind,
    Rule,
    Series,
    TiterRule,
)


def compile_rule(rule: Rule, requirement_key: str) -> Check:
    """Turn a rule into a check. The key is that of the requirement, which exemptions may name."""
    match rule:
        case Series():
            return compile_series(rule)
        case Recent():
            return compile_rule(_spelled_out(rule), requirement_key)
        case DocumentRule():
            return DocumentCheck(rule)
        case FormRule():
            return FormCheck(rule)
        case TiterRule(antibodies, window):
            return TitersCheck([TiterCheck(antibody, window) for antibody in antibodies])
        case ExemptionRule():
            return ExemptionCheck(rule, requirement_key)
        case ConditionRule():
            return ConditionCheck(rule)
        case AllOf(rules):
            return AllOfCheck([compile_rule(branch, requirement_key) for branch in rules])
        case AnyOf(rules):
            return AnyOfCheck([compile_rule(branch, requirement_key) for branch in rules])


def _spelled_out(rule: Recent) -> Rule:
    """A recent rule is shorthand: one dose, document, signed form or positive titer inside a window."""
    match rule.of:
        case RecentKind.DOSE:
            return Series(rule.name, rule.cvx, 1, window=rule.window, accepts=rule.accepts)
        case RecentKind.DOCUMENT:
            return DocumentRule(rule.name, rule.window)
        case RecentKind.FORM:
            return FormRule(rule.name, signature=True, window=rule.window)
        case RecentKind.TITER:
            return TiterRule((rule.name,), rule.window)


class AllOfCheck:
    """Every branch holds (a `Check`). What is missing is said of the branches that do not."""

    def __init__(self, branches: list[Check]) -> None:
        self._branches = branches
        self.relevance = merge_relevance(branch.relevance for branch in branches)
        self.can_lapse = any(branch.can_lapse for branch in branches)
        self.alternative = together(reason for branch in branches for reason in branch.alternative)

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge all branches."""
        outcomes = [branch(evidence, facts, on_date, counted) for branch in self._branches]
        holds = True
        reasons: tuple[Reason, ...] = ()
        next_action_on = changes_on = administered_on = None
        doses: tuple[DoseFinding, ...] = ()
        progress = 0.0
        for good, why, asked_on, changes, given_on, findings, done, _ in outcomes:
            if holds and not good:
                holds, reasons, next_action_on = False, why, asked_on
            elif holds is good:
                reasons += why
                next_action_on = sooner(next_action_on, asked_on)
            if changes is not None:
                changes_on = sooner(changes_on, changes)
            if given_on is not None and (administered_on is None or given_on > administered_on):
                administered_on = given_on
            doses += findings
            if done > 0:
                progress += done
        reasons = tuple(dict.fromkeys(reasons))
        progress /= len(outcomes)
        return quick(
            Outcome,
            (holds, reasons, next_action_on, changes_on, administered_on, doses, progress, False),
        )

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the lapses of every branch."""
        for branch in self._branches:
            yield from branch.lapses(evidence)


class TitersCheck(AllOfCheck):
    """Every antibody is shown (a `Check`). Most students hand in no titer at all: that answer is at hand."""

    def __init__(self, titers: list[TiterCheck]) -> None:
        super().__init__(list(titers))
        absent = [titer.when_nothing for titer in titers]
        self._when_nothing = None
        if None not in absent:
            nobody = StudentFacts(None, None, {})
            self._when_nothing = super().__call__(Evidence(), nobody, date.min, frozenset())

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge all antibodies."""
        if self._when_nothing is not None and not evidence.titers:
            return self._when_nothing
        return super().__call__(evidence, facts, on_date, counted)


class AnyOfCheck:
    """At least one branch holds (a `Check`).

    Of several that hold the one that lasts longest speaks; of several that do not, the one closest to done,
    and the others are named as alternatives. Ties go to the branch listed first.
    """

    def __init__(self, branches: list[Check]) -> None:
        self._branches = branches
        self.relevance = merge_relevance(branch.relevance for branch in branches)
        self.can_lapse = any(branch.can_lapse for branch in branches)
        self.alternative = tuple(reason for branch in branches for reason in branch.alternative)
        self._instead_of = [
            tuple(reason for branch in branches if branch is not closest for reason in branch.alternative)
            for closest in branches
        ]

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the branches until one holds for good."""
        outcome = self._branches[0](evidence, facts, on_date, counted)
        if outcome.holds and outcome.next_action_on is None:
            return outcome
        outcomes: list[Outcome] = []
        changes_on: date | None = None
        best: Outcome | None = None
        for branch in self._branches:
            if outcomes:
                outcome = branch(evidence, facts, on_date, counted)
            holds, _, next_action_on, changes, _, _, _, _ = outcome
            outcomes.append(outcome)
            changes_on = sooner(changes_on, changes)
            if holds and (best is None or _lasts_until(outcome) > _lasts_until(best)):
                best = outcome
                if next_action_on is None:
                    break
        if best is not None:
            return best._replace(changes_on=changes_on)
        return self._closest(outcomes, changes_on)

    def _closest(self, outcomes: list[Outcome], changes_on: date | None) -> Outcome:
        """Let the branch closest to done speak, and name the others."""
        furthest = [outcome.progress for outcome in outcomes]
        closest = furthest.index(max(furthest))
        holds, reasons, next_action_on, _, administered_on, doses, progress, lapsed = outcomes[closest]
        reasons += self._instead_of[closest]
        for outcome in outcomes:
            lapsed = lapsed or outcome.lapsed
        return quick(
            Outcome,
            (holds, reasons, next_action_on, changes_on, administered_on, doses, progress, lapsed),
        )

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the lapses of every branch."""
        for branch in self._branches:
            yield from branch.lapses(evidence)


def _lasts_until(outcome: Outcome) -> date:
    return outcome.next_action_on or date.max
