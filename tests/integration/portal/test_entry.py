"""The first sign-in by link, and every way in which it must not work."""

import re
from datetime import date, timedelta

import pytest
from django.core import mail
from django.core.cache import cache
from django.test import Client

from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.students import links
from pratique.students.actions.links import issue_link
from pratique.students.invitations import send_waiting
from pratique.students.models import Membership, Notice, SignInLink, Student, StudentAccount
from pratique.students.notices import send_waiting as send_notices
from tests.integration.console.conftest import sign_in, text_of
from tests.schools import NOW, imported
from tests.staff import PASSWORD, make_school
from tests.students import STUDENT_PASSWORD, birth, client_of, student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")

ANA = "ana@x.edu,0001,Nunez,Ana,,04/03/2006,,,"
BORN = date(2006, 4, 3)
STAFF = Actor("staff", "tests")
NEW = {"password1": STUDENT_PASSWORD, "password2": STUDENT_PASSWORD}


class Time:
    def __init__(self):
        self.now = NOW

    def passes(self, **spell):
        self.now += timedelta(**spell)


@pytest.fixture(autouse=True)
def time(monkeypatch):
    cache.clear()
    told = Time()
    monkeypatch.setattr(clock, "now", lambda: told.now)
    return told


@pytest.fixture
def school():
    made = make_school()
    imported(made.institution, ANA)
    return made


def token_for(school, username="ana@x.edu", now=NOW):
    with school.scope():
        return issue_link(student_id=Student.objects.get(username=username).id, by=STAFF, now=now)


def opened(token, client=None):
    """Follow a link as a browser does."""
    client = client or Client()
    return client, client.get(f"/start/{token}/", follow=True)


def confirmed(token, day=BORN):
    client, _ = opened(token)
    return client, client.post("/start/", birth(day))


def accounts(school):
    with school.scope():
        return StudentAccount.objects.count()


def put(school, **values):
    with school.scope():
        Membership.objects.update(**values)


def test_from_the_mail_to_the_portal(school):
    send_waiting(institution_id=school.institution.id)
    (token,) = re.findall(r"/start/([\w-]{43})/", mail.outbox[0].body)
    with school.scope():
        kept = SignInLink.objects.get()
    assert (kept.token_hash, kept.expires_at) == (links.token_hash(token), NOW + timedelta(days=30))
    client, page = opened(token)
    assert "When were you born" in text_of(page)
    assert token not in page.request["PATH_INFO"] + page.content.decode()
    assert client.post("/start/", birth(BORN)).headers["Location"] == "/start/open/"
    before = client.cookies["sessionid"].value
    assert client.post("/start/open/", NEW).headers["Location"] == "/my/"
    assert client.cookies["sessionid"].value != before
    assert "Ana" in text_of(client.get("/my/"))
    assert "You have an account" in text_of(opened(token)[1])
    _, answer = sign_in("ANA@x.edu", STUDENT_PASSWORD)
    assert answer.status_code == 302


def test_the_token_goes_nowhere_else(school):
    answer = Client().get(f"/start/{token_for(school)}/")
    assert (answer.headers["Location"], answer.headers["Referrer-Policy"]) == ("/start/", "no-referrer")


@pytest.mark.parametrize("method", ["get", "head"])
def test_a_scanner_uses_nothing_up(school, method):
    token = token_for(school)
    for _ in range(20):
        getattr(Client(), method)(f"/start/{token}/", follow=True)
    assert confirmed(token)[1].headers["Location"] == "/start/open/"


def test_a_wrong_answer_is_counted_and_the_fifth_locks_for_a_quarter_of_an_hour(school, time):
    token = token_for(school)
    for _ in range(4):
        _, page = confirmed(token, date(2006, 3, 4))
        assert "not what Test College has on file" in text_of(page)
    assert confirmed(token, date(2006, 3, 4))[1].headers["Location"] == "/start/"
    assert "Too many wrong answers" in text_of(opened(token)[1])
    client, _ = opened(token)
    assert "Too many wrong answers" in text_of(client.post("/start/", birth(BORN), follow=True))
    time.passes(minutes=16)
    assert confirmed(token)[1].headers["Location"] == "/start/open/"


