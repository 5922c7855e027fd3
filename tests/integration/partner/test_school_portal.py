"""The page that plays the school's own portal: only where it may, without our sessions, errors told plainly."""

import json
import re
from datetime import UTC, datetime

import pytest
from django.test import Client

from pratique.foundation.demo_credentials import SCHOOL_PORTAL, keep_sign_ins
from pratique.interfaces.cli import demo_school
from pratique.interfaces.school_portal import health, roster
from pratique.interfaces.school_portal.health import Calls, Standings
from pratique.partner_client.answers import PackageRow
from pratique.partner_client.errors import PartnerError
from pratique.rosters.sample import DEMO_STUDENTS

HERE = "http://127.0.0.1:8000"
TOKEN = "Ab0" * 10 + "Zz"
KNOWN = roster.students()[roster.NEW_THIS_WEEK]
NEW = roster.students()[0]
PARTNER = {
    "role": "partner", "client_id": "live_" + "0" * 22, "encryption_key": "A" * 43, "package_code": "DEMO26",
    "tracker_names": [],
}  # fmt: skip


@pytest.fixture
def portal(settings, tmp_path, monkeypatch):
    """A browser at the portal of an installation with a demo; Pratique reports the standing of one student."""
    settings.VAR, settings.BASE_URL = tmp_path, HERE
    keep_sign_ins(tmp_path, [PARTNER])
    rows = {KNOWN.id: PackageRow(KNOWN.id, 2, 5, False, "Nursing - Fall 2026", False)}
    reported = Standings(rows, datetime(2026, 8, 3, 15, 0, tzinfo=UTC), Calls())
    monkeypatch.setattr(health, "standings", lambda credentials: reported)
    return Client(headers={"host": "127.0.0.1:8000"}, enforce_csrf_checks=True)


def clicked(portal, **changed):
    page = portal.get(SCHOOL_PORTAL).content.decode()
    token = re.search(r'csrfmiddlewaretoken" value="([^"]+)"', page)[1]
    values = {"csrfmiddlewaretoken": token, "student": KNOWN.id} | changed
    return portal.post(SCHOOL_PORTAL + "health-records/", values)


def names_of(answer):
    return re.findall(r"<bdi>([^<]*)</bdi>", answer.content.decode())


@pytest.fixture
def signs_in(monkeypatch):
    """Have Pratique answer with a token, and note for whom it was asked."""
    asked = []

    def address(credentials, student, calls):
        asked.append(student)
        calls.note("authenticate: HTTP 200 in 9 ms (121 bytes)")
        calls.note("createUser: HTTP 200 in 12 ms (396 bytes)")
        return f"{HERE}/sso/{TOKEN}"

    monkeypatch.setattr(health, "sign_in_address", address)
    return asked


@pytest.mark.django_db
@pytest.mark.parametrize(
    "base_url", ["https://health.example.edu", "https://10.0.0.7:8443"], ids=["a-name", "an-address"]
)
def test_where_others_come_it_is_not_there(portal, settings, base_url):
    settings.BASE_URL = base_url
    assert portal.get(SCHOOL_PORTAL).status_code == 404
    assert portal.post(SCHOOL_PORTAL + "health-records/").status_code in (403, 404)


@pytest.mark.django_db
def test_without_a_demo_it_is_not_there(portal, settings, tmp_path):
    keep_sign_ins(tmp_path, [{"role": "reviewer", "username": "r", "password": "p"}])
    assert portal.get(SCHOOL_PORTAL).status_code == 404


def test_it_asks_no_database_whoever_is_signed_in_here(portal):
    """Without a connection of its own, it cannot keep one from the calls that it makes."""
    portal.cookies["sessionid"] = "a" * 32
    assert portal.get(SCHOOL_PORTAL).status_code == 200  # no database is allowed in this test
    assert portal.get(SCHOOL_PORTAL + "elsewhere/").status_code == 404


def test_another_name_of_this_machine_leads_to_the_one_that_the_form_may_follow(portal):
    answer = portal.get(SCHOOL_PORTAL + "?q=li", headers={"host": "localhost:8000"})
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{HERE}{SCHOOL_PORTAL}?q=li")


def test_the_roster_is_the_one_of_the_demo_and_twelve_more():
    assert demo_school.DEMO_STUDENTS == DEMO_STUDENTS
    everybody = roster.students()
    assert [student.is_new for student in everybody] == [True] * 12 + [False] * DEMO_STUDENTS
    assert len({student.id for student in everybody}) == len(everybody)


def test_the_list_shows_what_was_reported_and_what_was_not(portal):
    page = portal.get(SCHOOL_PORTAL, {"q": KNOWN.id}).content.decode()
    assert "2 of 5 done" in page
    assert "Nursing - Fall 2026" in page
    assert "New this week" not in page
    page = portal.get(SCHOOL_PORTAL, {"q": NEW.id}).content.decode()
    assert "Not known yet" in page
    assert "New this week" in page


