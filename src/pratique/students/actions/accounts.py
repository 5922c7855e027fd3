"""A student's account: opened once by a link, then theirs to arrange; and kept in step with the roster."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib.auth.hashers import make_password
from django.db import connection

from pratique.accounts.actions import record_person
from pratique.accounts.models import User
from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import run_prepared
from pratique.students.models import Student, StudentAccount


class AlreadyActivatedError(RuntimeError):
    """The student has an account: another tab, or another day, was first."""


# What an account is called: the name on the roster, or else the username.
_CALLED = """
    cross join lateral (
        select left(coalesce(nullif(concat_ws(' ', nullif(s.first_name, ''), nullif(s.last_name, '')), ''),
                             s.username), 200) as name
    ) called
"""
_USER = [field.attname for field in User._meta.concrete_fields]
# One statement, because a partner may let a whole class in at once. Of two at once the second waits for the first,
# and then opens nothing.
_OPEN = f"""
    with opened as (
        insert into students_studentaccount (institution_id, id, student_id, user_id, notify_by_mail,
            notify_by_text, text_number, activated_at)
        select institution_id, %(account)s::uuid, id, %(user)s::uuid, true, false, '', %(now)s::timestamptz
        from students_student where id = %(student)s
        on conflict (institution_id, student_id) do nothing
        returning institution_id, student_id
    ), used as (
        update students_signinlink l set used_at = %(now)s::timestamptz from opened o
        where l.institution_id = o.institution_id and l.student_id = o.student_id
          and l.purpose = 'student' and l.used_at is null
    )
    insert into accounts_user (institution_id, id, username, email, name, role, password, is_integrator, is_active,
        language, created_at, last_login)
    select s.institution_id, %(user)s::uuid, s.username, s.email, called.name, 'student', %(password)s::text, false,
        true, %(language)s::text, %(now)s, %(now)s
    from opened o join students_student s on s.institution_id = o.institution_id and s.id = o.student_id
    {_CALLED}
    returning {", ".join(_USER)}
"""  # noqa: S608  (constants only)


def activate(
    *, student_id: UUID, user_id: UUID, password: str | None, language: str, by: audit.Actor, now: datetime
) -> User:
    """Open the account of a student of the present institution, and use up their links; they sign in by it.

    `user_id` is chosen by the caller, because a passkey is made for it before it exists. Without a password the
    caller keeps a passkey in the same transaction, or a partner vouches for the student. Raises
    AlreadyActivatedError for the second of two.
    """
    values: dict[str, Any] = {
        "student": student_id, "user": user_id, "account": new_id(), "password": make_password(password),
        "language": language, "now": now,
    }  # fmt: skip
    rows = run_prepared(_OPEN, values)
    if not rows:
        raise AlreadyActivatedError
    user = User.from_db(connection.alias, _USER, rows[0])
    record_person(user, password=password is not None, by=by, now=now)
    audit.record(
        "students:account:activated", institution_id=user.institution_id, by=by, now=now,
        subject_type="student", subject_id=student_id,
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
_FOLLOW = f"""
    update accounts_user u set username = s.username, email = s.email, name = called.name
    from students_studentaccount a
    join students_student s on s.institution_id = a.institution_id and s.id = a.student_id
    {_CALLED}
    where a.institution_id = %(institution)s and u.institution_id = a.institution_id and u.id = a.user_id
      and s.id = any(%(students)s)
      and (u.username, u.email, u.name) is distinct from (s.username, s.email, called.name)
"""  # noqa: S608  (constants only)


def follow_students(*, institution_id: UUID, student_ids: list[UUID]) -> int:
    """Give the accounts of these students their present username, e-mail and name: people sign in with them."""
    with connection.cursor() as cursor:
        cursor.execute(_FOLLOW, {"institution": institution_id, "students": student_ids})
        followed: int = cursor.rowcount
    return followed
