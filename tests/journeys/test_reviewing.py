"""J6: a nurse in August works through the queue by keyboard alone, and approves safe cases at once by mouse."""

import pytest
from playwright.sync_api import Page, expect

from pratique.accounts.actions import create_staff
from pratique.accounts.roles import Role
from pratique.foundation.storage import blob_store
from pratique.records.files import page_name, thumbnail_name
from pratique.records.models import Dose, Submission
from pratique.records.models import Page as StoredPage
from pratique.reviews.models import Review
from tests.integration.files.material import photo
from tests.integration.reviews.situations import FIRST, PAPER, SECOND, TOO_EARLY, Desk
from tests.journeys.conftest import PHONE, Place, faults_of, sign_in
from tests.schools import BY, NOW
from tests.staff import PASSWORD

NEXT_CASE = "performance.getEntriesByName('review:next-case').map((one) => one.duration)"


@pytest.fixture
def desk(place: Place, settings, tmp_path) -> Desk:
    settings.FILES = tmp_path / "files"
    place.with_students()
    return Desk(place.school)


def given(desk: Desk, *pieces, **options) -> Submission:
    """A case in the queue whose pages are there to be looked at."""
    with desk.scope():
        case = desk.sent(*pieces, **options)
        for seed, page in enumerate(StoredPage.objects.filter(submission=case).order_by("position"), start=1):
            content = photo(seed + case.id.int % 1000)
            for name in (page_name, thumbnail_name):
                blob_store().put(
                    institution_id=case.institution_id, name=name(page.file_id, page.number), content=content
                )
    return case


def shown(page: Page, case: Submission) -> None:
    expect(page.locator(f'[data-case="{case.id}"] h1')).to_be_visible()
    # The server shows the first case before the script is there; keys mean something from here on.
    expect(page.locator("[data-ready]")).to_be_attached()


def start_by_keyboard(page: Page) -> None:
    page.goto("/review/")
    page.get_by_role("button", name="Start reviewing").focus()
    page.keyboard.press("Enter")


