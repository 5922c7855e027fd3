"""Handing in when life comes in between: the session ends, the network goes, two windows, no mouse, going back."""

import os
import re
from datetime import timedelta
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pratique.foundation import clock
from pratique.records.models import Document, Submission, Titer
from tests.integration.files.material import photo
from tests.journeys.conftest import DESK, PHONE
from tests.journeys.test_student_hands_in import Taps, typed
from tests.journeys.test_student_other_ways import BOTH, signed_in
from tests.schools import EXAM, MMR, NOW, TODAY, requires
from tests.students import STUDENT_PASSWORD

pytestmark = pytest.mark.usefixtures("committed")
OR_TITER = MMR | {
    "rule": {
        "kind": "any_of",
        "rules": [MMR["rule"], {"kind": "titer", "antibodies": ["measles", "mumps", "rubella"]}],
    }
}


def typing_doses(page: Page) -> None:
    page.get_by_role("link", name="MMR", exact=True).click()
    page.get_by_role("button", name="Type dates of vaccines").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Which vaccines")


@BOTH
def test_lab_results_are_typed_judged_and_sent(open_browser, place, size):
    # given a requirement that blood tests satisfy too
    requires(place.school.institution, OR_TITER, EXAM, applies_from=TODAY)
    page = signed_in(open_browser, place, size)
    taps = Taps(page, f"results-{size['width']}")
    page.get_by_role("link", name="MMR", exact=True).click()
    taps.look("item")
    page.get_by_role("button", name="Type lab results").click()
    taps.look("empty")
    # when nothing is typed, she is told what is missing
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    taps.look("nothing")
    # when one is typed without its day, she is told so at the field
    page.locator("[for$=measles-positive]").click()
    page.locator("#titer-measles-value").fill("210")
    page.locator("#titer-measles-unit").fill("mIU/mL")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name="Fill in the date.")).to_be_visible()
    taps.look("no-day")
    page.get_by_label("Day", exact=True).fill("15")
    page.get_by_label("Month").select_option("6")
    page.get_by_label("Year").fill("2026")
    expect(page.get_by_text("with this alone, something is still missing.")).to_be_visible()
    for name in ("mumps", "rubella"):
        page.locator(f"[for$={name}-positive]").click()
    expect(page.locator("#collected-error")).to_have_count(0)
    # then the answer is there before a reviewer looks
    expect(page.get_by_text("with this you have done your part")).to_be_visible()
    taps.look("judged")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_text("Positive (immune) · 210 mIU/mL · June 15, 2026")).to_be_visible()
    taps.look("summary")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    taps.look("receipt")
    with place.school.scope():
        assert Titer.objects.count() == 3


@BOTH
def test_a_photo_of_an_exam_with_its_date(open_browser, place, size, settings, tmp_path: Path):
    settings.FILES = tmp_path / "files"
    page = signed_in(open_browser, place, size)
    taps = Taps(page, f"pages-{size['width']}")
    page.get_by_role("link", name="Physical exam", exact=True).click()
    taps.look("item")
    page.get_by_role("button", name="Take photos or choose files").click()
    taps.look("empty")
    # when she goes on without a photo, she is told so
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Add at least one photo or file.")
    taps.look("nothing")
    picture = (
        tmp_path / "a very long name of a photo that no telephone would ever give to it but people do.jpg"
    )
    picture.write_bytes(photo(3, size=(1200, 1600)))
    page.locator("#files-several").set_input_files(picture)
    expect(page.locator("[data-file], .files-row")).not_to_have_count(0)
    place.work()
    expect(page.locator(".files-page")).to_have_count(1)
    typed_in = page.locator("fieldset.date-fields")
    typed_in.get_by_label("Day").fill("01/02/2026")
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    # then a date of two readings is a question
    expect(page.get_by_role("group", name=re.compile("Which day do you mean"))).to_be_visible()
    taps.look("which-day")
    page.get_by_text("Feb. 1, 2026", exact=True).click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and send")
    taps.look("summary")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    taps.look("receipt")
    with place.school.scope():
        assert str(Document.objects.get(kind="physical_exam").issued_on) == "2026-02-01"
    # and the file as it was sent is hers to take back
    page.goto("/my/record/")
    taps.look("record")
    with page.expect_download() as taken:
        page.get_by_role("link", name=picture.name).click()
        if page.get_by_role("link", name=re.compile("Download")).count() and not page.url.endswith(
            "/record/"
        ):
            page.get_by_role("link", name=re.compile("Download")).first.click()
    assert taken.value.path().read_bytes() == picture.read_bytes()


