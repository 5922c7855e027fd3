"""Reports through their pages: what the address asks for, what leaves, and who may take it."""

import io

import pytest
from python_calamine import CalamineWorkbook

from pratique.accounts.roles import Role
from pratique.foundation.models import AuditEvent
from pratique.interfaces.console.views import reports
from pratique.reports import files
from pratique.reports.models import ReportRun, RunState
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import NOW, imported, judged

pytestmark = pytest.mark.django_db

ROWS = (
    "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,=HYPERLINK(1),Ben,,12/31/2005,Nursing,Fall 2026,0",
)


@pytest.fixture(autouse=True)
def _two_students(school):
    imported(school.institution, *ROWS)
    judged(school.institution)


def test_the_catalogue_is_searched(signed_in):
    client = signed_in()
    assert "Student compliance detail" in text_of(client.get("/reports/"))
    assert "Student compliance detail" not in text_of(client.get("/reports/?q=roster"))
    assert "No report fits" in text_of(client.get("/reports/?q=zzz"))
    # A word that stands in no title: what people call it.
    assert "Immunity roster" in text_of(client.get("/reports/?q=Measles"))


def test_a_report_opens_with_a_result_a_chart_and_its_summary(signed_in):
    answer = signed_in().get("/reports/compliance-summary/")
    page = text_of(answer)
    assert "0 of 2 students are complete" in page
    assert "Nursing - Fall 2026" in page
    assert 'data-chart="report-chart"' in answer.content.decode()


def test_filters_and_order_come_from_the_address(signed_in):
    client = signed_in()
    page = text_of(client.get("/reports/student-detail/", {"group": "Nursing", "sort": "-username"}))
    assert "ben@x.edu" in page
    assert "ana@x.edu" not in page
    page = text_of(client.get("/reports/student-detail/", {"sort": "-username"}))
    assert page.index("ben@x.edu") < page.index("ana@x.edu")


@pytest.mark.parametrize(
    "query",
    [{"group": "Nursery"}, {"due_from": "yesterday"}, {"sort": "nonsense"},
     {"due_from": "2026-08-02", "due_to": "2026-08-01"}],
    ids=["unknown value", "not a date", "unknown order", "ends before it begins"],
)  # fmt: skip
def test_what_cannot_be_understood_says_so_and_shows_no_rows(signed_in, query):
    answer = signed_in().get("/reports/student-detail/", query)
    assert answer.status_code == 422
    page = text_of(answer)
    assert "could not be made as asked" in page
    assert "ana@x.edu" not in page


def test_an_unknown_report_is_not_there(signed_in):
    assert signed_in().get("/reports/nonsense/").status_code == 404
    assert signed_in().post("/reports/nonsense/download/", {"format": "csv"}).status_code == 404


def test_a_report_is_taken_away_as_csv_as_it_is_filtered(school, signed_in):
    answer = signed_in().post("/reports/student-detail/download/", {"format": "csv", "group": "Nursing"})
    text = b"".join(answer.streaming_content).decode()
    assert "ben@x.edu" in text
    assert "ana@x.edu" not in text
    assert "'=HYPERLINK" in text
    with school.scope():
        event = AuditEvent.objects.get(action="reports:report:exported")
    assert event.by == f"staff:{school.staff[Role.COORDINATOR].id}"


def test_a_report_is_taken_away_as_excel(signed_in):
    answer = signed_in().post("/reports/student-detail/download/", {"format": "xlsx"})
    assert answer.headers["Content-Disposition"].endswith('.xlsx"')
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(b"".join(answer.streaming_content))).get_sheet_by_index(
        0
    )
    assert len(sheet.to_python()) == 3


@pytest.mark.parametrize("sent", [{"format": "doc"}, {}, {"format": "csv", "group": "Nursery"}])
def test_a_download_that_cannot_be_made_says_why(signed_in, sent):
    answer = signed_in().post("/reports/student-detail/download/", sent, follow=True)
    assert "There is no" in text_of(answer)


def test_a_value_that_is_too_long_for_its_place_is_told_before_half_a_file_has_left(school, signed_in):
    with school.scope():
        Student.objects.update(email=f"{'e' * 200}@students.example.edu")
    sent = {"format": "fixed", "columns": "student_id,email", "progress": "not_complete"}
    answer = signed_in().post("/reports/student-detail/download/", sent, follow=True)
    page = text_of(answer)
    assert "“E-mail” is" in page
    assert "Widths are set in a schedule’s form" in page
    query = answer.redirect_chain[-1][0]
    assert "columns=student_id,email" in query
    assert "progress=not_complete" in query


