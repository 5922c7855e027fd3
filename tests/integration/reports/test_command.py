"""`pratique reports`, as people and scripts call it."""

import csv
import json
import os
import subprocess
import sys

import pytest
from typer.testing import CliRunner

from pratique.foundation.audit import SYSTEM
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.cli.reports import app
from pratique.reports import actions
from pratique.reports.types import ChosenColumn, Layout
from tests.integration.reports.population import NOW, a_school
from tests.settings import CLUSTER, ROOT

RUN = ["run", "student-detail", "--institution", "ours"]


@pytest.fixture
def school(db):
    school = a_school()
    school.student("a", last_name="=1+1", statuses={"mmr": "approved"})
    school.student("b", tracker="Graduate - Fall 2026")
    return school


def call(*arguments):
    return CliRunner().invoke(app, list(arguments))


def test_the_list_names_every_report_and_its_parameters():
    done = call("list")
    assert done.exit_code == 0
    for word in ("compliance-summary", "student-detail", "roster-results", "on_campus"):
        assert word in done.stdout


def test_a_report_is_written_and_noted(school, tmp_path):
    out = tmp_path / "detail.csv"
    done = call(*RUN, "--out", str(out))
    assert done.exit_code == 0, done.stderr
    assert "2 rows" in done.stderr
    assert done.stdout == ""
    with out.open(newline="") as file:
        assert [row["Username"] for row in csv.DictReader(file)] == ["b", "a"]
    assert b"'=1+1" in out.read_bytes()
    with institution_scope(school.id):
        event = AuditEvent.objects.get()
    assert (event.action, event.by) == ("reports:report:exported", "command:reports")


def test_parameters_order_and_neutralising_can_be_chosen(school, tmp_path):
    out = tmp_path / "detail.csv"
    done = call(
        *RUN,
        "--out",
        str(out),
        "--param",
        "tracker=nursing - fall 2026",
        "--sort",
        "-username",
        "--no-neutralise",
    )
    assert done.exit_code == 0, done.stderr
    assert b"=1+1" in out.read_bytes()
    assert b"'=1+1" not in out.read_bytes()
    assert out.read_bytes().count(b"\r\n") == 2


def test_standard_output_holds_the_report_alone(school):
    done = call(*RUN, "--format", "jsonl", "--out", "-")
    assert done.exit_code == 0, done.stderr
    assert [json.loads(line)["username"] for line in done.stdout.splitlines()] == ["b", "a"]


def test_columns_titles_and_date_format_can_be_chosen_and_a_saved_report_by_its_name(school, tmp_path):
    listed = call("columns", "student-detail", "--institution", "ours")
    assert "account_token" in listed.stdout
    out = tmp_path / "detail.psv"
    chosen = ["--column", "username=Login", "--column", "due_on", "--sort", "username"]
    dated = ["--date-format", "%d.%m.%Y", "--format", "pipe"]
    done = call(*RUN, *chosen, *dated, "--out", str(out))
    assert done.exit_code == 0, done.stderr
    assert out.read_bytes() == b"Login|Due date\r\na|10.08.2026\r\nb|01.10.2026\r\n"
    with institution_scope(school.id):
        actions.save_report(
            institution=school.institution, name="For [Housing]", base="student-detail", parameters={},
            layout=Layout((ChosenColumn("username", "U"),)), sort="-username", by=SYSTEM, now=NOW,
        )  # fmt: skip
    assert "For [Housing]" in call("list", "--institution", "ours").stdout
    done = call("run", "for [housing]", "--institution", "ours", "--out", "-")
    assert done.stdout.splitlines() == ["U", "b", "a"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(
            ["run", "nothing", "--institution", "ours", "--out", "x"],
            "compliance-summary, student-detail",
            id="unknown report",
        ),
        pytest.param(
            ["run", "student-detail", "--institution", "nobody", "--out", "x"], "“nobody”", id="unknown slug"
        ),
        pytest.param([*RUN, "--out", "x", "--format", "pdf"], "csv, xlsx, jsonl", id="unknown format"),
        pytest.param([*RUN, "--out", "x", "--column", "no"], "no column “no”", id="unknown column"),
        pytest.param([*RUN, "--out", "x", "--date-format", "yyyy"], "%m/%d/%Y", id="not a date format"),
        pytest.param([*RUN, "--out", "x", "--param", "tracker"], "name=value", id="half a parameter"),
        pytest.param(
            [*RUN, "--out", "x", "--param", "tracker=No"], "Graduate - Fall 2026", id="unknown tracker"
        ),
        pytest.param([*RUN, "--out", "x", "--sort", "no"], "sorted by", id="unknown order"),
        pytest.param([*RUN, "--out", "."], "is a folder", id="a folder"),
        pytest.param([*RUN, "--out", "nowhere/x.csv"], "does not exist", id="a folder that is not"),
    ],
)
def test_mistakes_say_what_to_do_and_leave_no_file(school, tmp_path, monkeypatch, arguments, words):
    monkeypatch.chdir(tmp_path)
    done = call(*arguments)
    assert done.exit_code == 2
    assert words in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_was_there_survives_a_failure(school, tmp_path, monkeypatch):
    out = tmp_path / "detail.csv"
    out.write_text("old")

    def full(*arguments, **options):
        yield b"half"
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("pratique.reports.queries.stream", full)
    done = call(*RUN, "--out", str(out))
    assert done.exit_code == 1
    assert "No space left on device" in done.stderr
    assert out.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_refused_at_once(school, tmp_path):
    tmp_path.chmod(0o500)
    done = call(*RUN, "--out", str(tmp_path / "x.csv"))
    assert done.exit_code == 2
    assert "no permission" in done.stderr


def test_as_a_process_of_its_own(committed, tmp_path):
    from django.db import connection

    a_school().student("a", last_name="Núñez")
    environment = os.environ | {
        "DATABASE_URL": CLUSTER.url("pratique", connection.settings_dict["NAME"]),
        "PRATIQUE_VAR": str(tmp_path / "var"),
        "DJANGO_SETTINGS_MODULE": "pratique.config.settings",
    }
    code = "import django; django.setup(); from pratique.interfaces.cli.reports import app; app()"
    done = subprocess.run(
        [sys.executable, "-c", code, *RUN, "--format", "csv", "--out", "-"],
        env=environment, cwd=ROOT, capture_output=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "Núñez" in done.stdout.decode()
    assert done.stdout.count(b"\r\n") == 2
