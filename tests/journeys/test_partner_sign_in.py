"""A click in the school's own portal: signed in without a password, the list of requirements chosen, the first page."""

import re

import pytest
from playwright.sync_api import expect

from pratique.partners.actions.tokens import issue_token
from tests.journeys.conftest import DESK, PHONE, faults_of
from tests.schools import NOW
from tests.students import STUDENT_PASSWORD, student_of

SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desktop"])


@pytest.fixture
def link(place):
    """Makes a link as the school's portal gets it for a student."""
    place.with_students()

    def made(username="dan@x.edu"):
        with place.school.scope():
            token = issue_token(
                institution=place.school.institution, student_id=student_of(place.school, username).id,
                caller_identifier="live_0123456789ABCDEFGHIJKL", now=NOW,
            )  # fmt: skip
        return f"/sso/{token}"

    return made


@SIZES
def test_from_the_click_to_the_first_page(open_browser, link, size):
    page = open_browser(viewport=size)
    referers = []
    page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
    page.goto("/start/ask/")
    when_the_link_is_clicked(page, link())
    then_the_list_is_asked_for(page)
    when_the_list_is_chosen_by_keyboard(page)
    then_the_first_page_says_what_to_do(page)
    assert not any("/sso/" in referer for referer in referers)
    then_going_back_leads_to_where_one_came_from(page)


def when_the_link_is_clicked(page, link):
    page.evaluate("link => { location.href = link }", link)
    page.wait_for_url(re.compile(r"/my/tracker/$"))


def then_the_list_is_asked_for(page):
    expect(page.get_by_role("heading", level=1)).to_have_text("Which list is yours?")
    expect(page.get_by_role("group", name="Nursing")).to_be_visible()
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def when_the_list_is_chosen_by_keyboard(page):
    page.get_by_role("button", name="Continue").press("Enter")
    expect(page.get_by_role("alert")).to_have_text("Choose one of these.")
    assert faults_of(page) == []
    page.get_by_role("radio", name=re.compile("Nursing - Fall 2026")).press("Space")
    page.keyboard.press("Tab")
    while not page.evaluate("document.activeElement.matches('main button')"):
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Is this right?")
    expect(page.get_by_text("Nursing - Fall 2026")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_role("button", name="Yes, this is mine").press("Enter")


def then_the_first_page_says_what_to_do(page):
    expect(page).to_have_url(re.compile(r"/my/$"))
    expect(page.get_by_role("link", name="MMR").first).to_be_visible()
    assert faults_of(page) == []


def then_going_back_leads_to_where_one_came_from(page):
    """The page that sends the token by itself leaves nothing in the history that would use it a second time."""
    page.goto("/my/settings/")
    for _ in range(6):
        page.go_back()
        assert "/sso/" not in page.url
        if page.url.endswith("/start/ask/"):
            return
    pytest.fail("The page before the link was not found again.")


@SIZES
def test_without_javascript_the_button_does_it(open_browser, link, size):
    page = open_browser(viewport=size, java_script_enabled=False)
    page.goto(link("ana@x.edu"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Signing you in…")
    page.get_by_role("button", name="Continue").click()
    expect(page).to_have_url(re.compile(r"/my/$"))


@SIZES
def test_the_page_that_waits_for_the_button_is_clean(open_browser, link, size):
    page = open_browser(viewport=size)
    page.route("**/partner/sso.js", lambda route: route.fulfill(body="", content_type="text/javascript"))
    page.goto(link("ana@x.edu"))
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page).to_have_title("Signing you in · Pratique")
    page.keyboard.press("Tab")  # the link that leads to the content
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/my/$"))


@SIZES
def test_a_link_that_is_used_up_says_what_to_do(open_browser, link, size):
    used = link("ana@x.edu")
    open_browser().goto(used)
    page = open_browser(viewport=size)
    page.goto(used)
    expect(page.get_by_role("heading", level=1)).to_have_text("This link no longer works")
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert "/sso/" in page.url
    assert used not in page.content()
    page.get_by_role("link", name="sign in with it").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Sign in")


def test_a_first_password_is_set_in_the_settings(open_browser, link):
    page = open_browser(viewport=PHONE)
    page.goto(link("ana@x.edu"))
    expect(page).to_have_url(re.compile(r"/my/$"))
    page.goto("/my/settings/")
    assert faults_of(page) == []
    page.get_by_role("link", name="Set a password").click()
    assert faults_of(page) == []
    page.get_by_label("Password", exact=True).fill(STUDENT_PASSWORD)
    page.get_by_label("The same password again").fill(STUDENT_PASSWORD)
    page.get_by_role("button", name="Keep this password").click()
    expect(page.get_by_role("status").first).to_contain_text("sign in with your username and this password")
