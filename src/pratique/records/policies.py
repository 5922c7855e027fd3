"""What the state of a submission allows. PURE; *who* may is decided by the caller."""

from typing import NamedTuple

from django.utils.translation import gettext as _

from pratique.records.models import Submission, SubmissionState


class Refusal(NamedTuple):
    """Why something is not possible now, in words for the person who tried."""

    code: str
    sentence: str


def may_edit(submission: Submission) -> Refusal | None:
    """Say what keeps a student from changing a submission; only a draft can be changed."""
    match submission.state:
        case SubmissionState.DRAFT:
            return None
        case SubmissionState.WAITING:
            return Refusal("sent", _("This was sent already. Take it back to change it."))
        case SubmissionState.DECIDED:
            return Refusal(
                "decided", _("A reviewer has decided on this. Hand in what is missing as a new one.")
            )
    return Refusal("withdrawn", _("This was taken back. Start a new one."))


def may_withdraw(submission: Submission) -> Refusal | None:
    """Say what keeps a student from taking a submission back: it must wait, and no reviewer have begun."""
    if submission.state != SubmissionState.WAITING:
        return may_edit(submission) or Refusal("draft", _("This was not sent yet."))
    if submission.opened_at is not None:
        return Refusal(
            "begun", _("A reviewer has begun to look at this. Write a message if something in it is wrong.")
        )
    return None
