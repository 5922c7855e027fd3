"""Who gets to see which picture, and as what it is sent."""

import io
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from PIL import Image

from pratique.accounts.roles import Role
from pratique.foundation.ids import new_id
from pratique.foundation.storage import blob_store
from pratique.records.actions import checking
from pratique.records.actions import files as actions
from pratique.records.models import File, Page, Submission
from tests.integration.files.material import pdf, photo
from tests.integration.files.test_uploads import SCRIPTED, TUS
from tests.schools import NOW
from tests.staff import PASSWORD, make_school


def page_of(learner, **which) -> Page:
    with learner.scope():
        return Page.objects.get(**which)


def served(learner) -> tuple[File, list[str]]:
    """A file that is ready, and every address under which something of it is shown or changed."""
    file = learner.checked(photo())
    page = page_of(learner)
    return file, [
        f"/my/pages/{page.id}/image/", f"/my/pages/{page.id}/thumbnail/", f"/my/files/{file.id}/original/",
        f"/my/submissions/{learner.submission.id}/files/",
    ]  # fmt: skip


def test_a_page_is_sent_as_a_picture_and_nothing_else(ana):
    _, (image, thumbnail, *_) = served(ana)
    for address, size in ((image, (800, 600)), (thumbnail, (320, 240))):
        response = ana.client.get(address)
        assert response["Content-Type"] == "image/jpeg"
        assert response["X-Content-Type-Options"] == "nosniff"
        assert response["Content-Security-Policy"] == "sandbox; default-src 'none'"
        assert response["Content-Disposition"] == "inline"
        assert "no-store" in response["Cache-Control"]
        assert Image.open(io.BytesIO(response.content)).size == size


def test_an_original_is_given_back_as_it_came_to_be_saved(ana):
    file, (*_, original, _list) = served(ana)
    response = ana.client.get(original)
    assert response["Content-Type"] == "application/octet-stream"
    assert response["Content-Disposition"] == 'attachment; filename="photo.jpg"'
    assert response["X-Content-Type-Options"] == "nosniff"
    assert response.content == photo()
    assert file.sha256


def test_what_holds_a_script_is_given_back_after_a_warning(ana):
    file = ana.checked(SCRIPTED, "form.exe")
    address = f"/my/files/{file.id}/original/"
    warning = ana.client.get(address)
    assert "holds more than pages" in warning.content.decode()
    saved = ana.client.post(address)
    assert saved["Content-Disposition"] == 'attachment; filename="form.pdf"'
    assert saved.content == SCRIPTED


def test_guessing_another_students_address_is_like_guessing_nothing(ana, ben):
    file, addresses = served(ana)
    page = page_of(ana)
    nothing = str(new_id())
    for address in addresses:
        for own, other in (
            (str(file.id), nothing),
            (str(page.id), nothing),
            (str(ana.submission.id), nothing),
        ):
            pair = [ben.client.get(address), ben.client.get(address.replace(own, other))]
            assert {answer.status_code for answer in pair} == {404}
    for method, address in (
        ("post", f"/my/pages/{page.id}/"), ("post", f"/my/files/{file.id}/remove/"),
        ("post", f"/my/submissions/{ana.submission.id}/pages/"),
        ("post", f"/my/submissions/{ana.submission.id}/uploads/"),
        ("head", f"/my/uploads/{file.id}/"), ("patch", f"/my/uploads/{file.id}/"),
        ("delete", f"/my/uploads/{file.id}/"),
    ):  # fmt: skip
        answer = getattr(ben.client, method)(address, headers=TUS)
        assert answer.status_code == 404, (method, address)
    assert ana.file(file.id) is not None


def test_a_stranger_is_sent_to_the_sign_in(ana):
    _, addresses = served(ana)
    for address in addresses:
        assert Client().get(address)["Location"].startswith("/account/login/")


def _leave_the_school() -> None:
    """A test is one transaction: what requests named in it is named until its end."""
    with connection.cursor() as cursor:
        cursor.execute("select set_config('pratique.institution', '', true)")


def test_a_guessed_page_of_another_school_is_not_found(ana):
    page = served(ana)[1][0]
    _leave_the_school()
    other = make_school()
    client = Client()
    client.post("/account/login/", {"login": other.staff["reviewer"].username, "password": PASSWORD})
    page_id = page.split("/")[3]
    assert client.get(f"/review/pages/{page_id}/").status_code == 404


