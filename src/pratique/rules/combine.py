"""Rules made of rules: all of them, any of them; and the one place that compiles a rule of whatever kind.

What a status is made of is not decided here but in `evaluate.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from pratique.rules.dated import ConditionCheck, DocumentCheck, ExemptionCheck, FormCheck, TiterCheck
from pratique.rules.outcome import Check, Outcome, earliest, merge_relevance, together
from pratique.rules.series import compile_series
from pratique.rules.types import (
    AllOf,
    AnyOf,
    ConditionRule,
    DocumentRule,
    Evidence,
    ExemptionRule,
    FormRule,
    Reason,
    Recent,
    RecentKind,
    Rule,
    Series,
    StudentFacts,
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
        case TiterRule():
            return TiterCheck(rule)
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
            return Series(rule.name, rule.cvx, 1, window=rule.window)
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
        self.alternative = together(reason for branch in branches for reason in branch.alternative)

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge all branches."""
        outcomes = [branch(evidence, facts, on_date, counted) for branch in self._branches]
        failing = [outcome for outcome in outcomes if not outcome.holds]
        speaking = failing or outcomes
        return Outcome(
            not failing,
            tuple(dict.fromkeys(reason for outcome in speaking for reason in outcome.reasons)),
            earliest([outcome.next_action_on for outcome in speaking]),
            earliest([outcome.changes_on for outcome in outcomes]),
            max((outcome.administered_on for outcome in outcomes if outcome.administered_on), default=None),
            tuple(finding for outcome in outcomes for finding in outcome.doses),
            sum(max(outcome.progress, 0.0) for outcome in outcomes) / len(outcomes),
        )

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the lapses of every branch."""
        for branch in self._branches:
            yield from branch.lapses(evidence)


class AnyOfCheck:
    """At least one branch holds (a `Check`).

    Of several that hold the one that lasts longest speaks; of several that do not, the one closest to done,
    and the others are named as alternatives. Ties go to the branch listed first.
    """

    def __init__(self, branches: list[Check]) -> None:
        self._branches = branches
        self.relevance = merge_relevance(branch.relevance for branch in branches)
        self.alternative = tuple(reason for branch in branches for reason in branch.alternative)

    def __call__(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the branches until one holds for good."""
        outcomes: list[Outcome] = []
        for branch in self._branches:
            outcome = branch(evidence, facts, on_date, counted)
            outcomes.append(outcome)
            if outcome.holds and outcome.next_action_on is None:
                break
        changes_on = earliest([outcome.changes_on for outcome in outcomes])
        holding = [outcome for outcome in outcomes if outcome.holds]
        if holding:
            return max(holding, key=_lasts_until)._replace(changes_on=changes_on)
        closest = max(range(len(outcomes)), key=lambda place: outcomes[place].progress)
        chosen = outcomes[closest]
        reasons = chosen.reasons + self._instead_of(closest)
        return chosen._replace(reasons=reasons, changes_on=changes_on)

    def lapses(self, evidence: Evidence) -> Iterator[date]:
        """Yield the lapses of every branch."""
        for branch in self._branches:
            yield from branch.lapses(evidence)

    def _instead_of(self, closest: int) -> tuple[Reason, ...]:
        others = (branch for place, branch in enumerate(self._branches) if place != closest)
        return tuple(reason for branch in others for reason in branch.alternative)


def _lasts_until(outcome: Outcome) -> date:
    return outcome.next_action_on or date.max
