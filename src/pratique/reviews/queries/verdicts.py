"""What the machine says of cases: every requirement judged as if the pieces of a case were approved.

For one case or for a page of the queue: the facts of all of them are read in a fixed number of queries.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID

from pratique.compliance import facts
from pratique.requirements.queries import sets_in_force
from pratique.rules import (
    PROOF,
    DoseFinding,
    Evaluator,
    Evidence,
    EvidenceState,
    ItemStatus,
    Relevance,
    Requirement,
    StudentFacts,
    compile_requirement,
)
from pratique.rules import Verdict as RulesVerdict
from pratique.students.models import Membership, MembershipState


class Judgement(NamedTuple):
    """One requirement of one student: as it stands, and as it would be with the case approved."""

    requirement: Requirement
    now: RulesVerdict
    would_be: RulesVerdict
    # Ids of those pieces of the case that bear on this requirement.
    pieces: frozenset[str]
    # Ids of what bears on it and was approved before: the verdict rests on that too.
    on_record: frozenset[UUID] = frozenset()

    def finding(self, piece_id: str) -> DoseFinding | None:
        """Return what became of a dose, or None where the rule did not look at it."""
        return next((one for one in self.would_be.doses if str(one.dose_id) == piece_id), None)


_compiled = lru_cache(maxsize=1024)(compile_requirement)


def judgements(
    cases: Mapping[UUID, tuple[UUID, Collection[str]]], today: date
) -> dict[UUID, list[Judgement]]:
    """Return for each case (id: student and ids of its pieces) every requirement that applies to its student."""
    students = {student for student, _ in cases.values()}
    memberships = dict(
        Membership.objects.filter(student_id__in=students, state=MembershipState.ACTIVE)
        .order_by("created_at", "id")
        .values_list("id", "student_id")
    )
    loaded = {one.membership_id: one.facts for one in facts.of(list(memberships))} if memberships else {}
    asked = sets_in_force(today)
    found: dict[UUID, list[Judgement]] = {}
    for case, (student, pieces) in cases.items():
        judged: dict[str, Judgement] = {}
        for membership, owner in memberships.items():
            known = loaded.get(membership)
            if owner != student or known is None or known.requirement_group_id is None:
                continue
            in_force = asked.get(known.requirement_group_id)
            for requirement in in_force.requirements if in_force else ():
                if requirement.key not in judged:
                    one = _judge(requirement, known.evidence, known.student, set(pieces), today)
                    if one is not None:
                        judged[requirement.key] = one
        found[case] = list(judged.values())
    return found


def _judge(
    requirement: Requirement, evidence: Evidence, student: StudentFacts, pieces: set[str], today: date
) -> Judgement | None:
    check: Evaluator = _compiled(requirement)
    now = check(evidence, student, today)
    if not now.applies:
        return None
    kinds: Any = evidence
    approved = Evidence(
        *(
            tuple(one._replace(state="approved") if str(one.id) in pieces else one for one in kind)
            for kind in kinds
        )
    )
    bearing = _bearing(evidence, check.relevance, requirement.key)
    before = frozenset(
        UUID(str(one.id))
        for kind in kinds
        for one in kind
        if str(one.id) in bearing - pieces and one.state == EvidenceState.APPROVED
    )
    return Judgement(requirement, now, check(approved, student, today), frozenset(bearing & pieces), before)


def _bearing(evidence: Evidence, relevance: Relevance, key: str) -> set[str]:
    """Return the ids of the evidence that a requirement looks at."""
    papers = relevance.documents | {PROOF + key}
    return {
        *(str(dose.id) for dose in evidence.doses if dose.cvx in relevance.cvx),
        *(str(titer.id) for titer in evidence.titers if titer.antibody in relevance.antibodies),
        *(str(paper.id) for paper in evidence.documents if paper.kind in papers),
        *(str(form.id) for form in evidence.forms if form.form in relevance.forms),
        *(
            str(one.id)
            for one in evidence.exemptions
            if one.kind in relevance.exemptions and one.requirement in ("", key)
        ),
    }


def all_approved(judged: Sequence[Judgement], aimed: Collection[str]) -> bool:
    """Say whether everything that the case is about would be approved with it; nothing at all is not everything."""
    concerned = [one for one in judged if one.pieces or one.requirement.key in aimed]
    return bool(concerned) and all(one.would_be.status == ItemStatus.APPROVED for one in concerned)
