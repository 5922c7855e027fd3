"""Standing as somebody may see it who helps a student: as if nothing confidential had been handed in."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from pratique.compliance.queries import CurrentItem, standing, what_if
from pratique.records import confidentiality


def open_standing(student_id: UUID, membership_id: UUID, today: date) -> list[CurrentItem]:
    """Return the items that a guardian may see, in their order, without the doses on record.

    Left out is what the student handed something confidential in for, and what stands as it does only because of
    confidential evidence: a wrong "to do" would be a riddle that is soon solved.
    """
    hidden_evidence = confidentiality.evidence_ids(student_id)
    hidden = confidentiality.keys(student_id)
    items = standing(membership_id, today)
    if hidden_evidence:
        without = {one.key: one for one in what_if(membership_id, today, without=hidden_evidence)}
        alike = [
            without[one.key]
            for one in items
            if one.key in without and _looks(one) == _looks(without[one.key])
        ]
        items = alike
    return [replace(one, doses=()) for one in items if one.key not in hidden]


def _looks(item: CurrentItem) -> tuple[object, ...]:
    return item.status, tuple(item.reasons), item.next_action_on
