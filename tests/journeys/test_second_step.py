"""A coordinator sets a security key up and signs in with it. Only a browser can tell whether that works."""

from playwright.sync_api import expect

from tests.journeys.conftest import sign_in
from tests.staff import PASSWORD


def test_a_security_key_is_added_and_then_asked_for(place, page):
    given_a_browser_with_a_security_key(page)
    sign_in(page, place)
    when_the_key_is_added(page)
    then_recovery_codes_are_shown(page)
    when_signing_in_again(place, page)
    then_the_key_opens_the_account(page)


def given_a_browser_with_a_security_key(page):
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send(
        "WebAuthn.addVirtualAuthenticator",
        {
            "options": {
                "protocol": "ctap2", "transport": "usb", "hasResidentKey": True, "hasUserVerification": True,
                "isUserVerified": True, "automaticPresenceSimulation": True,
            }
        },
    )  # fmt: skip


def when_the_key_is_added(page):
    page.locator("summary").first.click()
    page.get_by_role("link", name="Two-step sign-in").click()
    page.get_by_role("link", name="Add a key").click()
    if page.get_by_role("heading", name="Is it still you?").is_visible():
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Continue").click()
    page.get_by_label("Name").fill("Blue key")
    page.get_by_role("button", name="Add the key").click()


def then_recovery_codes_are_shown(page):
    expect(page.get_by_role("heading", name="Recovery codes")).to_be_visible()
    expect(page.get_by_role("main").get_by_role("listitem")).to_have_count(10)


def when_signing_in_again(place, page):
    page.locator("summary").first.click()
    page.get_by_role("button", name="Sign out").click()
    page.goto("/account/login/")
    page.get_by_label("Username or e-mail").fill(place.school.staff["coordinator"].username)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_role("heading", name="Second step")).to_be_visible()


def then_the_key_opens_the_account(page):
    page.get_by_role("button", name="Use a security key").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")
