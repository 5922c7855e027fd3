"""Statements that run thousands of times a minute: planned once a connection, sent with their settings at once.

Under row security PostgreSQL takes two to five times as long to plan a small statement as to run it.
"""

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

import psycopg
from django.db import connection

_VALUE = re.compile(r"%\((\w+)\)s")

_TABLE = re.compile(r"(?:from|into|update)\s+(\w+)")


class _Statement(NamedTuple):
    """A statement as PostgreSQL prepares it, and the words that run it."""

    name: str
    prepare: str
    execute: str


# By connection of the driver: what it has planned ends with it. (A pooler must be in session mode, .env.example.)
_planned: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


def run_prepared(
    statement: str, values: Mapping[str, Any], settings: Mapping[str, str] | None = None
) -> list[tuple[Any, ...]]:
    """Run a statement with these settings (names without `pratique.`) in force, and return its rows.

    `statement` has its values as %(name)s; each must be of a type that its place tells, so write a cast where it does
    not. It is a constant: every other text is planned and kept anew. Outside a transaction the settings end, and what
    is written is committed, with the statement; inside one they end with the transaction, as in `enter_institution`.
    """
    known = _statement(statement)
    prologue, given = _prologue(tuple(settings or ()))
    connection.ensure_connection()
    planned = _planned.setdefault(connection.connection, set())
    with connection.cursor() as cursor:
        if known.name not in planned:
            psycopg.ClientCursor(connection.connection).execute(known.prepare.encode())
            planned.add(known.name)
        named = dict(zip(given, (settings or {}).values(), strict=True))
        cursor.execute(prologue + known.execute, {**values, **named})
        if settings:
            cursor.nextset()
        # Not `description`: that makes an object for each column.
        rows: list[tuple[Any, ...]] = cursor.fetchall() if cursor.pgresult.nfields else []
        return rows


@lru_cache(maxsize=256)
def _statement(statement: str) -> _Statement:
    names: dict[str, int] = {}

    def place(found: re.Match[str]) -> str:
        return f"${names.setdefault(found[1], len(names) + 1)}"

    text = _VALUE.sub(place, statement).replace("%%", "%")
    # Named after its first table, for whoever reads what the server is doing.
    table = _TABLE.search(text)
    name = f"{table[1] if table else 'statement'}_{hashlib.sha256(text.encode()).hexdigest()[:12]}"
    given = ", ".join(f"%({one})s" for one in names)
    return _Statement(name, f"prepare {name} as {text}", f"execute {name}({given})")


@lru_cache(maxsize=64)
def _prologue(settings: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Return the words that put settings in force, and the names of their values."""
    if not settings:
        return "", ()
    given = tuple(f"_setting_{number}" for number in range(len(settings)))
    pairs = zip(settings, given, strict=True)
    calls = ", ".join(f"set_config('pratique.{setting}', %({value})s, true)" for setting, value in pairs)
    return f"select {calls}; ", given
