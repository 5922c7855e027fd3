"""Lines of the first page: the small one of those who are cleared, and compliance over time with its choices.

Both are drawn from the figures of each day that `compliance` notes. The large one is the report
`compliance-over-time`, asked with what was chosen.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Min, Sum
from django.utils.translation import gettext

from pratique.compliance.models import TrackerDay
from pratique.interfaces.console import charts, report_page
from pratique.reports import filters, queries
from pratique.reports.types import ChosenColumn, Column, Layout
from pratique.rules import name_in_words

REPORT = "compliance-over-time"
ALL, TRACKER, REQUIREMENT = "all", "tracker-", "requirement-"
RANGES = (30, 90, 365)
_USUAL_RANGE = 90
# The table beside the line has every so many days, the last among them; the report has every one.
_STEPS = {30: 5, 90: 15, 365: 60}
_TREND = timedelta(days=30)
# The small line's room, in the units of its drawing.
_WIDTH, _HEIGHT, _MARGIN = 200, 40, 3
_OF_STUDENTS = ("day", "students", "complete", "percent_complete")
_OF_ITEMS = ("day", "items", "approved", "percent_approved")


@dataclass(frozen=True)
class Trend:
    """How many were cleared `first_on`, how many are today, and the way between as points of a drawing."""

    first_on: date
    before: int
    today: int
    points: str
    end: tuple[float, float]
    width: int = _WIDTH
    height: int = _HEIGHT

    @property
    def more(self) -> int:
        """How many more are cleared; less than 0: fewer."""
        return self.today - self.before

    @property
    def fewer(self) -> int:
        """How many fewer are cleared."""
        return -self.more


@dataclass(frozen=True)
class Group:
    """Choices of a list under a title; without one they stand first."""

    title: str
    choices: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Line:
    """Compliance over time as it was asked for. Without `chart` there are not two days to draw a line between."""

    chosen: str
    days: int
    groups: Sequence[Group]
    ranges: Sequence[int]
    # The first day of all figures; None where none was noted yet. `begins_late`: within what was asked for.
    kept_from: date | None
    begins_late: bool
    title: str
    summary: str
    chart: Mapping[str, Any] | None
    columns: Sequence[Column]
    rows: Sequence[Sequence[str]]
    step: int
    # The query with which the report shows the same.
    query: str


def trend(cleared: int, *, today: date) -> Trend | None:
    """Return the line of the last 30 days; its end is `cleared`, what is so now. None without a day before."""
    noted = dict(
        TrackerDay.objects.filter(day__gt=today - _TREND, day__lt=today)
        .values_list("day")
        .annotate(Sum("complete"))
        .order_by("day")
    )
    if not noted:
        return None
    noted[today] = cleared
    first = min(noted)
    least, most = min(noted.values()), max(noted.values())
    points = [
        (
            round(_MARGIN + (_WIDTH - 2 * _MARGIN) * (day - first).days / (today - first).days, 1),
            # What stays as it is lies in the middle.
            round(_HEIGHT - _MARGIN - (_HEIGHT - 2 * _MARGIN) * _share(count, least, most), 1),
        )
        for day, count in noted.items()
    ]
    return Trend(first, noted[first], cleared, " ".join(f"{x},{y}" for x, y in points), points[-1])


def _share(count: int, least: int, most: int) -> float:
    return (count - least) / (most - least) if most > least else 0.5


def line(asked: Mapping[str, str], *, trackers: Mapping[UUID, str], today: date, now: datetime) -> Line:
    """Return the line that `asked` ("line", "days") asks for; what is not known is as always: all, 90 days."""
    requirements = {
        one.value: name_in_words(str(one.title), gettext) for one in filters.choices(filters.REQUIREMENT)
    }
    groups = _groups(trackers, requirements)
    known = {value for group in groups for value, _name in group.choices}
    chosen = asked.get("line", ALL)
    chosen = chosen if chosen in known else ALL
    days = next((one for one in RANGES if str(one) == asked.get("days")), _USUAL_RANGE)
    first = today - timedelta(days=days - 1)
    kept_from = TrackerDay.objects.aggregate(first=Min("day"))["first"]
    parameters: dict[str, Any] = {"by": "all", "day_from": first.isoformat()}
    if chosen.startswith(TRACKER):
        parameters["tracker"] = [chosen.removeprefix(TRACKER)]
    elif chosen.startswith(REQUIREMENT):
        parameters["requirement"] = chosen.removeprefix(REQUIREMENT)
    query = urlencode({key: value for key, value in parameters.items() if key != "by"}, doseq=True)
    shape: dict[str, Any] = {
        "chosen": chosen, "days": days, "groups": groups, "ranges": RANGES, "kept_from": kept_from,
        "begins_late": bool(kept_from and kept_from > first), "query": query, "step": _STEPS[days],
    }  # fmt: skip
    drawn = queries.chart(REPORT, parameters, now=now) if kept_from else None
    if drawn is None or len(drawn.labels) < 2:
        return Line(**shape, title="", summary="", chart=None, columns=(), rows=())
    columns = _OF_ITEMS if "requirement" in parameters else _OF_STUDENTS
    table = queries.table(
        REPORT, parameters, now=now, sort="-day", page_size=days,
        layout=Layout(columns=tuple(ChosenColumn(key) for key in columns)),
    )  # fmt: skip
    return Line(
        **shape,
        title=str(drawn.title),
        summary=drawn.summary,
        chart=charts.of_report(drawn),
        columns=table.columns,
        rows=[
            [report_page.cell(column, value) for column, value in zip(table.columns, row, strict=True)]
            for row in _thinned(table.rows, _STEPS[days])
        ],
    )


def _groups(trackers: Mapping[UUID, str], requirements: Mapping[str, str]) -> list[Group]:
    return [
        Group("", [(ALL, gettext("All students"))]),
        Group(gettext("One tracker"), [(f"{TRACKER}{key}", name) for key, name in trackers.items()]),
        Group(
            gettext("One requirement"), [(f"{REQUIREMENT}{key}", name) for key, name in requirements.items()]
        ),
    ]


def _thinned(rows: Sequence[Sequence[Any]], step: int) -> list[Sequence[Any]]:
    """Return every so many rows from the first on, and the last. PURE."""
    found = list(rows[::step])
    return found if not rows or found[-1] is rows[-1] else [*found, rows[-1]]
