"""An administrator sets a partner up by keyboard alone: key shown once, rotated, revoked; then reads the log."""

import pytest
from playwright.sync_api import Locator, Page, expect

from pratique.foundation.tenancy import institution_scope
from pratique.partners.actions.clients import suspend
from pratique.partners.models import PartnerClient, PartnerKey
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in
from tests.partners import TestPartner, a_partner, with_calls
from tests.schools import BY, NOW


def activate(page: Page, target: Locator) -> None:
    """Reach something with the Tab key, wherever the focus is, and press Enter on it."""
    expect(target).to_be_visible()
    for _ in range(120):
        if target.evaluate("element => element === document.activeElement"):
            page.keyboard.press("Enter")
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not reach {target}.")


def write(page: Page, label: str, text: str) -> None:
    field = page.get_by_label(label)
    for _ in range(120):
        if field.evaluate("element => element === document.activeElement"):
            page.keyboard.type(text)
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"The Tab key does not reach {label}.")


def link(page: Page, name: str) -> Locator:
    return page.get_by_role("link", name=name, exact=True)


def button(page: Page, name: str) -> Locator:
    return page.get_by_role("button", name=name, exact=True)


def test_a_partner_is_set_up_rotated_and_revoked_by_keyboard(place: Place, open_browser):
    page: Page = open_browser(permissions=["clipboard-read", "clipboard-write"])
    sign_in(page, place, "administrator")

    # The empty list offers the way in.
    activate(page, page.get_by_role("navigation", name="Main").get_by_role("link", name="Partners"))
    expect(page.get_by_role("heading", name="No partners yet")).to_be_visible()
    assert faults_of(page) == []
    activate(page, page.get_by_role("main").get_by_role("link", name="Add a partner"))
    write(page, "Name", "Student portal")
    write(page, "E-mail of the people who run it", "it@portal.example")
    assert faults_of(page) == []
    page.keyboard.press("Enter")

    # Production: a client id, then a key, shown once and copied.
    activate(page, button(page, "Set up production"))
    expect(page.get_by_text("The client id is there. Make a key next.")).to_be_visible()
    assert faults_of(page) == []
    activate(page, link(page, "Make a key (Production)"))
    activate(page, button(page, "Make the key"))
    first = page.locator("#encryption-key").inner_text()
    assert faults_of(page) == []
    activate(page, button(page, "Copy the key"))
    expect(page.locator("#announcement")).to_have_text("The key is copied.")
    assert page.evaluate("navigator.clipboard.readText()") == first
    assert len(first) == 43
    # A reload sends the form again: no second key, and the first is not shown again.
    page.reload()
    expect(page.get_by_text("A key was made already")).to_be_visible()
    assert first not in page.content()

    # Rotation: the new key works beside the older one for seven days.
    activate(page, link(page, "New key (Production)"))
    expect(page.get_by_label("When do the older keys stop?")).to_have_value("7")
    assert faults_of(page) == []
    activate(page, button(page, "Make the key"))
    expect(page.get_by_text("The older keys work until Aug. 10, 2026")).to_be_visible()
    second = page.locator("#encryption-key").inner_text()
    assert second != first
    activate(page, link(page, "I have stored it"))
    expect(page.get_by_text("Stops on Aug. 10, 2026")).to_be_visible()

    # The older one is revoked; the page says first what that stops.
    with institution_scope(place.school.institution.id):
        older, newer = PartnerKey.objects.order_by("id")
        client = PartnerClient.objects.get()
    activate(page, link(page, f"Revoke {older.fingerprint}"))
    expect(page.get_by_text("calls under the other key go on.")).to_be_visible()
    assert faults_of(page) == []
    activate(page, button(page, "Revoke the key"))
    expect(page.get_by_text("The key is revoked. Nothing can be called with it.")).to_be_visible()

    # The log.
    with_calls(TestPartner(client.identifier, second, client, newer), 120)
    activate(page, link(page, "Log of calls"))
    expect(page.get_by_text("120 calls")).to_be_visible()
    page.locator("summary", has_text="Why calls were refused").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_text("Send the call again with a fresh nonce")).to_be_visible()
    assert faults_of(page) == []
    activate(page, page.get_by_role("link", name="Page 2"))
    expect(page.locator("#results").get_by_text("51 to 100 shown")).to_be_visible()
    page.get_by_label("Outcome", exact=True).select_option("FIELD_INVALID")
    activate(page, button(page, "Show"))
    expect(page.get_by_text("15 calls")).to_be_visible()
    expect(page.get_by_text("The date must be written as mm/dd/yyyy.").first).to_be_visible()
    with page.expect_download() as download:
        activate(page, button(page, "Download CSV"))
    assert download.value.path().read_text().count("FIELD_INVALID") == 15


def test_the_demo_environment_says_when_it_is_there(place: Place, page: Page):
    sign_in(page, place, "administrator")
    page.goto("/partners/new/")
    page.get_by_label("Name").fill("Student portal")
    button(page, "Add").click()
    button(page, "Set up demo").click()
    expect(page.get_by_text("The demo environment is being prepared")).to_be_visible()
    assert faults_of(page) == []
    place.work()
    page.reload()
    demo = page.get_by_role("region", name="Demo")
    expect(demo.get_by_text("-DEMO")).to_be_visible()
    expect(demo.get_by_text("Nursing - Fall 2026")).to_be_visible()
    assert faults_of(page) == []


@pytest.mark.parametrize(
    ("size", "scheme"), [(DESK, "light"), (PHONE, "light"), (DESK, "dark"), (PHONE, "dark")],
    ids=["desk", "phone", "desk in the dark", "phone in the dark"],
)  # fmt: skip
def test_every_page_about_partners_is_accessible_and_fits(place: Place, open_browser, size, scheme):
    school = place.school.institution
    works = a_partner(school, name="X" * 120)
    with_calls(works, 60)
    stopped = a_partner(school, name="Stopped")
    suspend(client=stopped.client, reason="y" * 200, by=BY, now=NOW)
    page: Page = open_browser(viewport=size, color_scheme=scheme)
    sign_in(page, place, "administrator")
    at = f"/partners/{works.client.partner_id}/"
    faults = {}
    for path in (
        "/partners/", "/partners/?state=care", "/partners/?q=nobody", "/partners/new/", "/partners/settings/", at,
        f"{at}calls/", f"{at}calls/?environment=demo", f"{at}change/", f"{at}production/key/",
        f"{at}production/suspend/", f"{at}production/limit/", f"{at}keys/{works.key.id}/revoke/",
        f"/partners/{stopped.client.partner_id}/",
    ):  # fmt: skip
        page.goto(path)
        for summary in page.locator("main summary").all():
            if not summary.evaluate("element => element.parentElement.open"):
                summary.click()
        found = faults_of(page, contrast_only=scheme == "dark")
        if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
            found.append("the page is wider than the window")
        if found:
            faults[path] = found
    assert faults == {}
