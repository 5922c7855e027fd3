"""Reviewer turnaround: a row a reviewer, how much they decided and how long what was sent had waited."""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import actor_column, actor_in_words, staff_join
from pratique.reports.definitions.counting import grouped, hours_in_words
from pratique.reports.definitions.memberships import one_membership
from pratique.reports.definitions.reading import days
from pratique.reports.filters import GROUP, ON_CAMPUS, PACKAGE, TERM, TRACKER
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

_DECIDED = Filter("decided", gettext_lazy("Decided"), FilterKind.DATE_RANGE)
_ABOUT_STUDENTS = (PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS)

_COLUMNS = (
    actor_column("reviewer", gettext_lazy("Reviewer"), "u", "d.decided_by"),
    Column("cases", gettext_lazy("Cases"), ColumnKind.INTEGER, "d.cases"),
    Column("pieces", gettext_lazy("Pieces decided"), ColumnKind.INTEGER, "d.pieces"),
    Column("approved", gettext_lazy("Pieces approved"), ColumnKind.INTEGER, "d.approved"),
    Column("returned", gettext_lazy("Pieces returned"), ColumnKind.INTEGER, "d.returned"),
    Column(
        "percent_returned",
        gettext_lazy("Returned, %"),
        ColumnKind.PERCENT,
        "round(100.0 * d.returned / d.pieces, 1)",
    ),
    Column("median_hours", gettext_lazy("Sent to decided, median hours"), ColumnKind.INTEGER, "d.median"),
    Column(
        "ninetieth_hours",
        gettext_lazy("Sent to decided, 90th percentile, hours"),
        ColumnKind.INTEGER,
        "d.ninetieth",
    ),
    # Approvals in bulk have no time on the case.
    Column("median_seconds", gettext_lazy("On the case, median seconds"), ColumnKind.INTEGER, "d.seconds"),
    Column("last_at", gettext_lazy("Last decision"), ColumnKind.INSTANT, "d.last_at", shown=False),
)

# A case counts once for each who decided pieces of it; what was undone counts nowhere.
_CASES = """
    select r.decided_by, count(*) as pieces, count(*) filter (where r.decision = 'approved') as approved,
        count(*) filter (where r.decision = 'rejected') as returned, max(r.seconds) as seconds,
        max(r.decided_at) as at, extract(epoch from max(r.decided_at) - c.sent_at) / 3600 as hours
    from reviews_review r
    join records_submission c on c.institution_id = r.institution_id and c.id = r.submission_id
    {students} where {conditions}
    group by r.submission_id, r.decided_by, c.sent_at
"""
_BY_REVIEWER = """
    select decided_by, count(*) as cases, sum(pieces)::int as pieces, sum(approved)::int as approved,
        sum(returned)::int as returned, count(*) filter (where returned > 0) as cases_returned,
        round(percentile_cont(0.5) within group (order by hours))::int as median,
        round(percentile_cont(0.9) within group (order by hours))::int as ninetieth,
        round(percentile_cont(0.5) within group (order by seconds))::int as seconds, max(at) as last_at
    from ({cases}) one group by decided_by
"""


def _cases(parameters: Parameters, arguments: dict[str, Any]) -> str:
    conditions = ["r.institution_id = %(institution)s", "r.undone_at is null"]
    conditions += days(parameters, arguments, "decided", "r.decided_at")
    is_narrowed = any(one.key in parameters for one in _ABOUT_STUDENTS)
    students = one_membership(parameters, arguments, of="c.student_id") if is_narrowed else ""
    return _CASES.format(students=students, conditions=" and ".join(conditions))


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    by_reviewer = _BY_REVIEWER.format(cases=_cases(parameters, arguments))
    return Source(
        from_sql=f"({by_reviewer}) d {staff_join('u', 'd.decided_by')}",
        identity="d.decided_by",
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"{_COLUMNS[0].sql}, d.cases - d.cases_returned, d.cases_returned",
        "order by d.cases desc, u.name, d.decided_by",
    )
    arguments: dict[str, Any] = {}
    cases = _cases(parameters, arguments)
    ((total, returned, median, ninetieth),) = grouped(
        Source(f"({cases}) one", "", arguments=arguments),
        context,
        "count(*), count(*) filter (where one.returned > 0), "
        "round(percentile_cont(0.5) within group (order by one.hours))::int, "
        "round(percentile_cont(0.9) within group (order by one.hours))::int",
        "",
    )
    summary = _("Nothing was decided that matches these filters.")
    if total:
        summary = ngettext("%(total)s case decided.", "%(total)s cases decided.", total) % {
            "total": f"{total:,}"
        }
        summary += " " + _(
            "Half of them within %(median)s of being sent, nine of ten within %(ninetieth)s. "
            "Something was returned in %(share).0f%%."
        ) % {
            "median": hours_in_words(median),
            "ninetieth": hours_in_words(ninetieth),
            "share": 100 * returned / total,
        }
    return ReportChart(
        kind="stacked_bar",
        title=_("Cases decided by reviewer"),
        labels=[actor_in_words(who) for who, _approved, _returned in found],
        series=[
            ChartSeries(_("All approved"), [approved for _who, approved, _returned in found], "approved"),
            ChartSeries(_("Something returned"), [back for _who, _approved, back in found], "rejected"),
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="review-turnaround",
    title=gettext_lazy("Reviewer turnaround"),
    description=gettext_lazy(
        "A row for each reviewer: what they decided, how long it had waited, and how long they took."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(_DECIDED, *_ABOUT_STUDENTS),
    default_sort="-cases",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.REVIEW,
)
