"""JSON Lines: an object a row. For programs, so nothing is neutralised.

Its keys are the columns' keys, or the titles that somebody gave them.
"""

from collections.abc import Iterator

import orjson

from pratique.reports.statements import Compiled, distinct, json_expressions
from pratique.reports.words import in_words
from pratique.reports.writers.options import PROGRESS_EVERY, Progress, WriterOptions
from pratique.reports.writers.rows import read_rows

_LINES = 200


def blocks(report: Compiled, options: WriterOptions, progress: Progress) -> Iterator[bytes]:
    """Yield the file in blocks of lines. Dates are ISO 8601, instants in UTC, unless the layout has them otherwise."""
    given = {one.key: one.title for one in report.layout.columns}
    keys = distinct([given.get(column.key) or column.key for column in report.columns])
    lines: list[bytes] = []
    count = 0
    for row in in_words(report, read_rows(report, json_expressions(report))):
        lines.append(
            orjson.dumps(
                dict(zip(keys, row, strict=True)), option=orjson.OPT_APPEND_NEWLINE | orjson.OPT_UTC_Z
            )
        )
        count += 1
        if count % PROGRESS_EVERY == 0:
            progress(count)
        if len(lines) == _LINES:
            yield b"".join(lines)
            lines.clear()
    yield b"".join(lines)
    progress(count)
