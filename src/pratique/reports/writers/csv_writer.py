"""CSV (RFC 4180) and its like with tabs or bars: COPY prints the rows, already formatted and neutralised in SQL.

Nothing is parsed here, which is why it costs little more than the query: COPY sends one message a row, each
ending in one line feed, and that becomes the CRLF of the standard. Line feeds inside cells stay as they are. Only a
report with cells that are put into words is read and printed here, row by row.
"""

import csv
import io
from collections.abc import Iterator

from django.db import connection

from pratique.foundation.neutralise import neutralise
from pratique.reports.statements import Compiled, text_expressions, whole_sql
from pratique.reports.words import in_words
from pratique.reports.writers.options import BOM, PROGRESS_EVERY, Progress, WriterOptions
from pratique.reports.writers.rows import read_rows

_BLOCK = 64 * 1024
_LINES = 200


def blocks(
    report: Compiled, options: WriterOptions, progress: Progress, *, delimiter: str = ","
) -> Iterator[bytes]:
    """Yield the file in blocks of about 64 KB, the header at once."""
    if begin := _beginning(report, options, delimiter):
        yield begin
    yield from (_written if report.has_words else _copied)(report, options, progress, delimiter)


def _copied(report: Compiled, options: WriterOptions, progress: Progress, delimiter: str) -> Iterator[bytes]:
    statement = whole_sql(report, _expressions(report, options))
    count = size = 0
    lines: list[bytes] = []
    with connection.cursor() as cursor:
        cursor.execute("set local datestyle to 'ISO'")
        with cursor.copy(
            f"copy ({statement}) to stdout (format csv, delimiter '{delimiter}')", report.arguments
        ) as copy:
            for message in copy:
                line = bytes(message)
                lines.append(line[:-1])
                size += len(line)
                count += 1
                if count % PROGRESS_EVERY == 0:
                    progress(count)
                if size > _BLOCK:
                    yield _joined(lines)
                    size = 0
                    lines.clear()
    if lines:
        yield _joined(lines)
    progress(count)


def _written(report: Compiled, options: WriterOptions, progress: Progress, delimiter: str) -> Iterator[bytes]:
    """Print the rows here. The same cells come out the same, so that a column of words changes no other."""
    with connection.cursor() as cursor:
        cursor.execute("set local datestyle to 'ISO'")
    expressions = [f"({expression})::text" for expression in _expressions(report, options)]
    rows = in_words(report, read_rows(report, expressions), neutralise if options.neutralise else None)
    count = 0
    text = io.StringIO(newline="")
    writer = csv.writer(text, delimiter=delimiter)
    for row in rows:
        writer.writerow(row)
        count += 1
        if count % PROGRESS_EVERY == 0:
            progress(count)
        if count % _LINES == 0:
            yield text.getvalue().encode()
            text.seek(0)
            text.truncate()
    if rest := text.getvalue():
        yield rest.encode()
    progress(count)


def _expressions(report: Compiled, options: WriterOptions) -> list[str]:
    expressions = text_expressions(report, neutralise=options.neutralise)
    if len(expressions) == 1:
        # An empty line is no row to a reader; two quotes are.
        return [f"coalesce(({expressions[0]})::text, '')"]
    return expressions


def _joined(lines: list[bytes]) -> bytes:
    return b"\r\n".join(lines) + b"\r\n"


def _beginning(report: Compiled, options: WriterOptions, delimiter: str) -> bytes:
    text = io.StringIO(newline="")
    if options.bom:
        text.write(BOM)
    if report.layout.header:
        titles = [str(column.title) for column in report.columns]
        csv.writer(text, delimiter=delimiter).writerow(
            [neutralise(title) for title in titles] if options.neutralise else titles
        )
    return text.getvalue().encode()
