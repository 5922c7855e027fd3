"""From a membership's facts to its standing. PURE: no database, no clock.

`pratique.rules` judges one requirement; here the verdicts of a whole set become items and progress as
contracts/domain.md, "Item status", defines them.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pratique.rules import (
    Evaluator,
    Evidence,
    ItemStatus,
    Reason,
    Requirement,
    StudentFacts,
    compile_requirement,
)

DONE_BY_STUDENT = (ItemStatus.APPROVED, ItemStatus.PENDING)

# What was last touched, by the name under which rules know it: ("dose", "03") -> instant of submission or review.
Touched = Mapping[str, datetime]


class Facts(NamedTuple):
    """All that one membership is judged by. `touched` holds the last change of each kind of evidence."""

    requirement_group_id: UUID | None
    student: StudentFacts
    evidence: Evidence
    touched: Touched


class Judged(NamedTuple):
    """One item as it stands."""

    key: str
    status: ItemStatus
    next_action_on: date | None
    administered_on: date | None
    last_modified_at: datetime | None
    reasons: tuple[Reason, ...]


class Standing(NamedTuple):
    """A membership's items and the progress that follows from them."""

    items: tuple[Judged, ...]
    num_complete: int
    num_approved: int
    user_complete: bool
    complete: bool
    next_action_on: date | None
    changes_on: date | None


class CompiledSet(NamedTuple):
    """A requirement set ready to judge many: evaluators, and which evidence each looks at.

    `in_force` is False where a group's first set applies only from `replaced_on` on.
    """

    parts: tuple[tuple[str, Evaluator, frozenset[str]], ...]
    replaced_on: date | None
    in_force: bool = True


NOTHING_ASKED = Standing((), 0, 0, False, False, None, None)


def compile_set(requirements: tuple[Requirement, ...], replaced_on: date | None) -> CompiledSet:
    """Prepare a set for `judge`. `replaced_on`: the day on which another version takes over."""
    parts = []
    for requirement in requirements:
        evaluator = compile_requirement(requirement)
        parts.append((requirement.key, evaluator, _looked_at(evaluator, requirement.key)))
    return CompiledSet(tuple(parts), replaced_on)


def judge(facts: Facts, compiled: CompiledSet | None, on_date: date) -> Standing:
    """Judge every requirement of the set that applies.

    Without a set (no tracker, or nothing published for its group) nothing is asked and nothing is complete.
    """
    if compiled is None:
        return NOTHING_ASKED
    if not compiled.in_force:
        return NOTHING_ASKED._replace(changes_on=compiled.replaced_on)
    items = []
    complete = approved = 0
    changes_on, next_action_on = compiled.replaced_on, None
    touched = facts.touched
    for key, evaluator, looked_at in compiled.parts:
        verdict = evaluator(facts.evidence, facts.student, on_date)
        later = verdict.changes_on
        if later is not None and (changes_on is None or later < changes_on):
            changes_on = later
        if not verdict.applies:
            continue
        status, action = verdict.status, verdict.next_action_on
        if status in DONE_BY_STUDENT:
            complete += 1
            approved += status is ItemStatus.APPROVED
        if action is not None and (next_action_on is None or action < next_action_on):
            next_action_on = action
        last = max((at for name, at in touched.items() if name in looked_at), default=None)
        items.append(Judged(key, status, action, verdict.administered_on, last, verdict.reasons))
    count = len(items)
    return Standing(
        tuple(items), complete, approved, complete == count, approved == count, next_action_on, changes_on
    )


def _looked_at(evaluator: Evaluator, key: str) -> frozenset[str]:
    relevance = evaluator.relevance
    return frozenset(
        {
            *(f"dose:{cvx}" for cvx in relevance.cvx),
            *(f"titer:{antibody}" for antibody in relevance.antibodies),
            *(f"document:{kind}" for kind in relevance.documents),
            *(f"form:{form}" for form in relevance.forms),
            *(f"exemption:{kind}:{which}" for kind in relevance.exemptions for which in ("", key)),
        }
    )
