"""Status changes since: every change of an item, in order; as a delta each of them once."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
from pratique.reports.definitions.changes import (
    AT,
    CHANGED,
    MEMBERSHIP_JOIN,
    by_day,
    change_conditions,
    counted_days,
)
from pratique.reports.definitions.memberships import STUDENT_FILTERS
from pratique.reports.definitions.reading import REQUIREMENT_NAMES, requirement_name
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, REQUIREMENT, STATUS, STATUS_TITLES
from pratique.reports.types import (
    Category,
    Column,
    ColumnKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
    Text,
)

_KIND = (
    "case when c.requirement_key = '' then 'arrived' when c.from_status = '' then 'added' "
    "when c.to_status = '' then 'gone' else 'changed' end"
)
_KINDS: Mapping[str, Text] = {
    "arrived": gettext_lazy("List of requirements made"),
    "added": gettext_lazy("Asked for the first time"),
    "changed": gettext_lazy("Status changed"),
    "gone": gettext_lazy("No longer asked"),
}
_COLUMNS = (
    Column("id", gettext_lazy("Number"), ColumnKind.INTEGER, "c.id"),
    Column("at", gettext_lazy("Changed"), ColumnKind.INSTANT, "c.at"),
    *NAMES,
    Column("change", gettext_lazy("What"), ColumnKind.TEXT, _KIND, words=said(_KINDS)),
    Column(
        "requirement",
        gettext_lazy("Requirement"),
        ColumnKind.TEXT,
        requirement_name("nullif(c.requirement_key, '')"),
    ),
    Column(
        "requirement_key",
        gettext_lazy("Requirement key"),
        ColumnKind.TEXT,
        "c.requirement_key",
        shown=False,
    ),
    Column("from_status", gettext_lazy("Status before"), ColumnKind.STATUS, "nullif(c.from_status, '')"),
    Column("to_status", gettext_lazy("Status after"), ColumnKind.STATUS, "nullif(c.to_status, '')"),
    *more_columns("tracker"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = change_conditions(parameters, arguments)
    if "requirement" in parameters:
        conditions.append("c.requirement_key = %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    if "status" in parameters:
        conditions.append("c.to_status = any(%(statuses)s::text[])")
        arguments["statuses"] = list(parameters["status"])
    return Source(
        from_sql=f"compliance_statuschange c {MEMBERSHIP_JOIN} {REQUIREMENT_NAMES}",
        identity="c.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    source = _source(parameters, _COLUMNS, context)
    listed, counts = counted_days(parameters, context, source, "c.to_status")
    totals = {status: sum(counts.get((day, status), 0) for day in listed) for status in STATUS_TITLES}
    told = ", ".join(
        f"{count:,} {str(STATUS_TITLES[status]).lower()}" for status, count in totals.items() if count
    )
    summary = (
        _("In the days shown, items became: %(counts)s.") % {"counts": told}
        if told
        else _("In the days shown, no item got another status.")
    )
    return by_day(
        _("Items by day and the status that they got"),
        {status: (title, status) for status, title in STATUS_TITLES.items()},
        listed,
        counts,
        summary,
    )


REPORT = ReportDefinition(
    key="status-changes",
    title=gettext_lazy("Status changes"),
    description=gettext_lazy(
        "Every change of an item’s status, in order. As a delta: what changed since the last file."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE, REQUIREMENT, STATUS, AT),
    default_sort="id",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.CHANGES,
    changed=CHANGED,
)