@pytest.mark.parametrize(
    ("standing", "words"),
    [
        pytest.param((5, 5, True, "T", True), "Complete", id="complete"),
        pytest.param((5, 5, False, "T", True), "All handed in, being reviewed", id="handed-in"),
        pytest.param((0, 5, False, "T", False), "0 of 5 done", id="nothing-yet"),
        pytest.param((0, 0, False, "None Selected", False), "Nothing asked for yet", id="no-tracker"),
    ],
)
def test_standings_in_words(portal, monkeypatch, standing, words):
    rows = {KNOWN.id: PackageRow(KNOWN.id, *standing)}
    monkeypatch.setattr(health, "standings", lambda _: Standings(rows, datetime.now(UTC), Calls()))
    assert words in portal.get(SCHOOL_PORTAL, {"q": KNOWN.id}).content.decode()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("MUNOZ", 4, id="without-accents-and-case"),
        pytest.param("josé muñoz", 4, id="two-words"),
        pytest.param("026000334", 1, id="id"),
        pytest.param("jmunoz.026334@", 1, id="e-mail"),
        pytest.param("nobody at all", 0, id="nobody"),
    ],
)
def test_search(portal, text, found):
    answer = portal.get(SCHOOL_PORTAL, {"q": text})
    assert len(names_of(answer)) == found
    assert ("Nobody is found" in answer.content.decode()) is (found == 0)


def test_pages_go_on_where_the_last_ended(portal):
    first, second = (names_of(portal.get(SCHOOL_PORTAL, {"page": page})) for page in (1, 2))
    assert [*first, *second] == [student.name.replace("'", "&#x27;") for student in roster.students()[:50]]
    # A number past the end shows the last page, as a bookmark of a longer list would.
    assert names_of(portal.get(SCHOOL_PORTAL, {"page": "99999"})) == names_of(
        portal.get(SCHOOL_PORTAL, {"page": "81"})
    )


def test_a_click_goes_to_the_address_with_the_token_and_comes_back_to_what_happened(portal, signs_in):
    answer = clicked(portal)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{HERE}/sso/{TOKEN}")
    assert answer.headers["Cache-Control"] == "no-store, private"
    assert answer.content == b""
    assert signs_in == [KNOWN]
    page = portal.get(SCHOOL_PORTAL).content.decode()
    assert "What just happened" in page
    assert "createUser: HTTP 200 in 12 ms" in page
    assert TOKEN not in page
    assert TOKEN not in json.dumps({name: cookie.value for name, cookie in portal.cookies.items()})


@pytest.mark.parametrize(
    "changed", [{"csrfmiddlewaretoken": ""}, {"csrfmiddlewaretoken": "a" * 64}], ids=["without", "another"]
)
def test_a_form_of_somebody_elses_page_signs_nobody_in(portal, signs_in, changed):
    assert clicked(portal, **changed).status_code == 403
    assert signs_in == []


def test_a_student_whom_the_school_does_not_have(portal, signs_in):
    assert clicked(portal, student="999").status_code == 404
    assert portal.get(SCHOOL_PORTAL + "health-records/").status_code == 405
    assert signs_in == []


def test_an_error_of_the_api_is_told_with_its_remedy(portal, monkeypatch):
    def refuses(*_):
        raise PartnerError("RATE_LIMITED", "No more in this minute.", status=429)

    monkeypatch.setattr(health, "sign_in_address", refuses)
    answer = clicked(portal)
    page = answer.content.decode()
    assert answer.status_code == 502
    assert all(said in page for said in ("RATE_LIMITED", "No more in this minute.", "Retry-After"))
    monkeypatch.setattr(health, "standings", refuses)
    page = portal.get(SCHOOL_PORTAL).content.decode()
    assert "RATE_LIMITED" in page
    # The school's own list is there all the same.
    assert "Not known yet" in page


def test_no_answer_is_told_too_and_soon(portal, monkeypatch):
    monkeypatch.undo()
    monkeypatch.setattr(health, "SECONDS", 0.2)
    keep = {**PARTNER, "base_url": "http://127.0.0.1:1"}
    with pytest.raises(PartnerError) as told:
        health.standings(keep)
    assert told.value.code == "UNREACHABLE"
    with pytest.raises(PartnerError):
        health.sign_in_address(keep, NEW, Calls())
    # Somebody else waits for an answer already: whoever comes waits a while, and is told.
    with health._kept.lock, pytest.raises(PartnerError, match="too long"):
        health.standings(keep)


def test_standings_are_asked_for_once_in_a_while(monkeypatch):
    asked = []

    class Partner:
        def get_package_counts(self, *, code):
            asked.append(code)
            return []

    class Opened:
        def __init__(self, *_):
            pass

        def __enter__(self):
            return Partner()

        def __exit__(self, *_):
            return None

    monkeypatch.setattr(health, "_partner", Opened)
    health.forget_standings()
    mine = {**PARTNER, "client_id": "live_once"}
    assert health.standings(mine) is health.standings(mine)
    assert asked == ["DEMO26"]
    health.forget_standings()
    health.standings(mine)
    health.standings({**mine, "client_id": "live_other"})
    assert len(asked) == 3
    health.forget_standings()


def test_the_steps_hold_no_secret_and_nobodys_name():
    calls = Calls()
    keep = {**PARTNER, "base_url": "http://127.0.0.1:1"}
    with pytest.raises(PartnerError):
        health.sign_in_address(keep, KNOWN, calls)
    said = " ".join(calls)
    assert "authenticate" in said
    for secret in (KNOWN.id, KNOWN.person.username, KNOWN.person.last_name, PARTNER["encryption_key"]):
        assert secret not in said
