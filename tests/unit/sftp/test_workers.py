"""The threads for file work."""

import threading

import pytest

from pratique.interfaces.sftp.workers import Workers


def test_tasks_run_in_their_order_in_other_threads_and_what_follows_each_runs_there_too() -> None:
    ran: list[object] = []
    over = threading.Event()
    workers = Workers(1, name="test", after=lambda: ran.append(threading.current_thread().name))
    workers.submit(ran.append, 1)
    workers.submit(ran.append, 2)
    workers.submit(over.set)
    assert over.wait(30)
    workers.stop()
    assert ran[:4] == [1, "test-0", 2, "test-0"]


def test_a_task_that_fails_costs_no_thread_and_says_nothing_of_what_it_held(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fails() -> None:
        raise ValueError("born 1 May 2001")

    over = threading.Event()
    workers = Workers(1, name="test")
    workers.submit(fails)
    workers.submit(over.set)
    assert over.wait(30)
    workers.stop()
    assert "2001" not in caplog.text


def test_after_the_end_tasks_are_refused_and_the_threads_go() -> None:
    workers = Workers(2, name="test-end")
    workers.stop()
    with pytest.raises(RuntimeError):
        workers.submit(print)
    for thread in workers._threads:
        thread.join(30)
        assert not thread.is_alive()
