"""How far a run is, told while it runs, and hearing that it was cancelled.

The run reads in one long transaction. What it says about itself goes over a connection of its own and commits
at once, so that every process sees it move; the same statement finds out whether somebody cancelled.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from django.db import connection

from pratique.reports.models import RunState
from pratique.reports.writers import Progress

_EVERY_SECONDS = 0.5
_UPDATE = "update reports_reportrun set rows_done = %s where institution_id = %s and id = %s and state = %s"


class RunCancelledError(Exception):
    """The run was cancelled while it was being made."""


@contextmanager
def reporting(institution_id: UUID, run_id: UUID) -> Iterator[Progress]:
    """Yield a function that commits `rows_done`, at most twice a second; it raises RunCancelledError."""
    parameters = connection.get_connection_params()
    wanted = {
        key: value
        for key, value in parameters.items()
        if key not in {"cursor_factory", "context", "pool", "prepare_threshold", "server_side_binding"}
    }
    with psycopg.connect(**wanted, autocommit=True) as channel:
        channel.execute("select set_config('pratique.institution', %s, false)", [str(institution_id)])
        last = 0.0

        def report(rows: int) -> None:
            nonlocal last
            if time.monotonic() - last < _EVERY_SECONDS:
                return
            last = time.monotonic()
            done = channel.execute(_UPDATE, [rows, institution_id, run_id, RunState.RUNNING.value])
            if done.rowcount == 0:
                raise RunCancelledError

        yield report
