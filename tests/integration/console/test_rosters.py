"""Roster import through its pages: each state has its page, and nothing changes before someone says so."""

import csv
import io
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from pratique.foundation.models import AuditEvent
from pratique.institutions.queries import institution_by_slug
from pratique.rosters import actions
from pratique.rosters.models import ImportState, RosterFile, RosterImport
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import BY, HEADER, NOW, TODAY, imported

pytestmark = pytest.mark.django_db

ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
WRONG = "ben@x.edu,0002,O'Brien,Ben,,13/45/2005,Undergradate,Fall 2026,yes"
FOREIGN = "E-mail,Banner ID,Surname,Given name,Birth date,Program,Semester"


def upload(client, *rows, header=HEADER, name="roster.csv", content=None):
    content = "\r\n".join([header, *rows, ""]).encode() if content is None else content
    return client.post("/rosters/new/", {"file": SimpleUploadedFile(name, content)})


def the_import(school) -> RosterImport:
    with school.scope():
        return RosterImport.objects.latest("received_at", "id")


def work(school):
    """Do what the worker would."""
    one = the_import(school)
    institution = institution_by_slug(school.institution.slug)
    if one.state == ImportState.CHECKING:
        actions.check(institution=institution, roster_import_id=one.id, today=TODAY)
    else:
        actions.apply(institution=institution, roster_import_id=one.id, today=TODAY, now=NOW)


def default_mapping():
    names = HEADER.split(",")
    fields = ["username", "student_id", "last_name", "first_name", "telephone", "date_of_birth", "group", "term",
              "on_campus"]  # fmt: skip
    return {f"header-{field}": name for field, name in zip(fields, names, strict=True)}


def test_from_a_file_to_its_results(school, signed_in):
    client = signed_in()
    answer = upload(client, ANA, WRONG)
    columns = answer.headers["Location"]
    assert columns == f"/rosters/{the_import(school).id}/columns/"
    page = text_of(client.get(columns))
    assert "Match the columns" in page
    assert "ana@x.edu · ben@x.edu" in page

    detail = client.post(columns, default_mapping()).headers["Location"]
    running = client.get(detail)
    assert "You can leave this page" in text_of(running)
    assert 'hx-trigger="every 1s"' in running.content.decode()

    work(school)
    preview = client.get(detail)
    page = text_of(preview)
    assert 'hx-trigger="every' not in preview.content.decode()
    assert "Nothing has been changed yet" in page
    assert "Did you mean &#x27;Undergraduate&#x27;?" in page
    assert re.search(r"Error 1 3 Dob", page)
    with school.scope():
        assert not Student.objects.exists()

    client.post(detail + "confirm/")
    work(school)
    page = text_of(client.get(detail))
    assert "2 rows were read" in page
    assert school.staff["coordinator"].name in page.replace("&#x27;", "'")
    with school.scope():
        assert Student.objects.get().username == "ana@x.edu"

    results = client.get(detail + "results.csv")
    assert 'filename="roster-results.csv"' in results.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(b"".join(results.streaming_content).decode())))
    assert [row["Outcome"] for row in rows] == ["created", "refused"]
    problems = client.get(detail + "results.csv?problems")
    assert b"".join(problems.streaming_content).count(b"\r\n") == 2
    with school.scope():
        assert AuditEvent.objects.filter(action="console:roster_results:downloaded").count() == 2


def test_own_column_names_are_guessed_and_can_be_corrected(school, signed_in):
    client = signed_in()
    columns = upload(
        client, "ana@x.edu,0001,Núñez,Ana,04/03/2006,Undergraduate,Fall 2026", header=FOREIGN
    ).headers["Location"]
    html = client.get(columns).content.decode()
    chosen = {
        select.split('"')[0]: re.search(r'<option value="([^"]*)"[^>]* selected', select)
        for select in html.split('name="header-')[1:]
    }
    assert chosen["student_id"].group(1) == "Banner ID"
    assert chosen["last_name"].group(1) == "Surname"
    assert chosen["date_of_birth"].group(1) == "Birth date"


def test_one_value_may_stand_for_every_row(school, signed_in):
    client = signed_in()
    columns = upload(client, "ana@x.edu,0001", header="Username,StudentId").headers["Location"]
    client.post(
        columns,
        {"header-username": "Username", "header-student_id": "StudentId", "constant-group": "Nursing",
         "constant-term": "Fall 2026"},
    )  # fmt: skip
    assert the_import(school).mapping == {
        "headers": {"username": "Username", "student_id": "StudentId"},
        "constants": {"group": "Nursing", "term": "Fall 2026"},
    }
    work(school)
    assert the_import(school).counts["created"] == 1


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"header-username": ""}, "Choose the column that holds it."),
        ({"header-student_id": ""}, "Choose the column that holds it."),
        ({"header-last_name": "FirstName"}, "This column is chosen for “Last name” already."),
        ({"header-username": "Not a column"}, "Choose the column that holds it."),
    ],
    ids=["no username", "no student id", "one column twice", "made up"],
)
def test_a_mapping_that_cannot_be_used_says_why_and_asks_again(school, signed_in, sent, said):
    client = signed_in()
    columns = upload(client, ANA).headers["Location"]
    answer = client.post(columns, default_mapping() | sent)
    assert answer.status_code == 422
    assert said in text_of(answer)
    assert the_import(school).state == ImportState.RECEIVED


