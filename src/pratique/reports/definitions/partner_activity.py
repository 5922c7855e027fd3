"""Partner API activity: calls by day, client and method. The log of calls says nothing of students, nor does this.

The log keeps 90 days, and so far back does the report go.
"""

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

_ENVIRONMENTS: Mapping[str, Text] = {
    "production": gettext_lazy("Production"),
    "demo": gettext_lazy("Demo"),
}
_ENVIRONMENT = Filter(
    "environment",
    gettext_lazy("Environment"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in _ENVIRONMENTS.items()),
)
_CALLED = Filter("called", gettext_lazy("Called"), FilterKind.DATE_RANGE)
_DAYS = 30

_COLUMNS = (
    Column("day", gettext_lazy("Day"), ColumnKind.DATE, "d.day"),
    Column("partner", gettext_lazy("Partner"), ColumnKind.TEXT, "b.name"),
    Column(
        "environment",
        gettext_lazy("Environment"),
        ColumnKind.TEXT,
        "c.environment",
        words=said(_ENVIRONMENTS),
    ),
    Column("client", gettext_lazy("Client id"), ColumnKind.TEXT, "c.identifier", shown=False),
    Column("method", gettext_lazy("Method"), ColumnKind.TEXT, "d.method"),
    Column("calls", gettext_lazy("Calls"), ColumnKind.INTEGER, "d.calls"),
    Column("errors", gettext_lazy("Errors"), ColumnKind.INTEGER, "d.errors"),
    Column("rate_limited", gettext_lazy("Over the limit"), ColumnKind.INTEGER, "d.rate_limited"),
    Column(
        "percent_errors",
        gettext_lazy("Errors, %"),
        ColumnKind.PERCENT,
        "round(100.0 * d.errors / d.calls, 1)",
        shown=False,
    ),
    Column("median_ms", gettext_lazy("Median, ms"), ColumnKind.INTEGER, "round(d.ms[1])::int"),
    Column("ninety_fifth_ms", gettext_lazy("95th percentile, ms"), ColumnKind.INTEGER, "round(d.ms[2])::int"),
)
# A call over the limit is counted as one of the errors too.
_BY_DAY = """(
    select (l.at at time zone %(time_zone)s)::date as day, l.client_id, l.method, count(*) as calls,
        count(*) filter (where l.code <> 'OK') as errors,
        count(*) filter (where l.code = 'RATE_LIMITED') as rate_limited,
        percentile_cont(array[0.5, 0.95]) within group (order by l.duration_ms) as ms
    from partners_partnercall l where {conditions} group by 1, 2, 3
) d
join partners_partnerclient c on c.institution_id = %(institution)s and c.id = d.client_id
join partners_partner b on b.institution_id = %(institution)s and b.id = c.partner_id"""


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = ["l.institution_id = %(institution)s", *days(parameters, arguments, "called", "l.at")]
    where: list[str] = []
    if "environment" in parameters:
        where.append("c.environment = %(environment)s")
        arguments["environment"] = parameters["environment"]
    return Source(
        from_sql=_BY_DAY.format(conditions=" and ".join(conditions)),
        identity="d.day, d.client_id, d.method",
        where=tuple(where),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    """Show the calls of each of the last thirty days, and tell of all that match."""
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "d.day, sum(d.calls)::int, sum(d.errors)::int, sum(d.rate_limited)::int",
        "group by 1",
    )
    by_day = {day: (calls, errors) for day, calls, errors, _limited in found}
    listed = [context.today - timedelta(days=ago) for ago in reversed(range(_DAYS))]
    calls, errors, limited = (sum(row[place] for row in found) for place in (1, 2, 3))
    summary = _("No calls match these filters.")
    if calls:
        summary = ngettext("%(count)d call:", "%(count)d calls:", calls) % {"count": calls}
        summary += " " + _(
            "%(errors)d ended in an error (%(share).1f%%), %(limited)d of them over the limit."
        ) % {
            "errors": errors,
            "share": 100 * errors / calls,
            "limited": limited,
        }
    return ReportChart(
        kind="line",
        title=_("Calls a day, the last 30 days"),
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day in listed],
        series=[
            ChartSeries(
                _("Answered"),
                [by_day.get(day, (0, 0))[0] - by_day.get(day, (0, 0))[1] for day in listed],
                "approved",
            ),
            ChartSeries(_("Errors"), [by_day.get(day, (0, 0))[1] for day in listed], "rejected"),
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="partner-activity",
    title=gettext_lazy("Partner API activity"),
    description=gettext_lazy(
        "Calls by day, client and method: how many, how many failed, how long they took. 90 days are kept."
    ),
    permission=Permission.VIEW_PARTNERS,
    filters=(_ENVIRONMENT, _CALLED),
    default_sort="-day",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.OPERATIONS,
)
