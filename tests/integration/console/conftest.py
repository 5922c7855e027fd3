"""A school with staff of every role, and clients that are signed in as them."""

from collections.abc import Callable

import pytest
from django.core.cache import cache
from django.test import Client

from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.roles import Role
from pratique.foundation import clock
from tests.integration.reviews.situations import ANA, BEN, Desk
from tests.schools import EXAM, MMR, NOW, imported, judged, requires
from tests.staff import PASSWORD, School, make_school


@pytest.fixture(autouse=True)
def _the_day(monkeypatch):
    """The day is the one that `tests.schools` speaks of, and no rate limit is used up."""
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)


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

    body = re.sub(r"<(script|style|head)\b.*?</\1>", " ", answer.getvalue().decode(), flags=re.S)
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))


@pytest.fixture
def desk(school) -> Desk:
    imported(school.institution, ANA, BEN)
    judged(school.institution)
    return Desk(school)


@pytest.fixture
def nurse(signed_in):
    return signed_in(Role.REVIEWER)
