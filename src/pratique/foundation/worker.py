"""The worker process: runs jobs, and takes up the jobs of workers that died.

A worker's life is a session of the database. It registers and takes an advisory lock with its own number in
one transaction, on a connection that it keeps for nothing else. Killed, cut off or crashed, it loses the
session and with it the lock, and the next look (at the start of any worker, and every few seconds) returns
its jobs to the queue: nobody waits for a heartbeat to go stale. A worker that still breathes but lost its
session ends at once, because others may run its jobs already. Heartbeats remain for the machine that hangs
without closing anything.

A job may therefore run more than once; what it does must be safe to repeat (actions commit once or not at
all). The loop that takes up jobs is no job itself: a periodic one would wait behind the import that it
should rescue.
"""

import asyncio
import logging
import os
from collections.abc import Sequence
from typing import Any, NoReturn

import psycopg
import structlog
from django.db import InterfaceError, OperationalError, connections
from procrastinate import App, PsycopgConnector, RetryStrategy
from procrastinate.connector import BaseConnector
from procrastinate.contrib.django import app
from procrastinate.contrib.django.utils import connector_params
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Status
from procrastinate.manager import JobManager
from psycopg.conninfo import make_conninfo

from pratique.foundation.embedded_postgres import wait_until_ready
from pratique.foundation.worker_sql import LIVING_WORKERS, LOCK_CLASS, ORPHANED_JOBS, RESCUE, STALLED_SECONDS

HEARTBEAT_SECONDS = 5
_RESCUE_EVERY = 5.0
_MOST_ATTEMPTS = 10  # a job that took so many workers with it is not tried again
_GRACE = 10.0  # the supervisor's own patience is 15 s
_TEMPORARY_FAILURE = os.EX_TEMPFAIL

log = structlog.get_logger(__name__)


def run_worker(*, queues: Sequence[str] | None, name: str) -> None:
    """Run jobs of `queues` (None: all) until SIGTERM; ends with status 75 when the database goes away."""
    _wait_for_database()
    app.perform_import_paths()  # type: ignore[no-untyped-call]  # the tasks must be known for what follows
    for task in app.tasks.values():
        # Trouble of the database passes, so a task without a rule of its own is tried again after that.
        task.retry_strategy = task.retry_strategy or _AFTER_DATABASE_TROUBLE
    asyncio.run(_run(queues, name))


def living_workers() -> int:
    """Return how many workers, of any machine, hold their session and had a heartbeat lately."""
    return _count(LIVING_WORKERS)


def orphaned_jobs() -> int:
    """Return how many jobs are marked as running while no living worker runs them."""
    return _count(ORPHANED_JOBS)


_AFTER_DATABASE_TROUBLE = RetryStrategy(
    max_attempts=6,
    exponential_wait=4,
    retry_exceptions={OperationalError, InterfaceError, psycopg.OperationalError, psycopg.InterfaceError},
)


