"""J2 something came back, J3 an exemption, J4 a student from abroad, J12 leaving with the record and coming back."""

import json

import pytest
from playwright.sync_api import Page, expect

from pratique.foundation.audit import Actor
from pratique.records import forms
from pratique.records.actions.forms import define_form
from pratique.records.models import Exemption, FormAnswer, Submission
from pratique.reviews.actions.claiming import claim
from pratique.reviews.actions.deciding import decide
from pratique.reviews.models import Message
from pratique.reviews.types import PieceDecision
from pratique.students.models import Membership
from tests.journeys.conftest import DESK, PHONE
from tests.journeys.test_student_hands_in import Taps, typed
from tests.schools import BY, EXAM, MMR, NOW, TODAY, requires
from tests.students import STUDENT_PASSWORD, with_account

pytestmark = pytest.mark.usefixtures("committed")
BOTH = pytest.mark.parametrize("size", [PHONE, DESK], ids=["phone", "desk"])
EXEMPTING = MMR | {
    "exemptions": [
        {"exemption": "medical", "needs_document": True},
        {"exemption": "religious", "needs_document": False},
    ]
}
TB = {
    "key": "tb_screening", "name": "TB screening",
    "rule": {"kind": "form", "form": "tb_questionnaire", "questions": ["tb_risk"], "signature": True},
}  # fmt: skip


def signed_in(open_browser, place, size, language="en") -> Page:
    """Ana has an account and is signed in."""
    place.with_students()
    with_account(place.school, "ana@x.edu", language=language)
    page = open_browser(viewport=size)
    sign_in(page)
    return page


def sign_in(page: Page) -> None:
    page.goto("/account/login/?next=/my/")
    page.locator("[name=login]").fill("ana@x.edu")
    page.locator("[name=password]").fill(STUDENT_PASSWORD)
    page.locator("main form button[type=submit]").first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Ana María")


