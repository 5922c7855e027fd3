"""A definition and its parameters become SQL: the whole report, one page of it, or the number of its rows.

Expressions come from the definitions; values that came in are bound, never written into the text. Every
statement runs under row security, inside `institution_scope`.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.utils.translation import gettext as _

from pratique.foundation.neutralise import neutralise, neutralise_sql
from pratique.reports import layouts
from pratique.reports.filters import check_nothing_is_missing
from pratique.reports.types import (
    Changes,
    Column,
    ColumnKind,
    Layout,
    Parameters,
    ReportContext,
    ReportDefinition,
    ReportError,
    Source,
)

# Excel's own limit for one cell.
XLSX_CHARACTERS = 32_767


class UnknownSortError(ReportError):
    """The report has no such column, or none that can be sorted by."""


class NoDeltaError(ReportError):
    """The report counts or sums: nothing says which of its rows changed."""


@dataclass(frozen=True)
class Compiled:
    """A definition with parameters and layout applied, ready to be written as SQL. `columns` are those wanted."""

    definition: ReportDefinition
    columns: tuple[Column, ...]
    source: Source
    order: str
    from_sql: str
    arguments: dict[str, Any]
    layout: Layout

    @property
    def has_words(self) -> bool:
        """Whether some cells are put into words here, so that the database alone cannot print the file."""
        return any(column.words for column in self.columns)


def compiled(
    definition: ReportDefinition,
    parameters: Parameters,
    context: ReportContext,
    *,
    sort: str = "",
    layout: Layout | None = None,
    changes: Changes | None = None,
) -> Compiled:
    """Return the report with `parameters` applied, ordered by `sort`: a column's key, with `-` before it
    backwards.

    `layout` chooses columns; what it leaves open is as the definition has it. With `changes` only rows that one of
    these transactions changed. Raises UnknownSortError, MissingFilterError and NoDeltaError.
    """
    check_nothing_is_missing(definition.filters, parameters)
    layout = layouts.over(layout or Layout(), definition.layout)
    sort = sort or definition.default_sort
    every = _choosable(definition, parameters, context, {*(one.key for one in layout.columns), _key(sort)})
    columns = _with_distinct_titles(layouts.chosen_columns(layout, every))
    by, backwards = _sort_column(every, sort, definition.default_sort)
    # What orders the rows is asked of the source too, chosen or not: its condition may name what it joins.
    wanted = columns if any(one.key == by.key for one in columns) else (*columns, by)
    source = definition.source(parameters, wanted, context)
    arguments = {
        **source.arguments,
        "institution": context.institution_id,
        "time_zone": context.time_zone,
        "today": context.today,
        **_of_layout(layout),
    }
    if changes is not None:
        if not definition.changed:
            raise NoDeltaError(_("This report has no changes to tell: take it as a whole."))
        # A delta is few rows: looking each up is quicker than a sweep over everybody's.
        source = replace(
            source,
            where=(*source.where, definition.changed),
            whole_join=source.detail_join or source.whole_join,
        )
        arguments |= {"changes_first": changes.first, "changes_before": changes.before}
    return Compiled(
        definition,
        columns,
        source,
        _order(by, source.identity, backwards=backwards),
        f"{source.from_sql} {by.sort_join}",
        arguments,
        layout,
    )


def choosable(
    definition: ReportDefinition, parameters: Parameters, context: ReportContext
) -> tuple[Column, ...]:
    """Return all columns that a layout may choose, the costly ones too."""
    more = definition.more_columns
    return definition.columns(parameters, context) + (more(parameters, context) if more else ())


def _choosable(
    definition: ReportDefinition, parameters: Parameters, context: ReportContext, wanted: set[str]
) -> tuple[Column, ...]:
    columns = definition.columns(parameters, context)
    if definition.more_columns and not wanted <= {column.key for column in columns}:
        columns += definition.more_columns(parameters, context)
    return columns


def _of_layout(layout: Layout) -> dict[str, Any]:
    yes, no = layout.booleans or ("true", "false")
    return {
        "date_template": layouts.database_template(layout.date_format),
        "instant_template": layouts.database_template(layout.instant_format),
        "yes": yes,
        "no": no,
        "neutral_yes": neutralise(yes),
        "neutral_no": neutralise(no),
    }


def whole_sql(report: Compiled, expressions: Sequence[str]) -> str:
    """Return the statement that reads every row, with `expressions` as its columns."""
    return (
        f"select {', '.join(expressions)} from {report.from_sql} {report.source.whole_join} "
        f"{_where(report.source)} order by {report.order}"
    )


def page_sql(report: Compiled, expressions: Sequence[str]) -> str:
    """Return the statement that reads one page; it wants the arguments `limit` and `offset` besides."""
    source = report.source
    if not source.detail_join:
        return f"{whole_sql(report, expressions)} limit %(limit)s offset %(offset)s"
    # Sorting keys alone, and joining for the rows of the page only, is what keeps page 900 as quick as page
    # 1.
    return (
        "with page as materialized (select identity, row_number() over () as position from ("
        f"select {source.identity} as identity from {report.from_sql} {_where(source)} "
        f"order by {report.order} limit %(limit)s offset %(offset)s) found) "
        f"select {', '.join(expressions)} from page, {source.from_sql} "
        f"{source.detail_join} {_where(source, f'{source.identity} = page.identity')} order by page.position"
    )


def count_sql(report: Compiled) -> str:
    """Return the statement that counts all rows."""
    return f"select count(*) from {report.source.from_sql} {_where(report.source)}"


def raw_expressions(report: Compiled) -> list[str]:
    """Return the columns as typed values, for screens; those that are put into words as text."""
    return [_json(column, Layout()) for column in report.columns]


def json_expressions(report: Compiled) -> list[str]:
    """Return the columns as JSON has them: typed values, and texts where the layout says how dates are written."""
    return [_json(column, report.layout) for column in report.columns]


def text_expressions(report: Compiled, *, neutralise: bool) -> list[str]:
    """Return the columns as text files print them: dates in ISO form or the layout's, instants in the institution's
    own time. COPY may print these.
    """
    return [_text(column, report.layout, neutralise) for column in report.columns]


def xlsx_expressions(report: Compiled, *, neutralise: bool) -> list[str]:
    """Return the columns as values for Excel, which knows no time zones and no cell beyond 32,767
    characters.
    """
    return [_xlsx(column, report.layout, neutralise) for column in report.columns]


def _text(column: Column, layout: Layout, neutralise: bool) -> str:
    if column.words:
        return f"({column.sql})::text"
    if column.kind == ColumnKind.TEXT:
        # COPY prints null as nothing but the empty text as two quotes; an empty cell should be one thing.
        return f"nullif({neutralise_sql(column.sql) if neutralise else column.sql}, '')"
    if column.kind == ColumnKind.BOOLEAN:
        return _in_words(column, neutralise)
    return _dated(column, layout) or (_local(column.sql) if column.kind == ColumnKind.INSTANT else column.sql)


def _json(column: Column, layout: Layout) -> str:
    if column.words:
        return f"({column.sql})::text"
    if column.kind == ColumnKind.PERCENT:
        return f"({column.sql})::float8"
    if column.kind == ColumnKind.BOOLEAN and layout.booleans:
        return _in_words(column, neutralise=False)
    return _dated(column, layout) or column.sql


def _xlsx(column: Column, layout: Layout, neutralise: bool) -> str:
    if column.words:
        return f"({column.sql})::text"
    if column.kind == ColumnKind.TEXT:
        return f"left({neutralise_sql(column.sql) if neutralise else column.sql}, {XLSX_CHARACTERS})"
    if column.kind == ColumnKind.INSTANT:
        return _local(column.sql)
    if column.kind == ColumnKind.PERCENT:
        return f"({column.sql})::float8 / 100"
    if column.kind == ColumnKind.BOOLEAN and layout.booleans:
        return _in_words(column, neutralise)
    return column.sql


def _dated(column: Column, layout: Layout) -> str:
    """Return a date or an instant as text in the layout's form; empty for anything else."""
    if column.kind == ColumnKind.DATE and layout.date_format:
        # A timestamp without a zone: the session's zone shall not move a day.
        return f"to_char(({column.sql})::timestamp, %(date_template)s)"
    if column.kind == ColumnKind.INSTANT and layout.instant_format:
        return f"to_char({_local(column.sql)}, %(instant_template)s)"
    return ""


