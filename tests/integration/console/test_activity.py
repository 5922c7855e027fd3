"""The activity list: who did what with whose record, in which days, and all of it as a file."""

import csv
import io
import re
from datetime import UTC, datetime

import pytest

from pratique.accounts.roles import Role
from pratique.foundation import audit
from pratique.foundation.models import AuditEvent
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import NOW, imported

pytestmark = pytest.mark.django_db
IN_MARCH = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)


@pytest.fixture
def students(school):
    imported(school.institution, "ana@x.edu,0001,Núñez,Ana,,,,,", "ben@x.edu,0002,=Lee,Ben,,,,,")
    with school.scope():
        return {student.first_name.lower(): student for student in Student.objects.all()}


@pytest.fixture
def happens(school):
    """A function that appends an event; about a student where one is given."""

    def event(action, *, student=None, by=None, at=NOW, **detail):
        with school.scope():
            audit.record(
                action,
                institution_id=school.institution.id,
                by=audit.Actor("staff", str(school.staff[by].id))
                if isinstance(by, Role)
                else by or audit.SYSTEM,
                now=at,
                subject_type="student" if student else "",
                subject_id=student.id if student else None,
                detail=detail,
            )

    return event


def listed(answer):
    """The cells of the first table."""
    table = re.search(r"<tbody>(.*?)</tbody>", answer.content.decode(), re.S)
    if not table:
        return []
    rows = re.findall(r"<tr>(.*?)</tr>", table.group(1), re.S)
    return [
        [
            re.sub(r"\s+", " ", re.sub("<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<td.*?</td>", row, re.S)
        ]
        for row in rows
    ]


def test_who_opened_this_record_in_march_is_two_steps_from_the_record(students, happens, signed_in):
    happens("console:student:viewed", student=students["ana"], by=Role.REVIEWER, at=IN_MARCH)
    happens(
        "console:student:viewed",
        student=students["ana"],
        by=Role.REVIEWER,
        at=datetime(2026, 4, 1, 4, tzinfo=UTC),
    )
    happens("console:student:viewed", student=students["ben"], by=Role.REVIEWER, at=IN_MARCH)
    happens("reviews:case:decided", student=students["ana"], by=Role.REVIEWER, at=IN_MARCH)
    client = signed_in(Role.ADMINISTRATOR)
    record = client.get(f"/students/{students['ana'].id}/").content.decode()
    address = re.search(r'href="([^"]+kind=viewed)"', record).group(1).replace("&amp;", "&")
    answer = client.get(address + "&from=2026-03-01&to=2026-03-31")
    assert listed(answer) == [["March 9, 2026, 8 a.m.", "Reviewer O&#x27;Neill".replace("&#x27;", "’"),
                               "Opened a student’s record"]]  # fmt: skip
    assert "About Ana Núñez" in text_of(answer)
    assert len(listed(client.get(address))) == 3  # April, and what was opened just now


@pytest.mark.parametrize(
    ("query", "actions"),
    [
        ({"student": "ana@x.edu"}, ["viewed", "decided"]),
        ({"student": "0001", "kind": "decided"}, ["decided"]),
        ({"student": "nobody"}, []),
        ({"student": "ana@x.edu\0"}, ["viewed", "decided"]),
        ({"person": "REVIEWER"}, ["decided"]),
        ({"person": "system"}, ["viewed", "exported", "asked"]),
        ({"person": "student"}, []),
        ({"person": "x' or 1=1"}, []),
        ({"kind": "exported"}, ["exported"]),
        ({"kind": "nonsense"}, ["viewed", "decided", "exported", "asked"]),
        ({"from": "2026-03-09", "to": "2026-03-09"}, ["viewed", "decided", "exported", "asked"]),
        ({"from": "2026-03-10"}, []),
        ({"to": "2026-03-08"}, []),
        ({"from": "yesterday", "to": "2026-02-31"}, ["viewed", "decided", "exported", "asked"]),
        ({"from": "0001-01-01", "to": "9999-12-31"}, ["viewed", "decided", "exported", "asked"]),
        ({"q": "downloaded a report"}, ["exported"]),
        ({"q": "SECOND opinion"}, ["asked"]),
        ({"q": "fall 2026"}, ["exported"]),
        ({"q": "100%"}, []),
        ({"page": "999", "size": "7", "sort": "-nonsense"}, ["viewed", "decided", "exported", "asked"]),
    ],
)
def test_filters(school, students, happens, signed_in, query, actions):
    with school.scope():
        before = set(AuditEvent.objects.values_list("id", flat=True))
    happens("console:student:viewed", student=students["ana"], at=IN_MARCH)
    happens("reviews:case:decided", student=students["ana"], by=Role.REVIEWER, at=IN_MARCH)
    happens("reports:report:exported", at=IN_MARCH, report="student-detail", parameters={"term": "Fall 2026"})
    happens("reviews:second_opinion:asked", at=IN_MARCH)
    if query.get("person") == "REVIEWER":
        query = {"person": str(school.staff[Role.REVIEWER].id)}
    answer = signed_in(Role.ADMINISTRATOR).get("/activity/", query)
    assert answer.status_code == 200
    shown = {
        row.event.action.split(":")[2] for row in answer.context["page"].rows if row.event.id not in before
    }
    assert shown == set(actions)


def test_a_student_who_is_not_known_is_said_at_the_field(signed_in):
    page = text_of(signed_in(Role.ADMINISTRATOR).get("/activity/?student=nobody"))
    assert "There is no student with this username or student ID" in page
    assert "Find a student" in page


def test_a_deed_that_has_no_words_yet_reads_decently(happens, signed_in):
    happens("partner:shared_link:handed_out")
    assert "Shared link: handed out" in text_of(signed_in(Role.ADMINISTRATOR).get("/activity/"))


@pytest.mark.parametrize("sort", ["when", "-when", "who", "-who", "what", "-what"])
def test_pages_lose_and_repeat_nothing_in_any_order(happens, signed_in, sort):
    for number in range(60):
        happens("console:student:viewed", by=(Role.REVIEWER, Role.COORDINATOR, None)[number % 3])
    client = signed_in(Role.ADMINISTRATOR)
    pages = [client.get("/activity/", {"sort": sort, "page": page}).context["page"] for page in (1, 2)]
    keys = [row.event.id for page in pages for row in page.rows]
    assert len(keys) == len(set(keys)) == pages[0].total > 60


def test_people_are_ordered_by_name(happens, signed_in):
    for by in (Role.REVIEWER, Role.COORDINATOR, Role.ADMINISTRATOR):
        happens("console:student:viewed", by=by)
    client = signed_in(Role.ADMINISTRATOR)
    names = [row[1] for row in listed(client.get("/activity/?sort=who&kind=viewed"))]
    assert names == sorted(names)
    assert len(set(names)) == 3


def test_exports_of_many_are_shown_with_one_student(students, happens, signed_in):
    happens("reports:report:exported", by=Role.COORDINATOR, report="student-detail",
            parameters={"term": "Fall 2026", "standing": ""})  # fmt: skip
    happens(
        "reports:report:exported",
        by=Role.COORDINATOR,
        at=IN_MARCH,
        report="compliance-summary",
        parameters={},
    )
    client = signed_in(Role.ADMINISTRATOR)
    page = text_of(client.get("/activity/?student=0001"))
    assert "Exports that may include this student" in page
    assert "(term: Fall 2026)" in page
    assert "(all students)" in page
    assert "Fall 2026" not in text_of(client.get("/activity/?student=0001&to=2026-03-31"))
    assert "Exports that may include" not in text_of(client.get("/activity/"))
    assert "Older exports" not in page
    for _number in range(19):
        happens("reports:run:downloaded", by=Role.COORDINATOR)
    assert "Older exports" in text_of(client.get("/activity/?student=0001"))


def test_taking_the_list_away_is_an_event_and_about_the_student(school, students, happens, signed_in):
    happens("console:student:viewed", student=students["ben"], by=Role.REVIEWER, at=IN_MARCH)
    client = signed_in(Role.ADMINISTRATOR)
    asked = {"student": "0002", "kind": "viewed", "from": "2026-03-01", "q": "opened"}
    answer = client.post("/activity/export.csv", asked)
    content = b"".join(answer.streaming_content).decode()
    assert answer["Content-Type"].startswith("text/csv")
    [header, row] = csv.reader(io.StringIO(content))
    told = dict(zip(header, row, strict=True))
    assert told["At"] == "2026-03-09T12:00:00+00:00"
    assert (told["Name"], told["Kind"]) == ("Reviewer O’Neill", "viewed")
    assert (told["Action"], told["What"]) == ("console:student:viewed", "Opened a student’s record")
    assert (told["About"], told["Id"], told["Student"]) == ("student", str(students["ben"].id), "ben@x.edu")
    with school.scope():
        event = AuditEvent.objects.get(action="console:activity:exported")
    assert (event.subject_type, event.subject_id) == ("student", students["ben"].id)
    assert event.detail == {"kind": "viewed", "from": "2026-03-01", "text": True}


def test_the_file_holds_every_row_and_no_formula(happens, signed_in):
    for number in range(2_100):
        happens("console:student:viewed", by=audit.Actor("=cmd", str(number)))
    answer = signed_in(Role.ADMINISTRATOR).post("/activity/export.csv", {"q": "opened a student"})
    rows = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))
    assert len(rows) == len({row["By"] for row in rows}) == 2_100
    assert all(row["By"].startswith("'=cmd:") for row in rows)


@pytest.mark.parametrize("role", [Role.REVIEWER, Role.COORDINATOR])
def test_others_see_none_of_it(students, signed_in, role):
    client = signed_in(role)
    assert client.get("/activity/").status_code == 403
    assert client.post("/activity/export.csv").status_code == 403
    assert "Who opened this record" not in text_of(client.get(f"/students/{students['ana'].id}/"))


def test_another_schools_student_is_nobody(students, other_school, signed_in):
    client = signed_in(Role.ADMINISTRATOR, of=other_school)
    page = text_of(client.get(f"/activity/?student={students['ana'].id}"))
    assert "There is no student" in page


def test_the_number_of_queries_does_not_grow_with_the_rows(
    school, students, happens, signed_in, django_assert_max_num_queries
):
    for number in range(60):
        happens("console:student:viewed", student=students[("ana", "ben")[number % 2]], by=Role.REVIEWER)
    client = signed_in(Role.ADMINISTRATOR)
    with django_assert_max_num_queries(18):
        client.get("/activity/?size=100")
