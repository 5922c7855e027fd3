"""What is killed comes back, and the job that ran is run again."""

from pathlib import Path

import pytest

from tests.integration.process.running import Running, alive, words

pytestmark = pytest.mark.kill


def test_a_killed_worker_is_restarted_and_its_job_run_again(running: Running, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    running.enqueue("tests.slow", lock="one at a time", trace=str(trace), seconds=2)
    running.wait_until(lambda: words(trace)["begun"] == 1)
    killed = running.kill_worker("bulk")
    # The lock of the killed job must not stand in its own way, nor hold up the next job of that lock.
    running.enqueue("tests.slow", lock="one at a time", trace=str(trace), seconds=0)
    running.wait_until(lambda: words(trace) == {"begun": 3, "done": 2}, seconds=15)
    assert running.pid("worker-bulk") != killed
    running.wait_until(running.is_healthy)
    assert running.sql("select count(*) from procrastinate_jobs where status <> 'succeeded'") == [(0,)]


def test_a_killed_web_process_is_restarted_on_its_port(running: Running) -> None:
    killed = running.kill_web()
    running.wait_until(lambda: running.state()["processes"].get("web") not in {None, killed})
    running.wait_until(running.is_healthy, seconds=20)


@pytest.mark.parametrize("task", ["tests.slow", "tests.idle"])
def test_after_the_database_is_killed_all_is_healthy_and_the_job_done(
    running: Running, tmp_path: Path, task: str
) -> None:
    trace = tmp_path / "trace"
    running.enqueue(task, trace=str(trace), seconds=3)
    running.wait_until(lambda: words(trace)["begun"] == 1)
    running.kill_database()
    running.wait_until(lambda: words(trace) == {"begun": 2, "done": 1}, seconds=30)
    running.wait_until(running.is_healthy)


def test_a_database_stopped_in_good_order_comes_back_too(running: Running, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    running.enqueue("tests.slow", trace=str(trace), seconds=3)
    running.wait_until(lambda: words(trace)["begun"] == 1)
    running.stop_database()
    running.wait_until(lambda: words(trace) == {"begun": 2, "done": 1}, seconds=30)
    running.wait_until(running.is_healthy)


def test_a_job_whose_own_connection_broke_is_run_again(running: Running, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    running.enqueue("tests.disconnected", trace=str(trace))
    running.wait_until(lambda: words(trace) == {"begun": 2, "done": 1}, seconds=30)


def test_a_worker_that_loses_only_its_session_ends_and_its_job_is_run_again(
    running: Running, tmp_path: Path
) -> None:
    trace = tmp_path / "trace"
    running.enqueue("tests.idle", trace=str(trace), seconds=3)
    running.wait_until(lambda: words(trace)["begun"] == 1)
    running.sql(
        "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'pratique worker'"
    )
    running.wait_until(lambda: words(trace) == {"begun": 2, "done": 1}, seconds=30)


def test_a_killed_supervisor_leaves_no_orphan_and_up_starts_again(running: Running) -> None:
    family = running.family()
    assert len(family) >= 4
    running.kill_supervisor()
    running.wait_until(lambda: not alive(family), seconds=5)
    assert not running.is_healthy()
    running.start()
    assert running.is_healthy()


def test_a_worker_asked_to_stop_finishes_what_it_runs(running: Running, tmp_path: Path) -> None:
    trace = tmp_path / "trace"
    running.enqueue("tests.slow", trace=str(trace), seconds=2)
    running.wait_until(lambda: words(trace)["begun"] == 1)
    running.run("down")
    assert words(trace) == {"begun": 1, "done": 1}
