"""Signing in, out and back in: under row security, with a second factor, and against those who should not."""

import re

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP, format_hotp_value, hotp_value, yield_hotp_counters_from_time
from django.core import mail
from django.test import Client

from pratique.accounts.actions import create_staff
from pratique.accounts.roles import Role
from tests.integration.console.conftest import sign_in, text_of
from tests.schools import BY, NOW
from tests.staff import PASSWORD, make_school

pytestmark = pytest.mark.usefixtures("committed")  # a sign-in enters its institution until the commit


def test_by_username_in_any_case(school):
    user = school.staff[Role.REVIEWER]
    client, answer = sign_in(user.username.upper())
    assert answer.headers["Location"] == "/"
    assert user.name in text_of(client.get("/"))


def test_by_e_mail_in_any_case(school):
    _, answer = sign_in(school.staff[Role.REVIEWER].email.title())
    assert answer.headers["Location"] == "/"


@pytest.mark.parametrize(
    "login", ["nobody", "nobody@nowhere.example", ""], ids=["username", "e-mail", "empty"]
)
def test_an_unknown_login_is_refused(school, login):
    client, answer = sign_in(login)
    assert answer.status_code == 200
    assert client.get("/students/").status_code == 302


def test_a_wrong_password_says_so_and_not_which_part_is_wrong(school):
    known = text_of(sign_in(school.staff[Role.REVIEWER].username, "wrong password")[1])
    unknown = text_of(sign_in("nobody", "wrong password")[1])
    assert "not correct" in known
    assert known.replace(school.staff[Role.REVIEWER].username, "") == unknown.replace("nobody", "")


def test_a_colleagues_password_does_not_open_an_account(school):
    with school.scope():
        create_staff(
            institution=school.institution, username="second", name="Second", role=Role.REVIEWER,
            password="another long password", by=BY, now=NOW,
        )  # fmt: skip
    client, _ = sign_in(school.staff[Role.REVIEWER].username)
    # In a session that has an institution, every account of it is visible to the look-up.
    _, answer = sign_in("second", PASSWORD, client)
    assert "not correct" in text_of(answer)


def test_after_five_failures_the_account_waits_and_says_so(school):
    login = school.staff[Role.REVIEWER].username
    for _ in range(5):
        sign_in(login, "wrong password")
    assert "Too many failed" in text_of(sign_in(login)[1])


def test_behind_a_proxy_failures_count_for_the_address_that_made_them(school, settings):
    settings.ALLAUTH_TRUSTED_PROXY_COUNT = 1

    def from_address(address, password):
        sent = {"login": school.staff[Role.REVIEWER].username, "password": password}
        return Client(headers={"X-Forwarded-For": address}).post("/account/login/", sent)

    for n in range(11):
        Client(headers={"X-Forwarded-For": "203.0.113.9"}).post(
            "/account/login/", {"login": f"guess{n}", "password": "x"}
        )
    assert "Too many" in text_of(from_address("203.0.113.9", PASSWORD))
    assert from_address("198.51.100.4", PASSWORD).status_code == 302


def test_the_session_gets_a_new_key_at_sign_in(school):
    client = Client()
    session = client.session
    session["planted"] = True
    session.save()
    planted = session.session_key
    client.cookies["sessionid"] = planted
    sign_in(school.staff[Role.REVIEWER].username, client=client)
    assert client.cookies["sessionid"].value != planted


@pytest.mark.parametrize(
    "target", ["https://evil.example/", "//evil.example/", "javascript:alert(1)", "http:evil.example"]
)
def test_next_never_leads_elsewhere(school, target):
    _, answer = sign_in(school.staff[Role.REVIEWER].username, next=target)
    assert answer.headers["Location"] == "/"


def test_next_leads_back_to_the_page_that_was_wanted(school):
    client = Client()
    wanted = client.get("/students/?q=a%20b").headers["Location"]
    assert wanted.startswith("/account/login/?next=/students/")
    _, answer = sign_in(school.staff[Role.REVIEWER].username, client=client, next="/students/?q=a%20b")
    assert answer.headers["Location"] == "/students/?q=a%20b"


