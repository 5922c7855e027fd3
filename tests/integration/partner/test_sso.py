"""The secure token link: what a browser, a link scanner, a thief and a double click get (contracts/partner-api.md)."""

import io
import logging
import re
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, connections
from django.test import Client
from django.test.utils import CaptureQueriesContext

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import clock
from pratique.foundation import logging as our_logging
from pratique.foundation.models import AuditEvent
from pratique.interfaces.partner.views import sso
from pratique.partners import tokens
from pratique.partners.actions.tokens import issue_token
from pratique.partners.models import SecureToken
from pratique.students.actions.memberships import close_membership
from pratique.students.links import LinkState, opened
from pratique.students.models import Membership, SignInLink, StudentAccount
from tests.schools import BY, NOW, imported
from tests.staff import make_school
from tests.students import STUDENT_PASSWORD, client_of, student_of, with_account

ANA = "ana@x.edu,0001,Núñez,Ana María,,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0"
DAN = "dan@x.edu,0004,Moss,Dan,,01/01/2004,,,1"  # on no tracker
CLIENT_ID = "live_0123456789ABCDEFGHIJKL"
MINUTES = 10
UNKNOWN = "Ab0" * 10 + "Zz"


@pytest.fixture
def time(monkeypatch):
    """Set the clock: `time(minutes)` after NOW."""

    def to(after=timedelta(0)):
        monkeypatch.setattr(clock, "now", lambda: NOW + after)

    to()
    return to


def a_school_with_students():
    school = make_school()
    imported(school.institution, ANA, BEN, DAN)
    return school


@pytest.fixture
def school(db, time):
    return a_school_with_students()


def token_for(school, username="ana@x.edu"):
    student = student_of(school, username)
    with school.scope():
        return issue_token(
            institution=school.institution, student_id=student.id, caller_identifier=CLIENT_ID, now=NOW
        )


def post(token, client=None, path="/sso/"):
    return (client or Client(enforce_csrf_checks=True)).post(path, {"token": token})


def end(school, username, *, expires_on=None):
    with school.scope():
        membership = Membership.objects.get(student__username=username)
        close_membership(membership=membership, expires_on=expires_on, by=BY, now=NOW)


def held(school):
    with school.scope():
        return list(SecureToken.objects.order_by("id").values_list("redeemed_at", flat=True))


def signed_in_as(client):
    response = client.get("/my/settings/")
    return response.context["user"].username if response.status_code == 200 else None


# --- coming in -----------------------------------------------------------------------------------------------------


def test_a_token_signs_a_known_student_in(school):
    with_account(school, "ana@x.edu")
    client = Client(enforce_csrf_checks=True)
    response = post(token_for(school), client)
    assert (response.status_code, response.headers["Location"]) == (303, "/my/")
    assert signed_in_as(client) == "ana@x.edu"


@pytest.mark.parametrize("path", ["/sso/", "/sso/{token}", "/sso/{token}/"])
def test_the_token_may_stand_in_the_body_or_the_address(school, path):
    token, client = token_for(school), Client(enforce_csrf_checks=True)
    response = client.post(path.format(token=token), {} if "token" in path else {"token": token})
    assert response.status_code == 303
    assert signed_in_as(client) == "ana@x.edu"


def test_the_first_time_opens_an_account_without_a_password(school):
    with school.scope():
        student = student_of(school, "ana@x.edu")
        SignInLink.objects.create(
            institution=school.institution, student=student, token_hash="f" * 64, created_at=NOW,
            expires_at=NOW + timedelta(days=30),
        )  # fmt: skip
    client = Client(headers={"accept-language": "es"})
    assert post(token_for(school), client).status_code == 303
    with school.scope():
        account = StudentAccount.objects.select_related("user").get(student=student)
        user = account.user
        assert (user.username, user.name, user.role) == ("ana@x.edu", "Ana María Núñez", Role.STUDENT)
        assert (user.language, user.last_login, account.activated_at) == ("es", NOW, NOW)
        assert not user.has_usable_password()
        assert SignInLink.objects.get().used_at == NOW
        deeds = dict(AuditEvent.objects.filter(at=NOW).values_list("action", "by"))
    assert deeds["partners:student:signed_in"] == f"partner:{CLIENT_ID}"
    assert deeds["students:account:activated"] == deeds["accounts:person:created"] == f"student:{user.id}"


