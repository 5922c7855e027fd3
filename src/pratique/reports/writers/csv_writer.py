"""CSV (RFC 4180): COPY prints the rows, already formatted and neutralised in SQL, and we pass them on.

Nothing is parsed here, which is why it costs little more than the query: COPY sends one message a row, each
ending in one line feed, and that becomes the CRLF of the standard. Line feeds inside cells stay as they are.
"""

import csv
import io
from collections.abc import Iterator

from django.db import connection

from pratique.foundation.neutralise import neutralise
from pratique.reports.statements import Compiled, text_expressions, whole_sql
from pratique.reports.writers.options import PROGRESS_EVERY, Progress, WriterOptions

_BLOCK = 64 * 1024


def blocks(report: Compiled, options: WriterOptions, progress: Progress) -> Iterator[bytes]:
    """Yield the file in blocks of about 64 KB, the header at once."""
    yield _header(report, options)
    statement = whole_sql(report, text_expressions(report, neutralise=options.neutralise))
    count = size = 0
    lines: list[bytes] = []
    with connection.cursor() as cursor:
        cursor.execute("set local datestyle to 'ISO'")
        with cursor.copy(f"copy ({statement}) to stdout (format csv)", report.arguments) as copy:
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


def _joined(lines: list[bytes]) -> bytes:
    return b"\r\n".join(lines) + b"\r\n"


def _header(report: Compiled, options: WriterOptions) -> bytes:
    text = io.StringIO(newline="")
    titles = [str(column.title) for column in report.columns]
    csv.writer(text).writerow([neutralise(title) for title in titles] if options.neutralise else titles)
    return text.getvalue().encode("utf-8-sig" if options.bom else "utf-8")
