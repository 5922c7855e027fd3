"""Transfer activity: a row a file, in and out, with what became of it."""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
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
from pratique.transfers.types import REASONS

_DIRECTIONS: Mapping[str, Text] = {"in": gettext_lazy("In"), "out": gettext_lazy("Out")}
_OUTCOMES: Mapping[str, Text] = {
    "incomplete": gettext_lazy("Upload not complete"),
    "waiting": gettext_lazy("Waits"),
    "claimed": gettext_lazy("Taken for processing"),
    "importing": gettext_lazy("Being imported"),
    "processed": gettext_lazy("Processed"),
    "failed": gettext_lazy("Failed"),
    "repeated": gettext_lazy("Left unprocessed: same as the last file"),
    "ignored": gettext_lazy("Ignored: same as the last file"),
    "removed": gettext_lazy("Removed by the account"),
    "not_taken": gettext_lazy("Not taken yet"),
    "taken": gettext_lazy("Taken"),
    "deleted": gettext_lazy("Deleted without being taken"),
}
_TROUBLE = ("incomplete", "failed", "repeated", "deleted")
_DIRECTION = Filter(
    "direction",
    gettext_lazy("Direction"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in _DIRECTIONS.items()),
)
_OUTCOME = Filter(
    "outcome",
    gettext_lazy("Outcome"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _OUTCOMES.items()),
)
_AT = Filter("at", gettext_lazy("When"), FilterKind.DATE_RANGE)
_DAYS = 30

# Of a file that was taken and deleted later, that it was taken is what counts.
_FILES = """(
    select 'in' as direction, i.id, i.account_id, '/inbound/' || i.name as path, i.size, i.received_at as at,
        i.state as outcome, i.reason, i.finished_at, i.roster_import_id, '' as source
    from transfers_inboundfile i where i.institution_id = %(institution)s
    union all
    select 'out', o.id, o.account_id, concat_ws('/', '/outbound', nullif(o.folder, ''), o.name), o.size, o.created_at,
        case when o.first_read_at is not null then 'taken' when o.deleted_at is not null then 'deleted'
            else 'not_taken' end,
        '', coalesce(o.first_read_at, o.deleted_at), null, o.source
    from transfers_outboundfile o where o.institution_id = %(institution)s
) f"""

_COLUMNS = (
    Column("at", gettext_lazy("When"), ColumnKind.INSTANT, "f.at"),
    Column("account", gettext_lazy("Account"), ColumnKind.TEXT, "a.name"),
    Column("username", gettext_lazy("Account username"), ColumnKind.TEXT, "a.username", shown=False),
    Column("direction", gettext_lazy("Direction"), ColumnKind.TEXT, "f.direction", words=said(_DIRECTIONS)),
    Column("path", gettext_lazy("File"), ColumnKind.TEXT, "f.path"),
    Column("size", gettext_lazy("Bytes"), ColumnKind.INTEGER, "f.size"),
    Column("outcome", gettext_lazy("Outcome"), ColumnKind.TEXT, "f.outcome", words=said(_OUTCOMES)),
    Column("reason", gettext_lazy("Why"), ColumnKind.TEXT, "nullif(f.reason, '')", words=said(REASONS)),
    Column("finished_at", gettext_lazy("Finished or taken"), ColumnKind.INSTANT, "f.finished_at"),
    Column("source", gettext_lazy("What made it"), ColumnKind.TEXT, "nullif(f.source, '')", shown=False),
    Column("import", gettext_lazy("Import"), ColumnKind.TEXT, "f.roster_import_id::text", shown=False),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = days(parameters, arguments, "at", "f.at")
    if "direction" in parameters:
        conditions.append("f.direction = %(direction)s")
        arguments["direction"] = parameters["direction"]
    if "outcome" in parameters:
        conditions.append("f.outcome = any(%(outcomes)s::text[])")
        arguments["outcomes"] = list(parameters["outcome"])
    return Source(
        from_sql=f"{_FILES} join transfers_transferaccount a "
        "on a.institution_id = %(institution)s and a.id = f.account_id",
        identity="f.direction, f.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    """Show the files of each of the last thirty days, and tell of all that match."""
    source = _source(parameters, _COLUMNS, context)
    found = grouped(
        source,
        context,
        "(f.at at time zone %(time_zone)s)::date, f.direction, f.outcome, count(*), sum(f.size)::bigint",
        "group by 1, 2, 3",
    )
    listed = [context.today - timedelta(days=ago) for ago in reversed(range(_DAYS))]
    series = [
        ChartSeries(
            title,
            [sum(row[3] for row in found if row[0] == day and row[1] == direction) for day in listed],
        )
        for direction, title in _DIRECTIONS.items()
    ]
    files = sum(row[3] for row in found)
    summary = _("No files match these filters.")
    if files:
        trouble = sum(row[3] for row in found if row[2] in _TROUBLE)
        summary = ngettext("%(count)d file:", "%(count)d files:", files) % {"count": files}
        summary += " " + _(
            "%(in)d in, %(out)d out; %(trouble)d failed or were not taken before they went."
        ) % {
            "in": sum(row[3] for row in found if row[1] == "in"),
            "out": sum(row[3] for row in found if row[1] == "out"),
            "trouble": trouble,
        }
    return ReportChart(
        kind="line",
        title=_("Files a day, the last 30 days"),
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day in listed],
        series=series,
        summary=summary,
    )


REPORT = ReportDefinition(
    key="transfer-activity",
    title=gettext_lazy("Transfer activity"),
    description=gettext_lazy(
        "A row for each file that an account brought or could take, and what became of it."
    ),
    permission=Permission.VIEW_TRANSFERS,
    filters=(_DIRECTION, _OUTCOME, _AT),
    default_sort="-at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.OPERATIONS,
)