def test_a_nurse_reviews_without_a_mouse(page, open_browser, place, desk):
    keys = page.keyboard
    # Given five cases in the queue, and a colleague who may review
    first = given(desk, FIRST, SECOND)
    second = given(desk, FIRST, TOO_EARLY, username="ben@x.edu")
    third = given(desk, username="chi@x.edu", pages=2)
    sign_in(page, place, "reviewer")

    # When she starts, the most pressing case is on the screen, and its page, and the machine's verdict
    start_by_keyboard(page)
    shown(page, first)
    expect(page.locator("[data-sheet]")).to_have_attribute("alt", "Page 1, from card.jpg")
    expect(page.get_by_text("MMR would be approved").first).to_be_visible()
    assert faults_of(page) == []
    keys.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    assert faults_of(page) == []
    keys.press("Escape")

    # When she enlarges, turns and moves the page, it does so
    for key, changes in (("+", True), ("ArrowRight", True), ("0", True), ("t", True)):
        was = page.locator("[data-sheet]").evaluate("(one) => one.style.transform")
        keys.press(key)
        now = page.locator("[data-sheet]").evaluate("(one) => one.style.transform")
        assert (was != now) is changes, key

    # When she approves, the next case shows without a page load, and the address follows
    page.evaluate("window.stayed = true")
    expect(page.locator("#undo")).to_be_hidden()
    wait_until_ready(page)
    keys.press("a")
    shown(page, second)
    assert page.evaluate("document.activeElement.id") == "case-title"
    assert str(second.id) in page.url
    assert page.evaluate("window.stayed")
    expect(page.locator("#undo")).to_contain_text(first.number)
    assert page.evaluate(NEXT_CASE)[0] < 5_000  # reported, and never a reason to fail by itself
    with desk.scope():
        assert set(Dose.objects.filter(submission=first).values_list("state", flat=True)) == {"approved"}

    # When she takes that back, the case before is there again, and undecided
    keys.press("u")
    shown(page, first)
    with desk.scope():
        assert set(Dose.objects.filter(submission=first).values_list("state", flat=True)) == {"pending"}
        assert not Review.objects.filter(undone_at__isnull=True).exists()
    expect(page.locator("#undo")).to_be_hidden()
    wait_until_ready(page)
    keys.press("a")
    shown(page, second)

    # When she corrects a date, it is read as she types it, and the machine looks again
    keys.press("ArrowDown")
    keys.press("e")
    page.get_by_label("Date given").and_(page.locator(":visible")).fill("04/05/2010")
    keys.press("Enter")
    expect(page.locator("[data-problem]:visible")).to_contain_text("This can be")
    page.get_by_label("Date given").and_(page.locator(":visible")).fill("10 Jun 2007")
    keys.press("Enter")
    expect(page.get_by_text("Date as handed in")).to_be_visible()
    expect(page.get_by_text("MMR would be approved").first).to_be_visible()

    # When she returns one row of two with a numbered reason, she reads first what the student will read
    keys.press("x")
    keys.press("r")
    keys.press("5")
    expect(page.locator("[data-preview]")).to_have_text(
        "A date is missing or cut off. Please send a record that shows the day, month and year."
    )
    keys.press("Tab")
    keys.type("The second line.")
    expect(page.locator("[data-preview]")).to_contain_text("year. The second line.")
    expect(page.locator("[data-extent]")).to_have_text("1 returned, 1 approved.")
    assert faults_of(page) == []
    keys.press("Enter")
    shown(page, third)
    expect(page.locator("#undo")).to_contain_text(f"Returned: {second.number}.")
    with desk.scope():
        states = Dose.objects.filter(submission=second).order_by("administered_on")
        assert list(states.values_list("state", "rejection_code", "rejection_reason")) == [
            ("approved", "", ""),
            ("rejected", "date_missing", "The second line."),
        ]

    # When a case holds pages alone, she adds what they show, with the vaccine by name
    keys.press("d")
    keys.type("priorix")
    expect(page.get_by_role("option").first).to_be_visible()
    keys.press("Enter")
    keys.press("Tab")
    keys.type("4 Mar 2007")
    keys.press("Enter")
    expect(page.get_by_text("added here")).to_be_visible()
    keys.press("Escape")

    # And moves the second page to another requirement
    keys.press("PageDown")
    expect(page.locator("[data-page-number]")).to_have_text("2 / 2")
    keys.press("s")
    page.get_by_label("They are for").focus()
    keys.type("Phys")
    keys.press("Tab")
    keys.press("Enter")
    expect(page.locator(".thumb")).to_have_count(1)
    with desk.scope():
        assert Submission.objects.filter(requirement_keys=["physical_exam"]).count() == 1

    # And hands the case to a colleague with a note
    keys.press("h")
    keys.type("admin")
    keys.press("Enter")
    keys.press("Tab")
    keys.type("Is this stamp a clinic’s?")
    keys.press("Enter")
    expect(page.locator("#undo")).to_contain_text("Handed to Administrator O’Neill.")
    expect(page.locator(f'[data-case="{third.id}"]')).to_have_count(0)
    with desk.scope():
        third.refresh_from_db()
        assert third.handed_to == f"staff:{place.school.staff[Role.ADMINISTRATOR].id}"
        assert third.staff_note == "Is this stamp a clinic’s?"


def wait_until_ready(page: Page) -> None:
    expect(page.locator('#review[data-ready]:not([data-ready="0"])')).to_be_attached()


def test_two_reviewers_and_one_case(page, open_browser, place, desk):
    # Given two reviewers, one of whom has opened a case
    first = given(desk, FIRST)
    second = given(desk, FIRST, username="ben@x.edu")
    with desk.scope():
        place.school.staff["second"] = create_staff(
            institution=place.school.institution, username=f"{place.school.institution.slug}-second",
            name="Zoë Second", role=Role.REVIEWER, password=PASSWORD, email="second@x.example", by=BY, now=NOW,
        )  # fmt: skip
    sign_in(page, place, "reviewer")
    page.goto(f"/review/case/{first.id}/")
    shown(page, first)
    other = open_browser()
    sign_in(other, place, "second")

    # When the other opens it, they may read it, and see who has it
    other.goto(f"/review/case/{first.id}/")
    expect(other.locator("[data-refusal]")).to_contain_text("Reviewer O’Neill is working on this case, until")
    expect(other.get_by_role("button", name="Approve")).to_have_count(0)
    assert faults_of(other) == []
    other.keyboard.press("a")
    with desk.scope():
        assert not Review.objects.exists()

    # When the claim has run out and the other decides, the first one is told, and nothing is decided twice
    with desk.scope():
        Submission.objects.filter(id=first.id).update(claimed_until=NOW)
    other.goto(f"/review/case/{first.id}/")
    other.keyboard.press("a")
    expect(other.locator("#undo")).to_contain_text(first.number)
    page.keyboard.press("r")
    page.keyboard.press("1")
    page.keyboard.press("Tab")
    page.keyboard.type("Kept.")
    page.keyboard.press("Enter")
    expect(page.locator("[data-trouble]")).to_contain_text("This was decided already.")
    shown(page, first)
    expect(page.locator("#return-text")).to_have_value("Kept.")
    with desk.scope():
        assert Review.objects.count() == 1
        assert Submission.objects.get(id=second.id).state == "waiting"


