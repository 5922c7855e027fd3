"""The tus protocol, as a browser speaks it, and everything that is not taken."""

import base64
import io
import json

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils.http import parse_http_date

from pratique.records.actions import files as actions
from pratique.records.models import File, Page
from tests.integration.files.material import (
    MB,
    Learner,
    pdf,
    photo,
    png_header,
    sign_in,
    zipped,
)
from tests.schools import NOW

TUS = {"Tus-Resumable": "1.0.0"}


def begin(learner: Learner, size: int, name: str = "photo.jpg", client: Client | None = None, **headers):
    named = base64.b64encode(name.encode()).decode()
    return (client or learner.client).post(
        f"/my/submissions/{learner.submission.id}/uploads/",
        headers={**TUS, "Upload-Length": str(size), "Upload-Metadata": f"filename {named}", **headers},
    )


def send(client: Client, address: str, offset: int, content: bytes, **headers):
    kind = "application/offset+octet-stream"
    return client.patch(address, content, kind, headers={**TUS, "Upload-Offset": str(offset), **headers})


def upload(learner: Learner, content: bytes, name: str = "photo.jpg") -> File:
    """Send a whole file in parts, check it as the worker does, and return it."""
    address = begin(learner, len(content), name)["Location"]
    for offset in range(0, len(content), MB):
        assert send(learner.client, address, offset, content[offset : offset + MB]).status_code == 204
    file_id = address.split("/")[-2]
    actions.check(institution=learner.institution, file_id=file_id, now=NOW)
    found = learner.file(file_id)
    assert found is not None
    return found


def listed(learner: Learner) -> str:
    return learner.client.get(f"/my/submissions/{learner.submission.id}/files/").content.decode()


def test_the_server_says_what_it_speaks(ana):
    response = ana.client.options(f"/my/submissions/{ana.submission.id}/uploads/")
    assert response.status_code == 204
    assert response["Tus-Version"] == "1.0.0"
    assert response["Tus-Extension"] == "creation,termination,expiration"
    assert response["Tus-Max-Size"] == str(25 * MB)


def test_a_file_goes_up_in_parts_and_says_how_far_it_is(ana):
    content = photo(size=(3000, 2000)) + b"\0" * MB
    begun = begin(ana, len(content))
    assert (begun.status_code, begun["Upload-Offset"]) == (201, "0")
    address = begun["Location"]
    assert parse_http_date(begun["Upload-Expires"]) > NOW.timestamp()

    assert send(ana.client, address, 0, content[:MB])["Upload-Offset"] == str(MB)
    told = ana.client.head(address, headers=TUS)
    assert (told["Upload-Offset"], told["Upload-Length"]) == (str(MB), str(len(content)))
    assert told["Tus-Resumable"] == "1.0.0"
    assert "no-store" in told["Cache-Control"]
    assert send(ana.client, address, MB, content[MB:]).status_code == 204
    assert "Arrived. We are making its pages" in listed(ana)


def test_an_upload_that_was_cut_goes_on_where_it_was(ana):
    content = photo(size=(3000, 2000)) + b"\0" * MB
    address = begin(ana, len(content))["Location"]
    send(ana.client, address, 0, content[:500_000])
    # The answer to the next part never arrived; the sender begins again from what the server says.
    send(ana.client, address, 500_000, content[500_000:900_000])
    offset = int(ana.client.head(address, headers=TUS)["Upload-Offset"])
    assert offset == 900_000
    assert "% is here. Choose the same file again" in listed(ana)
    send(ana.client, address, offset, content[offset:])
    file_id = address.split("/")[-2]
    actions.check(institution=ana.institution, file_id=file_id, now=NOW)
    assert ana.file(file_id).state == "ready"


def test_what_came_before_a_connection_was_cut_is_kept(ana):
    """A request says how long it is; where it ends before that, its beginning still counts."""
    address = begin(ana, 50_000)["Location"]
    response = ana.client.generic(
        "PATCH", address, b"x" * 20_000, "application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": "0"}, CONTENT_LENGTH="50000",
        **{"wsgi.input": io.BytesIO(b"x" * 20_000)},
    )  # fmt: skip
    assert response["Upload-Offset"] == "20000"


def test_a_part_at_the_wrong_place_is_told_the_right_one(ana):
    address = begin(ana, 50_000)["Location"]
    send(ana.client, address, 0, b"x" * 20_000)
    response = send(ana.client, address, 5, b"x" * 20_000)
    assert (response.status_code, response["Upload-Offset"]) == (409, "20000")


