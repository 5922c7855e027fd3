"""An integrator reads the manual: at a desk, on a phone, in the dark, with the keyboard."""

import re

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import DESK, PHONE, faults_of

PAGES = ("/developers/", "/developers/partner-api/")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
@pytest.mark.parametrize("path", PAGES)
def test_the_pages_can_be_read_by_everyone(open_browser, path, size, scheme):
    page = open_browser(viewport=size, color_scheme=scheme)
    page.goto(path)
    for folded in page.locator("article details").all()[:1]:
        folded.locator("summary").click()
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (
        "the page scrolls sideways"
    )


def test_whoever_is_not_signed_in_finds_their_way_from_the_contents(open_browser):
    page = open_browser(viewport=PHONE)
    page.goto("/developers/")
    page.get_by_role("link", name="Partner API").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Partner API")
    contents = page.get_by_role("navigation", name="Contents of this page")
    contents.get_by_text("Contents", exact=True).click()
    contents.get_by_role("link", name="setTracker").click()
    expect(page).to_have_url(re.compile("#settracker$"))
    expect(page.get_by_role("heading", name="setTracker")).to_be_in_viewport()


def test_code_scrolls_by_itself_and_with_the_keyboard(open_browser):
    page = open_browser(viewport=PHONE)
    page.goto("/developers/partner-api/#createuser")
    code = page.locator("#createuser ~ figure pre").first
    code.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("pre => pre.scrollLeft > 0", arg=code.element_handle())
    assert page.evaluate("window.scrollX") == 0


def test_an_example_is_downloaded(open_browser):
    page = open_browser()
    page.goto("/developers/partner-api/#examples")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download partner.py").click()
    assert download.value.suggested_filename == "partner.py"
    page.get_by_text("Show partner.py").click()
    expect(
        page.get_by_text("A complete client of the Pratique partner API, in one file").first
    ).to_be_visible()