def test_offline_and_taken_back_lose_nothing(page, place, desk):
    # Given a case on the screen
    case = given(desk, FIRST)
    given(desk, PAPER, keys=("physical_exam",), username="ben@x.edu")
    sign_in(page, place, "reviewer")
    start_by_keyboard(page)
    shown(page, case)
    wait_until_ready(page)
    # When there is no connection, the case comes back with a sentence
    page.route("**/decide/", lambda route: route.abort("internetdisconnected"))
    page.keyboard.press("a")
    expect(page.locator("[data-trouble]:visible")).to_contain_text("There is no connection.")
    shown(page, case)
    page.unroute("**/decide/")
    # When the student has taken it back meanwhile, that is said
    with desk.scope():
        Submission.objects.filter(id=case.id).update(
            state="withdrawn", withdrawn_at=NOW, withdrawn_by="student:x"
        )
    page.keyboard.press("a")
    expect(page.locator("[data-trouble]:visible")).to_contain_text("The student has taken this back.")
    page.keyboard.press("j")
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ben")


def test_safe_cases_are_approved_at_once_with_the_mouse(page, place, desk):
    ana = given(desk, FIRST, SECOND)
    ben = given(desk, FIRST, SECOND, username="ben@x.edu")
    given(desk, FIRST, username="chi@x.edu")
    sign_in(page, place, "reviewer")
    page.get_by_role("link", name="Review", exact=True).click()
    expect(page.get_by_text("Approving this would leave a requirement unmet.")).to_be_visible()
    assert faults_of(page) == []
    page.get_by_label("Choose all safe cases on this page").check()
    page.get_by_role("button", name="Approve chosen cases").click()
    expect(page.get_by_role("heading", name="Approve 2 cases?")).to_be_visible()
    assert faults_of(page) == []
    # Given that one changes before she confirms
    with desk.scope():
        Submission.objects.filter(id=ben.id).update(staff_note="Wait, please.")
    page.get_by_role("button", name="Approve all 2 cases").click()
    expect(page.get_by_text("1 case is approved.")).to_be_visible()
    expect(page.get_by_text(f"{ben.number} was left: A colleague left a note.")).to_be_visible()
    with desk.scope():
        assert Submission.objects.get(id=ana.id).state == "decided"


def test_a_case_on_a_telephone_and_every_other_page(open_browser, place, desk):
    phone = open_browser(viewport=PHONE, has_touch=True, is_mobile=True, color_scheme="dark")
    given(desk, FIRST, SECOND, pages=20)
    typed = given(desk, TOO_EARLY, username="ben@x.edu", pages=0)
    phone.goto("/account/login/")
    sign_in(phone, place, "administrator")
    for address in (
        "/review/", f"/review/case/{typed.id}/", "/review/reasons/", "/review/reasons/unreadable/", "/review/pace/",
        f"/students/{typed.student_id}/",
    ):  # fmt: skip
        phone.goto(address)
        assert faults_of(phone) == [], address
        assert phone.evaluate("document.documentElement.scrollWidth") <= PHONE["width"], address
    phone.goto("/review/")
    phone.get_by_role("button", name="Start reviewing").tap()
    expect(phone.locator(".thumb")).to_have_count(20)
    assert faults_of(phone) == []
    phone.get_by_role("button", name="Return", exact=False).last.tap()
    phone.get_by_label("Cannot be read").check()
    phone.get_by_role("button", name="Return it").tap()
    expect(phone.locator("#undo")).to_be_visible()
    phone.get_by_role("button", name="Undo").tap()
    expect(phone.locator(".thumb")).to_have_count(20)
    # When all is decided, the page says that nothing waits
    for _case in range(2):
        phone.get_by_role("button", name="Approve").tap()
        expect(phone.locator("#undo")).to_be_visible()
    expect(phone.get_by_role("heading", name="Nothing waits")).to_be_visible()
    assert faults_of(phone) == []