def test_two_tabs_upload_at_once(ana):
    content = {"one": photo(1), "two": photo(2)}
    addresses = {name: begin(ana, len(data), f"{name}.jpg")["Location"] for name, data in content.items()}
    for start, end in ((0, 8192), (8192, None)):
        for name, data in content.items():
            assert send(ana.client, addresses[name], start, data[start:end]).status_code == 204
    for address in addresses.values():
        actions.check(institution=ana.institution, file_id=address.split("/")[-2], now=NOW)
    with ana.scope():
        assert [page.file.name for page in Page.objects.order_by("position")] == ["one.jpg", "two.jpg"]


def test_a_session_that_ends_in_mid_upload_loses_nothing(ana):
    content = photo(size=(3000, 2000))
    address = begin(ana, len(content))["Location"]
    send(ana.client, address, 0, content[:8192])
    ana.client.logout()

    refused = send(ana.client, address, 8192, content[8192:])
    assert refused.status_code == 401
    assert refused.json()["code"] == "signed_out"
    assert "nothing is lost" in refused.json()["sentence"]

    sign_in(ana.client, ana)
    offset = int(ana.client.head(address, headers=TUS)["Upload-Offset"])
    assert offset == 8192
    assert send(ana.client, address, offset, content[offset:])["Upload-Offset"] == str(len(content))


def test_a_part_without_a_token_is_refused(ana):
    address = begin(ana, 50_000)["Location"]
    strict = Client(enforce_csrf_checks=True)
    strict.cookies = ana.client.cookies
    assert send(strict, address, 0, b"x" * 20_000).status_code == 403
    token = strict.get(f"/my/submissions/{ana.submission.id}/files/").context["csrf_token"]
    assert send(strict, address, 0, b"x" * 20_000, **{"X-CSRFToken": str(token)}).status_code == 204


@pytest.mark.parametrize(
    ("headers", "content_type", "status"),
    [
        pytest.param({}, "text/plain", 415, id="another content type"),
        pytest.param({"Upload-Offset": "x"}, None, 400, id="an offset that is no number"),
        pytest.param({"Upload-Offset": "-1"}, None, 400, id="a negative offset"),
        pytest.param({"Upload-Offset": "9" * 30}, None, 400, id="an endless number"),
        pytest.param({"Tus-Resumable": "0.2.2"}, None, 412, id="another version"),
    ],
)
def test_a_part_that_is_not_spoken_right(ana, headers, content_type, status):
    address = begin(ana, 50_000)["Location"]
    response = ana.client.patch(
        address, b"x", content_type or "application/offset+octet-stream",
        headers={**TUS, "Upload-Offset": "0", **headers},
    )  # fmt: skip
    assert response.status_code == status


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        pytest.param({"Upload-Length": ""}, 400, id="no length"),
        pytest.param({"Upload-Metadata": "filename %%%"}, 400, id="a name that is no base64"),
        pytest.param({"Upload-Metadata": ""}, 201, id="no name"),
    ],
)
def test_a_beginning_that_is_not_spoken_right(ana, headers, status):
    assert begin(ana, 100, **headers).status_code == status


def test_more_than_was_declared_is_413(ana):
    address = begin(ana, 5000)["Location"]
    response = send(ana.client, address, 0, b"x" * 5001)
    assert (response.status_code, response.json()["code"]) == (413, "more_than_declared")


def test_a_cancelled_upload_is_gone(ana):
    address = begin(ana, 50_000)["Location"]
    assert ana.client.delete(address, headers=TUS).status_code == 204
    assert ana.client.head(address, headers=TUS).status_code == 404
    assert send(ana.client, address, 0, b"x" * 5000).status_code == 404


def test_26_mb_are_refused_before_a_byte_is_sent(ana):
    response = begin(ana, 26 * MB)
    assert response.status_code == 413
    assert response.json() == {
        "code": "too_large",
        "sentence": "This file is larger than 25 MB. Please hand in a smaller one; a photo is enough.",
    }


def test_a_file_of_0_bytes_is_refused(ana):
    response = begin(ana, 0)
    assert (response.status_code, response.json()["code"]) == (422, "empty")


ELF = b"\x7fELF\2\1\1" + b"\0" * 9000
SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
SCRIPTED = (
    b"%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.alert(1))>>>>endobj\n"
    b"2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n"
    b"3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 200 200]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"
)


