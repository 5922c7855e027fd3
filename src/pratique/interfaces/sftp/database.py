"""Asking the database from the event loop: in threads, not for long, and again after it was away."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import structlog
from django.db import Error, InterfaceError, OperationalError, connections

log = structlog.get_logger(__name__)

T = TypeVar("T")

_PATIENCE = 4.0
_BREAK = 2.0


class UnavailableError(Exception):
    """The database does not answer now."""


class Threads(ThreadPoolExecutor):
    """Threads that look at their connection to the database after an error: the next task gets one that works."""

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> "Future[T]":
        return super().submit(_run, fn, args, kwargs)


class Asking:
    """Questions to the database with an answer in a few seconds, or UnavailableError."""

    def __init__(self, threads: int) -> None:
        self._threads = Threads(threads, thread_name_prefix="sftp-database")
        self._away_until = 0.0

    async def ask(
        self, question: Callable[..., T], *values: object, patience: float = _PATIENCE, **named: object
    ) -> T:
        """Return what `question` returns in a thread. While the database is away, refuse at once."""
        loop = asyncio.get_running_loop()
        if loop.time() < self._away_until:
            raise UnavailableError
        try:
            work = loop.run_in_executor(self._threads, lambda: _twice(question, values, named))
            return await asyncio.wait_for(work, patience)
        except (TimeoutError, Error) as error:
            self._away_until = loop.time() + _BREAK
            log.error("the database does not answer", error=type(error).__name__)
            raise UnavailableError from error

    def stop(self) -> None:
        """Wait for nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _twice(question: Callable[..., Any], values: Any, named: Any) -> Any:
    """Ask again on a fresh connection: the old one may have ended with a server that is back by now."""
    try:
        return question(*values, **named)
    except (OperationalError, InterfaceError):
        connections["default"].close()
        return question(*values, **named)


def _run(function: Callable[..., Any], values: Any, named: Any) -> Any:
    try:
        return function(*values, **named)
    finally:
        look_at_connection()


def look_at_connection() -> None:
    """After an error, see to it that this thread's next task gets a connection that works."""
    connection = connections["default"]
    if connection.errors_occurred:
        connection.close_if_unusable_or_obsolete()