def test_a_fresh_link_buys_no_more_guesses(school):
    for _ in range(5):
        confirmed(token_for(school), date(2001, 1, 1))
    assert "Too many wrong answers" in text_of(opened(token_for(school))[1]) or accounts(school) == 0
    client, answer = confirmed(token_for(school))
    assert answer.headers.get("Location") == "/start/"
    assert client.get("/start/open/").headers["Location"] == "/start/"


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"month": "2", "day": "31", "year": "2006"}, "does not have this day"),
        ({"month": "", "day": "3", "year": "2006"}, "Choose the month"),
        ({"month": "4", "day": "3", "year": "06"}, "four digits"),
        ({"month": "4", "day": "three", "year": "2006"}, "as a number"),
        ({"month": "12", "day": "31", "year": "2026"}, "has not come yet"),
        ({"month": "13", "day": "0", "year": "99999"}, "between 1 and 31"),
    ],
    ids=["31 February", "no month", "two digits of a year", "a word", "the future", "nonsense"],
)
def test_what_is_no_date_is_said_and_is_no_try(school, parts, says):
    client, _ = opened(token_for(school))
    assert says in text_of(client.post("/start/", parts))
    with school.scope():
        assert SignInLink.objects.get().wrong_tries == 0


def test_without_a_date_of_birth_the_student_id_is_asked_for(school):
    with school.scope():
        Student.objects.update(date_of_birth=None, student_id="aB-7")
    client, page = opened(token_for(school))
    assert "Student ID" in text_of(page)
    assert "not what" in text_of(client.post("/start/", {"student_id": "AB-8"}))
    assert client.post("/start/", {"student_id": " ab-7 "}).headers["Location"] == "/start/open/"


def test_with_neither_the_school_is_named(school):
    with school.scope():
        Student.objects.update(date_of_birth=None, student_id="")
    assert "has given us neither" in text_of(opened(token_for(school))[1])


def test_an_old_link_gets_a_fresh_one_mailed_to_the_address_on_file(school, time):
    token = token_for(school)
    time.passes(days=30)
    client, page = opened(token)
    assert "a•••@x.edu" in text_of(page)
    assert "ana@x.edu" not in page.content.decode()
    for _ in range(3):
        assert "a•••@x.edu" in text_of(client.post("/start/fresh/"))
    send_notices(school.institution.id)
    (message,) = mail.outbox
    assert message.to == ["ana@x.edu"]
    (fresh,) = re.findall(r"/start/([\w-]{43})/", message.body)
    assert confirmed(fresh)[1].headers["Location"] == "/start/open/"


def test_five_a_day_and_one_in_three_minutes(school, time):
    for _ in range(30):
        Client().post("/start/ask/", {"login": "ana@x.edu"})
        send_notices(school.institution.id)
        time.passes(minutes=1)
        cache.clear()
    assert len(mail.outbox) == 5


@pytest.mark.parametrize(
    "login", ["nobody", "nobody@x.edu", "ana@x.edu\0", "ANA@X.EDU ", "'; drop table x --"],
    ids=["unknown", "unknown address", "a null", "known", "SQL"],
)  # fmt: skip
def test_the_answer_is_the_same_whether_somebody_is_known(school, login):
    answer = text_of(Client().post("/start/ask/", {"login": login}))
    if "\0" in login:
        assert "Null characters" in answer
    else:
        assert "If we know you" in answer
    with school.scope():
        assert Notice.objects.count() == (login == "ANA@X.EDU ")


