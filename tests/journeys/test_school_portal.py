"""The whole round trip: a student in the school's own portal, a click, their health records, and back in the list."""

import re
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from pratique.foundation import clock
from pratique.foundation.demo_credentials import SCHOOL_PORTAL, keep_sign_ins
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Package
from pratique.interfaces.school_portal import health, roster
from tests.journeys.conftest import DESK, PHONE, faults_of
from tests.partners import a_partner
from tests.schools import imported, judged

NEW, KNOWN = roster.students()[0], roster.students()[roster.NEW_THIS_WEEK]
SIZES = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desktop"])


@pytest.fixture
def portal(place, settings, monkeypatch, tmp_path):
    """The portal of a school that sent one of its students in a roster, and has a partner."""
    # The page calls with the machine's own time.
    monkeypatch.setattr(clock, "now", lambda: datetime.now(UTC))
    school = place.school.institution
    person = KNOWN.person
    imported(
        school,
        f"{person.username},{person.student_id},{person.last_name},{person.first_name},,"
        f"{person.date_of_birth:%m/%d/%Y},Nursing,Fall 2026,1",
    )
    judged(school)
    partner = a_partner(school, now=clock.now())
    with institution_scope(school.id):
        code = Package.objects.get().code
    settings.VAR, settings.BASE_URL = tmp_path, place.url
    entry = {"role": "partner", "client_id": partner.client_id, "encryption_key": partner.encryption_key}
    keep_sign_ins(tmp_path, [{**entry, "package_code": code, "tracker_names": []}])
    health.forget_standings()
    return partner


@SIZES
def test_from_the_schools_list_into_the_records_and_back(open_browser, portal, size):
    page = open_browser(viewport=size)
    when_the_portal_is_opened(page)
    when_somebody_is_looked_for(page, KNOWN.id)
    then_the_standing_is(page, "0 of 2 done")
    when_health_records_is_pressed(page, KNOWN)
    expect(page).to_have_url(re.compile(r"/my/$"))
    then_it_is_the_home_of(page, KNOWN)
    when_the_portal_is_opened(page)
    then_it_says_what_happened(page)


@SIZES
def test_a_new_student_chooses_the_list_first(open_browser, portal, size):
    page = open_browser(viewport=size)
    when_the_portal_is_opened(page)
    when_somebody_is_looked_for(page, NEW.id)
    expect(page.get_by_text("New this week")).to_be_visible()
    then_the_standing_is(page, "Not known yet")
    when_health_records_is_pressed(page, NEW)
    expect(page.get_by_role("heading", level=1)).to_have_text("Which list is yours?")
    page.get_by_role("radio", name=re.compile("Nursing - Fall 2026")).press("Space")
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Yes, this is mine").click()
    then_it_is_the_home_of(page, NEW)
    page.goto(SCHOOL_PORTAL)
    when_somebody_is_looked_for(page, NEW.id)
    then_the_standing_is(page, "0 of 2 done")
    expect(page.get_by_role("main")).to_contain_text("Nursing - Fall 2026")


def when_the_portal_is_opened(page):
    page.goto(SCHOOL_PORTAL)
    expect(page.get_by_role("heading", level=1)).to_have_text("Students")
    assert page.locator("tbody tr").count() == 25
    # None of Pratique's frame.
    expect(page.get_by_role("banner")).to_have_text(
        re.compile(r"^\s*Harbor State University\s+Student portal")
    )
    assert faults_of(page) == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def when_somebody_is_looked_for(page, text):
    page.get_by_label("Name, ID or e-mail").fill(text)
    page.keyboard.press("Enter")
    expect(page.get_by_role("status")).to_have_text(re.compile(r"1 to 1\s+of 1 students"))
    assert faults_of(page) == []


def then_the_standing_is(page, words):
    expect(page.get_by_role("main")).to_contain_text(words)


def when_health_records_is_pressed(page, student):
    """By keyboard alone: from the search field on."""
    referers = []
    page.on("request", lambda request: referers.append(request.headers.get("referer", "")))
    page.get_by_label("Name, ID or e-mail").focus()
    for _ in range(5):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.value") == student.id:
            break
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"/my/"))
    assert not any("/sso/" in referer for referer in referers)


def then_it_is_the_home_of(page, student):
    expect(page.get_by_role("heading", level=1)).to_contain_text(
        student.person.first_name or student.person.last_name
    )


def then_it_says_what_happened(page):
    steps = page.get_by_role("group").filter(has_text="What just happened")
    expect(steps).to_contain_text(re.compile(r"authenticate: HTTP 200 in \d+ ms"))
    expect(steps).to_contain_text(re.compile(r"createUser: HTTP 200 in \d+ ms"))
    assert not re.search(r"[0-9A-Za-z]{32}", steps.inner_text())
