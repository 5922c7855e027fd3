"""A student sends photos of a card from a telephone, on a network that is none."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.records.actions.drafts import start_submission
from pratique.records.models import File, Submission
from pratique.students.actions.accounts import activate
from pratique.students.models import Student
from tests.integration.files.material import pdf, photo
from tests.journeys.conftest import PHONE, Place, faults_of
from tests.schools import NOW
from tests.staff import PASSWORD

PARTS = "**/my/uploads/*/"


@pytest.fixture
def draft(place: Place, settings, tmp_path: Path) -> Submission:
    settings.FILES = tmp_path / "files"
    place.with_students()
    with place.school.scope():
        student = Student.objects.get(username="ben@x.edu")
        user = activate(
            student_id=student.id,
            user_id=new_id(),
            password=PASSWORD,
            language="en",
            by=audit.SYSTEM,
            now=NOW,
        )
        actor = audit.Actor("student", str(user.id))
        return start_submission(student=student, requirement_keys=["mmr"], by=actor, now=NOW)


@pytest.fixture
def phone(open_browser, draft: Submission) -> Page:
    page = open_browser(viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(f"/account/login/?next=/my/submissions/{draft.id}/files/")
    sign_in(page)
    return page


def sign_in(page: Page) -> None:
    page.get_by_label("Username or e-mail").fill("ben@x.edu")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_load_state()


def card(tmp_path: Path, name: str = "card.jpg", seed: int = 1, padding: int = 2_000_000) -> Path:
    """A photo as large as a phone's: what follows its end is thrown away with the original."""
    path = tmp_path / name
    path.write_bytes(photo(seed, size=(1600, 1200)) + b"\0" * padding)
    return path


def files_of(draft: Submission) -> list[File]:
    with institution_scope(draft.institution_id):
        return list(File.objects.filter(submission=draft).order_by("position"))


def test_a_photo_arrives_although_the_network_is_cut(phone, place, draft, tmp_path):
    # Given a network that loses the second part and the answer to the third
    seen: list[str] = []

    def lossy(route: Route) -> None:
        if route.request.method == "PATCH":
            seen.append(route.request.headers["upload-offset"])
            if len(seen) == 2:
                return route.abort("connectionreset")
            if len(seen) == 3:
                route.fetch()
                return route.abort("connectionreset")
        return route.continue_()

    phone.route(PARTS, lossy)
    # When the student takes a photo
    expect(phone.get_by_text("Take a photo")).to_be_visible()
    phone.get_by_label("Take a photo").set_input_files(card(tmp_path))
    # Then it arrives once, and its page is shown when it was checked
    expect(phone.get_by_text("We are making its pages")).to_be_visible()
    assert seen[:3] == ["0", "524288", "524288"]
    assert seen[3] == "1048576"
    assert [file.state for file in files_of(draft)] == ["checking"]
    place.work()
    expect(phone.get_by_role("img", name="Page 1")).to_be_visible()
    assert phone.locator("[data-said]").text_content() == "card.jpg is ready."
    assert faults_of(phone) == []


def test_a_sign_in_that_ends_in_mid_upload_loses_nothing(phone, place, draft, tmp_path):
    # Given an upload that is half there when the session ends
    def signing_out(route: Route) -> None:
        if route.request.method == "PATCH" and route.request.headers["upload-offset"] == "524288":
            phone.context.clear_cookies(name="sessionid")
            headers = {name: value for name, value in route.request.headers.items() if name != "cookie"}
            token = next(c["value"] for c in phone.context.cookies() if c["name"] == "csrftoken")
            return route.continue_(headers={**headers, "cookie": f"csrftoken={token}"})
        return route.continue_()

    phone.route(PARTS, signing_out)
    phone.get_by_label("Choose files").set_input_files(card(tmp_path))
    held = phone.get_by_role("list", name="Files being sent").get_by_role("listitem")
    expect(held).to_contain_text("You were signed out. 25 % of this file is safe.")
    assert faults_of(phone) == []
    phone.unroute(PARTS)
    # When they go on before they have signed in, they are told
    held.get_by_role("button", name="Continue").click()
    expect(phone.locator("[data-said]")).to_have_text(
        "You are not signed in yet. Sign in in the new tab first."
    )
    # and when they sign in in a new tab and go on
    with phone.context.expect_page() as opened:
        held.get_by_role("link", name="Sign in again").click()
    opened.value.wait_for_load_state()
    sign_in(opened.value)
    opened.value.close()
    held.get_by_role("button", name="Continue").click()
    # Then the rest is sent, to the same file
    expect(phone.get_by_text("We are making its pages")).to_be_visible()
    (file,) = files_of(draft)
    assert file.received == file.size