def test_who_has_an_account_is_told_how_to_sign_in_and_gets_no_link(school):
    with_account(school, "ana@x.edu")
    Client().post("/start/ask/", {"login": "ana@x.edu"})
    send_notices(school.institution.id)
    assert "/account/login/" in mail.outbox[0].body
    assert "/start/" not in mail.outbox[0].body


@pytest.mark.parametrize("path", ["/start/", "/start/open/", "/start/fresh/"])
def test_without_a_link_nothing_can_be_sent(school, path):
    page = Client().post(path, NEW | birth(BORN), follow=True)
    assert "Open the link in your mail" in text_of(page)
    assert accounts(school) == 0


def test_the_password_page_opens_only_after_the_answer(school):
    client, _ = opened(token_for(school))
    assert client.post("/start/open/", NEW).headers["Location"] == "/start/"
    assert accounts(school) == 0


def test_an_answer_holds_for_half_an_hour(school, time):
    client, _ = confirmed(token_for(school))
    time.passes(minutes=31)
    assert client.post("/start/open/", NEW).headers["Location"] == "/start/"


def test_an_answer_for_one_link_opens_no_other(school):
    imported(school.institution, "ben@x.edu,0002,B,Ben,,01/01/2005,,,")
    client, _ = confirmed(token_for(school))
    opened(token_for(school, "ben@x.edu"), client)
    assert client.post("/start/open/", NEW).headers["Location"] == "/start/"


def test_of_two_tabs_the_first_opens_the_account(school):
    token = token_for(school)
    one, two = confirmed(token)[0], confirmed(token)[0]
    assert one.post("/start/open/", NEW).headers["Location"] == "/my/"
    other = {"password1": "another long password", "password2": "another long password"}
    assert "You have an account" in text_of(two.post("/start/open/", other, follow=True))
    assert accounts(school) == 1
    assert two.get("/my/").status_code == 302


def test_an_unknown_link_says_so_kindly(school):
    assert "We do not know this link" in text_of(opened("x" * 43)[1])
    assert opened("y" * 5000)[1].status_code == 200


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"state": "archive"}, "has archived your registration"),
        ({"expires_on": date(2026, 8, 2)}, "ended on Aug. 2, 2026"),
    ],
    ids=["archived", "expired yesterday"],
)
def test_a_closed_registration_is_told_kindly(school, values, says):
    user = with_account(school, "ana@x.edu")
    client = client_of(school, user)
    put(school, **values)
    page = client.get("/my/")
    assert page.status_code == 403
    assert says in text_of(page)
    assert "is kept and is yours" in text_of(page)
    assert client.get("/my/settings/").status_code == 403


def test_a_link_used_after_the_student_was_archived(school):
    client, _ = confirmed(token_for(school))
    put(school, state="archive")
    assert "has archived your registration" in text_of(client.post("/start/open/", NEW, follow=True))
    assert accounts(school) == 0


def test_the_last_day_of_a_registration_counts(school):
    put(school, expires_on=date(2026, 8, 3))
    assert "When were you born" in text_of(opened(token_for(school))[1])


def test_a_link_of_another_school_in_a_browser_of_staff(school, time):
    there = make_school()
    client = client_of(there, there.staff["coordinator"])
    _, page = opened(token_for(school), client)
    assert "When were you born" in text_of(page)
    client.post("/start/", birth(BORN))
    assert client.post("/start/open/", NEW).headers["Location"] == "/my/"
    page = text_of(client.get("/my/"))
    assert "Ana" in page
    assert there.staff["coordinator"].name not in page


def test_a_nurse_who_studies_signs_in_to_either_by_the_password(school):
    imported(school.institution, f"{school.staff['reviewer'].email},0009,N,Nina,,01/01/1990,,,")
    with_account(school, school.staff["reviewer"].email)
    client, _ = sign_in(school.staff["reviewer"].email, STUDENT_PASSWORD)
    assert client.get("/").headers["Location"] == "/my/"
    client, _ = sign_in(school.staff["reviewer"].email, PASSWORD)
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/students/", "/rosters/", "/reports/", "/activity/", "/outbox/"], ids=lambda path: path
)
def test_a_student_opens_nothing_of_the_console(school, path):
    client = client_of(school, with_account(school, "ana@x.edu"))
    assert client.get(path).status_code == 403
    assert client.get("/").headers["Location"] == "/my/"


