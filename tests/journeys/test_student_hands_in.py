"""J1: an incoming student with nothing but a phone, from the mail to the first receipt."""

import os
import re
from pathlib import Path

import pytest
from django.core import mail
from playwright.sync_api import Page, expect

from pratique.students.invitations import send_waiting
from tests.journeys.conftest import DESK, PHONE, faults_of
from tests.students import STUDENT_PASSWORD

pytestmark = pytest.mark.usefixtures("committed")
SHOTS = os.environ.get("PORTAL_SHOTS")  # a folder: keep a picture of every screen there


class Taps:
    """Counts what a thumb does. Typing is not tapping, as the keyboard stays where it is."""

    def __init__(self, page: Page, name: str = "") -> None:
        self.page, self.count, self.name, self.shots = page, 0, name, 0

    def on(self, what) -> None:
        self.count += 1
        what.click()

    def look(self, what: str, *, axe: bool = True) -> None:
        """What a careful eye checks on every screen: no fault of access, nothing wider than the screen."""
        if SHOTS:
            self.shots += 1
            folder = Path(SHOTS) / self.name
            folder.mkdir(parents=True, exist_ok=True)
            self.page.screenshot(path=folder / f"{self.shots:02}-{what}.png", full_page=True)
        if axe:
            assert faults_of(self.page) == [], what
        assert self.page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), what


def invited(place) -> str:
    """The way to the link in the mail."""
    place.with_students()
    send_waiting(institution_id=place.school.institution.id)
    (to_ana,) = [one for one in mail.outbox if one.to == ["ana@x.edu"]]
    return re.search(r"/start/[\w-]{43}/", to_ana.body)[0]


def signed_in_first_time(page: Page, taps: Taps, link: str) -> None:
    taps.count += 1  # the link in the mail
    page.goto(link)
    page.get_by_label("Month").select_option("4")
    page.get_by_label("Day").fill("3")
    page.get_by_label("Year").fill("2006")
    taps.look("birth")
    taps.on(page.get_by_role("button", name="Continue"))
    page.get_by_label("Password", exact=True).fill(STUDENT_PASSWORD)
    page.get_by_label("The same password again").fill(STUDENT_PASSWORD)
    taps.look("password")
    taps.on(page.get_by_role("button", name="Keep this password"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Hello Ana")


@pytest.mark.parametrize(
    "size", [PHONE, DESK, {"width": 320, "height": 640}], ids=["phone", "desk", "smallest"]
)
def test_from_the_mail_to_the_first_receipt_in_twelve_taps(open_browser, place, size):
    # given a student who was invited
    link = invited(place)
    page = open_browser(viewport=size)
    taps = Taps(page, f"j1-{size['width']}")

    # when she opens the link and says when she was born
    signed_in_first_time(page, taps, link)
    # then she sees what is asked, and until when
    expect(page.get_by_text("0 of 2 done")).to_be_visible()
    taps.look("home")

    # when she opens the first one and types her two doses
    taps.on(page.get_by_role("link", name=re.compile("Hand in ?: MMR")))
    taps.look("item")
    taps.on(page.get_by_role("button", name="Type dates of vaccines"))
    taps.look("doses")
    first = page.locator("[data-row]").nth(0)
    expect(first.get_by_label("Vaccine", exact=True)).to_have_value("MMR (measles, mumps, rubella)")
    typed(first, "4", "3", "2008")
    # then each is judged at once
    expect(first.get_by_text("Counts as dose 1 of MMR")).to_be_visible()
    taps.on(first.get_by_role("button", name="Add another dose of the same vaccine"))
    second = page.locator("[data-row]").nth(1)
    expect(second.get_by_label("Day")).to_be_focused()
    typed(second, "25", "3", "2008")
    expect(second.get_by_text("too early: another dose is needed on or after")).to_be_visible()
    taps.look("too-early")
    second.get_by_label("Year").fill("2011")
    expect(second.get_by_text("Counts as dose 2 of MMR")).to_be_visible()
    expect(page.get_by_text("with this you have done your part")).to_be_visible()
    taps.look("judged")
    taps.on(page.get_by_role("button", name="Continue"))
    expect(page.get_by_role("heading", level=1)).to_have_text("Check and send")
    taps.look("summary")
    taps.on(page.get_by_role("button", name="Send", exact=True))

    # then she has a receipt
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    expect(page.get_by_text("You may close this")).to_be_visible()
    taps.look("receipt")
    assert taps.count <= 12, taps.count
    page.goto("/my/")
    expect(page.get_by_role("heading", name="Waiting for review")).to_be_visible()
    taps.look("home-waiting")


def typed(row, day: str, month: str, year: str) -> None:
    row.get_by_label("Day").fill(day)
    row.get_by_label("Month").select_option(month)
    row.get_by_label("Year").fill(year)
