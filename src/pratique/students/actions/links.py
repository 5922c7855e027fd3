"""What happens to sign-in links: issued, asked for again, tried with an answer."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.students import links
from pratique.students.actions.notices import queue_notice
from pratique.students.models import LinkPurpose, Notice, NoticeKind, SignInLink, Student, StudentAccount


def issue_link(
    *, student_id: UUID, guardianship_id: UUID | None = None, by: audit.Actor, now: datetime
) -> str:
    """Make a link for a student, or somebody who helps them, and return its token: this once, it is kept nowhere."""
    student = Student.objects.get(id=student_id)
    made = links.new_token()
    link = SignInLink(
        institution_id=student.institution_id, student=student, guardianship=guardianship_id,
        purpose=LinkPurpose.GUARDIAN if guardianship_id else LinkPurpose.STUDENT,
        token_hash=made.token_hash, created_at=now, expires_at=now + links.GOOD_FOR,
    )  # fmt: skip
    link.save(force_insert=True)
    _record("students:link:issued", student, by=by, now=now)
    return made.token


def send_link(*, student_id: UUID, by: audit.Actor, now: datetime) -> bool:
    """Have a fresh link mailed to a student, as staff ask; False where no address is on file."""
    student = Student.objects.get(id=student_id)
    if not student.email:
        return False
    queue_notice(student_id=student.id, kind=NoticeKind.SIGN_IN_LINK, now=now)
    _record("students:link:requested", student, by=by, now=now)
    return True


def ask_again(*, institution_id: UUID, student_id: UUID, now: datetime) -> bool:
    """Have a fresh link mailed to the address on file, as somebody with an old link or a username asks.

    False, and nothing is sent, where one was asked for a moment ago, often enough today, or no address is on file.
    """
    with institution_scope(institution_id):
        # Whoever else asks for the same student at this moment waits, and is then counted.
        student = Student.objects.select_for_update().get(id=student_id)
        asked = Notice.objects.filter(
            student=student, kind=NoticeKind.SIGN_IN_LINK, queued_at__gt=now - links.ASK_WITHIN
        ).values_list("queued_at", flat=True)
        times = list(asked)
        if not student.email or len(times) >= links.ASK_A_DAY:
            return False
        if any(time > now - links.ASK_EVERY for time in times):
            return False
        queue_notice(student_id=student.id, kind=NoticeKind.SIGN_IN_LINK, now=now)
        _record("students:link:requested", student, by=audit.Actor("student", str(student.id)), now=now)
        return True


class Answer(StrEnum):
    """What became of an answer to the question that a link asks."""

    RIGHT = "right"
    WRONG = "wrong"
    LOCKED = "locked"
    GONE = "gone"  # the link asks nothing any more: used, expired, or of somebody who has an account


def confirm(
    *, link_id: UUID, birth: date | None = None, student_id: str | None = None, now: datetime
) -> Answer:
    """Compare an answer with what the school has on file, and count it if it is wrong.

    Wrong answers are counted over all links of the student: every fifth locks all of them. An answer to another
    question than the one that is asked (`links.asked`) is wrong.
    """
    link = SignInLink.objects.select_related("student").get(id=link_id)
    student = link.student
    own = SignInLink.objects.filter(student=student, purpose=LinkPurpose.STUDENT)
    held = {one.id: one for one in own.select_for_update().order_by("id")}
    link = held[link.id]
    if link.used_at or link.expires_at <= now or StudentAccount.objects.filter(student=student).exists():
        return Answer.GONE
    if any(one.locked_until and one.locked_until > now for one in held.values()):
        return Answer.LOCKED
    if is_right(student, birth, student_id):
        return Answer.RIGHT
    link.wrong_tries = min(link.wrong_tries + 1, 32_000)
    link.save(update_fields=["wrong_tries"])
    until = links.lock_until(wrong_tries=sum(one.wrong_tries for one in held.values()), now=now)
    _record("students:link:wrong_answer", student, by=audit.Actor("link", str(link.id)), now=now)
    if until is None:
        return Answer.WRONG
    own.update(locked_until=until)
    return Answer.LOCKED


def is_right(student: Student, birth: date | None, student_id: str | None) -> bool:
    """Return whether an answer is what the school has on file, to the question that is asked."""
    wanted = links.asked(student)
    if wanted is links.LinkState.BIRTH:
        return birth is not None and links.same_birth(student.date_of_birth, birth)  # type: ignore[arg-type]
    return (
        wanted is links.LinkState.STUDENT_ID
        and student_id is not None
        and links.same_student_id(student.student_id, student_id)
    )


def _record(action: str, student: Student, *, by: audit.Actor, now: datetime) -> None:
    audit.record(
        action, institution_id=student.institution_id, by=by, now=now, subject_type="student",
        subject_id=student.id,
    )  # fmt: skip