def test_a_deactivated_account_is_signed_out_at_the_next_request(school, signed_in):
    client = signed_in(Role.REVIEWER)
    user = school.staff[Role.REVIEWER]
    with school.scope():
        user.is_active = False
        user.save()
    assert client.get("/students/").headers["Location"].startswith("/account/login/")
    assert not client.session.keys()
    assert "not correct" in text_of(sign_in(user.username)[1])


def test_signing_out_ends_the_session(signed_in):
    client = signed_in()
    assert client.post("/account/logout/").status_code == 302
    assert client.get("/students/").status_code == 302


def test_nothing_but_the_form_signs_out(signed_in):
    client = signed_in()
    assert client.get("/account/logout/").status_code == 200
    assert client.get("/students/").status_code == 200


def test_the_same_username_at_two_schools_is_told_apart_by_its_password(school, other_school):
    with other_school.scope():
        twin = create_staff(
            institution=other_school.institution, username=school.staff[Role.REVIEWER].username, name="Twin There",
            role=Role.REVIEWER, password="the twin's own password", by=BY, now=NOW,
        )  # fmt: skip
    client, _ = sign_in(twin.username, "the twin's own password")
    assert "Twin There" in text_of(client.get("/"))
    client, _ = sign_in(twin.username)
    assert school.staff[Role.REVIEWER].name in text_of(client.get("/"))


def test_someone_of_another_school_signs_in_over_an_open_session(school, other_school, signed_in):
    client = signed_in(Role.COORDINATOR)
    _, answer = sign_in(other_school.staff[Role.REVIEWER].username, client=client)
    assert answer.status_code == 302
    page = text_of(client.get("/"))
    assert other_school.staff[Role.REVIEWER].username in page
    assert school.staff[Role.COORDINATOR].username not in page


def test_changing_the_password_ends_the_other_sessions(school, signed_in):
    here, elsewhere = signed_in(), signed_in()
    new = "an entirely new password"
    answer = here.post(
        "/account/password/change/", {"oldpassword": PASSWORD, "password1": new, "password2": new}
    )
    assert answer.status_code == 302
    assert here.get("/students/").status_code == 200
    assert elsewhere.get("/students/").status_code == 302
    assert sign_in(school.staff[Role.COORDINATOR].username, new)[1].status_code == 302


# --- the second step -------------------------------------------------------------------------------------------


def code_now(secret: str) -> str:
    counter = next(iter(yield_hotp_counters_from_time()))
    return format_hotp_value(hotp_value(secret, counter))


def with_second_factor(school, role=Role.COORDINATOR) -> str:
    secret = "JBSWY3DPEHPK3PXP"
    with school.scope():
        TOTP.activate(school.staff[role], secret)
    return secret


def test_an_authenticator_app_can_be_set_up_and_is_asked_for(school, signed_in):
    client = signed_in()
    page = client.get("/account/2fa/totp/activate/")
    assert page.status_code == 302  # asks for the password again first
    confirmed = client.post(
        "/account/reauthenticate/?next=/account/2fa/totp/activate/", {"password": PASSWORD}
    )
    assert confirmed.status_code == 302
    page = client.get("/account/2fa/totp/activate/")
    secret = re.search(r'id="authenticator_secret">(\w+)<', page.content.decode()).group(1)
    answer = client.post("/account/2fa/totp/activate/", {"code": code_now(secret)})
    assert answer.status_code == 302, text_of(answer)
    with school.scope():
        kinds = set(Authenticator.objects.values_list("type", flat=True))
    assert kinds == {"totp", "recovery_codes"}
    _, answer = sign_in(school.staff[Role.COORDINATOR].username)
    assert answer.headers["Location"].startswith("/account/2fa/authenticate/")


def test_the_password_alone_opens_nothing_where_a_second_factor_is_set(school):
    with_second_factor(school)
    client, answer = sign_in(school.staff[Role.COORDINATOR].username)
    assert answer.headers["Location"].startswith("/account/2fa/authenticate/")
    for path in ("/", "/students/", "/account/2fa/", "/account/password/change/"):
        assert client.get(path).headers["Location"].startswith("/account/login/"), path


