"""The pending review queue and its age: what waits for a reviewer, since when, and who has it."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import actor_column, staff_join
from pratique.reports.definitions.counting import grouped, hours_in_words
from pratique.reports.definitions.memberships import one_membership
from pratique.reports.definitions.reading import REQUIREMENT_NAMES, requirement_names
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, GROUP, ON_CAMPUS, PACKAGE, REQUIREMENT, TERM, TRACKER
from pratique.reports.types import (
    Category,
    ChartSeries,
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

_HOURS = Filter(
    "hours", gettext_lazy("Waiting at least this many hours"), FilterKind.NUMBER, least=1, most=24 * 365
)
_AGE = "extract(epoch from %(now)s - c.queued_at)"
# A claim that has run out holds nobody off.
_CLAIMED_BY = "case when c.claimed_until > %(now)s then c.claimed_by else '' end"

_COLUMNS = (
    Column("number", gettext_lazy("Case"), ColumnKind.TEXT, "c.number"),
    *NAMES,
    Column(
        "asked_for",
        gettext_lazy("Handed in for"),
        ColumnKind.TEXT,
        requirement_names("c.requirement_keys"),
        sortable=False,
    ),
    Column("sent_at", gettext_lazy("Sent"), ColumnKind.INSTANT, "c.sent_at", shown=False),
    Column("queued_at", gettext_lazy("Waiting since"), ColumnKind.INSTANT, "c.queued_at"),
    Column("age_hours", gettext_lazy("Age, hours"), ColumnKind.INTEGER, f"floor({_AGE} / 3600)::int"),
    Column("age_days", gettext_lazy("Age, days"), ColumnKind.INTEGER, f"floor({_AGE} / 86400)::int"),
    actor_column("claimed_by", gettext_lazy("Open with"), "claimer", _CLAIMED_BY),
    actor_column("handed_to", gettext_lazy("Handed to"), "receiver", "c.handed_to"),
    Column(
        "second_opinion",
        gettext_lazy("Second opinion"),
        ColumnKind.BOOLEAN,
        "c.second_opinion_of <> ''",
        shown=False,
    ),
    *more_columns("tracker", "due_on"),
)
_BANDS = (
    (1, gettext_lazy("Less than a day")),
    (3, gettext_lazy("1 to 3 days")),
    (7, gettext_lazy("3 to 7 days")),
    (None, gettext_lazy("More than a week")),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {"now": context.now}
    conditions = ["c.institution_id = %(institution)s", "c.state = 'waiting'", "c.queued_at is not null"]
    if "requirement" in parameters:
        conditions.append("c.requirement_keys ? %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    if "hours" in parameters:
        conditions.append("c.queued_at <= %(now)s - %(hours)s * interval '1 hour'")
        arguments["hours"] = parameters["hours"]
    return Source(
        from_sql=f"records_submission c {one_membership(parameters, arguments, of='c.student_id')} "
        f"{staff_join('claimer', _CLAIMED_BY)} {staff_join('receiver', 'c.handed_to')} {REQUIREMENT_NAMES}",
        identity="c.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    bands = " ".join(
        f"when {_AGE} < {days * 86400} then {place}" for place, (days, _title) in enumerate(_BANDS) if days
    )
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"case {bands} else {len(_BANDS) - 1} end, count(*), max(floor({_AGE} / 3600))::int, "
        "count(*) filter (where t.due_on < %(today)s)",
        "group by 1",
    )
    counts = {place: count for place, count, _oldest, _overdue in found}
    total = sum(counts.values())
    summary = _("Nothing waits that matches these filters.")
    if total:
        oldest = max(row[2] for row in found)
        summary = ngettext(
            "%(total)s case waits, for %(time)s.",
            "%(total)s cases wait, the oldest for %(time)s.",
            total,
        ) % {"total": f"{total:,}", "time": hours_in_words(oldest)}
        overdue = sum(row[3] for row in found)
        summary += " " + ngettext(
            "%(count)d is past its due date.", "%(count)d are past their due date.", overdue
        ) % {"count": overdue}
    return ReportChart(
        kind="bar",
        title=_("Waiting cases by age"),
        labels=[title for _days, title in _BANDS],
        series=[ChartSeries(_("Cases"), [counts.get(place, 0) for place in range(len(_BANDS))], "pending")],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="review-queue",
    title=gettext_lazy("Review queue and its age"),
    description=gettext_lazy("What waits for a reviewer: whose it is, since when, and who has it open."),
    permission=Permission.VIEW_REPORTS,
    filters=(PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, DUE, REQUIREMENT, _HOURS),
    default_sort="queued_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.REVIEW,
)
