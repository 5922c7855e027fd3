"""Layouts: how a file differs from its report's own columns, titles and ways of writing dates. Pure.

A date format is written with the fields of `DATE_FIELDS` (the letters of strftime): the same one becomes a template
for the database, a number format for Excel and a sample for people. It begins with a field, so that no date can turn
into what a spreadsheet runs.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any, NamedTuple

from django.utils.translation import gettext as _

from pratique.reports.types import ChosenColumn, Column, ColumnKind, Layout, ReportError

MAX_COLUMNS = 250
MAX_TITLE = 120
MAX_WIDTH = 2_000
_MAX_FORMAT = 40
_MAX_WORD = 40
# Characters of a fixed-width column whose layout gives none.
_WIDTHS = {
    ColumnKind.TEXT: 40, ColumnKind.INTEGER: 10, ColumnKind.PERCENT: 6, ColumnKind.DATE: 10, ColumnKind.INSTANT: 19,
    ColumnKind.BOOLEAN: 5, ColumnKind.STATUS: 12,
}  # fmt: skip


class LayoutError(ReportError):
    """A layout is wrong; `field` says what to mend: columns, date_format, instant_format or booleans."""

    def __init__(self, message: str, field: str) -> None:
        super().__init__(message)
        self.field = field


class DateField(NamedTuple):
    """One field of a date format: the database's name for it, Excel's, and whether it tells a time of day."""

    database: str
    excel: str
    is_time: bool = False


DATE_FIELDS: Mapping[str, DateField] = {
    "%Y": DateField("YYYY", "yyyy"),
    "%y": DateField("YY", "yy"),
    "%m": DateField("MM", "mm"),
    "%b": DateField("Mon", "mmm"),
    "%B": DateField("FMMonth", "mmmm"),
    "%d": DateField("DD", "dd"),
    "%H": DateField("HH24", "hh", True),
    "%I": DateField("HH12", "hh", True),
    "%M": DateField("MI", "mm", True),
    "%S": DateField("SS", "ss", True),
    "%p": DateField("AM", "AM/PM", True),
}
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_PIECES = re.compile("|".join([*DATE_FIELDS, r"[-/., :_T]"]))


def one_line(text: str) -> str:
    """Return what somebody typed as one line, without signs that no file and no database should hold."""
    return " ".join(_CONTROL.sub(" ", text).split())


def to_data(layout: Layout) -> dict[str, Any]:
    """Return the layout as JSON values, without what is as usual: the usual layout is {}."""
    data: dict[str, Any] = {}
    if layout.columns:
        data["columns"] = [
            {"key": one.key}
            | ({"title": one.title} if one.title else {})
            | ({"width": one.width} if one.width else {})
            for one in layout.columns
        ]
    for name in ("date_format", "instant_format"):
        if value := getattr(layout, name):
            data[name] = value
    if layout.booleans:
        data["booleans"] = list(layout.booleans)
    if not layout.header:
        data["header"] = False
    if layout.cut:
        data["cut"] = True
    return data


def from_data(data: Mapping[str, Any]) -> Layout:
    """Read what `to_data` wrote; what is absent is as usual."""
    booleans = data.get("booleans")
    return Layout(
        columns=tuple(
            ChosenColumn(one["key"], one.get("title", ""), one.get("width"))
            for one in data.get("columns", ())
        ),
        date_format=data.get("date_format", ""),
        instant_format=data.get("instant_format", ""),
        booleans=(booleans[0], booleans[1]) if booleans else None,
        header=data.get("header", True),
        cut=data.get("cut", False),
    )


def over(given: Layout, own: Layout) -> Layout:
    """Return `given` with what it leaves open filled from `own`, the saved report's."""
    return Layout(
        columns=given.columns or own.columns,
        date_format=given.date_format or own.date_format,
        instant_format=given.instant_format or own.instant_format,
        booleans=given.booleans or own.booleans,
        header=given.header and own.header,
        cut=given.cut or own.cut,
    )


def checked(layout: Layout, columns: Sequence[Column]) -> Layout:
    """Return the layout, its texts stripped, or raise LayoutError: for what somebody has just typed.

    `columns` are all that can be chosen (`queries.columns`).
    """
    known = {column.key for column in columns}
    chosen = tuple(replace(one, title=one_line(one.title)) for one in layout.columns)
    _check_columns(chosen, known)
    dates, instants = layout.date_format.strip(), layout.instant_format.strip()
    _check_format(dates, "date_format", with_time=False)
    _check_format(instants, "instant_format", with_time=True)
    booleans = (one_line(layout.booleans[0]), one_line(layout.booleans[1])) if layout.booleans else None
    if booleans and (booleans[0] == booleans[1] or max(map(len, booleans)) > _MAX_WORD):
        raise LayoutError(_("Give two different short words, for yes and for no."), "booleans")
    return replace(layout, columns=chosen, date_format=dates, instant_format=instants, booleans=booleans)