def test_the_right_code_signs_in_and_a_wrong_one_does_not(school):
    secret = with_second_factor(school)
    client, _ = sign_in(school.staff[Role.COORDINATOR].username, next="/students/")
    assert "Incorrect code" in text_of(client.post("/account/2fa/authenticate/", {"code": "000000"}))
    assert client.get("/students/").status_code == 302
    answer = client.post("/account/2fa/authenticate/", {"code": code_now(secret)})
    assert answer.headers["Location"] == "/students/"
    assert client.get("/students/").status_code == 200


def test_a_recovery_code_signs_in_once(school, signed_in):
    from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes

    with_second_factor(school)
    with school.scope():
        code = RecoveryCodes.activate(school.staff[Role.COORDINATOR]).get_unused_codes()[0]
    for expected in (302, 200):
        client, _ = sign_in(school.staff[Role.COORDINATOR].username)
        assert client.post("/account/2fa/authenticate/", {"code": code}).status_code == expected


def test_the_second_step_can_be_cancelled(school):
    with_second_factor(school)
    client, _ = sign_in(school.staff[Role.COORDINATOR].username)
    client.post("/account/logout/", {"next": "/account/login/"})
    assert client.get("/account/2fa/authenticate/").status_code == 302


def test_a_security_key_can_be_added_and_listed(signed_in):
    client = signed_in()
    client.post("/account/reauthenticate/", {"password": PASSWORD})
    assert client.get("/account/2fa/webauthn/add/").status_code == 200
    assert "No security keys" in text_of(client.get("/account/2fa/webauthn/"))


# --- a forgotten password --------------------------------------------------------------------------------------


def reset_link(email: str) -> str:
    mail.outbox.clear()
    answer = Client().post("/account/password/reset/", {"email": email})
    assert answer.headers["Location"] == "/account/password/reset/done/"
    found = re.search(r"https?://[^/]+(/account/password/reset/key/\S+)", mail.outbox[0].body)
    return found.group(1)


def test_a_link_by_mail_sets_a_new_password(school):
    user = school.staff[Role.REVIEWER]
    client = Client()
    page = client.get(reset_link(user.email.upper()), follow=True)
    new = "an entirely new password"
    answer = client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert answer.headers["Location"] == "/account/password/reset/key/done/"
    assert sign_in(user.username, new)[1].status_code == 302
    assert sign_in(user.username)[1].status_code == 200


def test_a_link_works_once(school):
    user = school.staff[Role.REVIEWER]
    link = reset_link(user.email)
    client = Client()
    page = client.get(link, follow=True)
    new = "an entirely new password"
    client.post(page.redirect_chain[-1][0], {"password1": new, "password2": new})
    assert "can no longer be used" in text_of(Client().get(link))


@pytest.mark.parametrize(
    "link",
    ["01a20073a1c3700081e94ac482e0451d-abc-def", "zzz-abc-def", "0-set-password"],
    ids=["nobody's", "no key at all", "without a session"],
)
def test_a_made_up_link_changes_nothing(school, link):
    answer = Client().get(f"/account/password/reset/key/{link}/")
    assert "can no longer be used" in text_of(answer)


def test_an_unknown_address_gets_the_same_page_and_no_mail(school):
    mail.outbox.clear()
    answer = Client().post("/account/password/reset/", {"email": "nobody@nowhere.example"})
    assert answer.headers["Location"] == "/account/password/reset/done/"
    assert mail.outbox == []


def test_an_address_at_two_schools_gets_a_link_for_each_account():
    email = "both@example.edu"
    for slug in ("north", "south"):
        school = make_school(slug)
        with school.scope():
            create_staff(
                institution=school.institution, username="both", name="Both", role=Role.REVIEWER, password=None,
                email=email, by=BY, now=NOW,
            )  # fmt: skip
    mail.outbox.clear()
    Client().post("/account/password/reset/", {"email": email})
    assert len(mail.outbox) == 2


def test_a_link_of_one_account_signs_out_another(school, signed_in):
    client = signed_in(Role.COORDINATOR)
    page = client.get(reset_link(school.staff[Role.REVIEWER].email), follow=True)
    assert page.status_code == 200
    assert client.get("/students/").status_code == 302


@pytest.mark.parametrize("path", ["signup/", "email/", "confirm-email/", "confirm-email/abc/"])
def test_what_we_do_not_offer_is_not_there(path):
    assert Client().get(f"/account/{path}").status_code == 404
