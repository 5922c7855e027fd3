"""A school with staff of every role, and clients that are signed in as them."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest
from django.core.cache import cache
from django.test import Client

from pratique.accounts.actions import create_staff
from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from tests.schools import BY, EXAM, MMR, NOW, a_school, requires

PASSWORD = "a long enough password"


@dataclass
class School:
    """A school and its staff, by role."""

    institution: Institution
    staff: dict[Role, User]

    def scope(self):
        return institution_scope(self.institution.id)


@pytest.fixture(autouse=True)
def _the_day(monkeypatch):
    """The day is the one that `tests.schools` speaks of, and no rate limit is used up."""
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)


def make_school(slug: str = "", **settings) -> School:
    institution = a_school(slug, **settings)
    staff = {}
    with institution_scope(institution.id):
        for role in Role:
            staff[role] = create_staff(
                institution=institution,
                username=f"{institution.slug}-{role}",
                name=f"{role} O’Neill".title(),
                role=role,
                password=PASSWORD,
                email=f"{role}@{institution.slug}.example",
                by=BY,
                now=NOW,
            )
    return School(institution, staff)


@pytest.fixture
def school() -> School:
    made = make_school()
    requires(made.institution, MMR, EXAM)
    return made


@pytest.fixture
def other_school() -> School:
    return make_school()


def sign_in(login: str, password: str = PASSWORD, client: Client | None = None, **more):
    """Send the sign-in form; return the client and its answer."""
    client = client or Client()
    return client, client.post("/account/login/", {"login": login, "password": password, **more})


@pytest.fixture
def signed_in(school: School) -> Callable[..., Client]:
    """Return a function that gives a client signed in with a role, of `school` unless another is named."""

    def as_role(role: Role = Role.COORDINATOR, *, of: School | None = None) -> Client:
        there = of or school
        client = Client()
        with there.scope():
            client.force_login(there.staff[role])
        session = client.session
        session[SESSION_KEY] = str(there.institution.id)
        session.save()
        return client

    return as_role


def text_of(answer) -> str:
    """What the page says, tags aside and blanks folded."""
    import re

    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))
