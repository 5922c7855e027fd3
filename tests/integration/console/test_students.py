"""The students list and one student's page."""

import re
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.foundation.models import AuditEvent
from pratique.records.models import Dose
from pratique.students import queries
from pratique.students.models import Membership, MembershipState, Student
from pratique.students.queries import Standing, StudentFilter
from tests.integration.console.conftest import text_of
from tests.schools import NOW, TODAY, imported, judged

pytestmark = pytest.mark.django_db

ROWS = (
    "ana@x.edu,0001,Núñez,Ana María,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Undergraduate,Spring 2027,0",
    "chi@x.edu,0003,,Chidi,,,Nursing,Fall 2026,",
    "dan@x.edu,0004,Álvarez,Dan,,01/01/2004,Nursing,Fall 2026,1",
    "eve@x.edu,0005,Zhang,Eve,,02/02/2004,,,0",
    "fay@x.edu,0006,alvarez,Fay,,02/02/2004,Nursing,Spring 2027,0",
)


@pytest.fixture
def students(school):
    imported(school.institution, *ROWS)
    judged(school.institution)
    with school.scope():
        return {student.username[:3]: student.id for student in Student.objects.all()}


def listed(answer) -> list[str]:
    """The names in the table, in order."""
    return re.findall(r'<th scope="row"><a href="/students/[^"]+">([^<]+)</a>', answer.content.decode())


@pytest.mark.parametrize(
    ("search", "found"),
    [
        ("nunez", ["Núñez, Ana María"]),
        ("NÚÑEZ", ["Núñez, Ana María"]),
        ("ana nunez", ["Núñez, Ana María"]),
        ("nunez maria", ["Núñez, Ana María"]),
        ("o'bri", ["O&#x27;Brien, Ben"]),
        ("0003", ["Chidi"]),
        ("fay@x", ["alvarez, Fay"]),
        ("alvarez", ["Álvarez, Dan", "alvarez, Fay"]),
        ("%", []),
        ("_", []),
        ("nobody", []),
    ],
    ids=["without accents", "capitals", "both names", "turned round", "apostrophe", "id", "e-mail", "several",
         "percent is a letter", "underscore too", "nobody"],
)  # fmt: skip
def test_search(students, signed_in, search, found):
    assert listed(signed_in().get("/students/", {"q": search})) == found


def test_names_are_ordered_as_people_read_them(students, signed_in):
    names = ["Álvarez, Dan", "alvarez, Fay", "Chidi", "Núñez, Ana María", "O&#x27;Brien, Ben", "Zhang, Eve"]
    assert listed(signed_in().get("/students/")) == names
    assert listed(signed_in().get("/students/?sort=-name")) == names[::-1]


def test_filters_come_as_chips_that_take_them_away(students, signed_in):
    answer = signed_in().get("/students/", {"standing": "no_tracker", "campus": "no", "q": "zhang"})
    assert listed(answer) == ["Zhang, Eve"]
    chips = re.findall(r'class="filter-chip" href="([^"]+)"', answer.content.decode())
    assert chips == [
        "?standing=no_tracker&amp;campus=no", "?campus=no&amp;q=zhang", "?standing=no_tracker&amp;q=zhang",
        "/students/",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({"campus": "yes"}, 2),
        ({"campus": "no"}, 3),
        ({"standing": "no_tracker"}, 1),
        ({"standing": "not_complete"}, 5),
        ({"standing": "cleared"}, 0),
        ({"standing": "overdue"}, 0),
        ({"state": "archive"}, 0),
        ({"state": "all"}, 6),
        ({"tracker": "not a key", "standing": "nonsense", "sort": "nonsense", "page": "x", "size": "x"}, 6),
        ({"page": "99999999999999999999"}, 6),
        ({"page": "-3"}, 6),
    ],
)
def test_filters(students, signed_in, query, count):
    answer = signed_in().get("/students/", query)
    assert f"{count} student" in text_of(answer)


def test_filters_by_tracker_group_and_term(students, school):
    with school.scope():
        membership = Membership.objects.select_related("tracker").get(student_id=students["ana"])
        assert queries.count(StudentFilter(tracker=membership.tracker_id)) == 1
        assert queries.count(StudentFilter(term=membership.tracker.term_id)) == 3
        assert queries.count(StudentFilter(group=membership.tracker.requirement_group_id)) == 2
        assert queries.count(StudentFilter(overdue_on=TODAY.replace(month=9))) == 3


def test_an_archived_membership_is_shown_only_when_asked_for(students, school, signed_in):
    with school.scope():
        Membership.objects.filter(student_id=students["ben"]).update(state=MembershipState.ARCHIVE)
    assert len(listed(signed_in().get("/students/"))) == 5
    assert "(archived)" in text_of(signed_in().get("/students/?state=archive"))


@pytest.mark.parametrize("sort", [sign + key for key in queries.SORTS for sign in ("", "-")])
def test_paging_loses_and_repeats_nobody_whichever_way_it_is_read(school, sort):
    imported(
        school.institution,
        *(
            f"u{n}@x.edu,{n:04},Same,Name,,,{'Nursing,Fall 2026' if n % 3 else ','},{n % 2}"
            for n in range(37)
        ),
    )
    with school.scope():
        everyone = [m.id for m in queries.page(StudentFilter(), sort=sort, limit=100)]
        assert len(everyone) == len(set(everyone)) == 37
        for total in (None, 37):
            pages = [
                m.id
                for offset in range(0, 40, 5)
                for m in queries.page(StudentFilter(), sort=sort, offset=offset, limit=5, total=total)
            ]
            assert pages == everyone


