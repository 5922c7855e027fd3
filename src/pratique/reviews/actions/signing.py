"""Signing a form that somebody else filled in: the name typed in full, once a person, each at their own place."""

from datetime import date, datetime
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.records.models import FormAnswer, Signature, Submission, SubmissionState
from pratique.reviews.actions.effects import locked, record
from pratique.reviews.actions.sending import enter_queue
from pratique.reviews.errors import ReviewError
from pratique.reviews.queries.signing import of_submission, role_of
from pratique.students import guardians
from pratique.students.models import Guardianship


class NotSignableError(ReviewError):
    """The form cannot be signed by this person, or not now."""


def sign(
    *,
    institution: Institution,
    student_id: UUID,
    answer_id: UUID,
    name: str,
    agreed: bool,
    by: audit.Actor,
    now: datetime,
    today: date,
) -> Submission:
    """Sign a form of a student that waits for it; with the last signature it enters the review queue.

    A guardian signs only as long as they may, which is looked at again here, and nothing that is confidential.
    Signing what one has signed is a success that changes nothing. Raises NotSignableError, with the field's name as
    its code where something is missing in what was typed.
    """
    name = " ".join(name.replace("\0", "").split())
    submission = _lock(student_id, answer_id)
    signing = next(one for one in of_submission(submission) if one.answer.id == answer_id)
    if by.kind == "guardian":
        # Whoever ends the help at this moment waits for this signature, or this signature for them.
        list(Guardianship.objects.select_for_update().filter(student_id=student_id, user_id=by.id))
        allowed = guardians.may_sign(UUID(by.id), student_id, today)
        if not allowed or submission.confidential:
            raise NotSignableError(_("You may not sign this."), "not_allowed")
    if signing.is_signed_by(by):
        return submission
    if submission.state != SubmissionState.WAITING or not signing.may_be_signed_by(by):
        raise NotSignableError(_("This form does not wait for your signature any more."), "not_waiting")
    if len(name) > 200 or sum(sign.isalpha() for sign in name) < 2:
        raise NotSignableError(_("Sign by typing your full name."), "name")
    if not agreed:
        raise NotSignableError(_("Tick the box to sign."), "agreed")
    role = role_of(by)
    Signature.objects.create(
        institution_id=institution.id, form_answer=signing.answer, place=signing.free_place(role), role=role,
        name=name, signed_at=now, signed_by=str(by),
    )  # fmt: skip
    if all(not one.missing for one in of_submission(submission)):
        # Leaves the same audit row.
        return enter_queue(institution=institution, submission_id=submission.id, by=by, now=now, today=today)
    record("records:submission:signed", submission, by=by, now=now, detail={"role": role.value})
    return submission


def _lock(student_id: UUID, answer_id: UUID) -> Submission:
    found = (
        FormAnswer.objects.filter(id=answer_id, student_id=student_id).values_list("submission_id").first()
    )
    gone = NotSignableError(_("This form was taken back. There is nothing to sign."), "gone")
    if found is None or found[0] is None:
        raise gone
    submission = locked(found[0])
    # Taken back while we waited for the lock: then the form is gone with it.
    if not FormAnswer.objects.filter(id=answer_id).exists():
        raise gone
    return submission
