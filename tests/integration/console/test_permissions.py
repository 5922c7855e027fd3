"""Every address says what it demands, and each role gets what `accounts.roles` gives it, no more."""

import uuid

import pytest
from django.test import Client
from django.urls import URLPattern, get_resolver

from pratique.accounts.roles import STAFF_ROLES, Permission, Role
from pratique.foundation.tenancy import institution_scope
from pratique.screens.permissions import ALLAUTH_ROUTES, Access, demand_of
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import imported

pytestmark = pytest.mark.django_db

ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"


def routes(patterns=None) -> list[URLPattern]:
    found = []
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        found += [pattern] if isinstance(pattern, URLPattern) else routes(pattern.url_patterns)
    return found


@pytest.mark.parametrize("route", routes(), ids=lambda route: route.name)
def test_every_route_declares_what_it_demands(route):
    """Write `@requires(Permission.X)` above the view, or list a library's route in `ALLAUTH_ROUTES`."""
    assert demand_of(route.callback, route.name) in {*Permission, *Access}


def test_no_listed_route_is_gone():
    assert set(ALLAUTH_ROUTES) <= {route.name for route in routes()}


def test_a_view_that_declares_nothing_is_refused(signed_in, monkeypatch):
    from pratique.interfaces.console.views import help

    monkeypatch.delattr(help.help_page, "demand")
    assert signed_in(Role.ADMINISTRATOR).get("/help/").status_code == 403


@pytest.fixture
def ids(school) -> dict[str, uuid.UUID]:
    roster_import = imported(school.institution, ANA)
    with institution_scope(school.institution.id):
        return {"student": Student.objects.get().id, "roster": roster_import.id}


EVERYONE = {Role.REVIEWER, Role.COORDINATOR, Role.ADMINISTRATOR}
IMPORTS = {Role.COORDINATOR, Role.ADMINISTRATOR}
ADMINISTRATOR = {Role.ADMINISTRATOR}
TRUTH = [
    ("/", EVERYONE),
    ("/students/", EVERYONE),
    ("/students/{student}/", EVERYONE),
    ("/students/{student}/guardians/", IMPORTS),
    ("/rosters/", IMPORTS),
    ("/rosters/new/", IMPORTS),
    ("/rosters/{roster}/", IMPORTS),
    ("/rosters/{roster}/results.csv", IMPORTS),
    ("/reports/", EVERYONE),
    ("/reports/compliance-summary/", EVERYONE),
    ("/reports/student-detail/", EVERYONE),
    ("/activity/", ADMINISTRATOR),
    ("/help/", EVERYONE),
    ("/account/2fa/", EVERYONE),
    ("/account/password/change/", EVERYONE),
]
POSTS = [
    ("/students/{student}/link/", IMPORTS),
    ("/students/{student}/guardians/", IMPORTS),
    ("/students/columns/", EVERYONE),
    ("/rosters/{roster}/confirm/", IMPORTS),
    ("/rosters/{roster}/cancel/", IMPORTS),
    ("/reports/compliance-summary/download/", IMPORTS),
]


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_who_may_open_what(role, signed_in, ids):
    client = signed_in(role)
    answers = {path: client.get(path.format(**ids)).status_code for path, _ in TRUTH}
    assert answers == {path: 200 if role in allowed else 403 for path, allowed in TRUTH}


@pytest.mark.parametrize("role", STAFF_ROLES)
def test_who_may_send_what(role, signed_in, ids):
    client = signed_in(role)
    refused = {path for path, _ in POSTS if client.post(path.format(**ids)).status_code == 403}
    assert refused == {path for path, allowed in POSTS if role not in allowed}


def test_nobody_sees_anything_before_signing_in(ids):
    for path, _ in TRUTH:
        answer = Client().get(path.format(**ids))
        assert answer.status_code == 302, path
        assert answer.headers["Location"].startswith("/account/login/?next="), path


def test_htmx_is_sent_to_the_sign_in_page_as_a_whole():
    headers = {"HX-Request": "true", "HX-Current-URL": "http://testserver/students/?q=a"}
    answer = Client().get("/students/", headers=headers)
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"] == "/account/login/?next=http%3A//testserver/students/%3Fq%3Da"


def test_another_schools_ids_are_as_good_as_none(signed_in, ids, other_school):
    client = signed_in(Role.ADMINISTRATOR, of=other_school)
    nobody = uuid.uuid4()
    for path in (
        "/students/{}/",
        "/rosters/{}/",
        "/rosters/{}/columns/",
        "/rosters/{}/results.csv",
        "/reports/runs/{}/",
    ):
        key = ids["student"] if "students" in path else ids["roster"]
        theirs, never = client.get(path.format(key)), client.get(path.format(nobody))
        assert (theirs.status_code, never.status_code) == (404, 404), path
        assert text_of(theirs) == text_of(never)
    for path in ("/rosters/{}/confirm/", "/rosters/{}/cancel/"):
        assert client.post(path.format(ids["roster"])).status_code == 404


def test_a_form_without_its_token_is_refused(school):
    client = Client(enforce_csrf_checks=True)
    answer = client.post("/account/login/", {"login": "a", "password": "b"})
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()
