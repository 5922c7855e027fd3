"""Fixed width: each column has its place in the line, counted in characters; for programs of an older kind.

A value that does not fit would push all that follows out of its place, so it ends the making, unless the layout says
to cut; a number is never cut, because what is left would be another number. What would break a line or its places
(line ends, tabs) becomes a blank.
"""

from collections.abc import Iterator, Sequence

from django.db import connection
from django.utils.translation import gettext as _

from pratique.foundation.neutralise import neutralise
from pratique.reports import layouts
from pratique.reports.statements import Compiled, text_expressions
from pratique.reports.types import ReportError
from pratique.reports.words import in_words
from pratique.reports.writers.options import BOM, PROGRESS_EVERY, Progress, WriterOptions
from pratique.reports.writers.rows import read_rows

_LINES = 200
# All that some reader takes for the end of a line, and the tab.
_BLANKS = str.maketrans(dict.fromkeys("\t\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029", " "))


class TooLongForColumnError(ReportError):
    """A value does not fit its column; the message says which column and how wide it must be, never the value."""


def blocks(report: Compiled, options: WriterOptions, progress: Progress) -> Iterator[bytes]:
    """Yield the file in blocks of lines. Raises TooLongForColumnError."""
    widths = layouts.widths(report.layout, report.columns)
    right = [column.is_number and column.words is None for column in report.columns]
    if begin := _beginning(report, options, widths, right):
        yield begin
    with connection.cursor() as cursor:
        cursor.execute("set local datestyle to 'ISO'")
    expressions = [
        f"({expression})::text" for expression in text_expressions(report, neutralise=options.neutralise)
    ]
    rows = in_words(report, read_rows(report, expressions), neutralise if options.neutralise else None)
    lines: list[str] = []
    count = 0
    for row in rows:
        cells = [(cell or "").translate(_BLANKS) for cell in row]
        for position, (cell, width) in enumerate(zip(cells, widths, strict=True)):
            if len(cell) > width and (right[position] or not report.layout.cut):
                others = max((len(other[position] or "") for other in rows), default=0)
                raise _too_long(str(report.columns[position].title), width, max(len(cell), others))
        lines.append(_line(cells, widths, right))
        count += 1
        if count % PROGRESS_EVERY == 0:
            progress(count)
        if len(lines) == _LINES:
            yield "".join(lines).encode()
            lines.clear()
    if lines:
        yield "".join(lines).encode()
    progress(count)


def _line(cells: Sequence[str], widths: Sequence[int], right: Sequence[bool]) -> str:
    placed = (
        (cell.rjust(width) if flush_right else cell.ljust(width))[:width]
        for cell, width, flush_right in zip(cells, widths, right, strict=True)
    )
    return "".join(placed) + "\r\n"


def _beginning(
    report: Compiled, options: WriterOptions, widths: Sequence[int], right: Sequence[bool]
) -> bytes:
    text = BOM if options.bom else ""
    if report.layout.header:
        titles = [str(column.title).translate(_BLANKS) for column in report.columns]
        # A title only tells people what stands below it: a short column cuts it.
        text += _line([neutralise(one) for one in titles] if options.neutralise else titles, widths, right)
    return text.encode()


def _too_long(title: str, width: int, needed: int) -> TooLongForColumnError:
    return TooLongForColumnError(
        _(
            "“%(column)s” is %(width)d characters wide, and some values need %(needed)d. "
            "Make it wider, or have long values cut."
        )
        % {"column": title, "width": width, "needed": needed}
    )
