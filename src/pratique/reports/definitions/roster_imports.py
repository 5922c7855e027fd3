"""Roster import history: a row an import, what it did and what was wrong with its file.

What became of each row of one import is the report `roster-results`, whose filter takes this one's column `import`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import actor_column, said, staff_join
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.reading import days
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
    Text,
)

_STATES: Mapping[str, Text] = {
    "received": gettext_lazy("Received"),
    "checking": gettext_lazy("Being checked"),
    "ready": gettext_lazy("Waits to be applied"),
    "applying": gettext_lazy("Being applied"),
    "applied": gettext_lazy("Applied"),
    "failed": gettext_lazy("Failed"),
    "cancelled": gettext_lazy("Cancelled"),
}
_SOURCES: Mapping[str, Text] = {
    "console": gettext_lazy("Console"),
    "command": gettext_lazy("Command line"),
    "sftp": gettext_lazy("File transfer"),
}
_STATE = Filter(
    "state",
    gettext_lazy("State"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _STATES.items()),
)
_SOURCE = Filter(
    "source",
    gettext_lazy("Came by"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in _SOURCES.items()),
)
_PROBLEMS = Filter(
    "problems",
    gettext_lazy("Problems"),
    FilterKind.CHOICE,
    choices=(
        Choice("refused", gettext_lazy("With rows that were refused")),
        Choice("file", gettext_lazy("Refused as a whole")),
        Choice("any", gettext_lazy("With any error or warning")),
    ),
)
_RECEIVED = Filter("received", gettext_lazy("Received"), FilterKind.DATE_RANGE)


def _count(name: str) -> str:
    return f"(r.counts ->> '{name}')::int"


_PROBLEMS_SQL = {
    "refused": f"{_count('refused')} > 0",
    "file": "r.file_error is not null",
    "any": f"({_count('refused')} > 0 or {_count('warned')} > 0 or r.file_error is not null "
    "or r.file_warnings <> '[]')",
}
# Before an import is applied its counts say what would happen: that is history of nothing.
_COUNTED = "r.state = 'applied'"
_COUNTS: Mapping[str, Text] = {
    "created": gettext_lazy("Created"),
    "updated": gettext_lazy("Updated"),
    "unchanged": gettext_lazy("Unchanged"),
    "refused": gettext_lazy("Refused"),
}

_COLUMNS = (
    Column("received_at", gettext_lazy("Received"), ColumnKind.INSTANT, "r.received_at"),
    Column("file_name", gettext_lazy("File"), ColumnKind.TEXT, "r.file_name"),
    Column("source", gettext_lazy("Came by"), ColumnKind.TEXT, "r.source", words=said(_SOURCES)),
    actor_column("received_by", gettext_lazy("Brought by"), "receiver", "r.received_by"),
    Column("size", gettext_lazy("Bytes"), ColumnKind.INTEGER, "r.size", shown=False),
    Column("state", gettext_lazy("State"), ColumnKind.TEXT, "r.state", words=said(_STATES)),
    Column("rows", gettext_lazy("Rows"), ColumnKind.INTEGER, _count("rows")),
    *(
        Column(name, title, ColumnKind.INTEGER, f"case when {_COUNTED} then {_count(name)} end")
        for name, title in _COUNTS.items()
    ),
    Column("warned", gettext_lazy("With warnings"), ColumnKind.INTEGER, _count("warned")),
    Column("file_error", gettext_lazy("Error of the file"), ColumnKind.TEXT, "(r.file_error ->> 'message')"),
    Column(
        "file_error_code",
        gettext_lazy("Error code of the file"),
        ColumnKind.TEXT,
        "(r.file_error ->> 'code')",
        shown=False,
    ),
    Column(
        "file_warnings",
        gettext_lazy("Warnings of the file"),
        ColumnKind.INTEGER,
        "jsonb_array_length(r.file_warnings)",
        shown=False,
    ),
    Column("applied_at", gettext_lazy("Applied"), ColumnKind.INSTANT, "r.applied_at"),
    actor_column("applied_by", gettext_lazy("Applied by"), "applier", "r.applied_by", shown=False),
    Column("import", gettext_lazy("Import"), ColumnKind.TEXT, "r.id::text"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = [
        "r.institution_id = %(institution)s",
        *days(parameters, arguments, "received", "r.received_at"),
    ]
    if "state" in parameters:
        conditions.append("r.state = any(%(states)s::text[])")
        arguments["states"] = list(parameters["state"])
    if "source" in parameters:
        conditions.append("r.source = %(source)s")
        arguments["source"] = parameters["source"]
    if "problems" in parameters:
        conditions.append(_PROBLEMS_SQL[parameters["problems"]])
    return Source(
        from_sql=f"rosters_rosterimport r {staff_join('receiver', 'r.received_by')} "
        f"{staff_join('applier', 'r.applied_by')}",
        identity="r.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    """Show the twenty latest imports that were applied: what each did."""
    source = _source(parameters, _COLUMNS, context)
    latest = grouped(
        replace(source, where=(*source.where, _COUNTED)),
        context,
        f"r.received_at at time zone %(time_zone)s, {', '.join(_count(name) for name in _COUNTS)}",
        "order by r.received_at desc, r.id desc limit 20",
    )
    ((imports, failed, with_refused),) = grouped(
        source,
        context,
        f"count(*), count(*) filter (where r.state = 'failed'), "
        f"count(*) filter (where {_COUNTED} and {_count('refused')} > 0)",
        "",
    )
    summary = _("No imports match these filters.")
    if imports:
        summary = ngettext("%(count)d import:", "%(count)d imports:", imports) % {"count": imports}
        summary += " " + _("%(failed)d failed, %(refused)d had rows that were refused.") % {
            "failed": failed,
            "refused": with_refused,
        }
    latest.reverse()
    return ReportChart(
        kind="stacked_bar",
        title=_("Rows of the latest imports"),
        labels=[f"{at:%Y-%m-%d %H:%M}" for at, *_counts in latest],
        series=[
            ChartSeries(title, [row[place] or 0 for row in latest])
            for place, title in enumerate(_COUNTS.values(), 1)
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="roster-imports",
    title=gettext_lazy("Roster import history"),
    description=gettext_lazy(
        "A row for each roster file that came: what it did, and how much of it was wrong."
    ),
    permission=Permission.IMPORT_ROSTERS,
    filters=(_STATE, _SOURCE, _PROBLEMS, _RECEIVED),
    default_sort="-received_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.OPERATIONS,
)