def test_a_long_report_is_made_in_the_background_and_can_be_watched(
    school, signed_in, monkeypatch, settings, tmp_path
):
    settings.REPORT_FILES = tmp_path
    monkeypatch.setattr(reports, "_AT_ONCE", 1)
    client = signed_in()
    page = client.post("/reports/student-detail/download/", {"format": "csv"}).headers["Location"]
    waiting = client.get(page)
    assert "Waiting for its turn" in text_of(waiting)
    assert 'hx-trigger="every 1s"' in waiting.content.decode()
    assert "still being made" in text_of(client.get(page + "file/", follow=True))
    with school.scope():
        run = ReportRun.objects.get()
        ReportRun.objects.update(state=RunState.RUNNING)
        path = files.path_of(school.institution.id, run.id, "csv")
        files.write(path, [b"a,b\r\n"])
        ReportRun.objects.update(state=RunState.DONE, finished_at=NOW, rows=2, size=5)
    assert "Download CSV" in text_of(client.get(page))
    taken = client.get(page + "file/")
    assert b"".join(taken.streaming_content) == b"a,b\r\n"
    assert "Who took it" in text_of(client.get(page))
    assert "Student compliance detail" in text_of(client.get("/reports/")).split("Files made lately")[-1]


def test_a_run_can_be_stopped(school, signed_in, monkeypatch):
    monkeypatch.setattr(reports, "_AT_ONCE", 1)
    client = signed_in()
    page = client.post("/reports/student-detail/download/", {"format": "csv"}).headers["Location"]
    assert "Cancelled" in text_of(client.post(page + "cancel/", follow=True))


def test_a_reviewer_sees_a_report_and_takes_nothing_away(signed_in):
    page = text_of(signed_in(Role.REVIEWER).get("/reports/student-detail/"))
    assert "ana@x.edu" in page
    assert "Download" not in page


def test_a_page_past_the_end_is_the_last(signed_in):
    assert "ana@x.edu" in text_of(signed_in().get("/reports/student-detail/?page=999999"))
    assert "ana@x.edu" in text_of(signed_in().get("/reports/student-detail/?page=zzz"))


def test_what_a_report_needs_is_asked_for_first(signed_in):
    answer = signed_in().get("/reports/immunity-roster/")
    assert answer.status_code == 200
    page = text_of(answer)
    assert "First choose: Disease." in page
    assert "could not be made" not in page


def test_a_student_is_found_by_part_of_a_name_and_named_by_id_in_the_address(school, signed_in):
    client, at = signed_in(Role.ADMINISTRATOR), "/reports/student-access/"
    asked = client.post(at, {"student": "nun"})
    page = text_of(asked)
    assert "Which student do you mean?" in page
    assert "Núñez, Ana" in page
    with school.scope():
        ana = Student.objects.get(username="ana@x.edu")
    assert f'href="?student={ana.id}"' in asked.content.decode()
    found = client.post(at, {"student": "ana@x.edu"}, follow=True)
    assert found.redirect_chain[0][0] == f"{at}?student={ana.id}"
    assert "Núñez, Ana (0001)" in text_of(found)
    wrong = client.post(at, {"student": "zzz"})
    assert wrong.status_code == 422
    assert "No student has this" in text_of(wrong)


def test_who_took_a_report_is_listed_and_what_others_may_not_see_is_not_there(school, signed_in, monkeypatch):
    client = signed_in(Role.ADMINISTRATOR)
    client.post("/reports/student-detail/download/", {"format": "psv"})
    b"".join(client.post("/reports/student-detail/download/", {"format": "pipe"}).streaming_content)
    monkeypatch.setattr(reports, "_AT_ONCE", 0)
    client.post("/reports/student-detail/download/", {"format": "jsonl"})
    page = text_of(client.get("/reports/student-detail/history/"))
    assert page.count("PIPE") == 1
    assert "Downloaded at once" in page
    assert "JSONL" in page
    assert "Nobody yet" in page
    with school.scope():
        ana = Student.objects.get(username="ana@x.edu").id
    client.get(f"/students/{ana}/")
    asked = {"format": "csv", "student": str(ana)}
    run = client.post("/reports/student-access/download/", asked).headers["Location"]
    assert client.get(run).status_code == 200
    assert signed_in().get(run).status_code == 404
    assert signed_in().get("/reports/student-access/").status_code == 404
