"""A student's account: opened once by a link, then theirs to arrange; and kept in step with the roster."""

from datetime import datetime
from uuid import UUID

from django.db import connection

from pratique.accounts.actions import create_person
from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.institutions.models import Institution
from pratique.students.models import LinkPurpose, SignInLink, Student, StudentAccount


class AlreadyActivatedError(RuntimeError):
    """The student has an account: another tab, or another day, was first."""


def activate(
    *, student_id: UUID, user_id: UUID, password: str | None, language: str, by: audit.Actor, now: datetime
) -> User:
    """Open the account of a student of the present institution, and use up their links.

    `user_id` is chosen by the caller, because a passkey is made for it before it exists. Without a password the
    caller keeps a passkey in the same transaction. Raises AlreadyActivatedError for the second of two.
    """
    student = Student.objects.select_for_update().get(id=student_id)
    if StudentAccount.objects.filter(student=student).exists():
        raise AlreadyActivatedError
    user = create_person(
        institution=Institution.objects.get(id=student.institution_id),
        user_id=user_id,
        username=student.username,
        name=full_name(student),
        role=Role.STUDENT,
        email=student.email,
        password=password,
        language=language,
        by=by,
        now=now,
    )
    account = StudentAccount(
        institution_id=student.institution_id, student=student, user=user, activated_at=now
    )
    account.save(force_insert=True)
    SignInLink.objects.filter(student=student, purpose=LinkPurpose.STUDENT, used_at__isnull=True).update(
        used_at=now
    )
    audit.record(
        "students:account:activated", institution_id=student.institution_id, by=by, now=now,
        subject_type="student", subject_id=student.id,
    )  # fmt: skip
    return user


def full_name(student: Student) -> str:
    """Return the name that an account shows."""
    name = " ".join(filter(None, (student.first_name, student.last_name)))
    return (name or student.username)[:200]


def choose_mail(*, account: StudentAccount, wanted: bool, by: audit.Actor, now: datetime) -> None:
    """Keep whether the student is told things by mail."""
    account.notify_by_mail = wanted
    account.save(update_fields=["notify_by_mail"])
    _record(account, {"mail": wanted}, by=by, now=now)


def choose_text(*, account: StudentAccount, number: str, by: audit.Actor, now: datetime) -> None:
    """Keep a confirmed number to which texts go; an empty one ends them."""
    account.notify_by_text = bool(number)
    account.text_number = number
    account.save(update_fields=["notify_by_text", "text_number"])
    _record(account, {"text": bool(number)}, by=by, now=now)


def _record(account: StudentAccount, detail: dict[str, bool], *, by: audit.Actor, now: datetime) -> None:
    audit.record(
        "students:account:notices_chosen", institution_id=account.institution_id, by=by, now=now,
        subject_type="student", subject_id=account.student_id, detail=detail,
    )  # fmt: skip


# Only rows that differ are touched: nearly every import changes no username.
_FOLLOW = """
    update accounts_user u set username = s.username, email = s.email, name = called.name
    from students_studentaccount a
    join students_student s on s.institution_id = a.institution_id and s.id = a.student_id
    cross join lateral (
        select left(coalesce(nullif(concat_ws(' ', nullif(s.first_name, ''), nullif(s.last_name, '')), ''),
                             s.username), 200) as name
    ) called
    where a.institution_id = %(institution)s and u.institution_id = a.institution_id and u.id = a.user_id
      and s.id = any(%(students)s)
      and (u.username, u.email, u.name) is distinct from (s.username, s.email, called.name)
"""


def follow_students(*, institution_id: UUID, student_ids: list[UUID]) -> int:
    """Give the accounts of these students their present username, e-mail and name: people sign in with them."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {"institution": institution_id, "students": student_ids})
        followed: int = cursor.rowcount
    return followed
