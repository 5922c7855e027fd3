"""Students of a test school: on its roster, with an account, signed in."""

from datetime import date

from django.test import Client

from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.students.actions.accounts import activate
from pratique.students.models import Student
from tests.schools import NOW
from tests.staff import School

STUDENT_PASSWORD = "four quiet green boats"


def student_of(school: School, username: str) -> Student:
    with school.scope():
        return Student.objects.get(username=username)


def with_account(
    school: School, username: str, *, password: str | None = STUDENT_PASSWORD, language="en"
) -> User:
    """The account of a student, as a first sign-in opens it."""
    student = student_of(school, username)
    key = new_id()
    with school.scope():
        return activate(
            student_id=student.id, user_id=key, password=password, language=language,
            by=Actor("student", str(key)), now=NOW,
        )  # fmt: skip


def client_of(school: School, user: User) -> Client:
    """A browser in which `user` is signed in."""
    client = Client()
    with school.scope():
        client.force_login(user)
    session = client.session
    session[SESSION_KEY] = str(school.institution.id)
    session.save()
    return client


def birth(day: date) -> dict[str, str]:
    return {"month": str(day.month), "day": str(day.day), "year": str(day.year)}