@pytest.mark.parametrize(
    ("role", "state", "status"),
    [
        pytest.param("reviewer", "waiting", 200, id="a reviewer sees what was sent"),
        pytest.param("administrator", "waiting", 200, id="an administrator, too"),
        pytest.param("coordinator", "waiting", 403, id="a coordinator decides nothing and sees none"),
        pytest.param("reviewer", "draft", 404, id="a draft is the student's own"),
    ],
)
def test_staff_see_pages_of_cases_only(pair, role, state, status):
    ana = pair[0]
    ana.checked(photo())
    page = page_of(ana)
    from pratique.accounts.actions import create_staff
    from tests.schools import BY

    with ana.scope():
        staff = create_staff(
            institution=ana.institution, username=f"staff-{role}", name="Staff", role=Role(role), password=PASSWORD,
            email="staff@x.example", by=BY, now=NOW,
        )  # fmt: skip
        if state == "waiting":
            Submission.objects.filter(id=ana.submission.id).update(
                state=state, sent_at=NOW, sent_by="student", queued_at=NOW
            )
    client = Client()
    client.post("/account/login/", {"login": staff.username, "password": PASSWORD})
    for address in (f"/review/pages/{page.id}/", f"/review/pages/{page.id}/thumbnail/"):
        assert client.get(address).status_code == status


def test_pages_are_turned_and_moved(ana):
    ana.checked(pdf(3), "scan.pdf")
    with ana.scope():
        first, second, third = Page.objects.order_by("position")
    ana.client.post(f"/my/pages/{first.id}/", {"do": "turn"})
    ana.client.post(f"/my/pages/{third.id}/", {"do": "earlier"})
    ana.client.post(f"/my/pages/{first.id}/", {"do": "earlier"})
    with ana.scope():
        assert list(Page.objects.order_by("position").values_list("number", "turned")) == [
            (1, 90), (3, 0), (2, 0),
        ]  # fmt: skip
    order = [str(page.id) for page in (second, first)] + [str(new_id())]
    ana.client.post(f"/my/submissions/{ana.submission.id}/pages/", {"page": order})
    with ana.scope():
        assert list(Page.objects.order_by("position").values_list("number", flat=True)) == [2, 1, 3]
    assert ana.client.post(f"/my/submissions/{ana.submission.id}/pages/", {"page": "x"}).status_code == 400


def test_what_was_sent_cannot_be_removed_and_the_script_is_told_why(ana):
    file = ana.checked(photo())
    with ana.scope():
        Submission.objects.update(state="waiting", sent_at=NOW, sent_by="student")
    response = ana.client.post(f"/my/files/{file.id}/remove/", headers={"X-Files": "1"})
    assert (response.status_code, response.json()["code"]) == (409, "sent")
    assert "draggable" not in ana.client.get(
        f"/my/submissions/{ana.submission.id}/files/"
    ).content.decode().replace('draggable="false"', "")


# --- what is kept, and for how long --------------------------------------------------------------------------------


def names(learner) -> set[str]:
    found = blob_store().names(institution_id=learner.institution.id)
    return {name.split("/")[1] for name in found if not name.startswith("roster/")}  # which made the school


def forgotten(learner, **later) -> int:
    return checking.forget_old(institution_id=learner.institution.id, now=NOW + timedelta(**later))


def test_an_upload_that_nobody_finished_goes_after_a_week(ana):
    with ana.scope():
        file = actions.begin(submission_id=ana.submission.id, name="a", size=90_000, by=ana.actor, now=NOW)
        actions.append(file_id=file.id, offset=0, content=b"x" * 9000, by=ana.actor, now=NOW)
    assert forgotten(ana, days=6) == 0
    assert names(ana) == {"part-0"}
    assert forgotten(ana, days=8) == 1
    assert (names(ana), ana.file(file.id)) == (set(), None)


def test_a_refused_original_goes_after_a_day_and_its_row_after_thirty(ana):
    file = ana.checked(b"hello world " * 500)
    assert forgotten(ana, hours=23) == 0
    assert names(ana) == {"original"}
    assert forgotten(ana, hours=25) == 0
    assert names(ana) == set()
    assert ana.file(file.id).state == "refused"
    assert forgotten(ana, days=31) == 1


def test_an_abandoned_drafts_files_go_after_thirty_days(ana):
    ana.checked(photo())
    assert forgotten(ana, days=29) == 0
    assert forgotten(ana, days=31) == 1
    assert names(ana) == set()
    assert forgotten(ana, days=31) == 0


def test_what_was_thrown_away_goes_the_next_night(ana):
    from pratique.records.actions.drafts import discard_draft

    ana.checked(photo())
    with ana.scope():
        discard_draft(submission_id=ana.submission.id, by=ana.actor, now=NOW)
    assert forgotten(ana, days=2) == 1
    assert names(ana) == set()


def test_what_was_sent_stays(ana):
    ana.checked(photo())
    with ana.scope():
        Submission.objects.update(state="waiting", sent_at=NOW, sent_by="student")
    assert forgotten(ana, days=900) == 0
    assert "original" in names(ana)
