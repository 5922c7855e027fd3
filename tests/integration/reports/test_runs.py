"""Runs in the background, committed for real: progress, cancel, a crash in the middle, retention, takings."""

import datetime
import stat

import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from pratique.foundation.audit import SYSTEM, Actor
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.reports import actions, files, progress, queries, tasks
from pratique.reports.models import ReportRun, RunState
from pratique.reports.policies import (
    FILES_KEPT,
    RunNotReadyError,
    run_can_be_cancelled,
    run_can_be_downloaded,
)
from pratique.reports.types import Format
from pratique.reports.writers import csv_writer, options, xlsx_writer
from tests.integration.reports.population import NOW, a_school

pytestmark = pytest.mark.usefixtures("committed")
STAFF = Actor("staff", "01900000-0000-7000-8000-000000000001")


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.REPORT_FILES = tmp_path / "reports"
    return settings.REPORT_FILES


@pytest.fixture
def school(monkeypatch):
    monkeypatch.setattr(csv_writer, "PROGRESS_EVERY", 1)
    monkeypatch.setattr(progress, "_EVERY_SECONDS", 0)
    school = a_school()
    for name in ("a", "b", "c"):
        school.student(name, statuses={"mmr": "approved"})
    return school


def started(school, format=Format.CSV, **given):
    return actions.start_run(
        institution_id=school.id,
        key="student-detail",
        parameters={},
        format=format,
        by=STAFF,
        now=NOW,
        **given,
    )


def made(school, run):
    actions.run(institution_id=school.id, run_id=run.id, now=NOW)
    return stored(school, run)


def stored(school, run):
    with institution_scope(school.id):
        return ReportRun.objects.get(id=run.id)


def audited(school):
    with institution_scope(school.id):
        return list(AuditEvent.objects.order_by("at", "id").values_list("action", "by"))


def contents(folder):
    return sorted(path.name for path in folder.rglob("*") if path.is_file())


def test_a_run_is_enqueued_with_ids_alone(school):
    run = started(school)
    job = ProcrastinateJob.objects.get()
    assert (job.task_name, job.queue_name, job.lock) == ("reports.run", "bulk", f"report:{run.id}")
    assert job.args == {"institution_id": str(school.id), "run_id": str(run.id)}
    assert run.file_name == "student-detail-ours-2026-09-01.csv"


@pytest.mark.parametrize("format", list(Format))
def test_a_run_makes_its_file_and_tells_its_size(school, format, folder):
    run = started(school, format)
    tasks.run(institution_id=str(school.id), run_id=str(run.id))
    run = stored(school, run)
    path = files.path_of(school.id, run.id, format.value)
    assert (run.state, run.rows, run.rows_done, run.size) == (RunState.DONE, 3, 3, path.stat().st_size)
    assert run.started_at
    assert run.finished_at
    assert contents(folder) == [path.name]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_run_holds_what_a_stream_gives(school):
    run = made(school, started(school, neutralise=False))
    stream = queries.stream(
        "student-detail", {}, Format.CSV, institution_id=school.id, now=NOW, neutralise=False
    )
    assert files.path_of(school.id, run.id, "csv").read_bytes() == b"".join(stream)


def test_progress_is_seen_while_the_run_goes_on(school, monkeypatch):
    run = started(school)
    seen = []

    def watching(report, chosen, told):
        for rows in (1, 2):
            told(rows)
            seen.append(_from_another_connection(run))
            yield b"x"

    monkeypatch.setitem(queries.WRITERS, Format.CSV, watching)
    made(school, run)
    assert seen == [("running", 1), ("running", 2)]


def _from_another_connection(run):
    import psycopg

    parameters = connection.get_connection_params()
    wanted = {
        key: parameters[key] for key in ("dbname", "user", "password", "host", "port") if key in parameters
    }
    with psycopg.connect(**wanted) as other:
        other.execute("select set_config('pratique.institution', %s, false)", [str(run.institution_id)])
        return other.execute("select state, rows_done from reports_reportrun").fetchone()


def test_a_run_that_is_cancelled_before_it_begins_does_nothing(school, folder):
    run = started(school)
    assert run_can_be_cancelled(run)
    assert actions.cancel_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)
    run = made(school, run)
    assert run.state == RunState.CANCELLED
    assert contents(folder) == []
    assert not actions.cancel_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)


@pytest.mark.parametrize("after_rows", [1, 99])
def test_a_run_that_is_cancelled_in_the_middle_stops_and_leaves_nothing(
    school, folder, monkeypatch, after_rows
):
    run = started(school)

    def slow(report, chosen, told):
        yield b"x"
        # From outside, as a person would: on another connection.
        _cancel_from_another_connection(run)
        if after_rows == 1:
            told(1)
        yield b"y"

    monkeypatch.setitem(queries.WRITERS, Format.CSV, slow)
    run = made(school, run)
    assert run.state == RunState.CANCELLED
    assert contents(folder) == []


def _cancel_from_another_connection(run):
    import threading

    def cancel():
        actions.cancel_run(institution_id=run.institution_id, run_id=run.id, by=STAFF, now=NOW)
        connection.close()

    thread = threading.Thread(target=cancel)
    thread.start()
    thread.join()


