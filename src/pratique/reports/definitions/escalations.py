"""Escalations: what was asked for because a due date passed, who allowed it, and whether it still holds."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import actor_column, said, staff_join
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_FILTERS,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.reading import days
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE
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

_KINDS: Mapping[str, Text] = {
    "hold": gettext_lazy("Registration hold"),
    "housing": gettext_lazy("Housing office"),
    "advisor": gettext_lazy("Advisor"),
}
_STATES: Mapping[str, tuple[Text, str]] = {
    "waiting": (gettext_lazy("Waits for approval"), "pending"),
    "approved": (gettext_lazy("Approved"), "approved"),
    "refused": (gettext_lazy("Refused"), "rejected"),
    "ended": (gettext_lazy("Ended: the student is complete"), "incomplete"),
}
_KIND = Filter(
    "kind",
    gettext_lazy("Kind"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _KINDS.items()),
)
_STATE = Filter(
    "standing",
    gettext_lazy("State"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, (title, _status) in _STATES.items()),
)
_ASKED = Filter("asked", gettext_lazy("Asked"), FilterKind.DATE_RANGE)

_COLUMNS = (
    *NAMES,
    Column("kind", gettext_lazy("Kind"), ColumnKind.TEXT, "x.kind", words=said(_KINDS)),
    Column("step", gettext_lazy("Step"), ColumnKind.TEXT, "x.step"),
    Column("passed", gettext_lazy("Due date that passed"), ColumnKind.DATE, "x.due_on", shown=False),
    Column(
        "standing",
        gettext_lazy("State"),
        ColumnKind.TEXT,
        "x.state",
        words=said({code: title for code, (title, _status) in _STATES.items()}),
    ),
    Column("asked_at", gettext_lazy("Asked"), ColumnKind.INSTANT, "x.created_at"),
    actor_column("decided_by", gettext_lazy("Decided by"), "u", "x.decided_by"),
    Column("decided_at", gettext_lazy("Decided"), ColumnKind.INSTANT, "x.decided_at"),
    Column("told_at", gettext_lazy("Told"), ColumnKind.INSTANT, "x.told_at", shown=False),
    Column("contact", gettext_lazy("Contact"), ColumnKind.TEXT, "x.contact", shown=False),
    Column("ended_at", gettext_lazy("Ended"), ColumnKind.INSTANT, "x.ended_at"),
    *more_columns("tracker", "due_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = [
        "x.institution_id = %(institution)s",
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
        *days(parameters, arguments, "asked", "x.created_at"),
    ]
    for key, expression in (("kind", "x.kind"), ("standing", "x.state")):
        if key in parameters:
            conditions.append(f"{expression} = any(%({key})s::text[])")
            arguments[key] = list(parameters[key])
    return Source(
        from_sql="reminders_escalation x "
        "join students_membership m on m.institution_id = x.institution_id and m.id = x.membership_id "
        f"{STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} {staff_join('u', 'x.decided_by')}",
        identity="x.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    found = grouped(
        _source(parameters, _COLUMNS, context), context, "x.kind, x.state, count(*)", "group by 1, 2"
    )
    counts = {(kind, state): count for kind, state, count in found}
    total = sum(counts.values())
    summary = _("No escalations match these filters.")
    if total:
        waiting = sum(count for (_kind, state), count in counts.items() if state == "waiting")
        summary = ngettext("%(count)d escalation;", "%(count)d escalations;", total) % {"count": total}
        summary += " " + ngettext(
            "%(count)d waits for approval.", "%(count)d wait for approval.", waiting
        ) % {"count": waiting}
    return ReportChart(
        kind="stacked_bar",
        title=_("Escalations by kind and state"),
        labels=list(_KINDS.values()),
        series=[
            ChartSeries(title, [counts.get((kind, state), 0) for kind in _KINDS], status)
            for state, (title, status) in _STATES.items()
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="escalations",
    title=gettext_lazy("Escalations"),
    description=gettext_lazy(
        "Holds, housing and advisors that a missed due date asked for: who allowed what."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE, _KIND, _STATE, _ASKED),
    default_sort="-asked_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.PEOPLE,
)
