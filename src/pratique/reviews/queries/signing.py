"""Forms that wait for signatures: which, who has signed, and whose signature is missing."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from pratique.foundation import audit
from pratique.records import forms
from pratique.records.models import FormAnswer, Signature, SignerRole, Submission, SubmissionState
from pratique.records.queries import forms_of_versions


@dataclass(frozen=True)
class Signing:
    """A form that was handed in, and how far its signatures are."""

    answer: FormAnswer
    submission: Submission
    form: forms.Form
    signed: Sequence[Signature]

    @property
    def missing(self) -> tuple[forms.Signer, ...]:
        """Who still has to sign, in the form's order."""
        return forms.missing_signers(self.form, [one.role for one in self.signed])

    @property
    def missing_guardians(self) -> int:
        return self.missing.count(forms.Signer.GUARDIAN)

    def may_be_signed_by(self, by: audit.Actor) -> bool:
        """Whether this account's signature is missing: it has the role, and has not signed yet."""
        return forms.Signer(role_of(by).value) in self.missing and not self.is_signed_by(by)

    def is_signed_by(self, by: audit.Actor) -> bool:
        return any(one.signed_by == str(by) for one in self.signed)

    def free_place(self, role: SignerRole) -> int:
        """Return the first place among the form's signers that is the role's and empty; -1 if none is."""
        taken = {one.place for one in self.signed}
        return next(
            (
                place
                for place, signer in enumerate(self.form.signers)
                if signer.value == role.value and place not in taken
            ),
            -1,
        )


def role_of(by: audit.Actor) -> SignerRole:
    """Return as what an actor signs."""
    return SignerRole.GUARDIAN if by.kind == "guardian" else SignerRole.STUDENT


def unsigned(student_id: UUID, *, sees_confidential: bool = True) -> list[Signing]:
    """Return the forms of a student that wait for a signature, the latest first."""
    submissions = Submission.objects.filter(
        student_id=student_id, state=SubmissionState.WAITING, queued_at__isnull=True
    )
    if not sees_confidential:
        submissions = submissions.filter(confidential=False)
    by_id = {one.id: one for one in submissions.order_by("-sent_at", "-id")}
    found = _with_signatures(list(FormAnswer.objects.filter(submission_id__in=by_id).order_by("id")), by_id)
    order = list(by_id)
    return sorted((one for one in found if one.missing), key=lambda one: order.index(one.submission.id))


def of_submission(submission: Submission) -> list[Signing]:
    """Return the forms of a submission with their signatures."""
    answers = list(FormAnswer.objects.filter(submission=submission).order_by("id"))
    return _with_signatures(answers, {submission.id: submission})


def _with_signatures(answers: Sequence[FormAnswer], submissions: dict[UUID, Submission]) -> list[Signing]:
    known = forms_of_versions({(one.form, one.form_version) for one in answers})
    signed: dict[UUID, list[Signature]] = {}
    for one in Signature.objects.filter(form_answer__in=answers).order_by("place"):
        signed.setdefault(one.form_answer_id, []).append(one)
    return [
        Signing(
            one, submissions[one.submission_id], known[one.form, one.form_version], signed.get(one.id, ())
        )
        for one in answers
        if one.submission_id is not None and (one.form, one.form_version) in known
    ]
