"""A coordinator brings the autumn roster in."""

import csv

from playwright.sync_api import expect

from pratique.students.models import Student
from tests.journeys.conftest import sign_in

OWN_COLUMNS = "E-mail,Banner ID,Surname,Given name,Birth date,Program,Semester,Shoe size"
ROWS = (
    "ana@x.edu,0001,Núñez,Ana,04/03/2006,Undergraduate,Fall 2026,38",
    "ben@x.edu,0002,O'Brien,Ben,31/12/2005,Nursing,Fall 2026,43",
    "chi@x.edu,0003,,Chidi,,Nursin,Fall 2026,",
)


def test_a_coordinator_imports_a_roster_with_columns_of_its_own(place, page, tmp_path):
    roster = tmp_path / "autumn.csv"
    roster.write_bytes("\r\n".join([OWN_COLUMNS, *ROWS, ""]).encode())

    given_a_coordinator_at_the_upload_page(place, page)
    when_the_file_is_chosen(page, roster)
    then_the_columns_are_guessed_with_their_values(page)
    when_another_column_is_chosen_its_values_are_shown(page)
    when_the_file_is_checked(place, page)
    then_the_preview_names_the_first_of_each_problem_and_nothing_is_stored(place, page)
    when_the_roster_is_applied_and_the_page_is_left(place, page)
    then_the_results_are_there_on_return(page)
    then_the_results_can_be_downloaded(page)
    then_the_new_student_is_found(page)


def given_a_coordinator_at_the_upload_page(place, page):
    sign_in(page, place)
    page.get_by_role("link", name="Rosters").click()
    page.get_by_role("link", name="Import a roster").first.click()


def when_the_file_is_chosen(page, roster):
    page.get_by_label("Roster file").set_input_files(roster)
    page.get_by_role("button", name="Continue").click()


def then_the_columns_are_guessed_with_their_values(page):
    expect(page.get_by_role("heading", name="Match the columns")).to_be_visible()
    expect(page.get_by_label("Username", exact=True)).to_have_value("E-mail")
    expect(page.get_by_label("Student ID", exact=True)).to_have_value("Banner ID")
    expect(page.locator("[data-shows=header-username]")).to_have_text("ana@x.edu · ben@x.edu · chi@x.edu")


def when_another_column_is_chosen_its_values_are_shown(page):
    page.get_by_label("Telephone", exact=True).select_option("Shoe size")
    expect(page.locator("[data-shows=header-telephone]")).to_have_text("38 · 43")
    page.get_by_label("Telephone", exact=True).select_option("")
    expect(page.locator("[data-shows=header-telephone]")).to_be_empty()


def when_the_file_is_checked(place, page):
    page.get_by_role("button", name="Check the file").click()
    expect(page.get_by_text("Waiting for its turn")).to_be_visible()
    place.work()


def then_the_preview_names_the_first_of_each_problem_and_nothing_is_stored(place, page):
    expect(page.get_by_role("main").get_by_text("Nothing has been changed yet")).to_be_visible()
    kinds = page.get_by_role("table", name="Kinds of problems")
    expect(kinds.get_by_role("row").filter(has_text="Birth date")).to_contain_text("Is it day/month/year?")
    expect(kinds.get_by_role("row").filter(has_text="Program")).to_contain_text("Did you mean 'Nursing'?")
    with place.school.scope():
        assert not Student.objects.exists()


def when_the_roster_is_applied_and_the_page_is_left(place, page):
    page.get_by_role("button", name="Apply this roster").click()
    expect(page.get_by_text("You can leave this page")).to_be_visible()
    page.get_by_role("link", name="Dashboard").click()
    place.work()


def then_the_results_are_there_on_return(page):
    page.get_by_role("link", name="Rosters").click()
    page.get_by_role("link", name="autumn.csv").click()
    expect(page.get_by_text("3 rows were read")).to_be_visible()
    page.get_by_role("link", name="Refused", exact=True).click()
    expect(page.get_by_text("2 rows", exact=True).first).to_be_visible()
    assert page.url.endswith("?outcome=refused")


def then_the_results_can_be_downloaded(page):
    with page.expect_download() as download:
        page.get_by_role("link", name="Download the results").click()
    assert download.value.suggested_filename == "autumn-results.csv"
    rows = list(csv.DictReader(download.value.path().read_text().splitlines()))
    assert [row["Outcome"] for row in rows] == ["created", "refused", "refused"]


def then_the_new_student_is_found(page):
    page.get_by_role("link", name="Students", exact=True).click()
    expect(page.get_by_role("link", name="Núñez, Ana")).to_be_visible()