def test_the_session_ends_while_typing_and_nothing_is_lost(open_browser, place):
    page = signed_in(open_browser, place, PHONE)
    taps = Taps(page, "signed-out")
    typing_doses(page)
    # when the session ends
    page.context.clear_cookies(name="sessionid")
    typed(page.locator("[data-row]").first, "4", "3", "2008")
    page.get_by_role("button", name="Add another dose of the same vaccine").click()
    typed(page.locator("[data-row]").nth(1), "5", "4", "2011")
    # then the page says so, and where to sign in again
    expect(page.get_by_text("You were signed out. What you typed is kept in this window.")).to_be_visible()
    taps.look("told")
    page.get_by_role("link", name="Sign in again").click()
    page.locator("[name=login]").fill("ana@x.edu")
    page.locator("[name=password]").fill(STUDENT_PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    # then she is where she was, and so is what she typed
    expect(page.get_by_label("Year")).to_have_count(2)
    expect(page.get_by_label("Year").first).to_have_value("2008")
    expect(page.get_by_text("Counts as dose 2 of MMR")).to_be_visible()
    expect(page.get_by_text("Saved.")).to_be_visible()
    with place.school.scope():
        assert len(Submission.objects.get().draft["pieces"]) == 2


def test_without_a_network_it_is_kept_here_and_saved_later(open_browser, place):
    page = signed_in(open_browser, place, PHONE)
    typing_doses(page)
    page.context.set_offline(True)
    typed(page.locator("[data-row]").first, "4", "3", "2008")
    expect(page.get_by_text("Not saved yet. It is kept in this window.")).to_be_visible()
    # when the network comes back, it is saved without a further key
    page.context.set_offline(False)
    expect(page.get_by_text("Saved.")).to_be_visible()
    expect(page.get_by_text("Counts as dose 1 of MMR")).to_be_visible()
    with place.school.scope():
        assert Submission.objects.get().draft["pieces"][0]["administered_on"] == "2008-03-04"


def test_what_is_typed_before_the_script_has_come_is_judged_and_found(open_browser, place):
    # given a line on which a page is there long before its script
    page = signed_in(open_browser, place, PHONE)
    page.get_by_role("link", name="MMR", exact=True).click()
    scripts = []
    page.route("**/portal/hand_in.js", lambda route: scripts.append(route))
    page.get_by_role("button", name="Type dates of vaccines").click()
    # when she types at once
    row = page.locator("[data-row]").first
    row.get_by_label("Day").focus()
    for key in ("4", "Tab", "March", "Tab", "2008"):
        page.keyboard.press(key) if key == "Tab" else page.keyboard.type(key)
    scripts.pop().continue_()
    # then it is kept and judged as if the script had been there
    expect(page.get_by_text("Counts as dose 1 of MMR")).to_be_visible()
    expect(page.get_by_text("Saved.")).to_be_visible()
    # and a name typed so early is looked for, and is not taken for the vaccine that stood there
    page.goto(page.url, wait_until="commit")
    vaccine = row.locator("[data-finder] input")
    vaccine.focus()
    page.keyboard.press("Control+a")
    page.keyboard.type("hepat")
    scripts.pop().continue_()
    expect(row.get_by_role("option").filter(has_text="Hepatitis B").first).to_be_visible()
    expect(row.locator("input[data-code]")).to_have_value("")
    expect(vaccine).to_be_focused()


def test_a_second_window_is_told_and_loses_nothing(open_browser, place, monkeypatch):
    # given a clock that goes on: windows are told apart by when the draft was saved
    moments = count()
    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(seconds=next(moments)))
    page = signed_in(open_browser, place, DESK)
    typing_doses(page)
    other = page.context.new_page()
    other.goto(page.url)
    typed(page.locator("[data-row]").first, "4", "3", "2008")
    expect(page.get_by_text("Saved.")).to_be_visible()
    typed(other.locator("[data-row]").first, "5", "5", "2010")
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_text("You worked on this in another window too")).to_be_visible()
    expect(other.get_by_label("Year")).to_have_count(2)
    Taps(other, "two-windows").look("told")
    other.get_by_role("button", name="Continue").click()
    expect(other.get_by_role("heading", level=1)).to_have_text("Check and send")
    expect(other.get_by_text("March 4, 2008")).to_be_visible()
    expect(other.get_by_text("May 5, 2010")).to_be_visible()


