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

from pratique.foundation.neutralise import neutralise_sql
from pratique.reports.types import (
    Column,
    ColumnKind,
    Parameters,
    ReportContext,
    ReportDefinition,
    ReportError,
    Source,
)

# Excel's own limit for one cell.
_XLSX_CHARACTERS = 32_767


class UnknownSortError(ReportError):
    """The report has no such column, or none that can be sorted by."""


@dataclass(frozen=True)
class Compiled:
    """A definition with parameters applied, ready to be written as SQL."""

    definition: ReportDefinition
    columns: tuple[Column, ...]
    source: Source
    order: str
    from_sql: str
    arguments: dict[str, Any]


def compiled(
    definition: ReportDefinition, parameters: Parameters, context: ReportContext, *, sort: str = ""
) -> Compiled:
    """Return the report with `parameters` applied, ordered by `sort`: a column's key, with `-` before it
    backwards.

    Raises UnknownSortError.
    """
    columns = _with_distinct_titles(definition.columns(parameters, context))
    source = definition.source(parameters, columns, context)
    sort = sort or definition.default_sort
    by = _sort_column(columns, sort)
    order = _order(by, source.identity, backwards=sort.startswith("-"))
    arguments = {
        **source.arguments,
        "institution": context.institution_id,
        "time_zone": context.time_zone,
        "today": context.today,
    }
    return Compiled(definition, columns, source, order, f"{source.from_sql} {by.sort_join}", arguments)


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
    """Return the columns as typed values, for screens and JSON."""
    return [
        f"({column.sql})::float8" if column.kind == ColumnKind.PERCENT else column.sql
        for column in report.columns
    ]


def csv_expressions(report: Compiled, *, neutralise: bool) -> list[str]:
    """Return the columns as COPY shall print them: dates in ISO form, instants in the institution's own
    time.
    """
    return [_csv(column, neutralise) for column in report.columns]


def xlsx_expressions(report: Compiled, *, neutralise: bool) -> list[str]:
    """Return the columns as values for Excel, which knows no time zones and no cell beyond 32,767
    characters.
    """
    return [_xlsx(column, neutralise) for column in report.columns]


def _csv(column: Column, neutralise: bool) -> str:
    if column.kind == ColumnKind.TEXT:
        # COPY prints null as nothing but the empty text as two quotes; an empty cell should be one thing.
        return f"nullif({neutralise_sql(column.sql) if neutralise else column.sql}, '')"
    if column.kind == ColumnKind.INSTANT:
        return _local(column.sql)
    if column.kind == ColumnKind.BOOLEAN:
        return f"({column.sql})::text"
    return column.sql


def _xlsx(column: Column, neutralise: bool) -> str:
    if column.kind == ColumnKind.TEXT:
        return f"left({neutralise_sql(column.sql) if neutralise else column.sql}, {_XLSX_CHARACTERS})"
    if column.kind == ColumnKind.INSTANT:
        return _local(column.sql)
    if column.kind == ColumnKind.PERCENT:
        return f"({column.sql})::float8 / 100"
    return column.sql


def _local(expression: str) -> str:
    return f"date_trunc('second', ({expression}) at time zone %(time_zone)s)"


def _where(source: Source, *more: str) -> str:
    conditions = [*more, *source.where]
    return f"where {' and '.join(conditions)}" if conditions else ""


def _sort_column(columns: Sequence[Column], sort: str) -> Column:
    key = sort.removeprefix("-")
    column = next((one for one in columns if one.key == key and one.sortable), None)
    if column is None:
        raise UnknownSortError(
            _("The report cannot be sorted by “%(key)s”. It can be sorted by: %(known)s.")
            % {"key": key[:60], "known": ", ".join(one.key for one in columns if one.sortable)}
        )
    return column


def _order(column: Column, identity: str, *, backwards: bool) -> str:
    # Empty values come last both ways: whoever sorts a column wants to see what is in it.
    direction = " desc nulls last" if backwards else ""
    expressions = [f"{expression}{direction}" for expression in column.sort or (column.sql,)]
    return ", ".join([*expressions, identity])


def _with_distinct_titles(columns: Sequence[Column]) -> tuple[Column, ...]:
    """Number repeated titles: two groups may name a requirement alike, and Excel's writer keys cells by
    title.
    """
    seen: set[str] = set()
    distinct = []
    for column in columns:
        title, number = str(column.title), 1
        while title.casefold() in seen:
            number += 1
            title = f"{column.title} ({number})"
        seen.add(title.casefold())
        distinct.append(replace(column, title=title))
    return tuple(distinct)