def test_the_number_of_queries_does_not_grow_with_the_rows(school, signed_in):
    imported(school.institution, *(f"u{n}@x.edu,{n:04},L{n},F,,,Nursing,Fall 2026,1" for n in range(120)))
    client = signed_in()
    counts = {}
    for size in (25, 100):
        with CaptureQueriesContext(connection) as captured:
            assert len(listed(client.get("/students/", {"size": size}))) == size
        counts[size] = len(captured)
    assert counts[25] == counts[100] <= 20


def test_columns_are_chosen_and_kept(students, signed_in):
    client = signed_in()
    assert "ana@x.edu" not in text_of(client.get("/students/"))
    answer = client.post("/students/columns/", {"column": ["username", "next", "bogus"], "query": "q=ana"})
    assert answer.headers["Location"] == "/students/?q=ana"
    page = text_of(client.get("/students/?q=ana"))
    assert "ana@x.edu" in page
    assert "Student ID" not in page.split("Last change")[1]


@pytest.mark.parametrize("query", ["//evil.example", "https://evil.example/", "\r\nX: y"])
def test_choosing_columns_never_leads_elsewhere(signed_in, query):
    answer = signed_in().post("/students/columns/", {"column": "due", "query": query})
    assert answer.headers["Location"].startswith("/students/?")


def test_an_empty_school_says_how_the_list_fills(signed_in):
    assert "Import a roster" in text_of(signed_in(Role.COORDINATOR).get("/students/"))
    assert "Import a roster" not in text_of(signed_in(Role.REVIEWER).get("/students/"))
    assert "No student fits" in text_of(signed_in().get("/students/?q=x"))


# --- one student ------------------------------------------------------------------------------------------------


def dose(student_id, day, school, state="approved"):
    with school.scope():
        reviewed = {} if state == "pending" else {"reviewed_at": NOW, "reviewed_by": "staff:x"}
        Dose.objects.create(
            institution=school.institution, student_id=student_id, cvx="03", product="M-M-R II",
            administered_on=day, submitted_at=NOW, state=state, **reviewed,
        )  # fmt: skip


def test_every_item_says_why_it_stands_where_it_stands(students, school, signed_in):
    dose(students["ana"], "2007-05-01", school)
    dose(students["ana"], "2007-05-15", school)
    page = text_of(signed_in().get(f"/students/{students['ana']}/"))
    assert "Ana María Núñez" in page
    assert "April 3, 2006" in page
    assert "Undergraduate - Fall 2026" in page
    assert "Aug. 10, 2026" in page
    assert "0 of 2 requirements approved" in page
    assert "May 1, 2007 · M-M-R II · counts as dose 1" in page
    assert "May 15, 2007 · M-M-R II · does not count" in page
    assert "28 days" in page
    assert "What satisfies it:" in page
    assert "Physical exam" in page


def test_standing_is_as_it_is_now_even_before_the_worker_came(students, school, signed_in):
    dose(students["dan"], "2005-05-01", school)
    dose(students["dan"], "2008-05-01", school, state="pending")
    page = text_of(signed_in().get(f"/students/{students['dan']}/"))
    assert "1 waiting for review" in page


def test_a_student_without_a_tracker_is_explained(students, signed_in):
    page = text_of(signed_in().get(f"/students/{students['eve']}/"))
    assert "No tracker selected" in page
    assert "Without a tracker nothing is asked" in page


def test_looking_at_a_record_is_an_event(students, school, signed_in):
    signed_in(Role.REVIEWER).get(f"/students/{students['ana']}/")
    with school.scope():
        event = AuditEvent.objects.get(action="console:student:viewed")
        assert event.subject_id == students["ana"]
        assert event.by == f"staff:{school.staff[Role.REVIEWER].id}"
        assert event.detail == {}
    page = text_of(signed_in(Role.ADMINISTRATOR).get(f"/students/{students['ana']}/"))
    assert "Who saw or changed this record" in page
    assert school.staff[Role.REVIEWER].name in page.replace("&#x27;", "'")
    assert "Who saw" not in text_of(signed_in(Role.COORDINATOR).get(f"/students/{students['ana']}/"))


def test_nobody_is_named_in_a_title_or_told_to_a_cache(students, signed_in):
    answer = signed_in().get(f"/students/{students['ana']}/")
    title = re.search(r"<title>(.*?)</title>", answer.content.decode(), re.S).group(1)
    assert "Student record" in title
    assert "Ana" not in title
    assert "no-store" in answer.headers["Cache-Control"]


def test_an_id_that_never_was_is_not_there(signed_in):
    assert signed_in().get(f"/students/{uuid.uuid4()}/").status_code == 404


@pytest.mark.parametrize("standing", Standing)
def test_the_word_in_the_list_is_the_one_that_the_filter_finds(students, school, standing):
    with school.scope():
        for membership in queries.page(StudentFilter(standing=standing), limit=100):
            assert queries.standing_of(membership) == standing
