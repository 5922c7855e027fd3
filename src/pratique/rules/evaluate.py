"""From a rule, evidence and facts to a verdict on one day. Pure: no database, no clock, no words.

The ladder in `_RequirementCheck.__call__` is the whole policy, top wins. Whether a rule holds is worked
out in `series.py`, `dated.py` and `combine.py`; sentences are made in `explain.py`.
"""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from typing import Any, Protocol

from pratique.rules.combine import compile_rule
from pratique.rules.conditions import YES, Answer, compile_condition
from pratique.rules.dated import ExemptionCheck
from pratique.rules.evidence import PROOF, Evidence, StudentFacts
from pratique.rules.outcome import Outcome, Relevance, earliest, merge_relevance, quick
from pratique.rules.periods import shift_days
from pratique.rules.types import ItemStatus, Reason, Requirement, Verdict


class Evaluator(Protocol):
    """A compiled requirement: `evaluate` in its first form, and which evidence it looks at."""

    @property
    def relevance(self) -> Relevance: ...

    def __call__(self, evidence: Evidence, facts: StudentFacts, on_date: date) -> Verdict: ...


APPROVED_ONLY = frozenset({"approved"})
WITH_PENDING = frozenset({"approved", "pending"})

DOES_NOT_APPLY = Verdict(False, ItemStatus.APPROVED, (Reason("does_not_apply"),), None, None, None, ())


def evaluate(requirement: Requirement, evidence: Evidence, facts: StudentFacts, on_date: date) -> Verdict:
    """Judge one student on one requirement on one day.

    Answers a verdict with reasons, whatever the evidence. Precedence, top wins:

    1. does not apply (the condition is not met; a condition that hangs on an unknown fact applies),
    2. approved: the rule holds with approved evidence, or an accepted exemption does,
    3. pending: either would hold if what awaits review were approved, or pages wait that nobody has read yet,
    4. rejected: the newest relevant evidence was turned down,
    5. expired: it held on some earlier day with the approved evidence,
    6. incomplete.
    """
    return _compiled(requirement)(evidence, facts, on_date)


def compile_requirement(requirement: Requirement) -> Evaluator:
    """Return `evaluate` with everything prepared that hangs on the requirement alone; for bulk runs."""
    return _RequirementCheck(requirement)