def test_a_school_that_does_not_ask_for_ids_needs_no_column_for_them(school, signed_in):
    with school.scope():
        school.institution.student_id_required = False
        school.institution.save()
    client = signed_in()
    columns = upload(client, "ana@x.edu", header="Username").headers["Location"]
    assert client.post(columns, {"header-username": "Username"}).status_code == 302


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\xff\xfeU\x00s\x00e\x00r\x00", "UTF-16"),
        (b"Username,StudentId\r\n\xe9,1\r\n", "line 2"),
        (b'Username,StudentId\r\n"a,1\r\n', "quote"),
        (b"PK\x03\x04 a workbook", "Excel"),
    ],
    ids=["empty", "UTF-16", "not UTF-8", "open quote", "Excel"],
)
def test_a_file_that_is_no_roster_is_refused_with_where_and_what_to_do(school, signed_in, content, said):
    client = signed_in()
    answer = client.get(upload(client, content=content).headers["Location"])
    assert answer.status_code == 422
    page = text_of(answer)
    assert "cannot be read as a roster" in page
    assert said.lower() in page.lower()
    assert "Nothing was changed" in page
    detail = f"/rosters/{the_import(school).id}/"
    assert "Import cancelled" in client.post(detail + "cancel/", follow=True).content.decode()


def test_no_file_at_all_is_asked_for(signed_in):
    answer = signed_in().post("/rosters/new/", {})
    assert answer.status_code == 422
    assert "Choose a file first" in text_of(answer)


def test_a_file_that_is_too_large_is_not_even_read(signed_in, monkeypatch):
    from pratique.interfaces.console.views import rosters

    monkeypatch.setattr(rosters, "_LARGEST", 10)
    assert "larger than 64 MB" in text_of(upload(signed_in(), ANA))


def test_a_file_level_refusal_at_the_check_is_shown(school, signed_in):
    roster_import = imported(school.institution, "1,2", header="Foo,Bar")
    page = text_of(signed_in().get(f"/rosters/{roster_import.id}/"))
    assert "There is no column" in page
    assert "Match the columns again" in page


def test_a_fault_of_ours_is_not_blamed_on_the_file(school, signed_in):
    client = signed_in()
    columns = upload(client, ANA).headers["Location"]
    detail = client.post(columns, default_mapping()).headers["Location"]
    actions.give_up(institution=school.institution, roster_import_id=the_import(school).id, now=NOW)
    page = text_of(client.get(detail))
    assert "Something went wrong on our side" in page
    assert "Try again" in page
    assert "Correct the file" not in page
    assert "could not be finished" in text_of(client.get("/"))
    assert client.get(columns).status_code == 200


def test_a_file_that_is_no_longer_kept_is_asked_for_again(school, signed_in):
    client = signed_in()
    columns = upload(client, ANA).headers["Location"]
    with school.scope():
        RosterFile.objects.all().delete()
    assert "no longer kept" in text_of(client.get(columns, follow=True))


def test_an_import_can_be_put_aside_before_it_is_applied_and_not_after(school, signed_in):
    client = signed_in()
    roster_import = imported(school.institution, ANA)
    page = text_of(client.post(f"/rosters/{roster_import.id}/cancel/", follow=True))
    assert "cannot be asked to cancel now" in page
    assert the_import(school).state == ImportState.APPLIED


def test_applying_twice_says_that_it_is_done(school, signed_in):
    client = signed_in()
    roster_import = imported(school.institution, ANA)
    page = text_of(client.post(f"/rosters/{roster_import.id}/confirm/", follow=True))
    assert "cannot be asked to confirm now" in page


def test_results_are_filtered_and_paged(school, signed_in):
    rows = [f"u{n}@x.edu,{n:04},L,F,,,,," for n in range(60)]
    roster_import = imported(school.institution, *rows, WRONG)
    client = signed_in()
    page = client.get(f"/rosters/{roster_import.id}/", {"page": 3})
    assert "u50@x.edu" in text_of(page)
    page = text_of(client.get(f"/rosters/{roster_import.id}/", {"outcome": "refused"}))
    assert "1 row " in page
    assert "u50@x.edu" not in page


def test_the_list_shows_each_import_and_whose_it_is(school, signed_in):
    client = signed_in()
    assert "No roster has come in yet" in text_of(client.get("/rosters/"))
    upload(client, ANA, name="fall <b>2026.csv")
    html = client.get("/rosters/").content.decode()
    assert "fall &lt;b&gt;2026.csv" in html
    assert "Received" in html


def test_a_cell_is_text_and_never_markup(school, signed_in):
    roster_import = imported(school.institution, "<script>alert(1)</script>,0001,,,,13/13/2001,,,")
    html = signed_in().get(f"/rosters/{roster_import.id}/").content.decode()
    assert "<script>alert" not in html
    assert "&lt;script&gt;alert" in html


def test_by_names_what_a_command_did_is_shown_too(school, signed_in):
    with school.scope():
        actions.receive(
            institution=school.institution, file_name="sftp.csv", content=b"x", source="command",
            by=BY.__class__("command", "roster import"), now=NOW,
        )  # fmt: skip
    assert "The command line" in text_of(signed_in().get("/rosters/"))
