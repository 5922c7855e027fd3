"""Roster import results: what became of each row of one file."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.filters import LATEST
from pratique.reports.types import (
    Category,
    ChartSeries,
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
)

_OUTCOMES = {
    "created": gettext_lazy("Created"),
    "updated": gettext_lazy("Updated"),
    "unchanged": gettext_lazy("Unchanged"),
    "refused": gettext_lazy("Refused"),
}
_IMPORT = Filter("import", gettext_lazy("Import"), FilterKind.IMPORT, default=LATEST)
_OUTCOME = Filter(
    "outcome",
    gettext_lazy("Outcome"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _OUTCOMES.items()),
)
_PROBLEMS = Filter(
    "problems",
    gettext_lazy("Problems"),
    FilterKind.CHOICE,
    choices=(
        Choice("errors", gettext_lazy("Rows with errors")),
        Choice("warnings", gettext_lazy("Rows with warnings")),
        Choice("any", gettext_lazy("Rows with errors or warnings")),
    ),
)
_PROBLEMS_SQL = {
    "errors": "jsonb_array_length(r.errors) > 0",
    "warnings": "jsonb_array_length(r.warnings) > 0",
    "any": "(jsonb_array_length(r.errors) > 0 or jsonb_array_length(r.warnings) > 0)",
}


def _joined(column: str, part: str) -> str:
    """Return SQL for the problems of a row as one text, in their order."""
    return (
        f"case when jsonb_array_length(r.{column}) > 0 then ("
        f"select string_agg({part}, '; ' order by x.position) "
        f"from jsonb_array_elements(r.{column}) with ordinality x(problem, position)) end"
    )


_MESSAGE = (
    "case when coalesce(x.problem->>'column', '') = '' then x.problem->>'message' "
    "else (x.problem->>'column') || ': ' || (x.problem->>'message') end"
)
_CODE = "x.problem->>'code'"

_COLUMNS = (
    Column("row", gettext_lazy("Row"), ColumnKind.INTEGER, "r.row"),
    Column("line", gettext_lazy("Line"), ColumnKind.INTEGER, "r.line"),
    Column("outcome", gettext_lazy("Outcome"), ColumnKind.STATUS, "r.outcome"),
    Column("username", gettext_lazy("Username"), ColumnKind.TEXT, "r.username"),
    Column("student_id", gettext_lazy("Student ID"), ColumnKind.TEXT, "r.student_id"),
    Column("errors", gettext_lazy("Errors"), ColumnKind.TEXT, _joined("errors", _MESSAGE), sortable=False),
    Column(
        "warnings", gettext_lazy("Warnings"), ColumnKind.TEXT, _joined("warnings", _MESSAGE), sortable=False
    ),
    Column(
        "error_codes", gettext_lazy("Error codes"), ColumnKind.TEXT, _joined("errors", _CODE), sortable=False
    ),
    Column(
        "warning_codes",
        gettext_lazy("Warning codes"),
        ColumnKind.TEXT,
        _joined("warnings", _CODE),
        sortable=False,
    ),
)
_LATEST = (
    "(select n.id from rosters_rosterimport n where n.institution_id = %(institution)s "
    "and n.state <> 'cancelled' and exists (select from rosters_rowresult o "
    "where o.institution_id = n.institution_id and o.roster_import_id = n.id) "
    "order by n.received_at desc, n.id desc limit 1)"
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    chosen = parameters.get("import", LATEST)
    if chosen == LATEST:
        wanted = _LATEST
    else:
        wanted = "%(import)s::uuid"
        arguments["import"] = UUID(chosen)
    conditions = ["r.institution_id = %(institution)s", f"r.roster_import_id = {wanted}"]
    if "outcome" in parameters:
        conditions.append("r.outcome = any(%(outcomes)s::text[])")
        arguments["outcomes"] = list(parameters["outcome"])
    if "problems" in parameters:
        conditions.append(_PROBLEMS_SQL[parameters["problems"]])
    return Source("rosters_rowresult r", "r.row", tuple(conditions), arguments)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    source = _source(parameters, _COLUMNS, context)
    with connection.cursor() as cursor:
        cursor.execute(
            f"select r.outcome, count(*) from {source.from_sql} "
            f"where {' and '.join(source.where)} group by 1",
            {**source.arguments, "institution": context.institution_id},
        )
        counts = dict(cursor.fetchall())
    values = [counts.get(outcome, 0) for outcome in _OUTCOMES]
    total = sum(values)
    summary = _("No rows match these filters.")
    if total:
        told = ", ".join(
            f"{count:,} {str(title).lower()}" for count, title in zip(values, _OUTCOMES.values(), strict=True)
        )
        summary = ngettext("%(total)s row: %(outcomes)s.", "%(total)s rows: %(outcomes)s.", total) % {
            "total": f"{total:,}",
            "outcomes": told,
        }
    return ReportChart(
        kind="bar",
        title=_("Rows by outcome"),
        labels=list(_OUTCOMES.values()),
        series=[ChartSeries(_("Rows"), values)],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="roster-results",
    title=gettext_lazy("Roster import results"),
    description=gettext_lazy("What became of each row of an imported file, with every error and warning."),
    permission=Permission.IMPORT_ROSTERS,
    filters=(_IMPORT, _OUTCOME, _PROBLEMS),
    default_sort="row",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.OPERATIONS,
)
