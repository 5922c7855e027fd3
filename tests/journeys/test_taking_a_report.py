"""A coordinator takes the list of the nursing program along."""

from playwright.sync_api import expect

from tests.journeys.conftest import sign_in


def test_a_coordinator_narrows_a_report_orders_it_and_takes_it_away(place, page):
    place.with_students()
    sign_in(page, place)
    page.get_by_role("link", name="Reports", exact=True).click()
    page.get_by_label("Find a report").press_sequentially("detail", delay=20)
    expect(page.get_by_role("main").get_by_role("heading", level=3)).to_have_count(1)
    page.get_by_role("link", name="Student compliance detail").click()

    page.locator("#pick-group").click()
    page.locator("#pick-group").get_by_text("Nursing", exact=True).click()
    page.get_by_role("button", name="Show").click()
    expect(page.get_by_text("2 rows", exact=True)).to_be_visible()
    expect(page.locator("canvas")).to_be_visible()
    page.get_by_role("link", name="Username").click()
    expect(page.get_by_role("columnheader", name="Username")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("canvas")).to_be_visible()

    for button, ending, start in (("Download CSV", ".csv", "Package,"), ("Download Excel", ".xlsx", "PK")):
        with page.expect_download() as download:
            page.get_by_role("button", name=button).click()
        assert download.value.suggested_filename.endswith(ending)
        assert download.value.path().read_bytes().decode("utf-8", "replace").startswith(start)


def test_a_long_report_shows_its_progress_and_is_found_again(place, page, monkeypatch, settings, tmp_path):
    from pratique.interfaces.console.views import reports

    monkeypatch.setattr(reports, "_AT_ONCE", 0)
    settings.REPORT_FILES = tmp_path
    place.with_students()
    sign_in(page, place)
    page.goto("/reports/student-detail/")
    page.get_by_role("button", name="Download CSV").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    place.work()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download CSV").click()
    assert "ana@x.edu" in download.value.path().read_text()
    page.get_by_role("link", name="Reports", exact=True).first.click()
    expect(page.get_by_role("table", name="Files made lately")).to_contain_text("Student compliance detail")