class SessionJobManager(JobManager):
    """Procrastinate's bookkeeping, bound to the life of one database session."""

    session: psycopg.AsyncConnection | None = None

    def __init__(self, connector: BaseConnector, parameters: dict[str, Any]) -> None:
        super().__init__(connector)
        self._parameters = parameters

    async def register_worker(self) -> int:
        """Register in the transaction that takes the lock: nobody ever sees this worker without it."""
        self.session = session = await psycopg.AsyncConnection.connect(**self._parameters, autocommit=True)
        async with session.transaction():
            # A machine that lost power closes nothing: the server must find out by itself.
            await session.execute(
                "select set_config(name, value, false) from (values ('tcp_keepalives_idle', '10'), "
                "('tcp_keepalives_interval', '5'), ('tcp_keepalives_count', '3'), "
                "('application_name', 'pratique worker')) as wanted (name, value)"
            )
            cursor = await session.execute("select worker_id from procrastinate_register_worker_v1()")
            (worker_id,) = await cursor.fetchone()  # type: ignore[misc]
            await session.execute("select pg_advisory_lock(%s, %s)", [LOCK_CLASS, worker_id % 2**31])
        asyncio.get_running_loop().create_task(self._end_with_session(session))
        return int(worker_id)

    async def finish_job_by_id_async(self, job_id: int, status: Status, delete_job: bool) -> None:
        try:
            await super().finish_job_by_id_async(job_id, status, delete_job)
        except ConnectorException:
            _end("could not say how a job ended", job=job_id)

    async def retry_job_by_id_async(self, job_id: int, *arguments, **options) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN002, ANN003
        try:
            await self.connector.execute_query_async(
                "update procrastinate_jobs job set queueing_lock = null where id = %(job_id)s and exists ("
                "select 1 from procrastinate_jobs o where o.status = 'todo' "
                "and o.queueing_lock = job.queueing_lock)",
                job_id=job_id,
            )
            await super().retry_job_by_id_async(job_id, *arguments, **options)
        except ConnectorException:
            _end("could not return a job to the queue", job=job_id)

    async def update_heartbeat(self, worker_id: int) -> None:
        await super().update_heartbeat(worker_id)
        row = await self.connector.execute_query_one_async(
            "select exists (select 1 from procrastinate_workers where id = %(id)s) as known", id=worker_id
        )
        if not row["known"]:
            _end("was taken for dead while it hung")

    async def rescue_jobs(self) -> None:
        """Return jobs of dead workers to the queue, one worker at a time doing so."""
        async with await psycopg.AsyncConnection.connect(**self._parameters) as connection:
            cursor = await connection.execute("select pg_try_advisory_xact_lock(%s, %s)", [LOCK_CLASS + 1, 0])
            (mine,) = await cursor.fetchone()  # type: ignore[misc]
            if not mine:
                return
            for job_id, attempts in await (await connection.execute(RESCUE)).fetchall():
                if attempts >= _MOST_ATTEMPTS:
                    await connection.execute(
                        "select procrastinate_finish_job_v1(%s, 'failed', false)", [job_id]
                    )
                    log.error("a job ended with its worker too often and is given up", job=job_id)
                else:
                    await connection.execute(
                        "select procrastinate_retry_job_v2(%s, now(), null, null, null)", [job_id]
                    )
                    log.warning("a job of a dead worker is run again", job=job_id, attempts=attempts + 1)

    async def _end_with_session(self, session: psycopg.AsyncConnection) -> None:
        try:
            async for _ in session.notifies():
                pass
        except psycopg.Error:
            _end("lost its database session")


async def _run(queues: Sequence[str] | None, name: str) -> None:
    parameters = connector_params("default")
    # Not `replace_connector`: that would also take the tasks' own `enqueue` out of Django's transactions.
    worker_app: App = app.with_connector(PsycopgConnector(kwargs=parameters, min_size=1, max_size=4))
    worker_app.job_manager = manager = SessionJobManager(worker_app.connector, parameters)
    async with worker_app.open_async():
        await manager.rescue_jobs()
        rescue = asyncio.create_task(_keep_rescuing(manager))
        try:
            await worker_app.run_worker_async(
                queues=queues,  # type: ignore[arg-type]  # None means all, as its docstring says
                name=name,
                concurrency=1,
                delete_jobs="successful",
                update_heartbeat_interval=HEARTBEAT_SECONDS,
                stalled_worker_timeout=STALLED_SECONDS,
                shutdown_graceful_timeout=_GRACE,
                fetch_job_polling_interval=2.0,
            )
        finally:
            rescue.cancel()


async def _keep_rescuing(manager: SessionJobManager) -> None:
    while True:
        await asyncio.sleep(_RESCUE_EVERY)
        try:
            await manager.rescue_jobs()
        except psycopg.Error as error:
            log.warning("could not look for jobs of dead workers", error=type(error).__name__)


def _wait_for_database() -> None:
    if not wait_until_ready(make_conninfo(**connector_params("default")), seconds=60):
        _end("waited a minute for the database")


def _end(why: str, **facts: object) -> NoReturn:
    """Leave without another word to the database: what this process knows of its jobs may be wrong by now."""
    log.error(f"this worker {why}; ending, so that a new one starts clean", **facts)
    logging.shutdown()
    os._exit(_TEMPORARY_FAILURE)


def _count(query: str) -> int:
    with connections["default"].cursor() as cursor:
        cursor.execute(query)
        return int(cursor.fetchone()[0])
