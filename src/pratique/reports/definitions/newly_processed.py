"""Newly processed students: who became complete, and for whom the list of requirements was made."""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
from pratique.reports.definitions.changes import (
    CHANGED,
    MEMBERSHIP_JOIN,
    by_day,
    change_conditions,
    counted_days,
    may_complete,
)
from pratique.reports.definitions.memberships import STUDENT_FILTERS
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE
from pratique.reports.types import (
    Category,
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

# The change since which the student is complete. Evaluations of an institution come one after the other, so that ids
# are in their order.
_COMPLETES = (
    f"(m.complete and {may_complete('c')} and not exists (select from compliance_statuschange l "
    "where l.institution_id = c.institution_id and l.membership_id = c.membership_id and l.id > c.id "
    f"and {may_complete('l')}))"
)
_EVENT = "case when done.completes then 'complete' else 'added' end"
_EVENTS: Mapping[str, Text] = {
    "complete": gettext_lazy("Became complete"),
    "added": gettext_lazy("List of requirements made"),
}
_WHAT = Filter(
    "event",
    gettext_lazy("What happened"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in _EVENTS.items()),
)
_SINCE = Filter("at", gettext_lazy("Since"), FilterKind.DATE_RANGE)

_COLUMNS = (
    *NAMES,
    Column("event", gettext_lazy("What happened"), ColumnKind.TEXT, _EVENT, words=said(_EVENTS)),
    Column("at", gettext_lazy("When"), ColumnKind.INSTANT, "c.at"),
    Column("complete", gettext_lazy("Complete"), ColumnKind.BOOLEAN, "m.complete"),
    Column("num_items", gettext_lazy("Items"), ColumnKind.INTEGER, "m.num_items", shown=False),
    Column("num_approved", gettext_lazy("Items approved"), ColumnKind.INTEGER, "m.num_approved", shown=False),
    Column("created_at", gettext_lazy("Registered"), ColumnKind.INSTANT, "m.created_at", shown=False),
    *more_columns("package", "tracker"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = change_conditions(parameters, arguments)
    # The cheap half first: most changes neither make a list nor belong to somebody who is complete.
    conditions += ["(c.requirement_key = '' or m.complete)", "(c.requirement_key = '' or done.completes)"]
    if "event" in parameters:
        conditions.append(f"{_EVENT} = %(event)s")
        arguments["event"] = parameters["event"]
    return Source(
        from_sql=f"compliance_statuschange c {MEMBERSHIP_JOIN} "
        # "offset 0": else the look for a later change would be made wherever the answer is named.
        f"cross join lateral (select {_COMPLETES} as completes offset 0) done",
        identity="c.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    source = _source(parameters, _COLUMNS, context)
    listed, counts = counted_days(parameters, context, source, _EVENT)
    complete, added = (sum(counts.get((day, event), 0) for day in listed) for event in _EVENTS)
    summary = ngettext(
        "In the days shown %(count)d student became complete,",
        "In the days shown %(count)d students became complete,",
        complete,
    ) % {"count": complete}
    summary += " " + ngettext(
        "and the list of requirements was made for %(count)d.",
        "and the list of requirements was made for %(count)d.",
        added,
    ) % {"count": added}
    return by_day(
        _("Newly processed students by day"),
        {"complete": (_EVENTS["complete"], "approved"), "added": (_EVENTS["added"], "incomplete")},
        listed,
        counts,
        summary,
    )


REPORT = ReportDefinition(
    key="newly-processed",
    title=gettext_lazy("Newly processed students"),
    description=gettext_lazy(
        "Who became complete, and for whom the list of requirements was made. As a delta: those since the last file."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE, _WHAT, _SINCE),
    default_sort="-at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.CHANGES,
    changed=CHANGED,
)