def test_send_is_tapped_twice_and_then_the_way_back(open_browser, place):
    page = signed_in(open_browser, place, PHONE)
    typing_doses(page)
    typed(page.locator("[data-row]").first, "4", "3", "2008")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send", exact=True).dblclick()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    number = page.locator(".receipt-number").inner_text()
    with place.school.scope():
        assert Submission.objects.count() == 1
    # when she goes back and sends it again, it is the same receipt
    page.go_back()
    if page.get_by_role("button", name="Send", exact=True).count():
        page.get_by_role("button", name="Send", exact=True).click()
    expect(page.locator(".receipt-number")).to_have_text(number)
    with place.school.scope():
        assert Submission.objects.count() == 1


def press(page: Page, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


def tab_to(page: Page, what: str) -> None:
    """Go on with the tab key until `what` has the focus; every stop on the way shows where it is."""
    for _ in range(60):
        page.keyboard.press("Tab")
        shown = page.evaluate(
            """() => {
              const one = document.activeElement, style = getComputedStyle(one), box = one.getBoundingClientRect();
              const label = one.labels?.[0] ? getComputedStyle(one.labels[0], '::before') : style;
              const ring = [style, label].some((s) => (s.outlineStyle !== 'none' && s.outlineWidth !== '0px')
                || s.boxShadow !== 'none');
              return ring && box.bottom > 0 && box.top < innerHeight;
            }"""
        )
        assert shown, page.evaluate("document.activeElement.outerHTML")[:200]
        if page.locator(what).first.evaluate("one => one === document.activeElement"):
            return
    raise AssertionError(what)


def test_a_whole_hand_in_without_a_mouse(open_browser, place):
    page = signed_in(open_browser, place, DESK)
    page.emulate_media(reduced_motion="reduce")
    tab_to(page, ".need h4 a")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("MMR")
    tab_to(page, "button[value=doses]")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Which vaccines")
    # when she looks a vaccine up with the arrows
    tab_to(page, "[data-finder] input")
    press(page, "Control+a")
    page.keyboard.type("priorix")
    expect(page.locator(".finder-list [role=option]").first).to_be_visible()
    press(page, "Escape")
    expect(page.locator(".finder-list [role=option]:visible")).to_have_count(0)
    press(page, "ArrowDown")
    expect(page.locator(".finder-list [role=option]").first).to_be_visible()
    press(page, "ArrowDown")
    expect(page.get_by_role("combobox").first).to_have_attribute(
        "aria-activedescendant", re.compile("list-0")
    )
    press(page, "Enter")
    expect(page.locator("[data-finder] input").first).to_have_value("Priorix")
    press(page, "Tab")
    page.keyboard.type("4")
    press(page, "Tab")
    page.keyboard.type("Mar")
    press(page, "Tab")
    page.keyboard.type("2008")
    expect(page.get_by_text("Counts as dose 1 of MMR")).to_be_visible()
    tab_to(page, "[data-add-same]")
    press(page, "Enter")
    expect(page.locator("[data-row]").nth(1).get_by_label("Day")).to_be_focused()
    page.keyboard.type("5")
    press(page, "Tab")
    page.keyboard.type("Apr")
    press(page, "Tab")
    page.keyboard.type("2011")
    expect(page.get_by_text("Counts as dose 2 of MMR")).to_be_visible()
    tab_to(page, ".step-foot button")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and send")
    tab_to(page, "button.send")
    press(page, "Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    expect(page.get_by_role("heading", level=1)).to_be_focused()


@pytest.mark.skipif(not os.environ.get("PORTAL_SHOTS"), reason="pictures for a careful eye, on request")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_pictures(open_browser, place, dark):
    page = signed_in(open_browser, place, DESK if not dark else PHONE)
    page.emulate_media(color_scheme="dark" if dark else "light")
    taps = Taps(page, f"pictures-{'dark' if dark else 'light'}")
    page.goto("/my/")
    taps.look("home")
    for address in ("messages/", "messages/general/", "record/", "seen/"):
        page.goto(f"/my/{address}")
        taps.look(address.strip("/").replace("/", "-"))
    page.goto("/my/")
    typing_doses(page)
    taps.look("doses")
    row = page.locator("[data-row]").first
    row.locator("[data-finder] input").fill("hep")
    expect(row.get_by_role("option").first).to_be_visible()
    taps.look("found")
    row.locator("[data-finder] input").press("Escape")
    row.locator("[data-finder] input").fill("mmr")
    typed(row, "4", "3", "2030")
    page.get_by_role("button", name="Continue").click()
    taps.look("faults")
    page.goto(re.sub("doses/$", "summary/", page.url))
    page.get_by_text("Say something to the reviewer").click()
    taps.look("summary")
