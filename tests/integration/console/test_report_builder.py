"""Reports that people build: columns by buttons, filters, own titles; kept, shared, changed and deleted."""

import pytest

from pratique.accounts.roles import Role
from pratique.reports.models import Favourite, SavedReport
from tests.integration.console.conftest import text_of
from tests.schools import imported, judged

pytestmark = pytest.mark.django_db

ROWS = (
    "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1",
    "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0",
)
BUILD = "/reports/build/student-detail/"
KEPT = {"columns": ["username", "last_name"], "title.username": "Login", "group": "Nursing", "sort_by": "last_name",
        "sort_down": "on", "name": "Nursing list", "description": "For the clinic day.", "deed": "save"}  # fmt: skip


@pytest.fixture(autouse=True)
def _two_students(school):
    imported(school.institution, *ROWS)
    judged(school.institution)


@pytest.fixture
def kept(school, signed_in) -> str:
    """The address of a report that a coordinator built and shared with reviewers."""
    return signed_in().post(BUILD, KEPT | {"shared_with": ["reviewer"]}).headers["Location"]


def test_a_report_is_built_kept_and_seen_by_those_it_is_shared_with(school, signed_in, kept):
    page = text_of(signed_in(Role.REVIEWER).get(kept))
    assert "Nursing list" in page
    assert "For the clinic day." in page
    assert "shared with: Reviewer" in page
    assert "Login" in page
    assert "ben@x.edu" in page
    assert "ana@x.edu" not in page
    catalogue = text_of(signed_in(Role.REVIEWER).get("/reports/"))
    assert "My reports and shared ones" in catalogue
    assert "Nursing list" in catalogue
    with school.scope():
        saved = SavedReport.objects.get()
    assert (saved.sort, saved.shared_with, saved.base) == ("-last_name", ["reviewer"], "student-detail")


def test_what_is_not_shared_is_not_there_for_others(school, signed_in, other_school):
    kept = signed_in().post(BUILD, KEPT).headers["Location"]
    for client in (signed_in(Role.REVIEWER), signed_in(Role.ADMINISTRATOR, of=other_school)):
        assert client.get(kept).status_code == 404
        assert client.get(kept + "change/").status_code == 404
        assert "Nursing list" not in text_of(client.get("/reports/"))
    assert signed_in(Role.ADMINISTRATOR).get(kept).status_code == 200


def test_a_shared_report_is_changed_by_its_maker_and_administrators_alone(school, signed_in, kept):
    for deed in ("change/", "delete/"):
        assert signed_in(Role.REVIEWER).get(kept + deed).status_code == 403
        assert signed_in(Role.REVIEWER).post(kept + deed, KEPT).status_code == 403
    signed_in(Role.ADMINISTRATOR).post(kept + "change/", KEPT | {"name": "Clinic list", "group": ""})
    page = text_of(signed_in().get(kept))
    assert "Clinic list" in page
    assert "not shared" in page
    assert "ana@x.edu" in page
    assert "It goes" not in text_of(signed_in().get(kept + "delete/"))
    signed_in().post(kept + "delete/")
    assert signed_in().get(kept).status_code == 404


def test_a_reviewer_keeps_reports_for_herself_and_cannot_share(school, signed_in):
    client = signed_in(Role.REVIEWER)
    assert "Share with" not in text_of(client.get(BUILD))
    client.post(BUILD, KEPT | {"shared_with": ["coordinator"]})
    with school.scope():
        assert SavedReport.objects.get().shared_with == []


def test_a_saved_reports_filter_is_lifted_in_the_address_and_stays_in_the_report(signed_in, kept):
    client = signed_in()
    assert "ana@x.edu" in text_of(client.get(kept + "?group="))
    assert "ana@x.edu" not in text_of(client.get(kept))
    assert f"{kept}?group=" in client.get(kept + "?group=&tracker=&term=", follow=True).redirect_chain[0][0]


def test_what_cannot_be_kept_is_said_and_the_work_is_not_lost(school, signed_in):
    client = signed_in()
    for sent, says in (
        ({"name": ""}, "Give the report a name."),
        ({"columns": []}, "Choose at least one column."),
        ({"group": "Nursery"}, "There is no “Nursery”"),
        ({"due_from": "soon"}, "is not a date"),
        ({"columns": ["username", "nonsense"]}, "nonsense"),
    ):
        answer = client.post(BUILD, KEPT | sent)
        assert answer.status_code == 422
        assert says in text_of(answer)
        assert 'value="For the clinic day."' in answer.content.decode()
    with school.scope():
        assert not SavedReport.objects.exists()


def test_buttons_add_move_and_take_out_columns_and_the_rows_follow(signed_in):
    client, form = signed_in(), {"columns": ["username", "last_name"], "title.username": "Login"}
    added = client.post(BUILD, form | {"deed": "add:term"})
    assert "Term is column 3 of 3." in text_of(added)
    assert "Fall 2026" in text_of(added)
    assert added.headers["HX-Replace-Url"] == f"{BUILD}?columns=username,last_name,term&title.username=Login"
    taken = text_of(client.post(BUILD, form | {"deed": "remove:username"}))
    assert "Username is taken out." in taken
    assert "ana@x.edu" not in taken


def test_what_is_built_is_shown_without_being_kept(school, signed_in):
    client = signed_in()
    shown = client.post(BUILD, KEPT | {"deed": "show"})
    assert shown.headers["Location"] == (
        "/reports/student-detail/?group=Nursing&columns=username,last_name&title.username=Login&sort=-last_name"
    )
    page = client.get(shown.headers["Location"])
    assert "Login" in text_of(page)
    assert "Student ID" not in text_of(page).split("Result")[-1]
    taken = client.post("/reports/student-detail/download/", {
        "format": "csv", "group": "Nursing", "columns": "username,last_name", "title.username": "Login",
    })  # fmt: skip
    assert b"".join(taken.streaming_content).decode().splitlines() == ["Login,Last name", "ben@x.edu,O'Brien"]
    moved = client.post(BUILD, KEPT | {"deed": "show"}, headers={"HX-Request": "true"})
    assert (moved.status_code, moved.headers["HX-Redirect"]) == (204, shown.headers["Location"])


def test_the_first_step_says_what_a_row_is(signed_in):
    page = text_of(signed_in().get("/reports/build/"))
    assert "Each row is A student" in page
    assert signed_in().get("/reports/build/nonsense/").status_code == 404


def test_a_star_puts_a_report_first_and_is_taken_off_again(school, signed_in):
    client = signed_in()
    answer = client.post("/reports/favorite/", {"add": "student-detail", "q": "detail"})
    assert answer.headers["Location"] == "/reports/?q=detail"
    client.post("/reports/favorite/", {"add": "student-detail"})
    page = text_of(client.get("/reports/"))
    assert "Favorites Student compliance detail" in page
    assert page.count("Student compliance detail") == 2  # its title, and its star
    back = client.post(
        "/reports/favorite/", {"remove": "student-detail", "page": "report", "query": "sort=username"}
    )
    assert back.headers["Location"] == "/reports/student-detail/?sort=username"
    assert "Favorites Student" not in text_of(client.get("/reports/"))
    assert client.post("/reports/favorite/", {"add": "nonsense"}).status_code == 404
    with school.scope():
        assert not Favourite.objects.exists()