def test_it_tells_the_history_who_let_the_student_in(school):
    client = Client()
    post(token_for(school), client)
    assert "A computer system of your school" in client.get("/my/seen/").content.decode()


@pytest.mark.parametrize("is_new", [True, False], ids=["first time", "later"])
def test_coming_in_asks_the_database_little(school, is_new):
    if not is_new:
        with_account(school, "ana@x.edu")
    token = token_for(school)
    with CaptureQueriesContext(connection) as asked:
        assert post(token).status_code == 303
    # Two of them find and use the token; the rest writes what was done and the session. The test's own
    # transactions make savepoints of the request's.
    assert len(asked) <= (13 if is_new else 11), [query["sql"][:100] for query in asked]


# --- once, and for minutes -----------------------------------------------------------------------------------------


def test_a_token_is_good_once(school):
    token = token_for(school)
    assert post(token).status_code == 303
    again = Client()
    assert post(token, again).status_code == 410
    assert signed_in_as(again) is None


@pytest.mark.parametrize(
    ("after", "status"),
    [(timedelta(minutes=MINUTES, microseconds=-1), 303), (timedelta(minutes=MINUTES), 410)],
    ids=["a moment before it expires", "at the very moment"],
)
def test_a_token_expires_on_the_dot(school, time, after, status):
    token = token_for(school)
    time(after)
    assert post(token).status_code == status


def test_how_long_a_token_is_good_for_is_the_schools_choice(school, time):
    school.institution.secure_token_minutes = 1
    token = token_for(school)
    time(timedelta(minutes=1))
    assert post(token).status_code == 410


def test_only_a_hash_is_kept(school):
    token = token_for(school)
    assert re.fullmatch(r"[0-9A-Za-z]{32}", token)
    with school.scope():
        assert SecureToken.objects.get().token_hash == tokens.token_hash(token) != token


@pytest.mark.usefixtures("committed")
def test_of_twenty_at_once_one_comes_in(time):
    school = a_school_with_students()
    token = token_for(school)
    assert sorted(at_once([token] * 20)) == [303] + [410] * 19
    assert accounts(school) == 1


@pytest.mark.usefixtures("committed")
def test_two_tokens_of_one_new_student_at_once_open_one_account_and_both_come_in(time):
    school = a_school_with_students()
    assert at_once([token_for(school) for _ in range(6)]) == [303] * 6
    assert accounts(school) == 1


def at_once(some):
    def go(token):
        try:
            return post(token).status_code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(some)) as threads:
        return list(threads.map(go, some))


def accounts(school):
    with school.scope():
        return User.objects.filter(role=Role.STUDENT).count()


# --- who may not ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("expires_on", [None, NOW.date() - timedelta(days=1)], ids=["archived", "expired"])
@pytest.mark.parametrize("account", [True, False], ids=["with an account", "without one"])
def test_whose_registration_ended_after_the_token_was_made_is_refused_and_it_is_used_up(
    school, expires_on, account
):
    if account:
        with_account(school, "ana@x.edu")
    token = token_for(school)
    end(school, "ana@x.edu", expires_on=expires_on)
    client = Client()
    assert post(token, client).status_code == 410
    assert signed_in_as(client) is None
    assert held(school) == [NOW]
    assert accounts(school) == account


def test_the_last_day_of_a_registration_is_a_good_one(school):
    token = token_for(school)
    end(school, "ana@x.edu", expires_on=NOW.date())
    assert post(token).status_code == 303


def test_a_closed_account_is_refused(school):
    user = with_account(school, "ana@x.edu")
    with school.scope():
        User.objects.filter(id=user.id).update(is_active=False)
    assert post(token_for(school)).status_code == 410


def test_all_refusals_are_the_same_page(school, time):
    used, archived, expired = token_for(school), token_for(school, "ben@x.edu"), token_for(school)
    post(used)
    end(school, "ben@x.edu")
    pages = [post(one) for one in (used, archived, UNKNOWN, "", "x" * 10_000, "é" * 32, "\0" * 32)]
    time(timedelta(minutes=MINUTES))
    pages.append(post(expired))
    pages.append(Client().get("/sso/"))
    assert {page.status_code for page in pages} == {410}
    assert len({page.content for page in pages}) == 1
    text = pages[0].content.decode()
    assert "click the link there again" in text
    assert "/account/login/" in text
    assert "/start/ask/" in text
    assert all("sessionid" not in page.cookies for page in pages)


