"""Statements that run thousands of times a minute: planned once a connection, several of them sent as one message.

Under row security PostgreSQL takes two to five times as long to plan a small statement as to run it, and a message
there and back costs both ends as much again.
"""

import hashlib
import re
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from uuid import UUID
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection

Rows = list[tuple[Any, ...]]
Check = Callable[[Rows], None]

_VALUE = re.compile(r"%\((\w+)\)s")
_TABLE = re.compile(r"(?:from|into|update)\s+(\w+)")


class _Statement(NamedTuple):
    """A statement as PostgreSQL prepares it, and the values that it takes, in their order."""

    name: str
    prepare: str
    values: tuple[str, ...]


class _Run(NamedTuple):
    """A statement to run with these values and settings, and what looks at its rows."""

    statement: _Statement
    values: Mapping[str, Any]
    settings: Mapping[str, str]
    check: Check | None = None


class _OfThread(threading.local):
    """What waits to be sent, where a block of `in_batches` is open."""

    waiting: list[_Run] | None = None


# By connection of the driver: what it has planned ends with it. (A pooler must be in session mode, .env.example.)
_planned: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()
_here = _OfThread()


def run_prepared(
    statement: str, values: Mapping[str, Any], settings: Mapping[str, str] | None = None
) -> Rows:
    """Run a statement with these settings (names without `pratique.`) in force, and return its rows.

    `statement` has its values as %(name)s; each must be of a type that its place tells, so write a cast where it does
    not. It is a constant: every other text is planned and kept anew. Outside a transaction the settings end, and what
    is written is committed, with the statement; inside one they end with the transaction, as in `enter_institution`.
    """
    return _send([*_taken(), _Run(_statement(statement), values, settings or {})])


def run_later(
    statement: str,
    values: Mapping[str, Any],
    settings: Mapping[str, str] | None = None,
    check: Check | None = None,
) -> None:
    """Run a statement whose rows nobody waits for: inside `in_batches` together with the next one, else at once.

    `check` is handed its rows when they are there, and may raise.
    """
    run = _Run(_statement(statement), values, settings or {}, check)
    if _here.waiting is None:
        _send([run])
        return
    settle()  # what a check may still refuse must not have been followed by anything
    _here.waiting.append(run)


def settle() -> None:
    """Send what waits, if a check waits for its rows."""
    if any(run.check for run in _here.waiting or ()):
        _send(_taken())


@contextmanager
def in_batches() -> Iterator[None]:
    """Let statements of `run_later` wait for the next statement in this block, of whatever kind, or for its end.

    Open it inside the transaction. They run in their order, all of them before the block ends; if it raises, those
    that still wait do not.
    """
    before, _here.waiting = _here.waiting, []
    try:
        with connection.execute_wrapper(_after_what_waits):
            yield
        _send(_taken())
    finally:
        _here.waiting = before


def _after_what_waits(execute: Callable[..., Any], sql: Any, params: Any, many: bool, context: Any) -> Any:
    if _here.waiting:
        _send(_taken())
    return execute(sql, params, many, context)


def _taken() -> list[_Run]:
    waiting = _here.waiting
    if waiting is None:
        return []
    _here.waiting = []
    return waiting


def _send(runs: Sequence[_Run]) -> Rows:
    """Run these in one message; return the rows of the last."""
    if not runs:
        return []
    connection.ensure_connection()
    planned = _planned.setdefault(connection.connection, set())
    for run in runs:
        if run.statement.name not in planned:
            psycopg.ClientCursor(connection.connection).execute(run.statement.prepare.encode())
            planned.add(run.statement.name)
    given: dict[str, Any] = {}
    for number, run in enumerate(runs):
        given.update((f"{name}_{number}", _as_sent(run.values[name])) for name in run.statement.values)
        given.update((f"{name}_set_{number}", value) for name, value in run.settings.items())
    every: list[Rows] = []
    with connection.cursor() as cursor:
        cursor.execute(_message(tuple((run.statement, tuple(run.settings)) for run in runs)), given)
        for number, run in enumerate(runs):
            if number:
                cursor.nextset()
            if run.settings:
                cursor.nextset()
            # Not `description`: that makes an object for each column.
            every.append(cursor.fetchall() if cursor.pgresult.nfields else [])
    for run, rows in zip(runs, every, strict=True):
        if run.check:
            run.check(rows)
    return every[-1]


def _as_sent(value: Any) -> Any:
    """Return a value as text where its place in the statement tells the type: the driver takes four times as long."""
    kind = type(value)
    if kind is UUID:
        return str(value)
    return value.isoformat() if kind is datetime else value


@lru_cache(maxsize=256)
def _message(runs: tuple[tuple[_Statement, tuple[str, ...]], ...]) -> str:
    """Return the words that put settings in force and run statements, one after the other."""
    words = []
    for number, (statement, settings) in enumerate(runs):
        if settings:
            calls = (f"set_config('pratique.{name}', %({name}_set_{number})s, true)" for name in settings)
            words.append(f"select {', '.join(calls)}")
        given = ", ".join(f"%({name}_{number})s" for name in statement.values)
        words.append(f"execute {statement.name}({given})" if given else f"execute {statement.name}")
    return "; ".join(words)


@lru_cache(maxsize=256)
def _statement(statement: str) -> _Statement:
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}"

    text = _VALUE.sub(place, statement).replace("%%", "%")
    # Named after its first table, for whoever reads what the server is doing.
    table = _TABLE.search(text)
    name = f"{table[1] if table else 'statement'}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    return _Statement(name, f"prepare {name} as {text}", tuple(names))
