"""The results file of an import, as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from django.db import connection

from pratique.foundation.neutralise import neutralise
from pratique.rosters.models import RosterImport

HEADER = ("Line", "Row", "Outcome", "Username", "StudentId", "Errors", "Warnings")
_BLOCK = 2_000
# Not by models: a file has 50,000 rows, and a school waits for it.
_ROWS = """
    select line, row, outcome, username, student_id, errors::text, warnings::text from rosters_rowresult
    where institution_id = %(institution)s and roster_import_id = %(roster_import)s
        {only} order by row
"""
_WITH_PROBLEMS = "and (errors is not null or warnings is not null)"

Row = tuple[Any, ...]


def blocks(
    roster_import: RosterImport, *, problems_only: bool = False, about_file: Sequence[Mapping[str, str]] = ()
) -> Iterator[bytes]:
    """Yield the file in blocks of rows, so that its size costs no memory.

    `about_file`: warnings that concern the whole file, told with its first row, for each line of the file is a row.
    """
    yield _encode([HEADER])
    statement = _ROWS.format(only=_WITH_PROBLEMS if problems_only else "")
    with connection.chunked_cursor() as cursor:
        cursor.execute(
            statement, {"institution": roster_import.institution_id, "roster_import": roster_import.id}
        )
        while rows := cursor.fetchmany(_BLOCK):
            yield _encode(_line(row, about_file if not number else ()) for number, row in enumerate(rows))
            about_file = ()


def refusal(error: Mapping[str, Any]) -> bytes:
    """Return the file of an import that was refused as a whole: one row with the line, the code and the remedy."""
    said = neutralise(f"{error['code']}: {error['message']}")
    return _encode([HEADER, (error["line"], "", "refused", "", "", said, "")])


def _line(row: Row, about_file: Sequence[Mapping[str, str]]) -> Row:
    line, number, outcome, username, student_id, errors, warnings = row
    return (
        line, number, outcome, neutralise(username), neutralise(student_id),
        neutralise(_words(orjson.loads(errors))) if errors else "",
        neutralise(_words([*about_file, *orjson.loads(warnings or "[]")])) if warnings or about_file else "",
    )  # fmt: skip


def _words(problems: Iterable[Mapping[str, str]]) -> str:
    return " | ".join(f"{p['column']}: {p['message']}" if p["column"] else p["message"] for p in problems)


def _encode(rows: Iterable[Row]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
