"""Compliance over time: how far everybody was at the end of each day (`compliance.note_days` notes it).

Of students how many were complete; with a requirement chosen, of its items how many were approved. A day on which
nothing was noted is not there, and figures know trackers and requirements only: not who lives on campus.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import tracker_conditions
from pratique.reports.filters import GROUP, PACKAGE, REQUIREMENT, STATUS_TITLES, TERM, TRACKER
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
)

_DAYS = 90
# More lines than these nobody can tell apart; the table has them all.
_MOST_LINES = 6
_DAY = Filter("day", gettext_lazy("Day"), FilterKind.DATE_RANGE)
_BY = Filter(
    "by",
    gettext_lazy("One line for"),
    FilterKind.CHOICE,
    choices=(Choice("all", gettext_lazy("All together")), Choice("tracker", gettext_lazy("Each tracker"))),
    default="all",
)
_DAY_COLUMN = Column("day", gettext_lazy("Day"), ColumnKind.DATE, "k.day")
_TRACKER_COLUMN = Column(
    "tracker", gettext_lazy("Tracker"), ColumnKind.TEXT, "coalesce(k.tracker, 'None Selected')",
    sort=("k.tracker", "k.day"),
)  # fmt: skip


def _share(count: str, whole: str) -> str:
    return f"round(100.0 * {count} / nullif({whole}, 0), 1)"


_OF_STUDENTS = (
    Column("students", gettext_lazy("Students"), ColumnKind.INTEGER, "k.whole"),
    Column("complete", gettext_lazy("Complete"), ColumnKind.INTEGER, "k.done"),
    Column("percent_complete", gettext_lazy("Complete, %"), ColumnKind.PERCENT, _share("k.done", "k.whole")),
    Column("user_complete", gettext_lazy("All handed in"), ColumnKind.INTEGER, "k.handed_in"),
    Column("percent_user_complete", gettext_lazy("All handed in, %"), ColumnKind.PERCENT,
           _share("k.handed_in", "k.whole")),
)  # fmt: skip
_OF_ITEMS = (
    Column("items", gettext_lazy("Students asked"), ColumnKind.INTEGER, "k.whole"),
    Column("percent_approved", gettext_lazy("Approved, %"), ColumnKind.PERCENT, _share("k.done", "k.whole")),
    Column("percent_handed_in", gettext_lazy("Handed in, %"), ColumnKind.PERCENT,
           _share("k.handed_in", "k.whole")),
    *(Column(status, title, ColumnKind.INTEGER, f"k.{status}") for status, title in STATUS_TITLES.items()),
)  # fmt: skip
_STUDENTS_SQL = "sum(d.students) as whole, sum(d.complete) as done, sum(d.user_complete) as handed_in"
_ITEMS_SQL = (
    f"sum({' + '.join(f'd.{one}' for one in STATUS_TITLES)}) as whole, sum(d.approved) as done, "
    "sum(d.approved + d.pending) as handed_in, "
    + ", ".join(f"sum(d.{one}) as {one}" for one in STATUS_TITLES)
)


def _columns(parameters: Parameters, context: ReportContext) -> tuple[Column, ...]:
    counts = _OF_ITEMS if "requirement" in parameters else _OF_STUDENTS
    tracker = (_TRACKER_COLUMN,) if parameters.get("by") == "tracker" else ()
    return (_DAY_COLUMN, *tracker, *counts)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {
        "day_from": parameters.get("day_from") or _first_day(parameters, context),
        "day_to": parameters.get("day_to", "9999-12-31"),
    }
    conditions = ["d.day between %(day_from)s::date and %(day_to)s::date"]
    if "requirement" in parameters:
        table, counts, package = "compliance_requirementday", _ITEMS_SQL, "t.package_id"
        conditions.append("d.requirement_key = %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    else:
        table, counts, package = "compliance_trackerday", _STUDENTS_SQL, "d.package_id"
    conditions += tracker_conditions(parameters, arguments)
    tracker = "t.name, d.tracker_id" if parameters.get("by") == "tracker" else "null::text, null::uuid"
    return Source(
        from_sql=f"(select d.day, grouped.tracker, grouped.tracker_id, {counts} from {table} d "
        "left join institutions_tracker t on t.institution_id = d.institution_id and t.id = d.tracker_id "
        f"left join institutions_package p on p.institution_id = d.institution_id and p.id = {package} "
        f"cross join lateral (select {tracker}) grouped (tracker, tracker_id) "
        f"where {' and '.join(conditions)} group by 1, 2, 3) k",
        identity="k.day, k.tracker_id",
        where=("k.whole > 0",),
        arguments=arguments,
    )


def _first_day(parameters: Parameters, context: ReportContext) -> date:
    last = date.fromisoformat(parameters["day_to"]) if "day_to" in parameters else context.today
    return last - timedelta(days=_DAYS - 1)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(
        _source(parameters, (), context),
        context,
        "k.day, coalesce(k.tracker, ''), k.done, k.whole",
        "order by k.day, k.tracker",
    )
    days = sorted({day for day, *_rest in rows})
    by_tracker = parameters.get("by") == "tracker"
    whole: dict[str, int] = {}
    shares: dict[str, dict[date, int]] = {}
    for day, tracker, done, students in rows:
        name = (tracker or _("None Selected")) if by_tracker else ""
        shares.setdefault(name, {})[day] = round(100 * done / students)
        whole[name] = max(whole.get(name, 0), students)
    drawn = sorted(sorted(shares), key=lambda name: -whole[name])[:_MOST_LINES]
    measure = _("Approved, %") if "requirement" in parameters else _("Complete, %")
    return ReportChart(
        kind="line",
        title=measure,
        labels=[date_format(day, "DATE_FORMAT") for day in days],
        series=[ChartSeries(name or measure, _filled(shares[name], days)) for name in sorted(drawn)],
        summary=_summary(shares, days, hidden=len(shares) - len(drawn)),
    )


def _filled(shares: Mapping[date, int], days: Sequence[date]) -> list[int]:
    """Return a value for each day: where none was noted, the one before."""
    values: list[int] = []
    for day in days:
        values.append(shares.get(day, values[-1] if values else 0))
    return values


def _summary(shares: Mapping[str, Mapping[date, int]], days: Sequence[date], *, hidden: int) -> str:
    if not days:
        return _("Nothing was noted in this time.")
    told = []
    for name, by_day in sorted(shares.items()):
        first, last = min(by_day), max(by_day)
        words = _("%(before)d%% on %(first)s, %(after)d%% on %(last)s") % {
            "before": by_day[first],
            "first": date_format(first, "DATE_FORMAT"),
            "after": by_day[last],
            "last": date_format(last, "DATE_FORMAT"),
        }
        told.append(f"{name}: {words}." if name else f"{words}.")
    text = " ".join(told[:_MOST_LINES])
    return f"{text} " + _("The table has the other trackers.") if hidden > 0 else text


REPORT = ReportDefinition(
    key="compliance-over-time",
    title=gettext_lazy("Compliance over time"),
    description=gettext_lazy(
        "Day by day, how many students were complete, or how many had one requirement approved."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(PACKAGE, TRACKER, GROUP, TERM, REQUIREMENT, _DAY, _BY),
    default_sort="-day",
    columns=_columns,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