def _in_words(column: Column, neutralise: bool) -> str:
    yes, no = ("%(neutral_yes)s", "%(neutral_no)s") if neutralise else ("%(yes)s", "%(no)s")
    return f"case when {column.sql} then {yes} when not ({column.sql}) then {no} end"


def _local(expression: str) -> str:
    return f"date_trunc('second', ({expression}) at time zone %(time_zone)s)"


def _where(source: Source, *more: str) -> str:
    conditions = [*more, *source.where]
    return f"where {' and '.join(conditions)}" if conditions else ""


def _key(sort: str) -> str:
    return sort.removeprefix("-")


def _sort_column(columns: Sequence[Column], sort: str, usual: str) -> tuple[Column, bool]:
    """Return the column to order by, and whether backwards.

    Keys with a colon name a requirement or an attribute, which may end while a schedule or a bookmark goes on: then
    the rows come in the usual order, or the first that there is.
    """
    known = {one.key: one for one in columns if one.sortable}
    for wanted in (sort, usual):
        if found := known.get(_key(wanted)):
            return found, wanted.startswith("-")
        if ":" not in wanted:
            break
    if ":" in wanted and known:
        return next(iter(known.values())), False
    raise UnknownSortError(
        _("The report cannot be sorted by “%(key)s”. It can be sorted by: %(known)s.")
        % {"key": _key(sort)[:60], "known": ", ".join(one.key for one in known.values() if one.shown)}
    )


def _order(column: Column, identity: str, *, backwards: bool) -> str:
    # Empty values come last both ways: whoever sorts a column wants to see what is in it.
    direction = " desc nulls last" if backwards else ""
    expressions = [f"{expression}{direction}" for expression in column.sort or (column.sql,)]
    return ", ".join([*expressions, identity])


def distinct(titles: Sequence[str]) -> list[str]:
    """Number repeated titles: two groups may name a requirement alike, and Excel's writer keys cells by
    title.
    """
    seen: set[str] = set()
    given = []
    for wanted in titles:
        title, number = wanted, 1
        while title.casefold() in seen:
            number += 1
            title = f"{wanted} ({number})"
        seen.add(title.casefold())
        given.append(title)
    return given


def _with_distinct_titles(columns: Sequence[Column]) -> tuple[Column, ...]:
    titles = distinct([str(column.title) for column in columns])
    return tuple(replace(column, title=title) for column, title in zip(columns, titles, strict=True))
