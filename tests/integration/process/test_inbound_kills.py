"""A file by SFTP whose worker is killed three times, at the worst moments, ends as if nothing had."""

import csv
import io
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg
import pytest

from pratique.rosters.sample import write_sample
from tests.integration.process.running import ROOT, Running

pytestmark = pytest.mark.kill
ROWS = 200


def act(running: Running, *arguments: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "tests.integration.process.importing", *arguments],
        env=running.env, cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@contextmanager
def held(running: Running, statement: str) -> Iterator[None]:
    """Hold what `statement` locks, so that a worker stops there."""
    with psycopg.connect(running.cluster.url("postgres")) as connection:
        connection.execute(statement.encode())
        yield


_WAITING = (
    "select pid from pg_stat_activity where wait_event_type = 'Lock' and position(%s in lower(query)) > 0"
)


def kill_where_it_waits(running: Running, words: str) -> None:
    """SIGKILL the worker once it stands at a statement that has these words, and end what it leaves behind."""
    running.wait_until(lambda: running.sql(_WAITING, [words]), seconds=60)
    running.kill_worker("bulk")
    # The server would notice only after the lock that nobody listens any more.
    running.sql(f"select pg_terminate_backend(pid) from ({_WAITING}) as left_behind", [words])


def mails(running: Running) -> list[tuple[str, str]]:
    with sqlite3.connect(running.var / "outbox.sqlite3") as database:
        return database.execute(
            "select recipients, subject from message where message_id like '<inbound-%'"
        ).fetchall()


def test_a_file_survives_a_worker_killed_in_its_import_and_before_and_after_its_results_file(
    running: Running, tmp_path: Path
) -> None:
    roster = tmp_path / "roster.csv"
    with roster.open("wb") as out:
        write_sample(rows=ROWS, seed=7, out=out)
    act(running, "make")
    results = 'insert into "transfers_outboundfile"'

    with ExitStack() as told:
        with held(running, "lock table transfers_outboundfile in share mode"):
            with held(running, "lock table students_membership in share mode"):
                assert act(running, "bring", str(roster)) == "claimed"
                kill_where_it_waits(running, "insert into students_membership")
            kill_where_it_waits(running, results)
            running.wait_until(lambda: running.sql(_WAITING, [results]))
            told.enter_context(held(running, "select 1 from transfers_inboundfile for update"))
        kill_where_it_waits(running, '"transfers_inboundfile"')

    running.wait_until(
        lambda: running.sql("select 1 from transfers_inboundfile where state = 'processed'"), seconds=60
    )
    everybody_once = {
        "students": "select count(*), count(distinct username_key) from students_student",
        "memberships": "select count(*), count(distinct student_id) from students_membership",
        "invitations": "select count(*), count(distinct membership_id) from students_invitation",
        "results": "select count(*), count(distinct row) from rosters_rowresult where outcome = 'created'",
    }
    assert {name: running.sql(query) for name, query in everybody_once.items()} == {
        name: [(ROWS, ROWS)] for name in everybody_once
    }
    once = {
        "import": "select count(*) from rosters_rosterimport",
        "applied": "select count(*) from foundation_auditevent where action = 'roster:import:applied'",
        "results file": "select count(*) from transfers_outboundfile",
        "line in the log": "select count(*) from transfers_transferevent where kind = 'processed'",
    }
    assert {name: running.sql(query) for name, query in once.items()} == {name: [(1,)] for name in once}
    lines = list(csv.DictReader(io.StringIO(act(running, "results"))))
    assert [(line["Row"], line["Outcome"]) for line in lines] == [
        (str(row), "created") for row in range(1, ROWS + 1)
    ]
    running.wait_until(lambda: not running.sql("select 1 from procrastinate_jobs where status = 'doing'"))
    running.wait_until(lambda: mails(running))
    assert mails(running) == [("it@school.example", "Kills: your file was processed")]