def hand_in_one_dose(page: Page, year: str) -> None:
    page.get_by_role("button", name="Type dates of vaccines").click()
    typed(page.locator("[data-row]").first, "4", "3", year)
    expect(page.get_by_text("Counts as dose 1 of MMR")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")


def returned_by_a_reviewer(place) -> Submission:
    reviewer = Actor("staff", str(place.school.staff["reviewer"].id))
    with place.school.scope():
        submission = Submission.objects.get()
        claim(submission_id=submission.id, by=reviewer, now=NOW)
        piece = submission.dose_set.get()
        decide(
            institution=place.school.institution, submission_id=submission.id, by=reviewer, now=NOW, today=TODAY,
            decisions=[PieceDecision("dose", piece.id, False, "unreadable", "The second line is cut off.")],
        )  # fmt: skip
        submission.refresh_from_db()
    return submission


@BOTH
def test_what_came_back_is_mended_and_keeps_its_place(open_browser, place, size):
    # given a dose that a reviewer could not read
    page = signed_in(open_browser, place, size)
    page.get_by_role("link", name="MMR", exact=True).click()
    hand_in_one_dose(page, "2008")
    before = returned_by_a_reviewer(place)
    taps = Taps(page, f"j2-{size['width']}")

    # when she opens the list, the reason is one tap away
    page.goto("/my/")
    expect(page.get_by_text("Sent back to you")).to_be_visible()
    taps.look("home")
    page.get_by_role("link", name="See what to fix").click()
    expect(page.get_by_text("We could not read this.")).to_be_visible()
    expect(page.get_by_text("The second line is cut off.")).to_be_visible()
    taps.look("item")

    # and she can answer the reviewer
    page.get_by_role("link", name="Reply to the reviewer").click()
    page.get_by_label("Your message").fill("It is from 2008.\n<b>Thank you</b>")
    page.get_by_role("button", name="Send the message").click()
    expect(page.get_by_text("<b>Thank you</b>")).to_be_visible()
    taps.look("thread")

    # and when she hands it in again, it stands where it stood
    page.goto("/my/")
    page.get_by_role("link", name="See what to fix").click()
    hand_in_one_dose(page, "2009")
    with place.school.scope():
        again = Submission.objects.exclude(id=before.id).get()
        assert (again.follows_id, again.queued_at) == (before.id, before.queued_at)
        assert Message.objects.count() == 1


@BOTH
def test_who_cannot_or_does_not_want_to_asks_for_an_exemption(open_browser, place, size):
    # given a requirement that accepts two kinds of exemption
    requires(place.school.institution, EXEMPTING, EXAM, applies_from=TODAY)
    page = signed_in(open_browser, place, size)
    taps = Taps(page, f"j3-{size['width']}")
    page.get_by_role("link", name="MMR", exact=True).click()
    # when she says so
    page.get_by_role("button", name="I cannot or do not want to").click()
    # then she sees these two only, and what it may mean
    expect(page.get_by_role("radio")).to_have_count(2)
    expect(page.get_by_text("If there is an outbreak")).to_be_visible()
    taps.look("exemption")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_be_focused()
    taps.look("nothing-chosen")
    page.get_by_text("My religion").click()
    page.get_by_label("Do you want to say more?").fill("It is against our faith.")
    page.get_by_role("button", name="Continue").click()
    taps.look("summary")
    page.get_by_role("button", name="Send", exact=True).click()
    # then it waits for a decision, and nothing else has changed
    expect(page.get_by_role("heading", level=1)).to_have_text("We have it")
    page.goto("/my/")
    expect(page.get_by_role("heading", name="Physical exam")).to_be_visible()
    with place.school.scope():
        (asked,) = Exemption.objects.all()
        assert (asked.kind, asked.requirement_key, asked.statement) == (
            "religious",
            "mmr",
            "It is against our faith.",
        )


@BOTH
def test_a_student_from_abroad_in_spanish(open_browser, place, size):
    # given a student who reads Spanish, with a French card and a TB form to fill in
    with place.school.scope():
        define_form(
            institution_id=place.school.institution.id,
            definition=forms.ready("tb_questionnaire"),
            by=BY,
            now=NOW,
        )
    requires(place.school.institution, MMR, TB, applies_from=TODAY)
    page = signed_in(open_browser, place, size, language="es")
    taps = Taps(page, f"j4-{size['width']}")
    expect(page.locator("html")).to_have_attribute("lang", "es")
    taps.look("home")

    # when she types the name on her card and pastes the day as it stands there
    page.locator("h4 a").first.click()
    page.locator("button[value=doses]").click()
    row = page.locator("[data-row]").first
    row.locator("[data-finder] input").fill("ROR")
    option = row.get_by_role("option").first
    expect(option).to_contain_text("ROR")
    row.locator("[data-finder] input").press("ArrowDown")
    row.locator("[data-finder] input").press("Enter")
    row.locator(".date-day input").fill("03/04/2008")
    # then she is asked which day is meant, in words
    expect(row.get_by_text("3 de abril de 2008", exact=True)).to_be_visible()
    taps.look("which-day")
    row.get_by_text("3 de abril de 2008", exact=True).click()
    expect(row.locator("select")).to_have_value("4")
    expect(row.locator(".verdict-good")).to_be_visible()
    taps.look("judged")
    page.locator(".step-foot .usa-button").first.click()
    expect(page.get_by_text("3 de abril de 2008")).to_be_visible()
    page.locator("button.send").click()

    # when she fills in the TB form, questions follow from her answers
    page.goto("/my/")
    page.locator(".need h4 a").last.click()
    page.locator("button[value^=form]").click()
    expect(page.locator("#answer-where_and_when")).to_be_hidden()
    page.locator("#answer-birth_country-input").select_option("PE")
    page.locator("[name=answer-lived_in_listed_country][value=yes] + label").click()
    expect(page.locator("#answer-where_and_when")).to_be_visible()
    taps.look("form")
    for question in page.locator("[data-kind=yes_no]").all():
        question.locator("[value=no] + label").click()
    page.locator("#signed_as").fill("Ana María Núñez")
    page.locator("[for=agreed]").click()
    page.locator(".step-foot .usa-button").first.click()
    page.locator("button.send").click()
    expect(page.locator(".receipt-number")).to_be_visible()
    with place.school.scope():
        (answer,) = FormAnswer.objects.all()
        assert (answer.answers["birth_country"], answer.answers["tb_risk"]) == ("PE", True)
        assert answer.signed_on == TODAY


def test_who_has_left_takes_the_record_away_and_comes_back(open_browser, place):
    # given a student with something on record, whose registration was archived
    page = signed_in(open_browser, place, PHONE)
    page.get_by_role("link", name="MMR", exact=True).click()
    hand_in_one_dose(page, "2008")
    with place.school.scope():
        Membership.objects.filter(student__username="ana@x.edu").update(state="archive")
    taps = Taps(page, "j12")
    # when she comes to the portal
    page.goto("/my/")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your registration has ended")
    taps.look("closed")
    # then her record is still hers, as data and as PDF
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as data (JSON)").click()
    record = json.loads(taken.value.path().read_text())
    assert [one["given_on"] for one in record["doses"]] == ["2008-03-04"]
    with page.expect_download() as taken:
        page.get_by_role("link", name="Download as PDF").click()
    assert taken.value.path().read_bytes().startswith(b"%PDF")
    # and when she returns, everything is where it was
    with place.school.scope():
        Membership.objects.filter(student__username="ana@x.edu").update(state="active")
    page.goto("/my/")
    expect(page.get_by_text("Part of it is handed in and waits for review.")).to_be_visible()
    page.goto("/my/record/")
    expect(page.get_by_text("MMR (measles, mumps, rubella)")).to_be_visible()
    taps.look("record")