def test_a_run_that_was_killed_in_the_middle_is_made_again(school, folder, monkeypatch):
    run = started(school)

    def killed(report, chosen, told):
        yield b"half"
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setitem(queries.WRITERS, Format.CSV, killed)
        patch.setattr("pathlib.Path.unlink", lambda path, missing_ok=False: None)
        with pytest.raises(KeyboardInterrupt):
            actions.run(institution_id=school.id, run_id=run.id, now=NOW)
    assert stored(school, run).state == RunState.RUNNING
    assert [name.endswith(".part") for name in contents(folder)] == [True]
    assert made(school, run).state == RunState.DONE
    assert contents(folder) == [f"{run.id}.csv"]


def test_a_run_that_is_done_is_not_made_twice(school):
    run = made(school, started(school))
    school.student("later")
    assert made(school, run).rows == 3


def test_what_cannot_succeed_fails_with_a_sentence_and_is_not_tried_again(school, monkeypatch, folder):
    monkeypatch.setattr(xlsx_writer, "MAX_ROWS", 1)
    run = made(school, started(school, Format.XLSX))
    assert run.state == RunState.FAILED
    assert "1 rows at most" in run.failure
    assert contents(folder) == []


def test_what_may_pass_is_raised_for_the_queue_and_the_next_attempt_succeeds(school, monkeypatch):
    run = started(school)

    def broken(report, chosen, told):
        raise OSError("disk full")
        yield b""

    with monkeypatch.context() as patch:
        patch.setitem(queries.WRITERS, Format.CSV, broken)
        with pytest.raises(OSError, match="disk full"):
            actions.run(institution_id=school.id, run_id=run.id, now=NOW)
    failed = stored(school, run)
    assert failed.state == RunState.FAILED
    assert "disk" not in failed.failure
    assert made(school, run).state == RunState.DONE


def test_every_taking_is_in_the_audit_trail_with_who_took_it(school):
    run = made(school, started(school))
    other = Actor("staff", "other")
    actions.download_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)
    found, path = actions.download_run(
        institution_id=school.id, run_id=run.id, by=other, now=NOW + datetime.timedelta(hours=1)
    )
    assert path.exists()
    assert found.id == run.id
    assert run_can_be_downloaded(run)
    with institution_scope(school.id):
        assert [by for by, _at in queries.downloads_of(run.id)] == [str(other), str(STAFF)]
    assert [action for action, _by in audited(school)] == [
        "reports:run:requested", "reports:run:downloaded", "reports:run:downloaded",
    ]  # fmt: skip


def test_an_export_is_in_the_audit_trail_before_its_first_block(school):
    stream = actions.export(
        institution_id=school.id, key="student-detail", parameters={}, format=Format.CSV, by=STAFF, now=NOW
    )
    assert audited(school) == [("reports:report:exported", str(STAFF))]
    assert b"".join(stream).count(b"\r\n") == 4


def test_what_cannot_be_taken_says_why(school):
    run = started(school)
    with pytest.raises(RunNotReadyError, match="still being made"):
        actions.download_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)
    actions.cancel_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)
    with pytest.raises(RunNotReadyError, match="not finished"):
        actions.download_run(institution_id=school.id, run_id=run.id, by=STAFF, now=NOW)
    with pytest.raises(actions.UnknownRunError):
        actions.download_run(institution_id=school.id, run_id=new_id(), by=STAFF, now=NOW)
    done = made(school, started(school))
    files.delete(school.id, done.id)
    with pytest.raises(RunNotReadyError, match="gone"):
        actions.download_run(institution_id=school.id, run_id=done.id, by=STAFF, now=NOW)


def test_another_institution_finds_neither_run_nor_file(school):
    theirs = a_school("theirs")
    run = made(school, started(school))
    with pytest.raises(actions.UnknownRunError):
        actions.download_run(institution_id=theirs.id, run_id=run.id, by=STAFF, now=NOW)
    assert not actions.cancel_run(institution_id=theirs.id, run_id=run.id, by=STAFF, now=NOW)
    with institution_scope(theirs.id):
        assert list(queries.recent_runs()) == []


def test_old_files_are_deleted_and_their_runs_say_so(school, folder):
    old, new = made(school, started(school)), made(school, started(school))
    later = stored(school, old).finished_at + FILES_KEPT + datetime.timedelta(seconds=1)
    with institution_scope(school.id):
        ReportRun.objects.filter(id=new.id).update(finished_at=later)
    assert actions.delete_old(institution_id=school.id, by=SYSTEM, now=later) == 1
    assert actions.delete_old(institution_id=school.id, by=SYSTEM, now=later) == 0
    assert contents(folder) == [f"{new.id}.csv"]
    with pytest.raises(RunNotReadyError, match="after 7 days"):
        actions.download_run(institution_id=school.id, run_id=old.id, by=STAFF, now=later)


def test_the_nightly_task_visits_every_institution(school, folder):
    theirs = a_school("theirs")
    runs = [(one, made(one, started(one))) for one in (school, theirs)]
    for one, run in runs:
        with institution_scope(one.id):
            ReportRun.objects.filter(id=run.id).update(finished_at=NOW - datetime.timedelta(days=400))
    tasks.delete_old(0)
    assert contents(folder) == []


def test_progress_is_told_every_thousand_rows():
    assert options.PROGRESS_EVERY == 1_000
