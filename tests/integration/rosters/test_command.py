"""`pratique roster`: what a script gets, for each kind of file that people send."""

import json
import os

import pytest
from typer.testing import CliRunner

from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli import roster
from pratique.students.models import Student
from tests.schools import HEADER, a_school

pytestmark = pytest.mark.django_db
GOOD = "a@x.edu,1,Lee,Ann,,01/02/2003,Undergraduate,Fall 2026,1"


@pytest.fixture
def school():
    return a_school()


def check(school, tmp_path, content):
    path = tmp_path / "roster.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    done = CliRunner().invoke(roster.app, ["check", str(path), "--institution", school.slug, "--json"])
    return done.exit_code, [json.loads(line) for line in done.stdout.splitlines()]


def rows(*lines, header=HEADER):
    return "\r\n".join([header, *lines, ""])


def test_one_object_a_row_with_exactly_these_keys(school, tmp_path):
    code, told = check(school, tmp_path, rows(GOOD, 'b@x.edu,2,"multi\nline",F,,,,,', "c@x.edu,3,L,F,,,,,"))
    assert code == 0
    assert told[0] == {"line": 2, "row": 1, "outcome": "created", "errors": [], "warnings": []}
    assert [(row["line"], row["row"]) for row in told] == [(2, 1), (3, 2), (5, 3)]
    with institution_scope(school.id):
        assert not Student.objects.exists()


def test_a_refused_row_ends_with_1_and_names_code_column_and_message(school, tmp_path):
    code, told = check(school, tmp_path, rows(GOOD, "b@x.edu,2,L,F,,02/30/2001,,,yes"))
    assert code == 1
    assert [sorted(error) for error in told[1]["errors"]] == [["code", "column", "message"]] * 2
    assert {(error["code"], error["column"]) for error in told[1]["errors"]} == {
        ("date_day", "Dob"), ("on_campus_value", "OnCampus"),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        pytest.param(b"", "empty_file", 1, id="empty file"),
        pytest.param(HEADER.encode() + b"\r\n", "no_rows", 1, id="only a header"),
        pytest.param(rows(GOOD).encode("utf-16"), "utf_16", 1, id="UTF-16 with BOM"),
        pytest.param(rows(GOOD).encode() + b"b\xff@x,2,,,,,,,\r\n", "not_utf8", 3, id="not UTF-8"),
        pytest.param(rows(GOOD).encode() + b"b\0@x,2,,,,,,,\r\n", "nul_byte", 3, id="NUL byte"),
        pytest.param(rows(GOOD).replace(",", ";").encode(), "wrong_delimiter", 1, id="semicolons"),
        pytest.param(rows(GOOD).replace(",", "\t").encode(), "wrong_delimiter", 1, id="tabs"),
        pytest.param((GOOD + "\r\n" + GOOD + "\r\n").encode(), "no_header", 1, id="no header"),
        pytest.param(b"Usernmae,StudentId\r\na,1\r\n", "missing_header", 1, id="misspelt header"),
        pytest.param(b"Username,USER NAME,StudentId\r\na,b,1\r\n", "duplicate_header", 1, id="header twice"),
        pytest.param(rows(GOOD).encode() + b'"b@x,2,,\r\n', "quote_not_closed", 3, id="open quote"),
        pytest.param(rows(GOOD).encode() + b"b@x,2", "truncated", 3, id="truncated"),
    ],
)
def test_a_file_that_is_refused_whole_is_one_object_and_ends_with_2(school, tmp_path, content, code, line):
    exit_code, told = check(school, tmp_path, content)
    assert exit_code == 2
    assert [sorted(each) for each in told] == [["file_error"]]
    error = told[0]["file_error"]
    assert (error["code"], error["line"]) == (code, line)
    assert sorted(error) == ["code", "line", "message"]


def test_what_concerns_the_whole_file_is_told_with_its_first_row(school, tmp_path):
    _, told = check(
        school, tmp_path, rows("a@x,1,x,x", "b@x,2,y,y", header="Username,StudentId,D0b,Shoe size")
    )
    assert [warning["code"] for warning in told[0]["warnings"]] == ["unknown_columns"]
    assert "D0b" in told[0]["warnings"][0]["message"]
    assert told[1]["warnings"] == []


def test_characters_that_deceive_are_warned_about_and_letters_of_any_script_are_not(school, tmp_path):
    _, told = check(
        school,
        tmp_path,
        rows(
            "a@x,1,\u202egnp.exe,F,,,,,",
            "b@x,2,\u0627\u0644\u0623\u062d\u0645\u062f,\u05e0\u05d5\u05e2\u05d4,,,,,",
        ),
    )
    assert [warning["code"] for warning in told[0]["warnings"]] == ["invisible_characters"]
    assert (told[0]["outcome"], told[1]["warnings"]) == ("created", [])


def test_rows_past_the_limit_are_refused_by_name(school, tmp_path):
    lines = [f"s{n}@x,{n},,,,,,," for n in range(50_003)]
    code, told = check(school, tmp_path, rows(*lines))
    assert (code, len(told)) == (1, 50_003)
    assert [row["errors"][0]["code"] for row in told[50_000:]] == ["past_limit"] * 3
    assert told[49_999]["outcome"] == "created"


@pytest.mark.parametrize("what", ["a folder", "nothing"])
def test_what_cannot_be_read_is_a_file_error(school, tmp_path, what):
    path = tmp_path if what == "a folder" else tmp_path / "absent.csv"
    done = CliRunner().invoke(roster.app, ["check", str(path), "--institution", school.slug, "--json"])
    assert done.exit_code == 2
    assert json.loads(done.stdout)["file_error"]["code"] == "unreadable"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_rights_is_a_file_error(school, tmp_path):
    path = tmp_path / "secret.csv"
    path.write_text(rows(GOOD))
    path.chmod(0)
    done = CliRunner().invoke(roster.app, ["check", str(path), "--institution", school.slug, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["file_error"]["code"]) == (2, "unreadable")


def test_an_endless_file_is_refused_without_being_read_to_its_end(school):
    done = CliRunner().invoke(roster.app, ["check", "/dev/zero", "--institution", school.slug, "--json"])
    assert (done.exit_code, json.loads(done.stdout)["file_error"]["code"]) == (2, "file_too_large")


def test_an_unknown_institution_is_told_with_a_remedy(tmp_path):
    path = tmp_path / "roster.csv"
    path.write_text(rows(GOOD))
    done = CliRunner().invoke(roster.app, ["check", str(path), "--institution", "nope"])
    assert done.exit_code == 2
    assert "no institution 'nope'" in done.output


def test_a_sample_is_the_same_for_the_same_seed(tmp_path):
    paths = [tmp_path / name for name in ("one.csv", "two.csv")]
    for path in paths:
        assert (
            CliRunner()
            .invoke(roster.app, ["sample", "--rows", "50", "--seed", "3", "--out", str(path)])
            .exit_code
            == 0
        )
    assert paths[0].read_bytes() == paths[1].read_bytes()
    assert paths[0].read_bytes().count(b"\r\n") == 51
