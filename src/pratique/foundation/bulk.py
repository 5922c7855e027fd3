"""Writing in sets: COPY into a temporary table, then one statement.

PostgreSQL refuses COPY into a table under row security, so rows go through a temporary table that lives until the
end of the transaction.
"""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from django.db import connection

# From so many rows on, plans of smaller days are dropped.
_MANY = 1_000


def stage(table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
    """Create the temporary table `table` with `columns` (name, SQL type) and COPY `rows` into it.

    Values go over the wire in binary, so each must be of the Python type that psycopg knows for its column.
    Names and types come from code, never from data. The table is analysed: the planner would otherwise guess.

    Of many rows, the session's cached plans are dropped. A worker keeps the plans with which PostgreSQL checks foreign
    keys; one made while a table was small reads the whole of it for each row that is checked. After an import of ten
    students, the commit of 8,000 took 4.6 s instead of 0.4 s, and of 50,000 minutes.
    """
    count = 0
    definition = ", ".join(f'"{name}" {kind}' for name, kind in columns)
    with connection.cursor() as cursor:
        cursor.execute(f'create temporary table "{table}" ({definition}) on commit drop')
        names = ", ".join(f'"{name}"' for name, _ in columns)
        with cursor.copy(f'copy "{table}" ({names}) from stdin (format binary)') as copy:
            copy.set_types([kind for _, kind in columns])
            for count, row in enumerate(rows, start=1):  # noqa: B007  (how many there were)
                copy.write_row(row)
        cursor.execute(f'analyze "{table}"')
        if count > _MANY:
            cursor.execute("discard plans")


def drop(table: str) -> None:
    """Drop a staged table early, for a transaction that stages the same one again."""
    with connection.cursor() as cursor:
        cursor.execute(f'drop table if exists pg_temp."{table}"')


@contextmanager
def reading() -> Iterator[psycopg.Cursor[Any]]:
    """Yield a cursor that reads in binary: Django's own asks for text, and half a million dates parse slowly."""
    connection.ensure_connection()
    with psycopg.Cursor(connection.connection) as cursor:
        cursor.format = psycopg.pq.Format.BINARY
        yield cursor
