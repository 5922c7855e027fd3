"""Excel: typed cells through a writer with a native core, which keeps only the present row in memory.

A workbook is a ZIP whose index comes last, so it is finished before its first byte can leave; it waits in a
file without a name, which vanishes with the process.
"""

import re
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from django.conf import settings
from django.utils.translation import gettext as _
from rustpy_xlsxwriter import Format, write_worksheet

from pratique.foundation.neutralise import neutralise
from pratique.reports import layouts
from pratique.reports.statements import XLSX_CHARACTERS, Compiled, distinct, xlsx_expressions
from pratique.reports.types import Column, ColumnKind, Layout, ReportError
from pratique.reports.words import in_words
from pratique.reports.writers.options import PROGRESS_EVERY, Progress, WriterOptions
from pratique.reports.writers.rows import read_rows

# 1,048,576 lines fit on a sheet, and the header takes one.
MAX_ROWS = 1_048_575
_BLOCK = 256 * 1024
# Excel has a 29th of February 1900 that never was, and other programs do not: before it they disagree about the day.
_FIRST_DAY = date(1900, 3, 1)
_NUMBER_FORMATS = {
    ColumnKind.TEXT: "@",
    ColumnKind.STATUS: "@",
    ColumnKind.INTEGER: "0",
    ColumnKind.PERCENT: "0.0%",
    ColumnKind.DATE: "yyyy-mm-dd",
    ColumnKind.INSTANT: "yyyy-mm-dd hh:mm:ss",
    ColumnKind.BOOLEAN: "General",
}
_WIDTHS = {ColumnKind.TEXT: 22.0, ColumnKind.INSTANT: 20.0}
_WIDTH = 13.0


class TooManyRowsForExcelError(ReportError):
    """The report has more rows than one sheet can hold."""


def blocks(report: Compiled, options: WriterOptions, progress: Progress) -> Iterator[bytes]:
    """Write the workbook, then yield it in blocks. Raises TooManyRowsForExcelError."""
    settings.REPORT_FILES.mkdir(parents=True, exist_ok=True, mode=0o700)
    with tempfile.TemporaryFile(dir=settings.REPORT_FILES) as file:
        # The library wants a name; the descriptor's own serves without putting one into the folder.
        _write(report, options, progress, f"/dev/fd/{file.fileno()}")
        file.seek(0)
        while block := file.read(_BLOCK):
            yield block


def _write(report: Compiled, options: WriterOptions, progress: Progress, path: str) -> None:
    titles = [str(column.title) for column in report.columns]
    if options.neutralise:
        titles = distinct([neutralise(title) for title in titles])
    by_kind = {kind: Format().set_num_format(text) for kind, text in _number_formats(report.layout).items()}
    columns = dict(zip(titles, report.columns, strict=True))
    write_worksheet(
        _records(report, options, progress, titles),
        path,
        sheet_name=_sheet_name(str(report.definition.title)),
        freeze_row=1,
        bold_headers=True,
        autofilter=True,
        column_formats={title: by_kind[column.kind] for title, column in columns.items()},
        column_widths={title: _WIDTHS.get(column.kind, _WIDTH) for title, column in columns.items()},
        # Ids are digits kept as text on purpose; Excel need not warn.
        ignore_errors=[title for title, column in columns.items() if column.kind == ColumnKind.TEXT],
    )


def _records(
    report: Compiled, options: WriterOptions, progress: Progress, titles: Sequence[str]
) -> Iterator[dict[str, Any]]:
    dates = _formats_of_dates(report.columns, report.layout)
    count = 0
    stored = read_rows(report, xlsx_expressions(report, neutralise=options.neutralise))
    for row in in_words(report, stored, _disarmed if options.neutralise else _cut):
        count += 1
        if count > MAX_ROWS:
            raise TooManyRowsForExcelError(
                _("Excel holds %(limit)s rows at most. Narrow the report, or take it as CSV.")
                % {"limit": f"{MAX_ROWS:,}"}
            )
        if count % PROGRESS_EVERY == 0:
            progress(count)
        yield dict(zip(titles, _before_excel(row, dates) if dates else row, strict=True))
    if not count:
        # Without a first row the library would not know the header; an empty one leaves no trace on the
        # sheet.
        yield dict.fromkeys(titles)
    progress(count)


def _number_formats(layout: Layout) -> dict[ColumnKind, str]:
    chosen = {ColumnKind.DATE: layout.date_format, ColumnKind.INSTANT: layout.instant_format}
    return _NUMBER_FORMATS | {kind: layouts.excel_format(text) for kind, text in chosen.items() if text}


def _cut(text: str) -> str:
    return text[:XLSX_CHARACTERS]


def _disarmed(text: str) -> str:
    return neutralise(text)[:XLSX_CHARACTERS]


def _formats_of_dates(columns: Sequence[Column], layout: Layout) -> dict[int, str]:
    """Return by position how a date is written that Excel does not know."""
    formats = {
        ColumnKind.DATE: layout.date_format or "%Y-%m-%d",
        ColumnKind.INSTANT: layout.instant_format or "%Y-%m-%d %H:%M:%S",
    }
    return {
        position: formats[column.kind]
        for position, column in enumerate(columns)
        if column.kind in formats and column.words is None
    }


def _before_excel(row: tuple[Any, ...], formats: Mapping[int, str]) -> Sequence[Any]:
    """Return `row` with the dates that Excel does not know, or not as others do, as text."""
    old = [
        position
        for position in formats
        # The year first: nearly every cell is settled by it.
        if (value := row[position]) is not None and value.year <= _FIRST_DAY.year and _is_old(value)
    ]
    if not old:
        return row
    cells = list(row)
    for position in old:
        cells[position] = layouts.written(row[position], formats[position])
    return cells


def _is_old(value: date | datetime) -> bool:
    return (value.date() if isinstance(value, datetime) else value) < _FIRST_DAY


def _sheet_name(title: str) -> str:
    return re.sub(r"[\[\]:*?/\\']", " ", title)[:31].strip() or "Report"