def test_staff_are_sent_from_the_portal_to_the_console(school):
    client = client_of(school, school.staff["reviewer"])
    assert client.get("/my/").headers["Location"] == "/"


def test_an_account_follows_the_roster(school):
    user = with_account(school, "ana@x.edu")
    imported(school.institution, "ana.new@x.edu,0001,Núñez,Ana,,04/03/2006,,,")
    with school.scope():
        user.refresh_from_db()
    assert (user.username, user.email, user.name) == ("ana.new@x.edu", "ana.new@x.edu", "Ana Núñez")
    assert sign_in("ana.new@x.edu", STUDENT_PASSWORD)[1].status_code == 302
    assert "not correct" in text_of(sign_in("ana@x.edu", STUDENT_PASSWORD)[1])


def test_a_name_with_line_breaks_begins_no_header(school):
    with school.scope():
        Student.objects.update(first_name="Ana\r\nBcc: evil@x.edu")
    send_waiting(institution_id=school.institution.id)
    Client().post("/start/ask/", {"login": "ana@x.edu"})
    send_notices(school.institution.id)
    assert len(mail.outbox) == 2
    for message in mail.outbox:
        assert "Bcc" not in message.message()
        assert message.recipients() == ["ana@x.edu"]
        assert "\nBcc" not in message.body


@pytest.mark.parametrize("username", ["Ana Maria", "ANA", "ána", "ÁNA", "李小龍", "ana+tag@x.edu"])
def test_usernames_of_every_kind_sign_in(school, username):
    imported(school.institution, f"{username},0042,L,F,,01/01/2001,,,")
    with_account(school, student_of(school, username).username)
    assert sign_in(f" {username.lower()} ", STUDENT_PASSWORD)[1].status_code == 302


def test_a_forgotten_password_is_set_anew_by_mail(school):
    with_account(school, "ana@x.edu")
    Client().post("/account/password/reset/", {"email": "ana@x.edu"})
    (path,) = re.findall(r"(/account/password/reset/key/\S+)", mail.outbox[0].body)
    client = Client()
    there = client.get(path, follow=True).request["PATH_INFO"]
    again = {"password1": "an entirely new password", "password2": "an entirely new password"}
    assert client.post(there, again).status_code == 302
    assert sign_in("ana@x.edu", "an entirely new password")[1].status_code == 302


@pytest.mark.parametrize(
    "credential", ["", "[]", "{}", "null", '{"response":{"userHandle":"eA"}}', '{"id":1}', "x"]
)
def test_a_forged_passkey_opens_nothing(school, credential):
    for path in ("/account/2fa/webauthn/login/", "/start/open/"):
        client, _ = confirmed(token_for(school))
        assert client.post(path, {"credential": credential}).status_code in (200, 302)
        assert client.get("/my/").status_code == 302
    assert accounts(school) == 0


def test_a_language_is_chosen_without_signing_in(school):
    client = Client()
    assert (
        client.post("/language/", {"language": "es", "next": "/start/ask/"}).headers["Location"]
        == "/start/ask/"
    )
    assert 'lang="es"' in client.get("/start/ask/").content.decode()
    for elsewhere in ("https://evil.example/", "//evil.example", "javascript:alert(1)", ""):
        assert client.post("/language/", {"language": "xx", "next": elsewhere}).headers["Location"] == "/"


def test_a_language_chosen_is_kept_on_the_account(school):
    user = with_account(school, "ana@x.edu")
    client_of(school, user).post("/language/", {"language": "es", "next": "/my/"})
    with school.scope():
        user.refresh_from_db()
    assert user.language == "es"