def test_an_upload_goes_on_after_the_page_was_closed(phone, draft, tmp_path):
    # Given a phone that died when a quarter was there
    path = card(tmp_path)

    def lossy(route: Route) -> None:
        route.abort() if route.request.headers.get("upload-offset") == "524288" else route.continue_()

    phone.route(PARTS, lossy)
    phone.get_by_label("Choose files").set_input_files(path)
    expect(phone.get_by_text("The connection is weak. We keep trying: 25 % is safe")).to_be_visible()
    phone.on("dialog", lambda dialog: dialog.accept())
    phone.reload()
    expect(phone.get_by_text("25 % is here. Choose the same file again to send the rest.")).to_be_visible()
    assert faults_of(phone) == []
    # When the same file is chosen again
    phone.unroute(PARTS)
    phone.get_by_label("Choose files").set_input_files(path)
    # Then the rest is sent, and there is one file
    expect(phone.get_by_text("We are making its pages")).to_be_visible()
    assert len(files_of(draft)) == 1


def test_without_a_connection_it_waits_and_says_what_is_safe(phone, tmp_path):
    def cut(route: Route) -> None:
        if route.request.headers.get("upload-offset") == "524288":
            phone.context.set_offline(True)
        route.continue_()

    phone.route(PARTS, cut)
    phone.get_by_label("Choose files").set_input_files(card(tmp_path))
    expect(phone.get_by_text("Waiting for a connection: 25 % is safe", exact=True)).to_be_visible()
    phone.unroute(PARTS)
    phone.context.set_offline(False)
    expect(phone.get_by_text("We are making its pages")).to_be_visible()


def test_what_is_not_taken_says_why_and_does_not_stop_the_rest(phone, place, draft, tmp_path):
    (tmp_path / "empty.jpg").write_bytes(b"")
    (tmp_path / "film.jpg").write_bytes(b"\0" * (26 * 1024 * 1024))
    (tmp_path / "letter.pdf").write_bytes(b"hello world " * 900)
    good = card(tmp_path)
    phone.get_by_label("Choose files").set_input_files(
        [tmp_path / "empty.jpg", tmp_path / "film.jpg", tmp_path / "letter.pdf", good]
    )
    expect(phone.get_by_text("This file is empty.")).to_be_visible()
    expect(phone.get_by_text("This file is larger than 25 MB.")).to_be_visible()
    expect(phone.get_by_text("We are making its pages")).to_have_count(2)
    place.work()
    expect(phone.locator(".files-rows .files-refused")).to_contain_text("This is a text file, and we cannot")
    expect(phone.get_by_role("img", name="Page 1")).to_be_visible()
    assert faults_of(phone) == []
    phone.get_by_role("button", name="Close empty.jpg").click()
    phone.get_by_role("button", name="Remove letter.pdf").click()
    expect(phone.get_by_text("letter.pdf")).to_have_count(0)
    assert [file.name for file in files_of(draft)] == ["card.jpg"]


def test_pages_are_turned_moved_and_removed(phone, place, draft, tmp_path):
    (tmp_path / "two.pdf").write_bytes(pdf(2))
    phone.get_by_label("Choose files").set_input_files([card(tmp_path), tmp_path / "two.pdf"])
    expect(phone.get_by_text("We are making its pages")).to_have_count(2)
    place.work()
    pages = phone.get_by_role("list", name="Pages").get_by_role("listitem")
    expect(pages).to_have_count(3)
    phone.get_by_role("button", name="Move page 1 later").click()
    expect(phone.locator("[data-said]")).to_have_text("Page moved to place 2.")
    expect(pages.nth(1)).to_contain_text("card.jpg")
    expect(phone.get_by_role("button", name="Move page 2 later")).to_be_focused()
    phone.get_by_role("button", name="Turn page 2").click()
    expect(pages.nth(1).locator("img")).to_have_class("turned-90")
    phone.get_by_role("button", name="Remove page 2").click()
    expect(pages).to_have_count(2)
    assert [file.name for file in files_of(draft)] == ["two.pdf"]
    assert faults_of(phone) == []


def test_without_a_script_it_works_too(open_browser, place, draft, tmp_path):
    page = open_browser(viewport=PHONE, java_script_enabled=False)
    page.goto(f"/account/login/?next=/my/submissions/{draft.id}/files/")
    sign_in(page)
    page.get_by_label("Choose one or several files").set_input_files(
        [card(tmp_path, "a.jpg", 1), card(tmp_path, "b.jpg", 2)]
    )
    page.get_by_role("button", name="Send these files").click()
    expect(page.get_by_text("We are making its pages")).to_have_count(2)
    place.work()
    page.reload()
    page.get_by_role("button", name="Move page 2 earlier").click()
    expect(page.get_by_role("list", name="Pages").get_by_role("listitem").first).to_contain_text("b.jpg")
