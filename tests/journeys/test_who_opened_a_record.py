"""A parent asks: who looked at my daughter's record in March? The administrator answers while they are on the phone."""

import csv
from datetime import UTC, datetime
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.students.models import Student
from tests.journeys.conftest import DESK, PHONE, Place, faults_of, sign_in


def given_a_reviewer_opened_it_in_march_and_in_april(place: Place) -> None:
    place.with_students()
    with place.school.scope():
        ana = Student.objects.get(student_id="0001")
        for month in (3, 4):
            audit.record(
                "console:student:viewed",
                institution_id=place.school.institution.id,
                by=audit.Actor("staff", str(place.school.staff[Role.REVIEWER].id)),
                now=datetime(2026, month, 17, 14, tzinfo=UTC),
                subject_type="student",
                subject_id=ana.id,
            )
        audit.record(
            "reports:report:exported",
            institution_id=place.school.institution.id,
            by=audit.Actor("staff", str(place.school.staff[Role.COORDINATOR].id)),
            now=datetime(2026, 3, 20, 14, tzinfo=UTC),
            subject_type="report",
            detail={"report": "student-detail", "parameters": {"term": "Fall 2026"}},
        )


def when_the_administrator_asks_for_march(page: Page) -> None:
    page.goto("/students/?q=ana")
    page.get_by_role("link", name="Núñez, Ana María").click()
    page.get_by_role("link", name="Who opened this record, and when").click()
    expect(page.get_by_role("heading", name="About Ana María Núñez")).to_be_visible()
    if not page.get_by_label("First day").is_visible():
        page.get_by_text("Filters").click()
    page.get_by_label("First day").fill("2026-03-01")
    page.get_by_label("Last day").fill("2026-03-31")
    page.get_by_role("button", name="Show", exact=True).click()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_who_opened_this_record_in_march(place, open_browser, viewport):
    given_a_reviewer_opened_it_in_march_and_in_april(place)
    page = open_browser(viewport=viewport)
    sign_in(page, place, "administrator")
    when_the_administrator_asks_for_march(page)
    events = page.get_by_role("table", name="Events")
    expect(events.get_by_text("Reviewer O’Neill")).to_have_count(1)
    expect(events.get_by_text("March 17, 2026")).to_be_visible()
    expect(page.get_by_text("(term: Fall 2026)")).to_be_visible()
    assert faults_of(page) == []
    with page.expect_download() as download:
        page.get_by_role("button", name="Download CSV").click()
    rows = list(csv.DictReader(Path(download.value.path()).read_text().splitlines()))
    assert [(row["Name"], row["Student"]) for row in rows] == [("Reviewer O’Neill", "ana@x.edu")]


def test_a_name_that_nobody_has_is_explained(place, open_browser):
    page = open_browser(viewport={"width": 320, "height": 700})
    sign_in(page, place, "administrator")
    page.goto("/activity/?student=nobody")
    expect(page.get_by_text("There is no student with this username or student ID")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 320
    assert faults_of(page) == []
