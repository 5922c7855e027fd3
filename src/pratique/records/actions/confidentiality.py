"""What a student keeps from those who help them: a submission marked, or shown again, at any time."""

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.records import forms
from pratique.records.models import FormAnswer, Signature, Submission, SubmissionState
from pratique.records.policies import Refusal
from pratique.records.queries import forms_of_versions


class NeedsGuardianError(Exception):
    """The submission waits for a guardian's signature; `refusal` says so to the student."""

    def __init__(self, refusal: Refusal) -> None:
        self.refusal = refusal
        super().__init__(refusal.code)


def set_confidential(
    *, submission_id: UUID, student_id: UUID, confidential: bool, by: audit.Actor, now: datetime
) -> Submission:
    """Keep a student's submission from guardians, or no longer; drafts, waiting and decided ones alike.

    Raises NeedsGuardianError while a guardian's signature is missing, Submission.DoesNotExist.
    """
    with transaction.atomic():
        submission = Submission.objects.select_for_update(of=("self",)).get(
            id=submission_id, student_id=student_id
        )
        if submission.confidential == confidential:
            return submission
        if confidential and _waits_for_guardian(submission):
            sentence = _(
                "This waits for the signature of a parent or guardian, who has to see what they sign. Take it back "
                "first, if nobody is to see it."
            )
            raise NeedsGuardianError(Refusal("signatures", sentence))
        submission.confidential = confidential
        submission.save(update_fields=["confidential"])
        audit.record(
            "records:submission:changed", institution_id=submission.institution_id, by=by, now=now,
            subject_type="student", subject_id=student_id,
            detail={"submission": str(submission.id), "confidential": confidential},
        )  # fmt: skip
    return submission


def _waits_for_guardian(submission: Submission) -> bool:
    if submission.state != SubmissionState.WAITING or submission.queued_at is not None:
        return False
    answers = list(FormAnswer.objects.filter(submission=submission))
    known = forms_of_versions({(one.form, int(one.form_version or 0)) for one in answers})
    for answer in answers:
        form = known.get((answer.form, int(answer.form_version or 0)))
        roles = Signature.objects.filter(form_answer=answer).values_list("role", flat=True)
        if form is not None and forms.Signer.GUARDIAN in forms.missing_signers(form, roles):
            return True
    return False
