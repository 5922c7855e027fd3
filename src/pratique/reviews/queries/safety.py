"""Which cases may be approved in bulk: the facts for `policies.unsafe`, in a fixed number of queries for any number."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q

from pratique.records.models import (
    Document,
    Dose,
    Evidence,
    EvidenceState,
    File,
    FileState,
    Page,
    Submission,
    Titer,
)
from pratique.records.queries import EVIDENCE_KINDS
from pratique.reviews.models import Message, MessageSide
from pratique.reviews.policies import BulkFacts, Deed, refusal_of, unsafe
from pratique.reviews.queries.duplicates import duplicates
from pratique.reviews.queries.verdicts import Judgement, all_approved, judgements
from pratique.reviews.types import Duplicate
from pratique.rules import PROOF

Pieces = Mapping[UUID, Sequence[tuple[str, Evidence]]]


class Looked(NamedTuple):
    """What was read about cases on the way, for whoever shows them."""

    pieces: Pieces
    pages: Mapping[UUID, int]
    judged: Mapping[UUID, Sequence[Judgement]]
    duplicates: Mapping[UUID, Sequence[Duplicate]]
    # By case: the code of what keeps it from being approved in bulk, or "".
    unsafe: Mapping[UUID, str]


def look(cases: Sequence[Submission], *, by: str, now: datetime, today: date) -> Looked:
    """Read what decides about approval in bulk, for any number of cases. Seventeen queries."""
    ids = [case.id for case in cases]
    pieces = pieces_of(ids)
    pages, active = _pages(ids)
    unready = set(
        File.objects.filter(~Q(state=FileState.READY), submission_id__in=ids).values_list(
            "submission_id", flat=True
        )
    )
    seen = duplicates(ids)
    students = [case.student_id for case in cases]
    writing = set(
        Message.objects.filter(
            student_id__in=students, side=MessageSide.STUDENT, read_at__isnull=True
        ).values_list("student_id", flat=True)
    )
    judged = judgements(
        {case.id: (case.student_id, {str(row.id) for _, row in pieces[case.id]}) for case in cases}, today
    )
    codes = {}
    for case in cases:
        rows = pieces[case.id]
        facts = BulkFacts(
            possible=refusal_of(case, Deed.APPROVE_MANY, by=by, now=now) is None,
            kinds=frozenset(kind for kind, _ in rows),
            all_pending=all(row.state == EvidenceState.PENDING for _, row in rows),
            complete=all(is_complete(row) for _, row in rows),
            unread_pages=any(is_unread(row) for _, row in rows),
            pages=pages.get(case.id, 0),
            files_unready=case.id in unready,
            active_content=case.id in active,
            duplicates=bool(seen.get(case.id)),
            second_opinion=bool(case.second_opinion_of),
            handed_over=case.handed_to not in ("", by),
            staff_note=bool(case.staff_note),
            student_note=bool(case.note),
            unread_message=case.student_id in writing,
            all_approved=all_approved(judged[case.id], case.requirement_keys),
        )
        codes[case.id] = unsafe(facts)
    return Looked(pieces, pages, judged, seen, codes)


def pieces_of(case_ids: Sequence[UUID]) -> dict[UUID, list[tuple[str, Evidence]]]:
    """Return by case its pieces as (kind, row), in the order in which they came. Five queries."""
    found: dict[UUID, list[tuple[str, Evidence]]] = {case_id: [] for case_id in case_ids}
    for kind, model in EVIDENCE_KINDS.items():
        for row in model._default_manager.filter(submission_id__in=case_ids).order_by("id"):
            found[row.submission_id].append((kind, row))  # type: ignore[index]  # by the filter it has one
    return found


def is_complete(row: Evidence) -> bool:
    """Say whether all is there that a reviewer would look for in a piece."""
    if isinstance(row, Dose):
        return row.precision == "day"
    if isinstance(row, Titer):
        return bool(row.value)
    if isinstance(row, Document):
        return row.issued_on is not None or is_unread(row)
    return True


def is_unread(row: Evidence) -> bool:
    """Say whether a piece is pages of which nobody has typed what is on them."""
    return isinstance(row, Document) and row.kind.startswith(PROOF)


def _pages(ids: Sequence[UUID]) -> tuple[dict[UUID, int], set[UUID]]:
    """Return how many pages each case has, and the cases with a page out of a file of active content. One query."""
    counted = (
        Page.objects.filter(submission_id__in=ids)
        .values_list("submission_id")
        .annotate(count=Count("id"), active=Count("id", filter=Q(file__active_content=True)))
    )
    rows = list(counted)
    return {case_id: count for case_id, count, _ in rows}, {case_id for case_id, _, active in rows if active}
