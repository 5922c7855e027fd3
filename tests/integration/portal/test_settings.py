"""A student's own settings: how to be told, which number, which sessions."""

import re
from datetime import timedelta

import pytest
from django.core.cache import cache

from pratique.connectors.sms import outbox
from pratique.foundation import clock
from pratique.students.access import account_of
from tests.integration.console.conftest import sign_in, text_of
from tests.schools import NOW, imported
from tests.staff import make_school
from tests.students import STUDENT_PASSWORD, client_of, with_account

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture(autouse=True)
def _day(monkeypatch):
    cache.clear()
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture
def texts(monkeypatch):
    sent = []
    monkeypatch.setattr(outbox.OutboxTexts, "send", lambda self, text: sent.append(text))
    return sent


@pytest.fixture
def school():
    made = make_school()
    imported(made.institution, "ana@x.edu,0001,Nunez,Ana,555-0101,04/03/2006,,,")
    return made


@pytest.fixture
def user(school):
    return with_account(school, "ana@x.edu")


@pytest.fixture
def client(school, user):
    return client_of(school, user)


def account(school, user):
    with school.scope():
        return account_of(user.id)


def test_mails_are_turned_off_and_on(school, user, client):
    for wanted in ("0", "1"):
        client.post("/my/settings/mail/", {"mail": wanted})
        assert account(school, user).notify_by_mail is (wanted == "1")


def test_a_number_counts_when_its_code_came_back(school, user, client, texts):
    client.post("/my/settings/number/", {"number": "(212) 555-0147"})
    (text,) = texts
    assert text.number == "+12125550147"
    code = re.match(r"\d{6}", text.body)[0]
    assert account(school, user).text_number == ""
    assert "not the code" in text_of(
        client.post("/my/settings/code/", {"code": f"{(int(code) + 1) % 10**6:06}"})
    )
    client.post("/my/settings/code/", {"code": f"{code[:3]} {code[3:]}"})
    kept = account(school, user)
    assert (kept.notify_by_text, kept.text_number) == (True, "+12125550147")
    client.post("/my/settings/number/", {"stop": "1"})
    kept = account(school, user)
    assert (kept.notify_by_text, kept.text_number) == (False, "")


def test_a_code_is_good_for_ten_minutes_and_five_tries(school, user, client, texts, monkeypatch):
    client.post("/my/settings/number/", {"number": "+447700900123"})
    code = re.match(r"\d{6}", texts[0].body)[0]
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=11))
    for _ in range(5):
        client.post("/my/settings/code/", {"code": code})
    monkeypatch.setattr(clock, "now", lambda: NOW)
    client.post("/my/settings/code/", {"code": code})
    assert account(school, user).text_number == ""


@pytest.mark.parametrize(
    "number", ["", "911", "555-0101", "+1 abc", "+0 12345678", "١٢٣٤٥٦٧٨٩٠", "+1" + "2" * 20]
)
def test_what_is_no_number_is_sent_nothing(client, texts, number):
    assert client.post("/my/settings/number/", {"number": number}).status_code == 200
    assert texts == []


def test_codes_are_sent_five_times_an_hour(client, texts):
    for _ in range(8):
        client.post("/my/settings/number/", {"number": "2125550147"})
    assert len(texts) == 5


def test_signing_out_everywhere_keeps_this_session_alone(school, user, client):
    elsewhere = client_of(school, user)
    assert "not your password" in text_of(client.post("/my/settings/sign-out-everywhere/", {"password": "x"}))
    assert elsewhere.get("/my/settings/").status_code == 200
    client.post("/my/settings/sign-out-everywhere/", {"password": STUDENT_PASSWORD})
    assert elsewhere.get("/my/settings/").status_code == 302
    assert client.get("/my/settings/").status_code == 200
    assert sign_in("ana@x.edu", STUDENT_PASSWORD)[1].status_code == 302


def test_the_page_offers_all_of_it(client):
    page = text_of(client.get("/my/settings/"))
    for words in ("Language", "By mail", "By text", "Password", "Passkeys", "Sign out everywhere else"):
        assert words in page


def test_another_persons_passkey_is_as_good_as_none(client):
    assert client.post("/my/settings/passkeys/1/").status_code == 404


def test_staff_have_no_portal_settings(school):
    assert client_of(school, school.staff["reviewer"]).get("/my/settings/").headers["Location"] == "/"
