"""Reviewing with others and with oneself: two tabs, second opinions, a session that ended, keys switched off."""

import pytest
from playwright.sync_api import Page, expect

from pratique.accounts.roles import Role
from pratique.foundation.ids import new_id
from pratique.records.models import Dose, Submission
from pratique.records.models import Page as StoredPage
from pratique.reviews.models import Review
from tests.integration.reviews.situations import FIRST, SECOND, Desk
from tests.journeys.conftest import Place, faults_of, sign_in
from tests.journeys.test_reviewing import given, shown, start_by_keyboard, wait_until_ready


@pytest.fixture
def desk(place: Place, settings, tmp_path) -> Desk:
    settings.FILES = tmp_path / "files"
    place.with_students()
    return Desk(place.school)


def test_one_reviewer_in_two_tabs(page, place, desk):
    # Given one reviewer who has the same case open in two tabs
    case = given(desk, FIRST)
    given(desk, FIRST, username="ben@x.edu")
    sign_in(page, place, "reviewer")
    other = page.context.new_page()
    for tab in (page, other):
        tab.goto(f"/review/case/{case.id}/")
        shown(tab, case)
    # When it is decided in one, the other says so and nothing is decided twice
    other.keyboard.press("a")
    expect(other.locator("#undo")).to_contain_text(case.number)
    page.keyboard.press("a")
    expect(page.locator("[data-trouble]:visible")).to_contain_text("This was decided already.")
    with desk.scope():
        assert Review.objects.count() == 1
    # And when a tab is closed, what the other works on goes on all the same
    other.close()
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ben")
    wait_for_claim(page)
    page.keyboard.press("a")
    expect(page.locator("#undo")).to_contain_text("Approved")
    with desk.scope():
        assert Submission.objects.filter(state="decided").count() == 2


def wait_for_claim(page: Page) -> None:
    expect(page.get_by_role("button", name="Approve")).to_be_visible()


def test_a_second_opinion_is_somebody_else_s(page, open_browser, place, desk):
    case = given(desk, FIRST, SECOND)
    sign_in(page, place, "reviewer")
    start_by_keyboard(page)
    shown(page, case)
    # When she asks for a second opinion, nothing is left for her, whatever she tries
    page.keyboard.press("o")
    page.keyboard.type("Is this stamp real?")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    page.get_by_role("button", name="Look again").click()
    expect(page.get_by_role("heading", name="Nothing waits")).to_be_visible()
    # Then a colleague gets it, with her question
    other = open_browser()
    sign_in(other, place, "administrator")
    start_by_keyboard(other)
    shown(other, case)
    expect(other.get_by_text("Is this stamp real?")).to_be_visible()
    assert faults_of(other) == []


def test_signed_out_and_in_again_what_was_entered_is_sent(page, place, desk):
    case = given(desk, FIRST)
    sign_in(page, place, "reviewer")
    start_by_keyboard(page)
    shown(page, case)
    page.keyboard.press("r")
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    page.keyboard.type("Kept.")
    # Given that the session ended meanwhile
    page.context.clear_cookies()
    page.keyboard.press("Enter")
    expect(page.locator("[data-trouble]:visible")).to_contain_text("try again", ignore_case=True)
    shown(page, case)
    expect(page.locator("#return-text")).to_have_value("Kept.")
    # When she signs in again in another tab, the same Enter sends it
    other = page.context.new_page()
    sign_in(other, place, "reviewer")
    page.locator("#return-text").focus()
    page.keyboard.press("Enter")
    expect(page.locator("#undo")).to_contain_text("Returned")
    with desk.scope():
        assert Dose.objects.get(submission=case).rejection_reason == "Kept."


def test_keys_of_one_letter_are_switched_off(page, place, desk):
    case = given(desk, FIRST)
    given(desk, FIRST, username="ben@x.edu")
    sign_in(page, place, "reviewer")
    start_by_keyboard(page)
    shown(page, case)
    wait_until_ready(page)
    page.keyboard.press("?")
    page.get_by_label("Keys of one letter are on").uncheck()
    page.keyboard.press("Escape")
    page.keyboard.press("a")
    shown(page, case)
    with desk.scope():
        assert not Review.objects.exists()
    # The buttons do what they say
    page.get_by_role("button", name="Approve").click()
    expect(page.locator("#undo")).to_contain_text(case.number)


def test_a_case_is_looked_at_from_a_student_s_page_and_then_taken(page, place, desk):
    case = given(desk, FIRST)
    given(desk, FIRST, username="ben@x.edu")
    sign_in(page, place, "reviewer")
    page.goto(f"/students/{case.student_id}/")
    page.get_by_role("link", name=case.number).click()
    expect(page.get_by_text("You are only looking.")).to_be_visible()
    assert faults_of(page) == []
    page.keyboard.press("a")
    page.keyboard.press("j")
    with desk.scope():
        assert not Submission.objects.exclude(claimed_by="").exists()
    page.get_by_role("button", name="Take this case").click()
    expect(page.get_by_role("button", name="Approve")).to_be_visible()
    with desk.scope():
        mine = f"staff:{place.school.staff[Role.REVIEWER].id}"
        assert Submission.objects.get(id=case.id).claimed_by == mine


def test_a_page_that_was_seen_before_is_said(page, place, desk):
    # Given two students who handed in the same picture
    case = given(desk, FIRST)
    other = given(desk, FIRST, username="ben@x.edu")
    with desk.scope():
        StoredPage.objects.filter(submission__in=[case, other]).update(picture=new_id())
    sign_in(page, place, "reviewer")
    start_by_keyboard(page)
    shown(page, case)
    # Then the reviewer is told, and looks at the other one in a tab of its own, without taking it
    expect(page.get_by_role("heading", name="A page was seen before")).to_be_visible()
    assert faults_of(page) == []
    with page.expect_popup() as opened:
        page.get_by_role("link", name=other.number).click()
    expect(opened.value.get_by_role("heading", level=1)).to_contain_text("Ben")
    expect(opened.value.get_by_role("button", name="Approve")).to_have_count(0)
