"""Requirement completion rates: for each requirement, how many items have which status, and the shares of them."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped, stacked
from pratique.reports.definitions.item_standing import BY_EXEMPTION
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_FILTERS,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.requirement_names import any_name_join
from pratique.reports.filters import DUE, REQUIREMENT, STATUS_TITLES
from pratique.reports.types import (
    Category,
    Column,
    ColumnKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
)

_NAME = "coalesce(n.name, k.requirement_key)"
_COLUMNS = (
    # In the order of the requirement sets, where nobody asked for another.
    Column("requirement", gettext_lazy("Requirement"), ColumnKind.TEXT, _NAME, sort=("n.position", _NAME)),
    Column("requirement_key", gettext_lazy("Requirement key"), ColumnKind.TEXT, "k.requirement_key", shown=False),
    Column("items", gettext_lazy("Students asked"), ColumnKind.INTEGER, "k.items"),
    Column("percent_approved", gettext_lazy("Approved, %"), ColumnKind.PERCENT,
           "round(100.0 * k.approved / k.items, 1)"),
    Column("percent_handed_in", gettext_lazy("Handed in, %"), ColumnKind.PERCENT,
           "round(100.0 * (k.approved + k.pending) / k.items, 1)"),
    *(Column(status, title, ColumnKind.INTEGER, f"k.{status}") for status, title in STATUS_TITLES.items()),
    Column("exempt", gettext_lazy("Approved by exemption"), ColumnKind.INTEGER, "k.exempt"),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    if "requirement" in parameters:
        conditions.append("i.requirement_key = %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    counts = ", ".join(
        f"count(*) filter (where i.status = '{status}') as {status}" for status in STATUS_TITLES
    )
    return Source(
        from_sql=f"(select i.requirement_key, count(*) as items, {counts}, "
        f"count(*) filter (where {BY_EXEMPTION}) as exempt "
        f"from students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} "
        "join compliance_item i on i.institution_id = m.institution_id and i.membership_id = m.id "
        f"where {' and '.join(conditions)} group by 1) k {any_name_join('k.requirement_key')}",
        identity="k.requirement_key",
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    statuses = list(STATUS_TITLES)
    rows = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"k.requirement_key, {_NAME}, {', '.join(f'k.{status}' for status in statuses)}",
        "order by n.position, 2, 1",
    )
    counts = {
        (key, status): count
        for key, _name, *found in rows
        for status, count in zip(statuses, found, strict=True)
    }
    return stacked(
        _("Items by requirement and status"),
        {key: name for key, name, *_counts in rows},
        STATUS_TITLES,
        counts,
        _summary([(name, counts[key, "approved"], sum(found)) for key, name, *found in rows]),
        statuses={status: status for status in statuses},
    )


def _summary(rows: Sequence[tuple[str, int, int]]) -> str:
    if not rows:
        return _("No items match these filters.")
    shares = [(100 * approved / items, name) for name, approved, items in rows]
    (least, last), (most, first) = min(shares), max(shares)
    text = ngettext("%(count)d requirement.", "%(count)d requirements.", len(rows)) % {"count": len(rows)}
    return f"{text} " + _(
        "Most often approved: %(first)s (%(most).0f%%). Least often: %(last)s (%(least).0f%%)."
    ) % {"first": first, "most": most, "last": last, "least": least}


REPORT = ReportDefinition(
    key="completion-rates",
    title=gettext_lazy("Completion rates by requirement"),
    description=gettext_lazy("For each requirement, how many students have it approved, pending or missing."),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, REQUIREMENT, DUE),
    default_sort="requirement",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
