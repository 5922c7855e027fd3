"""Students who are not complete: a row a membership, with what is missing as one list."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import bars, grouped
from pratique.reports.definitions.item_standing import (
    ITEM,
    OPEN_STATUS,
    OVERDUE,
    OVERDUE_SQL,
    SAME_ITEM,
    next_action_column,
    open_item_conditions,
    overdue_column,
)
from pratique.reports.definitions.memberships import (
    CHANGED,
    PACKAGE_JOIN,
    STUDENT_FILTERS,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.requirement_names import any_name_join
from pratique.reports.definitions.student_columns import NAMES, more_columns, with_state
from pratique.reports.filters import DUE, REQUIREMENT
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

_COLUMNS = (
    *NAMES,
    Column("open_items", gettext_lazy("Requirements not met"), ColumnKind.INTEGER,
           "m.num_items - m.num_approved", section=ITEM),
    Column("open_requirements", gettext_lazy("Which"), ColumnKind.TEXT, "o.requirements", sortable=False,
           section=ITEM),
    Column("to_do", gettext_lazy("To be handed in"), ColumnKind.INTEGER, "m.num_items - m.num_complete",
           section=ITEM),
    Column("user_complete", gettext_lazy("All handed in"), ColumnKind.BOOLEAN, "m.user_complete", shown=False,
           section=ITEM),
    Column("num_items", gettext_lazy("Items"), ColumnKind.INTEGER, "m.num_items", shown=False, section=ITEM),
    next_action_column("m"),
    overdue_column(),
    Column("status_changed_at", gettext_lazy("Last changed"), ColumnKind.INSTANT, "m.status_changed_at",
           shown=False, section=ITEM),
    *more_columns("email", "tracker", "due_on"),
)  # fmt: skip

_LIST = "string_agg(coalesce(n.name, i.requirement_key), '; ' order by n.position, n.name) as requirements"
_BY_MISSING = {
    "0": gettext_lazy("Nothing asked yet"),
    "1": gettext_lazy("1 missing"),
    "2": gettext_lazy("2 missing"),
    "3": gettext_lazy("3 missing"),
    "4": gettext_lazy("4 or more missing"),
}


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    conditions.append("not m.complete")
    if "overdue" in parameters:
        conditions.append(OVERDUE_SQL[parameters["overdue"]])
    if "requirement" in parameters or "status" in parameters:
        items = " and ".join(open_item_conditions(parameters, arguments))
        conditions.append(f"exists (select from compliance_item i where {SAME_ITEM} and {items})")
    report = Source(
        from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}",
        identity="m.id",
        where=tuple(conditions),
        arguments=arguments,
    )
    if all(column.key != "open_requirements" for column in columns):
        return report
    named = any_name_join("i.requirement_key")
    return replace(
        report,
        whole_join=f"left join (select i.membership_id, {_LIST} from compliance_item i {named} "
        "where i.status <> 'approved' group by 1) o on o.membership_id = m.id",
        detail_join=f"left join lateral (select {_LIST} from compliance_item i {named} "
        f"where {SAME_ITEM} and i.status <> 'approved') o on true",
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "least(4, m.num_items - m.num_approved)::text, count(*)",
        "group by 1",
    )
    counts = dict(rows)
    total = sum(counts.values())
    summary = _("No students match these filters.")
    if total:
        summary = ngettext(
            "%(total)s student is not complete; %(one)s lack one requirement only.",
            "%(total)s students are not complete; %(one)s lack one requirement only.",
            total,
        ) % {"total": f"{total:,}", "one": f"{counts.get('1', 0):,}"}
    if unasked := counts.get("0", 0):
        # They are no mistake of the list: nothing tells yet what they would have to meet.
        summary += " " + ngettext(
            "Nothing is asked yet of %(count)s student, who may have no tracker.",
            "Nothing is asked yet of %(count)s students, who may have no tracker.",
            unasked,
        ) % {"count": f"{unasked:,}"}
    return bars(_("Students by number of requirements not met"), _("Students"), _BY_MISSING, counts, summary)


REPORT = ReportDefinition(
    key="not-complete",
    title=gettext_lazy("Students who are not complete"),
    description=gettext_lazy("One row for each student who is not complete, with all that is missing."),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, REQUIREMENT, OPEN_STATUS, DUE, OVERDUE),
    default_sort="last_name",
    columns=lambda parameters, context: with_state(_COLUMNS, parameters),
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
    changed=CHANGED,
)