@pytest.mark.parametrize(
    ("name", "make", "refusal"),
    [
        pytest.param("scan.pdf", zipped, "type_not_accepted:archive", id="a .pdf that is a zip"),
        pytest.param("scan.pdf", lambda: ELF, "type_not_accepted:program", id="a .pdf that is a program"),
        pytest.param("scan.jpg", lambda: photo() + zipped(), "polyglot", id="a photo with a zip behind it"),
        pytest.param("scan.pdf", lambda: b"%PDF-1.7\n" + b"rubbish " * 900, "pdf_broken", id="a broken PDF"),
        pytest.param("drawing.svg", lambda: SVG, "type_not_accepted:web_page", id="SVG"),
        pytest.param("big.png", lambda: png_header(30_000, 30_000), "image_too_big", id="30,000 x 30,000"),
        pytest.param("long.pdf", lambda: pdf(21), "too_many_pages", id="21 pages"),
        pytest.param("cut.jpg", lambda: photo()[:3000], "image_broken", id="half a photo"),
        pytest.param("x.txt", lambda: b"hello world " * 500, "type_not_accepted:text", id="a text"),
    ],
)
def test_what_is_no_document_is_refused_with_a_sentence(ana, name, make, refusal):
    file = upload(ana, make(), name)
    assert (file.state, file.refusal) == ("refused", refusal)
    with ana.scope():
        assert not Page.objects.exists()
    assert 'data-state="refused"' in listed(ana)
    assert "Please" in listed(ana)


def test_a_pdf_with_javascript_is_shown_as_pictures_and_said_so(ana):
    file = upload(ana, SCRIPTED, "form.pdf")
    assert (file.state, file.active_content) == ("ready", True)


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        pytest.param("../../etc/passwd", "passwd", id="a path"),
        pytest.param("C:\\Users\\ana\\scan.pdf", "scan.pdf", id="a path of Windows"),
        pytest.param("../", "Unnamed file", id="nothing but a path"),
        pytest.param("Ana's 100%.jpg", "Ana&#x27;s 100%.jpg", id="quote and percent"),
        pytest.param("💉👩‍⚕️ card.jpg", "💉👩‍⚕️ card.jpg", id="emoji"),
        pytest.param("photo\u202egpj.exe", "photogpj.exe", id="turned round"),
        pytest.param("a\0b\r\nc.jpg", "abc.jpg", id="control characters"),
        pytest.param("<script>alert(1)</script>.jpg", "script&gt;.jpg", id="markup"),
    ],
)
def test_names_are_for_showing_only(ana, sent, shown):
    file = upload(ana, photo(), sent)
    assert file.state == "ready"
    assert shown in listed(ana)
    disposition = ana.client.get(f"/my/files/{file.id}/original/")["Content-Disposition"]
    assert disposition.startswith("attachment; filename")
    assert "\n" not in disposition
    assert "/" not in disposition


def test_a_name_of_300_characters_is_cut_and_keeps_its_ending(ana):
    file = upload(ana, photo(), "ñ" * 300 + ".jpeg")
    assert len(file.name) == 255
    assert file.name.endswith("ñ….jpeg")
    assert file.state == "ready"


def test_the_same_photo_twice_is_taken_with_a_gentle_word(ana):
    upload(ana, photo(1), "one.jpg")
    upload(ana, photo(2), "two.jpg")
    upload(ana, photo(1), "again.jpg")
    page = listed(ana)
    assert page.count("This looks the same as page 1.") == 1
    assert page.count("data-page=") == 3


def test_without_a_script_several_files_go_up_by_a_form(ana):
    from django.core.files.uploadedfile import SimpleUploadedFile

    address = f"/my/submissions/{ana.submission.id}/files/"
    chosen = [SimpleUploadedFile(f"{n}.jpg", photo(n)) for n in (1, 2)] + [
        SimpleUploadedFile("none.jpg", b"")
    ]
    response = ana.client.post(address, {"files": chosen, "next": "/my/settings/"})
    assert response["Location"] == "/my/settings/"
    with ana.scope():
        assert sorted(File.objects.values_list("name", "state")) == [
            ("1.jpg", "checking"),
            ("2.jpg", "checking"),
        ]
    told = [str(message) for message in get_messages(response.wsgi_request)]
    assert told == ["none.jpg: This file is empty. Please choose it again, or take a new photo."]


def test_a_form_leads_only_back_to_us(ana):
    response = ana.client.post(
        f"/my/submissions/{ana.submission.id}/files/", {"next": "https://evil.example/"}
    )
    assert response["Location"] == "/my/"


def test_errors_are_json_that_says_what_to_do(ana):
    body = json.loads(begin(ana, 0).content)
    assert body["sentence"] == "This file is empty. Please choose it again, or take a new photo."
