"""A coordinator is asked on the telephone why somebody is not cleared."""

from playwright.sync_api import expect

from pratique.records.models import Dose
from pratique.students.models import Student
from tests.journeys.conftest import PHONE, sign_in
from tests.schools import NOW


def test_a_coordinator_finds_a_student_and_reads_why_she_is_not_cleared(place, page):
    given_a_student_with_a_dose_too_soon_after_the_first(place)
    sign_in(page, place)
    page.get_by_role("link", name="Students", exact=True).click()

    when_part_of_the_name_is_typed_without_accents(page)
    then_only_she_is_listed_and_the_address_can_be_shared(page)
    when_her_page_is_opened(page)
    then_each_item_says_why_down_to_the_dose(page)
    then_going_back_finds_the_search_as_it_was(page)


def given_a_student_with_a_dose_too_soon_after_the_first(place):
    place.with_students()
    with place.school.scope():
        ana = Student.objects.get(username="ana@x.edu")
        for day in ("2007-05-01", "2007-05-15"):
            Dose.objects.create(
                institution=place.school.institution, student=ana, cvx="03", product="M-M-R II", state="approved",
                administered_on=day, submitted_at=NOW, reviewed_at=NOW, reviewed_by="staff:x",
            )  # fmt: skip


def when_part_of_the_name_is_typed_without_accents(page):
    page.get_by_label("Find a student").press_sequentially("nunez mar", delay=20)


def then_only_she_is_listed_and_the_address_can_be_shared(page):
    expect(page.get_by_role("row")).to_have_count(2)
    expect(page.get_by_role("link", name="Núñez, Ana María")).to_be_visible()
    expect(page.get_by_role("status")).to_have_text("1 student")
    expect(page.get_by_label("Find a student")).to_be_focused()
    assert page.url.endswith("/students/?q=nunez+mar&sort=name")


def when_her_page_is_opened(page):
    page.get_by_role("link", name="Núñez, Ana María").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ana María Núñez")


def then_each_item_says_why_down_to_the_dose(page):
    mmr = page.get_by_role("article").filter(has=page.get_by_role("heading", name="MMR"))
    expect(mmr).to_contain_text("Incomplete")
    expect(mmr.get_by_role("listitem").nth(0)).to_contain_text("counts as dose 1")
    expect(mmr.get_by_role("listitem").nth(1)).to_contain_text("does not count")
    expect(mmr.get_by_role("listitem").nth(1)).to_contain_text("10 days too early")
    expect(mmr).to_contain_text("What satisfies it:")


def then_going_back_finds_the_search_as_it_was(page):
    page.go_back()
    expect(page.get_by_label("Find a student")).to_have_value("nunez mar")
    expect(page.get_by_role("row")).to_have_count(2)


def test_filters_order_and_columns_without_a_page_load(place, page):
    place.with_students()
    sign_in(page, place)
    page.goto("/students/")
    page.evaluate("window.sameDocument = true")

    page.get_by_text("Filters", exact=True).click()
    page.get_by_role("search").get_by_label("Group").select_option("Nursing")
    expect(page.get_by_role("row")).to_have_count(3)
    page.get_by_role("link", name="Name").click()
    expect(page.get_by_role("row").nth(1)).to_contain_text("O'Brien, Ben")
    assert page.evaluate("window.sameDocument")
    assert "sort=-name" in page.url

    page.get_by_role("link", name="Remove: Group: Nursing").click()
    expect(page.get_by_role("row")).to_have_count(5)
    page.get_by_text("Columns", exact=True).click()
    # The box itself is drawn by its label, so that is what a person hits.
    page.locator("label[for=column-email]").click()
    page.get_by_role("button", name="Show these columns").click()
    expect(page.get_by_role("columnheader", name="E-mail")).to_be_visible()


def test_everything_works_without_scripts(place, open_browser):
    place.with_students()
    page = open_browser(java_script_enabled=False, viewport=PHONE)
    sign_in(page, place)
    page.get_by_role("link", name="Students", exact=True).click()
    page.get_by_label("Find a student").fill("brien")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("link", name="O'Brien, Ben")).to_be_visible()
    page.get_by_role("link", name="Name").click()
    page.get_by_role("link", name="O'Brien, Ben").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Ben O'Brien")
