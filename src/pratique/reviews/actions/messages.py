"""Messages between a student and the reviewers. Their text stays in the portal and the console."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.foundation import audit
from pratique.records.models import Submission
from pratique.reviews.actions.effects import tell_of_message
from pratique.reviews.errors import ReviewError
from pratique.reviews.models import Message, MessageSide
from pratique.reviews.queries.messages import confidential_keys
from pratique.students.models import Student

LONGEST = 4000


class MessageError(ReviewError):
    """The message cannot be sent as it is."""


def write(
    *,
    student_id: UUID,
    requirement_key: str,
    body: str,
    side: MessageSide,
    confidential: bool = False,
    submission_id: UUID | None = None,
    by: audit.Actor,
    now: datetime,
) -> Message:
    """Add a message to the thread of a student and a requirement ("" for none); staff's is announced to the student.

    About something confidential it is confidential, whatever was asked. Raises MessageError for an empty or too long
    text, Student.DoesNotExist or Submission.DoesNotExist for what is not this student's.
    """
    text = body.replace("\0", "").replace("\r\n", "\n").strip()
    if not text:
        raise MessageError(_("Write something first."), "empty")
    if len(text) > LONGEST:
        raise MessageError(_("Please use at most 4,000 characters."), "too_long")
    student = Student.objects.only("id", "institution_id").get(id=student_id)
    if submission_id is not None:
        case = Submission.objects.only("confidential").get(id=submission_id, student_id=student_id)
        confidential = confidential or case.confidential
    message = Message.objects.create(
        institution_id=student.institution_id, student=student, requirement_key=requirement_key[:60],
        submission_id=submission_id, side=side, body=text, sent_at=now, sent_by=str(by),
        confidential=confidential
        or requirement_key in confidential_keys(student_id)
        or _is_kept(student_id, requirement_key),
    )  # fmt: skip
    _record("reviews:message:sent", student, by=by, now=now, detail={"side": str(side)})
    if side == MessageSide.STAFF:
        tell_of_message(student_id=student_id, now=now)
    return message


def _is_kept(student_id: UUID, requirement_key: str) -> bool:
    """Return whether the last message of a thread is confidential: what answers it is too."""
    thread = Message.objects.filter(student_id=student_id, requirement_key=requirement_key)
    return bool(thread.order_by("-sent_at", "-id").values_list("confidential", flat=True).first())


def set_thread_confidential(
    *, student_id: UUID, requirement_key: str, confidential: bool, by: audit.Actor, now: datetime
) -> int:
    """Keep a thread from guardians, with what will answer it, or no longer; return how many messages changed."""
    thread = Message.objects.filter(student_id=student_id, requirement_key=requirement_key)
    changed = thread.exclude(confidential=confidential).update(confidential=confidential)
    if changed:
        student = Student.objects.only("id", "institution_id").get(id=student_id)
        detail: dict[str, object] = {"messages": changed, "confidential": confidential}
        _record("reviews:message:changed", student, by=by, now=now, detail=detail)
    return changed


def mark_read(
    *,
    student_id: UUID,
    requirement_key: str | None,
    side: MessageSide,
    by: audit.Actor,
    now: datetime,
) -> int:
    """Note that `side` has read what the other side wrote in a thread (None: in all of them); return how many.

    A guardian who looks has not read for the student: the caller does not call this then.
    """
    other = MessageSide.STUDENT if side == MessageSide.STAFF else MessageSide.STAFF
    unread = Message.objects.filter(student_id=student_id, side=other, read_at__isnull=True)
    if requirement_key is not None:
        unread = unread.filter(requirement_key=requirement_key)
    count = unread.update(read_at=now, read_by=str(by))
    if count and side == MessageSide.STAFF:
        student = Student.objects.only("id", "institution_id").get(id=student_id)
        _record("reviews:message:read", student, by=by, now=now, detail={"messages": count})
    return count


def _record(
    event: str, student: Student, *, by: audit.Actor, now: datetime, detail: dict[str, object]
) -> None:
    audit.record(
        event,
        institution_id=student.institution_id,
        by=by,
        now=now,
        subject_type="student",
        subject_id=student.id,
        detail=detail,
    )
