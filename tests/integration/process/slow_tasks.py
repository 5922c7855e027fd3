"""A job that takes its time and leaves a trace of each run, so that a test can kill what runs it."""

import time
from pathlib import Path

from django.db import connection
from procrastinate.contrib.django import app


@app.task(name="tests.slow", queue="bulk")
def slow(trace: str, seconds: float) -> None:
    """Append "begun" to the file `trace`, work with the database for a while, append "done"."""
    _append(trace, "begun")
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute("select pg_sleep(0.1)")
    _append(trace, "done")


@app.task(name="tests.idle", queue="bulk")
def idle(trace: str, seconds: float) -> None:
    """The same, without a word to the database meanwhile: only the worker's own session can notice."""
    _append(trace, "begun")
    time.sleep(seconds)
    _append(trace, "done")


@app.task(name="tests.disconnected", queue="bulk")
def disconnected(trace: str) -> None:
    """Lose the connection on the first run only, as a proxy in between may do."""
    first = not Path(trace).exists()
    _append(trace, "begun")
    with connection.cursor() as cursor:
        if first:
            cursor.execute("select pg_terminate_backend(pg_backend_pid())")
        cursor.execute("select 1")
    _append(trace, "done")


def _append(trace: str, word: str) -> None:
    with Path(trace).open("a") as file:
        file.write(f"{word}\n")
