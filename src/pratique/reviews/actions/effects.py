"""What follows from a deed: the audit row, standing judged again in the same transaction, and the student told."""

from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any
from uuid import UUID

from pratique.compliance.actions import evaluate_students
from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.records.models import Submission
from pratique.reviews.policies import NOTICE_AFTER
from pratique.students.actions import mark_stale
from pratique.students.actions.notices import drop_waiting, queue_notice
from pratique.students.models import Membership, MembershipState, NoticeKind

# What a decision may have said, and what is said no more when it is taken back or overtaken.
OF_DECISIONS = (NoticeKind.RETURNED, NoticeKind.REVIEWED, NoticeKind.COMPLETE)


def locked(submission_id: UUID) -> Submission:
    """Return a submission with its row locked until the transaction ends; raises Submission.DoesNotExist.

    Whoever changes a case or its pieces takes this lock first: that is the whole lock order.
    """
    return Submission.objects.select_for_update(of=("self",)).get(id=submission_id)


def record(
    event: str,
    submission: Submission,
    *,
    by: audit.Actor,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Append the audit row of a deed on a case, about its student."""
    audit.record(
        event,
        institution_id=submission.institution_id,
        by=by,
        now=now,
        subject_type="student",
        subject_id=submission.student_id,
        detail={"submission": str(submission.id), **(detail or {})},
    )


def judge_again(
    *, institution: Institution, student_ids: Collection[UUID], today: date, now: datetime
) -> bool:
    """Mark the students stale and judge them in this transaction; False where a worker will do it in a moment.

    Holds the institution's lock of evaluations until the commit, so it comes last.
    """
    mark_stale(student_ids=student_ids, now=now)
    return evaluate_students(institution=institution, student_ids=student_ids, today=today, now=now)


def complete_students(student_ids: Collection[UUID]) -> set[UUID]:
    """Return those of whom nothing is asked any more: each of their active memberships is complete."""
    active = Membership.objects.filter(
        student_id__in=student_ids, state=MembershipState.ACTIVE, tracker__isnull=False
    )
    standing = list(active.values_list("student_id", "complete"))
    return {student for student, _ in standing} - {student for student, complete in standing if not complete}


def tell_decided(*, student_id: UUID, returned: bool, completed: bool, now: datetime) -> None:
    """Have the student told of a decision once it can no longer be undone; on completion nothing else is said."""
    kind = NoticeKind.REVIEWED
    if returned:
        kind = NoticeKind.RETURNED
    elif completed:
        kind = NoticeKind.COMPLETE
        drop_waiting(student_id=student_id, kinds=(NoticeKind.RETURNED, NoticeKind.REVIEWED), now=now)
    queue_notice(student_id=student_id, kind=kind, now=now, send_at=now + NOTICE_AFTER)


def untell(*, student_id: UUID, now: datetime) -> None:
    """Drop what waits to be said about decisions."""
    drop_waiting(student_id=student_id, kinds=OF_DECISIONS, now=now)


def tell_of_message(*, student_id: UUID, now: datetime) -> None:
    """Have the student told that there is a message to read."""
    queue_notice(student_id=student_id, kind=NoticeKind.MESSAGE, now=now)
