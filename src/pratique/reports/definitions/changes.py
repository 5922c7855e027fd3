"""What reports about status changes share: the delta, the filters, and figures by day.

A StatusChange never changes again, so the transaction that wrote it tells for good which delta it belongs to: each
is in exactly one.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext_lazy

from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.reading import days
from pratique.reports.types import (
    ChartSeries,
    Filter,
    FilterKind,
    Parameters,
    ReportChart,
    ReportContext,
    Source,
    Text,
)

# A delta's condition on the change `c`.
CHANGED = "(c.transaction_id >= %(changes_first)s and c.transaction_id < %(changes_before)s)"
MEMBERSHIP_JOIN = (
    "join students_membership m on m.institution_id = c.institution_id and m.id = c.membership_id "
    f"{STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}"
)


def may_complete(change: str) -> str:
    """Return a condition on a change: it may have made its student complete.

    An item that was open is no longer, or the list of requirements was made. An item that was approved before changes
    nothing in that direction, nor does one that is new. For who is complete now, the last such change is the day.
    """
    return f"({change}.requirement_key = '' or {change}.from_status not in ('', 'approved'))"


AT = Filter("at", gettext_lazy("Changed"), FilterKind.DATE_RANGE)
# A chart shows so many days, the last ones of the range.
_DAYS = 30


def change_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions of the filters on the change `c`, its student and tracker, and add what they bind."""
    return [
        "c.institution_id = %(institution)s",
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
        *days(parameters, arguments, "at", "c.at"),
    ]


def counted_days(
    parameters: Parameters, context: ReportContext, source: Source, code: str
) -> tuple[list[date], Mapping[tuple[date, str], int]]:
    """Return the days of a chart, and the changes of each by `code`."""
    last = (
        min(date.fromisoformat(parameters["at_to"]), context.today)
        if "at_to" in parameters
        else context.today
    )
    first = last - timedelta(days=_DAYS - 1)
    if "at_from" in parameters:
        first = min(max(first, date.fromisoformat(parameters["at_from"])), last)
    narrowed = {**parameters, "at_from": first.isoformat(), "at_to": last.isoformat()}
    arguments = dict(source.arguments)
    bounds = days(narrowed, arguments, "at", "c.at")
    found = grouped(
        Source(source.from_sql, source.identity, (*source.where, *bounds), arguments),
        context,
        f"(c.at at time zone %(time_zone)s)::date, {code}, count(*)",
        "group by 1, 2",
    )
    listed = [first + timedelta(days=number) for number in range((last - first).days + 1)]
    return listed, {(day, key): count for day, key, count in found}


def by_day(
    title: str,
    codes: Mapping[str, tuple[Text, str]],
    listed: Sequence[date],
    counts: Mapping[tuple[date, str], int],
    summary: str,
) -> ReportChart:
    """Return a line for each of `codes` (name, status) over the days of `counted_days`. PURE."""
    return ReportChart(
        kind="line",
        title=title,
        labels=[date_format(day, "MONTH_DAY_FORMAT") for day in listed],
        series=[
            ChartSeries(name, [counts.get((day, code), 0) for day in listed], status)
            for code, (name, status) in codes.items()
        ],
        summary=summary,
    )