# --- looking at it -------------------------------------------------------------------------------------------------


def test_looking_at_a_link_uses_nothing_up_and_looks_nothing_up(school):
    token = token_for(school)
    client = Client()
    with CaptureQueriesContext(connection) as asked:
        for method in (client.get, client.head, client.get):
            response = method(f"/sso/{token}")
            assert response.status_code == 200
            assert not response.cookies
    assert not [query for query in asked if "partners_" in query["sql"]]
    assert held(school) == [None]
    assert post(token).status_code == 303


def test_the_page_is_the_same_whatever_the_token(school):
    good, unknown = (Client().get(f"/sso/{one}").content.decode() for one in (token_for(school), UNKNOWN))
    plain = [re.sub(r'name="token" value="\w*"', "", page) for page in (good, unknown)]
    garbage = ["x" * 10_000, "a/b/c", "%00", "é" * 32, "<script>" * 4, "../my", "x" * 31]
    pages = [Client().get(f"/sso/{one}") for one in garbage]
    assert {page.status_code for page in pages} == {200}
    plain += [re.sub(r'name="token" value=""', "", page.content.decode()) for page in pages]
    assert len(set(plain)) == 1


@pytest.mark.parametrize("method", ["put", "delete", "patch", "options"])
def test_other_methods_are_refused(school, method):
    token = token_for(school)
    assert getattr(Client(), method)(f"/sso/{token}").status_code == 405
    assert held(school) == [None]


def test_the_page_and_the_answer_keep_the_token_to_themselves(school):
    token = token_for(school)
    page = Client().get(f"/sso/{token}")
    text = page.content.decode()
    assert text.count(token) == 1
    assert f'<input type="hidden" name="token" value="{token}">' in text
    assert not re.search(r"(?:src|href|action)=.(?:https?:)?//", text)
    answer = post(token)
    for response in (page, answer, post(token)):
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert "no-store" in response.headers["Cache-Control"]
        assert token not in str(response.headers)
        assert "script-src 'self';" in response.headers["Content-Security-Policy"]
    assert token not in post(token).content.decode()


@pytest.fixture
def log():
    """What is logged in production's form; our own log configuration, put back afterwards."""
    root, before = logging.getLogger(), sys.stderr
    handlers, level = root.handlers[:], root.level
    sys.stderr = io.StringIO()
    our_logging.configure(json=True, level="DEBUG")
    yield sys.stderr
    sys.stderr = before
    root.handlers[:] = handlers
    root.setLevel(level)


def test_no_log_holds_a_token(school, log, monkeypatch):
    token = token_for(school)
    client = Client(raise_request_exception=False)
    client.get(f"/sso/{token}")
    client.put(f"/sso/{token}")  # 405
    client.post(f"/sso/{token}")
    client.post(f"/sso/{token}")  # 410
    client.post(f"/sso/{token}/more")  # 410
    monkeypatch.setattr(sso, "redeem", lambda *_, **__: 1 / 0)
    assert client.post(f"/sso/{token}").status_code == 500
    said = log.getvalue()
    assert "Method Not Allowed" in said
    assert "Gone: /sso/…" in said.encode().decode("unicode_escape") or "Gone: /sso/…" in said
    assert "ZeroDivisionError" in said
    assert token not in said


# --- whoever was here before ---------------------------------------------------------------------------------------


def staff_client(school):
    return client_of(school, school.staff[Role.COORDINATOR])


@pytest.mark.parametrize("where", ["here", "elsewhere"])
@pytest.mark.parametrize("who", ["student", "staff"])
def test_another_persons_session_has_ended(school, where, who):
    other = school if where == "here" else a_school_with_students()
    client = client_of(other, with_account(other, "ben@x.edu")) if who == "student" else staff_client(other)
    session = client.session
    session["left over"] = "by somebody else"
    session.save()
    before = client.cookies["sessionid"].value
    assert post(token_for(school), client).status_code == 303
    assert signed_in_as(client) == "ana@x.edu"
    assert "left over" not in client.session
    assert client.cookies["sessionid"].value != before
    thief = Client()
    thief.cookies["sessionid"] = before
    assert signed_in_as(thief) is None


