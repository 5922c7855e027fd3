"""Non-compliant students with what is missing: a row for each item of a membership that is not approved.

What is missing is said as the student reads it. A delta holds what is still missing of those who changed; who has
nothing missing any more is in "Student compliance detail".
"""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.item_standing import (
    ITEM,
    OPEN_STATUS,
    OPEN_TITLES,
    OVERDUE,
    OVERDUE_SQL,
    SAME_ITEM,
    chart_by_requirement,
    next_action_column,
    open_item_conditions,
    overdue_column,
    reasons_in_words,
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
from pratique.reports.definitions.requirement_names import NAME, NAME_JOIN
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
    Column(
        "requirement",
        gettext_lazy("Requirement"),
        ColumnKind.TEXT,
        NAME,
        sort=(NAME, "s.last_name", "s.first_name"),
        section=ITEM,
    ),
    Column("requirement_key", gettext_lazy("Requirement key"), ColumnKind.TEXT, "i.requirement_key", shown=False,
           section=ITEM),
    Column("status", gettext_lazy("Status"), ColumnKind.STATUS, "i.status", section=ITEM),
    Column(
        "missing",
        gettext_lazy("What is missing"),
        ColumnKind.TEXT,
        "i.reasons::text",
        sortable=False,
        section=ITEM,
        words=reasons_in_words,
    ),
    next_action_column("i"),
    overdue_column(),
    Column("administered_on", gettext_lazy("Last dose or document"), ColumnKind.DATE, "i.administered_on",
           shown=False, section=ITEM),
    Column("status_changed_at", gettext_lazy("Status since"), ColumnKind.INSTANT, "i.status_changed_at",
           shown=False, section=ITEM),
    *more_columns("email", "tracker", "due_on"),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    conditions += open_item_conditions(parameters, arguments)
    if "overdue" in parameters:
        conditions.append(OVERDUE_SQL[parameters["overdue"]])
    return Source(
        from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} "
        f"join compliance_item i on {SAME_ITEM} {NAME_JOIN}",
        identity="m.id, i.requirement_key",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    return chart_by_requirement(
        _source(parameters, _COLUMNS, context),
        context,
        key="i.requirement_key",
        name=NAME,
        position="n.position",
        titles=OPEN_TITLES,
    )


REPORT = ReportDefinition(
    key="missing-items",
    title=gettext_lazy("What students are missing"),
    description=gettext_lazy(
        "One row for each requirement that a student has not met: what is missing, and what is next."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, REQUIREMENT, OPEN_STATUS, DUE, OVERDUE),
    default_sort="last_name",
    columns=lambda parameters, context: with_state(_COLUMNS, parameters),
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
    changed=CHANGED,
)