class _RequirementCheck:
    """A compiled requirement: `evaluate` in its first form."""

    def __init__(self, requirement: Requirement) -> None:
        self._key = requirement.key
        condition = requirement.condition
        self._condition = None if condition is None else compile_condition(condition)
        self._rule = compile_rule(requirement.rule, requirement.key)
        self._exemptions = [ExemptionCheck(accepted, requirement.key) for accepted in requirement.exemptions]
        relevance = merge_relevance(check.relevance for check in (self._rule, *self._exemptions))
        self._proof = PROOF + requirement.key
        self._relevance = relevance._replace(documents=relevance.documents | {self._proof})

    @property
    def relevance(self) -> Relevance:
        """Return which evidence can bear on the requirement: callers date "last changed" by it."""
        return self._relevance

    def __call__(self, evidence: Evidence, facts: StudentFacts, on_date: date) -> Verdict:
        applies = YES if self._condition is None else self._condition(facts, on_date)
        if applies.truth is False:
            later = applies.changes_on
            return DOES_NOT_APPLY if later is None else DOES_NOT_APPLY._replace(changes_on=later)
        if evidence.exemptions:
            reviewed = self._judge(evidence, facts, on_date, APPROVED_ONLY)
        else:
            reviewed = self._rule(evidence, facts, on_date, APPROVED_ONLY)
        if reviewed.holds:
            return _verdict(ItemStatus.APPROVED, reviewed, applies)
        states = self._states(evidence)
        if "pending" in states:
            hoped = self._judge(evidence, facts, on_date, WITH_PENDING)
            later = earliest((reviewed.changes_on, hoped.changes_on))
            if hoped.holds:
                reasons = (Reason("awaiting_review"), *hoped.reasons)
                return _verdict(
                    ItemStatus.PENDING, hoped._replace(reasons=reasons, changes_on=later), applies
                )
            if self._unread(evidence):
                reasons = (Reason("awaiting_reading"), *reviewed.reasons)
                return _verdict(
                    ItemStatus.PENDING, reviewed._replace(reasons=reasons, changes_on=later), applies
                )
            reasons = (*reviewed.reasons, Reason("part_awaiting_review"))
            reviewed = reviewed._replace(reasons=reasons, changes_on=later)
        if "rejected" in states and _newest_was_rejected(self._relevant(evidence)):
            reasons = (Reason("evidence_rejected"), *reviewed.reasons)
            return _verdict(ItemStatus.REJECTED, reviewed._replace(reasons=reasons), applies)
        if reviewed.lapsed or self._held_before(evidence, facts, on_date):
            return _verdict(ItemStatus.EXPIRED, reviewed, applies)
        return _verdict(ItemStatus.INCOMPLETE, reviewed, applies)

    def _unread(self, evidence: Evidence) -> bool:
        """Say whether pages wait whose content only the reviewer will put on record."""
        return any(paper.kind == self._proof and paper.state == "pending" for paper in evidence.documents)

    def _judge(
        self, evidence: Evidence, facts: StudentFacts, on_date: date, counted: frozenset[str]
    ) -> Outcome:
        """Judge the rule, and where it does not hold, the accepted exemptions."""
        outcome = self._rule(evidence, facts, on_date, counted)
        if outcome.holds or not evidence.exemptions:
            return outcome
        exempt = [check(evidence, facts, on_date, counted) for check in self._exemptions]
        claimed = [one for one in exempt if one.reasons[0].code != "exemption_missing"]
        later = earliest([outcome.changes_on, *(one.changes_on for one in claimed)])
        holding = [one for one in claimed if one.holds]
        if holding:
            best = max(holding, key=lambda one: one.next_action_on or date.max)
            return best._replace(changes_on=later, doses=outcome.doses)
        refused = tuple(reason for one in claimed for reason in one.reasons)
        refused += self._not_accepted(evidence, counted)
        return outcome._replace(reasons=(*outcome.reasons, *refused), changes_on=later)

    def _not_accepted(self, evidence: Evidence, counted: frozenset[str]) -> tuple[Reason, ...]:
        """Name exemptions claimed for this very requirement whose kind it does not accept."""
        kinds = sorted(
            {
                one.kind
                for one in evidence.exemptions
                if one.requirement == self._key
                and one.state in counted
                and one.kind not in self._relevance.exemptions
            }
        )
        return tuple(Reason("exemption_kind_not_accepted", (("exemption", kind),)) for kind in kinds)

    def _states(self, evidence: Evidence) -> set[str]:
        """Return the review states that the relevant evidence is in."""
        cvx, antibodies, documents, forms, _ = self._relevance
        states: set[str] = {dose.state for dose in evidence.doses if dose.cvx in cvx} if cvx else set()
        if antibodies and evidence.titers:
            states.update(titer.state for titer in evidence.titers if titer.antibody in antibodies)
        if documents and evidence.documents:
            states.update(paper.state for paper in evidence.documents if paper.kind in documents)
        if forms and evidence.forms:
            states.update(form.state for form in evidence.forms if form.form in forms)
        if evidence.exemptions:
            states.update(item.state for item in self._relevant(evidence))
        return states

    def _relevant(self, evidence: Evidence) -> list[Any]:
        """Return all evidence that the rule or its exemptions look at."""
        cvx, antibodies, documents, forms, kinds = self._relevance
        items: list[Any] = [dose for dose in evidence.doses if dose.cvx in cvx] if cvx else []
        items += [titer for titer in evidence.titers if titer.antibody in antibodies]
        items += [paper for paper in evidence.documents if paper.kind in documents]
        items += [form for form in evidence.forms if form.form in forms]
        items += [
            one for one in evidence.exemptions if one.kind in kinds and one.requirement in ("", self._key)
        ]
        return items

    def _held_before(self, evidence: Evidence, facts: StudentFacts, on_date: date) -> bool:
        """Say whether approved evidence once sufficed: it did so last on the eve of one of the lapses."""
        if not (self._rule.can_lapse or evidence.exemptions):
            return False
        lapses = set(self._rule.lapses(evidence)) if self._rule.can_lapse else set()
        if evidence.exemptions:
            for check in self._exemptions:
                lapses.update(check.lapses(evidence))
        return any(
            self._judge(evidence, facts, shift_days(lapsed_on, -1), APPROVED_ONLY).holds
            for lapsed_on in lapses
            if lapsed_on <= on_date
        )


def _newest_was_rejected(relevant: list[Any]) -> bool:
    """Look at what came in last; of several that came at once (or at no known time), one refusal suffices."""
    came = [(item.submitted_at is not None, item.submitted_at) for item in relevant]
    newest = max(came)
    return any(item.state == "rejected" for item, when in zip(relevant, came, strict=True) if when == newest)


@lru_cache(maxsize=1024)
def _compiled(requirement: Requirement) -> Evaluator:
    return compile_requirement(requirement)


def _verdict(status: ItemStatus, outcome: Outcome, applies: Answer) -> Verdict:
    _, reasons, next_action_on, changes_on, administered_on, doses, _, _ = outcome
    if applies is not YES:
        changes_on = earliest((changes_on, applies.changes_on))
        reasons += tuple(Reason("fact_unknown", (("fact", fact),)) for fact in applies.unknown)
    return quick(Verdict, (True, status, reasons, next_action_on, changes_on, administered_on, doses))
