"""J1: a student opens the invitation on a phone, says who they are, and signs in again by password or passkey."""

import re

import pytest
from django.core import mail
from playwright.sync_api import expect

from pratique.students.invitations import send_waiting
from tests.journeys.conftest import DESK, PHONE, faults_of
from tests.students import STUDENT_PASSWORD


@pytest.fixture
def invited(place):
    """The students' links, by e-mail address."""
    place.with_students()
    send_waiting(institution_id=place.school.institution.id)
    return {m.to[0]: re.search(r"/start/[\w-]+/", m.body)[0] for m in mail.outbox}


@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desktop"])
def test_from_the_invitation_to_the_portal_by_password(open_browser, invited, size):
    page = open_browser(viewport=size)
    given_the_link_is_opened(page, invited["ana@x.edu"])
    when_the_date_of_birth_is_wrong_it_says_so(page)
    when_the_date_of_birth_is_right(page)
    then_a_password_is_chosen(page)
    then_the_portal_greets(page, "Ana")
    when_signing_out_and_in_again(page)
    then_the_portal_greets(page, "Ana")


def given_the_link_is_opened(page, link):
    page.goto(link)
    expect(page).to_have_url(re.compile(r"/start/$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Welcome")
    assert faults_of(page) == []


def birth(page, month, day, year):
    page.get_by_label("Month").select_option(label=month)
    page.get_by_label("Day").fill(day)
    page.get_by_label("Year").fill(year)
    page.get_by_role("button", name="Continue").click()


def when_the_date_of_birth_is_wrong_it_says_so(page):
    birth(page, "March", "4", "2006")
    expect(page.get_by_role("alert")).to_contain_text("not what Test College has on file")
    assert faults_of(page) == []


def when_the_date_of_birth_is_right(page):
    birth(page, "April", "3", "2006")
    expect(page.get_by_role("heading", level=1)).to_have_text("How will you sign in?")
    assert faults_of(page) == []


def then_a_password_is_chosen(page):
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("The same password again").fill("short")
    page.get_by_role("button", name="Keep this password").click()
    expect(page.get_by_text("too short")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_label("Password", exact=True).fill(STUDENT_PASSWORD)
    page.get_by_label("The same password again").fill(STUDENT_PASSWORD)
    page.get_by_role("button", name="Keep this password").click()


def then_the_portal_greets(page, name):
    expect(page).to_have_url(re.compile(r"/my/$"))
    expect(page.get_by_role("banner")).to_contain_text("Test College")


def when_signing_out_and_in_again(page):
    page.context.clear_cookies()
    page.goto("/account/login/")
    assert faults_of(page) == []
    page.get_by_label("Username or e-mail").fill("ANA@x.edu")
    page.get_by_label("Password").fill(STUDENT_PASSWORD)
    page.keyboard.press("Enter")


def given_a_device_with_passkeys(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "internal", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip


def test_a_passkey_opens_the_account_and_signs_in_again(open_browser, invited):
    page = open_browser(viewport=PHONE)
    given_a_device_with_passkeys(page)
    page.goto(invited["ben@x.edu"])
    birth(page, "December", "31", "2005")
    page.get_by_role("button", name="Use a passkey").click()
    then_the_portal_greets(page, "Ben")
    page.goto("/my/settings/")
    assert faults_of(page) == []
    then_the_only_way_in_cannot_be_taken_away(page)
    page.context.clear_cookies()
    page.goto("/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    then_the_portal_greets(page, "Ben")


def then_the_only_way_in_cannot_be_taken_away(page):
    page.get_by_role("link", name="Take away").click()
    expect(page.get_by_text("your only way in")).to_be_visible()
    assert faults_of(page) == []


def test_a_passkey_is_added_and_taken_away_in_the_settings(open_browser, invited):
    page = open_browser(viewport=DESK)
    given_a_device_with_passkeys(page)
    page.goto(invited["ana@x.edu"])
    when_the_date_of_birth_is_right(page)
    page.get_by_label("Password", exact=True).fill(STUDENT_PASSWORD)
    page.get_by_label("The same password again").fill(STUDENT_PASSWORD)
    page.get_by_role("button", name="Keep this password").click()
    then_the_portal_greets(page, "Ana")
    page.goto("/my/settings/")
    page.get_by_role("link", name="Add a passkey").click()
    assert faults_of(page) == []
    page.get_by_label("Name").fill("Blue phone")
    page.get_by_role("button", name="Make the passkey").click()
    expect(page.get_by_role("status").first).to_contain_text("sign in with this passkey")
    expect(page.get_by_text("Blue phone").first).to_be_visible()
    page.get_by_role("link", name="Take away Blue phone").click()
    page.get_by_role("button", name="Take it away").click()
    expect(page.get_by_text("is taken away")).to_be_visible()


def test_every_page_for_a_link_that_does_not_work_is_kind_and_clean(open_browser, invited):
    page = open_browser(viewport={"width": 320, "height": 700})
    for address in ("/start/", f"/start/{'x' * 43}/", "/start/ask/", "/account/password/reset/"):
        page.goto(address)
        assert faults_of(page) == [], address
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    page.goto("/start/ask/")
    page.get_by_role("button", name="Español").click()
    expect(page.locator("html")).to_have_attribute("lang", "es")
    assert faults_of(page) == []
