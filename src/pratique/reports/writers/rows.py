"""Reading a report row by row through a cursor of the server, so that memory stays flat."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from pratique.reports.statements import Compiled, whole_sql

_FETCH = 1_000


def read_rows(report: Compiled, expressions: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    """Yield every row of the report as typed values, in order. Needs the open transaction of
    `institution_scope`.
    """
    with connection.cursor() as cursor:
        # A cursor is planned for its first tenth unless told that all will be read: that plan takes twice the
        # time.
        cursor.execute("set local cursor_tuple_fraction = 1")
    with connection.chunked_cursor() as cursor:
        cursor.execute(whole_sql(report, expressions), report.arguments)
        while rows := cursor.fetchmany(_FETCH):
            yield from rows
