"""JSON Lines: an object a row, its keys are the columns' keys. For programs, so nothing is neutralised."""

from collections.abc import Iterator

import orjson

from pratique.reports.statements import Compiled, raw_expressions
from pratique.reports.writers.options import PROGRESS_EVERY, Progress, WriterOptions
from pratique.reports.writers.rows import read_rows

_LINES = 200


def blocks(report: Compiled, options: WriterOptions, progress: Progress) -> Iterator[bytes]:
    """Yield the file in blocks of lines. Dates are ISO 8601, instants in UTC."""
    keys = [column.key for column in report.columns]
    lines: list[bytes] = []
    count = 0
    for row in read_rows(report, raw_expressions(report)):
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
