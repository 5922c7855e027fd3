"""What a student keeps from those who help them: the requirements and evidence of confidential submissions."""

from uuid import UUID

from pratique.records.models import Submission, SubmissionState
from pratique.records.queries import EVIDENCE_KINDS


def keys(student_id: UUID) -> set[str]:
    """Return the requirements of which something confidential was handed in or begun."""
    submissions = Submission.objects.filter(student_id=student_id, confidential=True).exclude(
        state=SubmissionState.WITHDRAWN
    )
    return {key for found in submissions.values_list("requirement_keys", flat=True) for key in found}


def evidence_ids(student_id: UUID) -> set[str]:
    """Return the ids of the evidence that came with confidential submissions."""
    submissions = list(
        Submission.objects.filter(student_id=student_id, confidential=True).values_list("id", flat=True)
    )
    if not submissions:
        return set()
    found: set[str] = set()
    for model in EVIDENCE_KINDS.values():
        rows = model._default_manager.filter(submission_id__in=submissions)
        found.update(str(key) for key in rows.values_list("id", flat=True))
    return found
