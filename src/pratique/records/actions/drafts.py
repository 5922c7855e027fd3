"""A student's draft: started, saved as they type, thrown away. Sending it is `reviews.actions.sending`."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction

from pratique.foundation import audit
from pratique.records.models import Submission, SubmissionState
from pratique.records.policies import Refusal, may_edit
from pratique.students.models import Student

# Nothing that can be taken for something else when it is read out on the telephone.
_ALPHABET = "23456789BCDFGHJKMNPQRTVWXY"
_NUMBER_LENGTH = 8
LARGEST_DRAFT_PIECES = 60
LONGEST_NOTE = 1000


class DraftError(Exception):
    """A draft cannot be changed; the text is for the student."""


class NotEditableError(DraftError):
    """The submission is no draft any more."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.sentence)


class DraftMovedError(DraftError):
    """Somebody (the same person in another tab, a guardian) saved it since it was read."""

    def __init__(self, submission: Submission) -> None:
        self.submission = submission
        super().__init__("The draft was changed meanwhile.")


class DraftTooLargeError(DraftError):
    """More pieces than a person types."""


def start_submission(
    *,
    student: Student,
    requirement_keys: Sequence[str],
    follows: Submission | None = None,
    confidential: bool = False,
    by: audit.Actor,
    now: datetime,
) -> Submission:
    """Begin a draft, or go on with the untouched one that this person began for the same requirements."""
    with transaction.atomic():
        # Two taps on the button must not make two drafts.
        Student.objects.select_for_update().only("id").get(id=student.id)
        untouched = Submission.objects.filter(
            student=student, state=SubmissionState.DRAFT, started_by=str(by), draft={}, file__isnull=True,
            requirement_keys=list(requirement_keys), confidential=confidential, follows=follows,
        ).first()  # fmt: skip
        if untouched is not None:
            return untouched
        submission = Submission(
            institution_id=student.institution_id, student=student, number=make_number(), started_at=now,
            started_by=str(by), changed_at=now, requirement_keys=list(requirement_keys), follows=follows,
            confidential=confidential,
        )  # fmt: skip
        submission.save(force_insert=True)
        _record("records:submission:started", submission, by=by, now=now)
    return submission


def save_draft(
    *,
    submission_id: UUID,
    draft: Mapping[str, Any],
    note: str | None = None,
    confidential: bool | None = None,
    requirement_keys: Sequence[str] | None = None,
    seen_changed_at: datetime | None = None,
    by: audit.Actor,
    now: datetime,
) -> Submission:
    """Keep what was typed so far; what is None stays as it is.

    Raises NotEditableError if it is no draft any more, DraftMovedError if it was saved since `seen_changed_at`.
    Leaves no audit row: a draft is the student's own sheet of paper, and it is saved at every keystroke.
    """
    if len(draft.get("pieces", ())) > LARGEST_DRAFT_PIECES:
        raise DraftTooLargeError
    with transaction.atomic():
        submission = locked_draft(submission_id)
        if seen_changed_at is not None and submission.changed_at != seen_changed_at:
            raise DraftMovedError(submission)
        submission.draft = dict(draft)
        submission.changed_at = now
        if note is not None:
            submission.note = note.replace("\0", "")[:LONGEST_NOTE]
        if confidential is not None:
            submission.confidential = confidential
        if requirement_keys is not None:
            submission.requirement_keys = list(requirement_keys)
        submission.save(update_fields=["draft", "changed_at", "note", "confidential", "requirement_keys"])
    return submission


def discard_draft(*, submission_id: UUID, by: audit.Actor, now: datetime) -> None:
    """Throw a draft away: it is marked as taken back, and its files go with the daily tidying."""
    with transaction.atomic():
        submission = locked_draft(submission_id)
        submission.state = SubmissionState.WITHDRAWN
        submission.draft = {}
        submission.changed_at = submission.withdrawn_at = now
        submission.withdrawn_by = str(by)
        submission.save(update_fields=["state", "draft", "changed_at", "withdrawn_at", "withdrawn_by"])
        _record("records:submission:discarded", submission, by=by, now=now)


def locked_draft(submission_id: UUID) -> Submission:
    """Return a draft with its row locked; raises NotEditableError if it is none, Submission.DoesNotExist."""
    submission = Submission.objects.select_for_update(of=("self",)).get(id=submission_id)
    refusal = may_edit(submission)
    if refusal is not None:
        raise NotEditableError(refusal)
    return submission


def make_number() -> str:
    """Return a fresh receipt number: 26^8 of them, so that none can be guessed or meets another."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(_NUMBER_LENGTH))


def _record(action: str, submission: Submission, *, by: audit.Actor, now: datetime) -> None:
    audit.record(
        action,
        institution_id=submission.institution_id,
        by=by,
        now=now,
        subject_type="student",
        subject_id=submission.student_id,
        detail={"submission": str(submission.id)},
    )
