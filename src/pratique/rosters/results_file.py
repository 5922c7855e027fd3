"""The results file of an import, as CSV (RFC 4180), safe to open in a spreadsheet."""

import csv
import io
from collections.abc import Iterable, Iterator

from django.db.models import QuerySet

from pratique.foundation.neutralise import neutralise
from pratique.rosters.models import RowResult

HEADER = ("Line", "Row", "Outcome", "Username", "StudentId", "Errors", "Warnings")
_BLOCK = 2_000


def blocks(results: QuerySet[RowResult], *, problems_only: bool) -> Iterator[bytes]:
    """Yield the file in blocks of rows, so that its size costs no memory."""
    yield _encode([HEADER])
    block: list[tuple[object, ...]] = []
    for result in results.iterator(chunk_size=_BLOCK):
        if problems_only and not (result.errors or result.warnings):
            continue
        block.append(
            (
                result.line,
                result.row,
                result.outcome,
                neutralise(result.username),
                neutralise(result.student_id),
                neutralise(_words(result.errors)),
                neutralise(_words(result.warnings)),
            )
        )
        if len(block) == _BLOCK:
            yield _encode(block)
            block.clear()
    yield _encode(block)


def _words(problems: list[dict[str, str]] | None) -> str:
    return " | ".join(
        f"{p['column']}: {p['message']}" if p["column"] else p["message"] for p in problems or ()
    )


def _encode(rows: Iterable[tuple[object, ...]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()