def chosen_columns(layout: Layout, columns: Sequence[Column]) -> tuple[Column, ...]:
    """Return the columns that the layout wants, under its titles.

    A requirement may end while a schedule goes on: what is not there any more is an empty column in its place, so
    that whoever reads the file finds every other column where it was. People who choose it now are told (`checked`).
    """
    if not layout.columns:
        return tuple(column for column in columns if column.shown)
    known = {column.key: column for column in columns}
    return tuple(_under_its_title(one, known.get(one.key)) for one in layout.columns)


def widths(layout: Layout, columns: Sequence[Column]) -> list[int]:
    """Return how many characters each column gets in fixed width; `columns` are `chosen_columns`."""
    given = {one.key: one.width for one in layout.columns}
    return [given.get(column.key) or _usual_width(column, layout) for column in columns]


def database_template(format: str) -> str:
    """Return a date format as PostgreSQL's to_char wants it. Month names are English."""
    return "".join(DATE_FIELDS[p].database if p in DATE_FIELDS else f'"{p}"' for p in _PIECES.findall(format))


def excel_format(format: str) -> str:
    """Return a date format as Excel's number format."""
    return "".join(DATE_FIELDS[p].excel if p in DATE_FIELDS else f"\\{p}" for p in _PIECES.findall(format))


def written(value: date | datetime, format: str) -> str:
    """Return a date as the files will have it: a sample for people, and what Excel cannot hold as a date."""
    # The C library prints the year 899 with three digits.
    return value.strftime(format.replace("%Y", f"{value.year:04}"))


def _check_columns(chosen: Sequence[ChosenColumn], known: set[str]) -> None:
    keys = [one.key for one in chosen]
    titles = [one.title.casefold() for one in chosen if one.title]
    if len(chosen) > MAX_COLUMNS:
        raise LayoutError(_("Choose %(limit)d columns at most.") % {"limit": MAX_COLUMNS}, "columns")
    for one in chosen:
        if one.key not in known:
            raise LayoutError(
                _("There is no column “%(key)s” in this report.") % {"key": one.key[:60]}, "columns"
            )
        if keys.count(one.key) > 1:
            raise LayoutError(_("“%(key)s” is chosen twice.") % {"key": one.key}, "columns")
        if titles.count(one.title.casefold()) > 1:
            raise LayoutError(
                _("Two columns are called “%(title)s”.") % {"title": one.title[:MAX_TITLE]}, "columns"
            )
        if len(one.title) > MAX_TITLE:
            raise LayoutError(
                _("A title has %(limit)d characters at most.") % {"limit": MAX_TITLE}, "columns"
            )
        if one.width is not None and not 1 <= one.width <= MAX_WIDTH:
            raise LayoutError(
                _("A width goes from 1 to %(limit)d characters.") % {"limit": MAX_WIDTH}, "columns"
            )


def _check_format(format: str, field: str, *, with_time: bool) -> None:
    if not format:
        return
    pieces = _PIECES.findall(format)
    fields = [piece for piece in pieces if piece in DATE_FIELDS]
    if "".join(pieces) != format or pieces[0] not in DATE_FIELDS or len(format) > _MAX_FORMAT:
        raise LayoutError(
            _("Begin with one of %(fields)s, and put - / . , : or a blank between them, such as %(sample)s.")
            % {"fields": " ".join(DATE_FIELDS), "sample": "%d.%m.%Y %H:%M" if with_time else "%m/%d/%Y"},
            field,
        )
    if not with_time and any(DATE_FIELDS[piece].is_time for piece in fields):
        raise LayoutError(_("A date has no time of day: use %Y %y %m %b %B %d alone."), field)
    if ("%I" in fields) != ("%p" in fields) or ("%I" in fields and "%H" in fields):
        raise LayoutError(_("Write hours as %H, or as %I together with %p."), field)
    for position, piece in enumerate(fields):
        # Excel takes the same two letters for a month, unless an hour stands before them.
        if piece == "%M" and (position == 0 or fields[position - 1] not in ("%H", "%I")):
            raise LayoutError(_("Minutes come right after the hour."), field)


def _under_its_title(one: ChosenColumn, column: Column | None) -> Column:
    if column is None:
        return Column(one.key, one.title or one.key, ColumnKind.TEXT, "null::text", sortable=False)
    return replace(column, title=one.title or column.title)


def _usual_width(column: Column, layout: Layout) -> int:
    if column.words is None:
        if column.kind == ColumnKind.BOOLEAN and layout.booleans:
            return max(1, *map(len, layout.booleans))
        if column.kind in (ColumnKind.DATE, ColumnKind.INSTANT):
            is_date = column.kind == ColumnKind.DATE
            if format := layout.date_format if is_date else layout.instant_format:
                # September is the longest month.
                return len(written(datetime(2026, 9, 30, 22, 30, 30), format))  # noqa: DTZ001
    return _WIDTHS[column.kind]
