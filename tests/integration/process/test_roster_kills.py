"""A 50,000-row import in whose middle something dies ends as if nothing had."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from pratique.rosters.sample import write_sample
from tests.integration.process.running import ROOT, Running

pytestmark = pytest.mark.kill
ROWS = 50_000


@pytest.fixture
def roster(tmp_path: Path) -> Path:
    path = tmp_path / "roster.csv"
    with path.open("wb") as out:
        write_sample(rows=ROWS, seed=7, out=out)
    return path


@pytest.fixture
def school(running: Running) -> Running:
    act(running, "make")
    return running


def act(running: Running, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.process.importing", *arguments],
        env=running.env, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def state(running: Running) -> str:
    rows = running.sql("select state from rosters_rosterimport")
    return rows[0][0] if rows else ""


def in_the_middle(running: Running) -> bool:
    return running.sql("select phase from rosters_rosterprogress") == [("creating",)]


def assert_everybody_is_there_once(running: Running) -> None:
    counts = {
        "students": "select count(*), count(distinct username_key) from students_student",
        "memberships": "select count(*), count(distinct student_id) from students_membership",
        "invitations": "select count(*), count(distinct membership_id) from students_invitation",
        "results": "select count(*), count(distinct row) from rosters_rowresult where outcome = 'created'",
    }
    assert {name: running.sql(query) for name, query in counts.items()} == {
        name: [(ROWS, ROWS)] for name in counts
    }
    assert running.sql(
        "select count(*) from foundation_auditevent where action = 'roster:import:applied'"
    ) == [(1,)]
    assert running.sql("select phase, done, total from rosters_rosterprogress") == [
        ("committing", ROWS, ROWS)
    ]


@pytest.mark.parametrize(
    "hurt",
    [
        pytest.param(lambda running: running.kill_worker("bulk"), id="the worker is killed"),
        pytest.param(Running.stop_database, id="the database is stopped"),
        pytest.param(Running.kill_database, id="the database is killed"),
    ],
)
def test_an_import_survives_when(school: Running, roster: Path, hurt: Callable[[Running], object]) -> None:
    roster_import = act(school, "hand-in", str(roster))
    school.wait_until(lambda: state(school) == "ready", seconds=60)
    act(school, "confirm", roster_import)
    school.wait_until(lambda: in_the_middle(school), seconds=60)
    hurt(school)
    school.wait_until(lambda: state(school) == "applied", seconds=90)
    assert_everybody_is_there_once(school)


def test_a_worker_killed_during_the_check_makes_the_plan_all_the_same(school: Running, roster: Path) -> None:
    act(school, "hand-in", str(roster))
    school.wait_until(
        lambda: school.sql("select 1 from rosters_rosterprogress where phase <> 'waiting'"), seconds=60
    )
    school.kill_worker("bulk")
    school.wait_until(lambda: state(school) == "ready", seconds=60)
    assert school.sql("select counts ->> 'created' from rosters_rosterimport") == [(str(ROWS),)]
    assert school.sql("select count(*) from students_student") == [(0,)]


def test_a_terminal_closed_in_the_middle_loses_nothing(school: Running, roster: Path) -> None:
    command = school.command("roster", "import", str(roster), "--institution", "kills", "--yes")
    with subprocess.Popen(
        command, env=school.env, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    ) as terminal:
        school.wait_until(lambda: in_the_middle(school), seconds=60)
        os.kill(terminal.pid, signal.SIGKILL)
    school.wait_until(lambda: state(school) == "applied", seconds=90)
    assert_everybody_is_there_once(school)
