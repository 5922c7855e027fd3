"""A coordinator has what changed brought to the housing office: set up, delivered, changed, nothing new, sent again."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pratique.connectors.sftp_push.fake import FakeServer
from tests.destinations import PASSWORD, a_destination_at
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in
from tests.schools import imported, judged
from tests.transactions import settle

CHANGED = "ben@x.edu,0002,O'Brien,Benjamin,555-0199,12/31/2005,Nursing,Fall 2026,0"


@pytest.fixture
def theirs(tmp_path: Path):
    """The housing office's own server."""
    with FakeServer(tmp_path / "theirs", password=PASSWORD) as server:
        server.root.mkdir()
        yield server


def test_a_delta_reaches_the_housing_office(place: Place, theirs, page: Page, settings, tmp_path):
    settings.REPORT_FILES = tmp_path / "made"
    place.with_students()
    a_destination_at(theirs, place.school.institution, name="Housing office")
    sign_in(page, place)

    def files() -> list[str]:
        return sorted(one.name for one in theirs.root.iterdir())

    def lines(name: str) -> list[str]:
        return (theirs.root / name).read_text("utf-8-sig").splitlines()

    def button(name: str) -> None:
        page.get_by_role("button", name=name, exact=True).click()

    # From the report that is on the screen to a schedule of it: what was chosen there is chosen here.
    page.goto("/reports/student-detail/?columns=student_id,last_name,first_name,telephone")
    page.get_by_role("link", name="Schedule", exact=True).click()
    expect(page.get_by_label("Report", exact=True)).to_have_value("student-detail")
    expect(page.get_by_text("4 columns")).to_be_visible()
    page.get_by_label("Student ID: own title").fill("EMPLID")
    button("Move Telephone up")
    expect(page.locator("#more-title")).to_be_visible()
    expect(page.locator(".chosen-column").nth(2)).to_contain_text("Telephone")
    expect(page.get_by_label("Student ID: own title")).to_have_value("EMPLID")
    page.get_by_text("Only what changed since the last delivered file").click()
    page.get_by_label("File name").fill("changed-{n:03}.csv")
    expect(page.get_by_text("changed-001.csv")).to_be_visible()
    page.get_by_text("Every few minutes").click()
    page.get_by_label("Minutes between").fill("30")
    expect(page.locator("#runs-preview li").nth(1)).to_contain_text("noon")
    page.get_by_text("To another server, by SFTP").click()
    page.get_by_label("Destination").select_option(label="Housing office")
    expect(page.locator("#place-preview")).to_contain_text("Ready")
    assert faults_of(page) == []
    button("Save")
    expect(page.get_by_text("This field is required.")).to_be_visible()
    expect(page.get_by_label("File name")).to_have_value("changed-{n:03}.csv")
    page.get_by_label("Name", exact=True).fill("Housing, what changed")
    page.get_by_label("Name", exact=True).press("Enter")

    # The first file holds everything, and the page tells by itself when it has arrived.
    expect(page.get_by_role("heading", name="Housing, what changed")).to_be_visible()
    settle(place.school.institution)
    button("Run now")
    expect(page.get_by_text("The file is on its way.")).to_be_visible()
    place.work()
    expect(page.locator("#results").get_by_text("Delivered", exact=True)).to_be_visible()
    assert files() == ["changed-001.csv"]
    assert lines("changed-001.csv")[0] == "EMPLID,Last name,Telephone,First name"
    assert len(lines("changed-001.csv")) == 5

    # One student changes: the next file has that one and nobody else.
    imported(place.school.institution, CHANGED)
    judged(place.school.institution)
    settle(place.school.institution)
    button("Run now")
    place.work()
    expect(page.locator("#results").get_by_text("Delivered", exact=True)).to_have_count(2)
    assert lines("changed-002.csv")[1:] == ["0002,O'Brien,555-0199,Benjamin"]

    # Nothing changed: nothing goes out.
    page.reload()
    settle(place.school.institution)
    button("Run now")
    expect(page.get_by_text("Nothing changed, so there is nothing to send.")).to_be_visible()
    place.work()
    assert files() == ["changed-001.csv", "changed-002.csv"]
    expect(page.get_by_text("is delivered.")).to_be_visible()

    # They lost the last file: the very same bytes go out again under a name of their own.
    page.get_by_role("button", name="Send again changed-002.csv").click()
    expect(page.get_by_text("It is sent again as")).to_be_visible()
    place.work()
    expect(page.locator("#results").get_by_text("Delivered", exact=True)).to_have_count(3)
    (again,) = set(files()) - {"changed-001.csv", "changed-002.csv"}
    assert lines(again) == lines("changed-002.csv")
    schedule = page.url
    for size in (DESK, PHONE):
        page.set_viewport_size(size)
        for path, says in (("/reports/schedules/", "1 of 1"), (schedule, "changed-001.csv")):
            page.goto(path)
            expect(page.get_by_role("main")).to_contain_text(says)
            assert faults_of(page) == []
            assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
