"""`pratique roster import`: plan, question, result."""

import pytest
from typer.testing import CliRunner

from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli import roster
from pratique.rosters.models import ImportState, RosterImport
from pratique.students.models import Student
from tests.schools import HEADER, a_school

pytestmark = pytest.mark.usefixtures("committed")
ROWS = [
    HEADER,
    "a@x.edu,1,Lee,Ann,,01/02/2003,Undergraduate,Fall 2026,1",
    "b@x.edu,2,Roe,Bo,,13/01/2003,,,",
    "",
]


@pytest.fixture
def run(tmp_path):
    school = a_school()
    path = tmp_path / "roster.csv"
    path.write_text("\r\n".join(ROWS))

    def run(*options, answer=None):
        command = ["import", str(path), "--institution", school.slug, *options]
        return CliRunner().invoke(roster.app, command, input=answer)

    run.school = school
    return run


def students(school):
    with institution_scope(school.id):
        return list(Student.objects.values_list("username", flat=True))


def test_with_yes_the_plan_is_shown_and_applied_and_refused_rows_end_with_1(run, tmp_path):
    results = tmp_path / "results.csv"
    done = run("--yes", "--results", str(results))
    assert done.exit_code == 1, done.output
    assert "month 13" in done.output
    assert "Imported in" in done.output
    assert students(run.school) == ["a@x.edu"]
    assert results.read_text().splitlines()[1].startswith("2,1,created,a@x.edu")


def test_saying_no_stores_nothing(run):
    done = run(answer="n\n")
    assert done.exit_code == 0
    assert "Nothing was imported" in done.output
    assert students(run.school) == []
    with institution_scope(run.school.id):
        assert RosterImport.objects.get().state == ImportState.CANCELLED


def test_a_file_that_is_refused_whole_ends_with_2(run, tmp_path):
    (tmp_path / "roster.csv").write_text("Username;StudentId\r\na;1\r\n")
    done = run("--yes")
    assert done.exit_code == 2
    assert "semicolons" in done.output
