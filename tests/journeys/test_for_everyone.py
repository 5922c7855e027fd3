"""Every page for everyone: by axe-core, at both widths, in the dark, and with the keyboard alone."""

import pytest
from playwright.sync_api import expect

from pratique.students.models import Student
from tests.journeys.conftest import DESK, PHONE, faults_of, sign_in
from tests.schools import imported


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (PHONE, "light"), (DESK, "dark"), (PHONE, "dark")],
    ids=["desk", "phone", "desk in the dark", "phone in the dark"],
)  # fmt: skip
def test_every_page_is_accessible_and_fits(place, open_browser, size, scheme):
    place.with_students()
    roster_import = imported(place.school.institution, "x@x.edu,0009,X,Y,,13/13/2001,Nursin,Fall 2026,yes")
    with place.school.scope():
        student = Student.objects.get(username="ana@x.edu")
    page = open_browser(viewport=size, color_scheme=scheme)
    faults = {}

    def look_at(path: str) -> None:
        page.goto(path)
        # In the dark only the colors differ.
        found = faults_of(page, contrast_only=scheme == "dark")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append("the page is wider than the window")
        if found:
            faults[path] = found

    look_at("/account/login/")
    look_at("/account/password/reset/")
    sign_in(page, place, "administrator")
    for path in (
        "/", "/students/", "/students/?q=ana&standing=not_complete", "/students/?q=nobody",
        f"/students/{student.id}/", "/rosters/", "/rosters/new/", f"/rosters/{roster_import.id}/", "/reports/",
        "/reports/compliance-summary/", "/reports/student-detail/?group=Nursery", "/activity/", "/help/",
        "/account/2fa/", "/account/2fa/totp/activate/", "/account/password/change/", "/nowhere/",
    ):  # fmt: skip
        look_at(path)
    assert faults == {}


def test_open_parts_are_accessible_too(place, open_browser):
    place.with_students()
    page = open_browser(viewport=PHONE)
    sign_in(page, place, "administrator")
    page.goto("/students/")
    page.get_by_role("button", name="Menu").click()
    page.locator("summary").first.click()
    page.get_by_text("Filters", exact=True).click()
    page.get_by_text("Columns", exact=True).click()
    assert faults_of(page) == []


def test_the_keyboard_alone_leads_to_a_student(place, page):
    place.with_students()
    page.goto("/account/login/")
    keys = page.keyboard
    page.get_by_label("Username or e-mail").focus()
    keys.type(place.school.staff["coordinator"].username)
    keys.press("Tab")
    keys.type("a long enough password")
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Today")

    keys.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    keys.press("Enter")
    expect(page.get_by_role("main")).to_be_focused()

    tab_to(page, page.get_by_role("link", name="Students", exact=True), backwards=True)
    keys.press("Enter")
    tab_to(page, page.get_by_label("Find a student"))
    keys.type("brien")
    expect(page.get_by_role("row")).to_have_count(2)
    tab_to(page, page.get_by_role("link", name="O'Brien, Ben"))
    keys.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben O'Brien")


def test_menus_close_with_escape_and_give_the_focus_back(place, page):
    sign_in(page, place)
    menu = page.locator("summary").first
    menu.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(menu).to_be_focused()


def test_on_a_phone_the_navigation_folds(place, open_browser):
    page = open_browser(viewport=PHONE)
    sign_in(page, place)
    rosters = page.get_by_role("link", name="Rosters")
    expect(rosters).to_be_hidden()
    page.get_by_role("button", name="Menu").click()
    rosters.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Roster imports")


def tab_to(page, wanted, *, backwards: bool = False) -> None:
    """Press Tab until `wanted` has the focus; whoever needs more than forty presses is lost."""
    for _ in range(40):
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
        if wanted.evaluate("element => element === document.activeElement"):
            return
    raise AssertionError("The keyboard does not get there.")