def test_ones_own_session_gets_a_fresh_key(school):
    client = client_of(school, with_account(school, "ana@x.edu"))
    before = client.cookies["sessionid"].value
    assert post(token_for(school), client).status_code == 303
    assert client.cookies["sessionid"].value != before
    assert signed_in_as(client) == "ana@x.edu"


def test_a_key_that_somebody_planted_is_not_taken_over(school):
    client = Client()
    client.cookies["sessionid"] = "planted0planted0planted0planted0"
    post(token_for(school), client)
    assert client.cookies["sessionid"].value != "planted0planted0planted0planted0"


def test_a_refused_token_signs_nobody_out(school):
    client = client_of(school, with_account(school, "ben@x.edu"))
    page = post(UNKNOWN, client)
    assert page.status_code == 410
    assert "Go to your page" in page.content.decode()
    assert "ben@x.edu" not in page.content.decode()
    assert signed_in_as(client) == "ben@x.edu"


# --- without password or passkey -----------------------------------------------------------------------------------


def vouched(school, username="ana@x.edu"):
    """A browser in which a student is signed in who came by their school's portal only."""
    client = Client()
    assert post(token_for(school, username), client).status_code == 303
    return client


def test_a_first_password_is_set_without_asking_for_one(school):
    client, elsewhere = vouched(school), vouched(school)
    assert "come here from your school’s portal" in client.get("/my/settings/").content.decode()
    assert client.get("/my/settings/password/").status_code == 200
    wrong = client.post("/my/settings/password/", {"password1": "short", "password2": "short"})
    assert "too short" in wrong.content.decode()
    both = {"password1": STUDENT_PASSWORD, "password2": STUDENT_PASSWORD}
    assert client.post("/my/settings/password/", both).status_code == 302
    assert signed_in_as(client) == "ana@x.edu"
    assert signed_in_as(elsewhere) is None
    fresh = Client()
    fresh.post("/account/login/", {"login": "ana@x.edu", "password": STUDENT_PASSWORD})
    assert signed_in_as(fresh) == "ana@x.edu"
    with school.scope():
        assert AuditEvent.objects.filter(action="accounts:person:password_set").count() == 1


def test_whoever_has_a_password_is_asked_for_it(school):
    with_account(school, "ana@x.edu")
    client = vouched(school)
    page = client.get("/my/settings/password/")
    assert page.headers["Location"] == "/account/password/change/"
    assert client.get("/my/settings/passkeys/new/").headers["Location"].startswith("/account/reauthenticate/")


def test_a_passkey_can_be_added_without_a_password(school):
    assert vouched(school).get("/my/settings/passkeys/new/").status_code == 200


def test_a_mailed_link_sets_the_first_password(school, mailoutbox):
    vouched(school)
    Client().post("/account/password/reset/", {"email": "ana@x.edu"})
    address = re.search(r"/account/password/reset/key/\S+", mailoutbox[-1].body)[0]
    client = Client()
    page = client.get(address, follow=True)
    both = {"password1": STUDENT_PASSWORD, "password2": STUDENT_PASSWORD}
    client.post(page.request["PATH_INFO"], both)
    fresh = Client()
    fresh.post("/account/login/", {"login": "ana@x.edu", "password": STUDENT_PASSWORD})
    assert signed_in_as(fresh) == "ana@x.edu"


def test_signing_out_everywhere_needs_no_password_either(school):
    client, elsewhere = vouched(school), vouched(school)
    assert client.post("/my/settings/sign-out-everywhere/").status_code == 302
    assert signed_in_as(client) == "ana@x.edu"
    assert signed_in_as(elsewhere) is None
    assert signed_in_as(vouched(school)) == "ana@x.edu"


@pytest.mark.parametrize("password", [None, STUDENT_PASSWORD], ids=["without a password", "with one"])
def test_an_old_mailed_link_says_how_to_sign_in(school, password):
    from pratique.students.actions.links import issue_link

    with school.scope():
        old = issue_link(student_id=student_of(school, "ana@x.edu").id, by=BY, now=NOW)
    with_account(school, "ana@x.edu", password=password)
    with school.scope():
        found = opened(old, now=NOW, today=NOW.date())
    assert (found.state, found.has_password) == (LinkState.ACCOUNT, password is not None)
    text = Client().get(f"/start/{old}/", follow=True).content.decode()
    assert ("Set a password by mail" in text) is (password is None)
