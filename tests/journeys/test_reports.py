"""Reports that a school builds: kept, shared, found again by a colleague, and fetched by the school's own system."""

import csv
from datetime import UTC, datetime

from playwright.sync_api import Page, expect

from pratique.foundation import clock
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in
from tests.sftp_clients import Clients, needs
from tests.sftp_server import SftpServer
from tests.transfers import an_account


def heading(page: Page, text: str) -> None:
    expect(page.get_by_role("heading", level=1)).to_have_text(text)


def rows_shown(page: Page) -> list[str]:
    return [" | ".join(row) for row in page.locator("#preview tbody tr").evaluate_all(
        "rows => rows.map(row => [...row.cells].map(cell => cell.textContent.trim()))"
    )]  # fmt: skip


def build(page: Page) -> None:
    """From the catalogue to a saved report of the nursing students: columns by mouse and keys, a filter, a name."""
    page.get_by_role("link", name="Reports", exact=True).click()
    page.get_by_role("link", name="Build a report").click()
    page.get_by_role("link", name="A student").first.click()
    heading(page, "Build a report")

    def button(name: str):
        return page.get_by_role("button", name=name, exact=True)

    # The usual columns are many; this one needs four. Taking one out leaves the focus on the form.
    for name in ("Package", "Telephone", "Date of birth", "Requirement group", "Term"):
        button(f"Take {name} out").click()
        expect(button(f"Take {name} out")).to_be_hidden()
    page.get_by_label("Find a column").fill("telep")
    expect(button("Term")).to_be_hidden()
    expect(button("Telephone")).to_be_visible()
    page.get_by_label("Find a column").fill("")

    # The keyboard moves a column, and stays on the button with which it did.
    up = button("Move Student ID up")
    up.focus()
    page.keyboard.press("Enter")
    expect(page.locator(".chosen-column").first).to_contain_text("Student ID")
    expect(up).to_be_focused()
    expect(page.locator("#announcement")).to_contain_text("Student ID is column 1 of")

    page.get_by_label("Student ID: own title").fill("SID")
    expect(page.locator("#preview").get_by_role("columnheader").first).to_have_text("SID")
    page.locator("#pick-group summary").click()
    nursing = page.locator("#pick-group").get_by_text("Nursing", exact=True).last
    nursing.click()
    expect(page.get_by_text("2 rows in all")).to_be_visible()
    # The list stays open for the next tick, and the address has kept the work.
    expect(nursing).to_be_visible()
    assert "title.student_id=SID" in page.url
    page.keyboard.press("Escape")
    page.reload()
    assert [row.split(" | ")[0] for row in rows_shown(page)] == ["0003", "0002"]

    button("Save the report").click()
    expect(page.get_by_text("Give the report a name.")).to_be_visible()
    page.get_by_label("Name", exact=True).fill("Nursing, for the clinic")
    page.get_by_label("What it is for").fill("Who comes to the clinic day.")
    page.locator("#share").get_by_text("Reviewer").click()
    assert faults_of(page) == []
    button("Save the report").click()
    expect(page.get_by_text("“Nursing, for the clinic” is saved.")).to_be_visible()
    heading(page, "Nursing, for the clinic")


@needs("sftp")
def test_a_report_is_built_shared_found_again_scheduled_and_received(
    place: Place, open_browser, tmp_path, settings, monkeypatch
):
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC))
    settings.REPORT_FILES = tmp_path / "reports"
    place.with_students()
    housing = an_account(place.school.institution, tmp_path, name="Housing")

    # Given a report that a coordinator built and shared with reviewers
    page: Page = open_browser()
    sign_in(page, place)
    build(page)

    # then a reviewer finds it among the reports, and opens it on her phone; she takes nothing away.
    phone: Page = open_browser(viewport=PHONE)
    sign_in(phone, place, "reviewer")
    phone.goto("/reports/?q=clinic")
    phone.get_by_role("link", name="Nursing, for the clinic").click()
    expect(phone.get_by_text("2 rows", exact=True)).to_be_visible()
    expect(phone.get_by_role("columnheader").first).to_contain_text("SID")
    expect(phone.get_by_role("button", name="Download CSV")).to_be_hidden()
    assert faults_of(phone) == []
    phone.get_by_role("button", name="Favorite: Nursing, for the clinic").click()
    phone.goto("/reports/")
    expect(phone.get_by_role("region", name="Favorites")).to_contain_text("Nursing, for the clinic")

    # When the coordinator schedules it to a system that fetches its files here
    page.get_by_role("link", name="Schedule", exact=True).click()
    heading(page, "New schedule")
    page.get_by_label("Name", exact=True).fill("Housing, each morning")
    page.get_by_text("Into a folder here").click()
    page.get_by_label("Account", exact=True).select_option(label="Housing")
    page.get_by_role("button", name="Save", exact=True).last.click()
    heading(page, "Housing, each morning")
    page.get_by_role("button", name="Run now").click()
    place.work()

    # then that system receives it.
    page.reload()
    expect(page.get_by_text("Delivered", exact=True).first).to_be_visible()
    server = SftpServer.in_folder(tmp_path / "sftp")
    server.start()
    try:
        client = Clients(server, housing.username, housing.private_key_path, tmp_path)
        fetched = client.openssh("get outbound/*.csv nursing.csv")
    finally:
        server.stop()
    assert fetched.status == 0, fetched.said + server.said()
    header, *lines = csv.reader((tmp_path / "nursing.csv").read_text().splitlines())
    assert header[:2] == ["SID", "Username"]
    assert sorted(line[0] for line in lines) == ["0002", "0003"]


def test_building_a_report_is_for_everyone(place: Place, open_browser):
    place.with_students()
    faults = {}
    for size, scheme, paths in (
        (PHONE, "light", ("build/student-detail/", "build/", "student-access/", "student-detail/history/")),
        (DESK, "light", ("build/student-access/", "student-detail/?group=Nursing")),
        (DESK, "dark", ("build/student-detail/?group=Nursing",)),
    ):
        page = open_browser(viewport=size, color_scheme=scheme)
        sign_in(page, place, "administrator")
        for path in paths:
            page.goto(f"/reports/{path}")
            # In the dark only the colors differ.
            found = faults_of(page, contrast_only=scheme == "dark")
            if page.evaluate("document.documentElement.scrollWidth > window.innerWidth"):
                found.append("the page is wider than the window")
            if found:
                faults[f"{path} {size['width']} {scheme}"] = found
    assert faults == {}
