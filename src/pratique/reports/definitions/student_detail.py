"""Student compliance detail: a row a membership, a column a requirement, and every other field for the choosing."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.item_parts import (
    item_arguments,
    item_columns,
    joined_items,
)
from pratique.reports.definitions.item_standing import SAME_ITEM
from pratique.reports.definitions.memberships import (
    CHANGED,
    PACKAGE_JOIN,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.requirement_columns import requirement_columns
from pratique.reports.definitions.student_columns import NAMES, REGISTRATION, more_columns
from pratique.reports.definitions.student_columns import STUDENT as ABOUT_STUDENT
from pratique.reports.filters import (
    DUE,
    GROUP,
    ON_CAMPUS,
    PACKAGE,
    REQUIREMENT,
    STATE,
    STATUS,
    STATUS_TITLES,
    TERM,
    TRACKER,
)
from pratique.reports.types import (
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

_PROGRESS = Filter(
    "progress",
    gettext_lazy("Progress"),
    FilterKind.CHOICE,
    choices=(
        Choice("complete", gettext_lazy("Complete")),
        Choice("submitted", gettext_lazy("All handed in, not all approved")),
        Choice("not_complete", gettext_lazy("Not complete")),
    ),
)
_PROGRESS_SQL = {
    "complete": "m.complete",
    "submitted": "(m.user_complete and not m.complete)",
    "not_complete": "not m.complete",
}
_CHANGED = Filter("changed", gettext_lazy("Last changed"), FilterKind.DATE_RANGE)
_DATES = Filter(
    "dates",
    gettext_lazy("Requirement dates"),
    FilterKind.CHOICE,
    choices=(Choice("no", gettext_lazy("Status only")), Choice("yes", gettext_lazy("Status and date"))),
    default="no",
)

_PROGRESS_SECTION = gettext_lazy("Progress")
_ATTRIBUTES = gettext_lazy("Attributes")
_MOST_ATTRIBUTES = 200

_SHARED = {column.key: replace(column, shown=True) for column in (*NAMES, *more_columns())}
_SHOWN = (
    "package", "username", "student_id", "last_name", "first_name", "email", "telephone", "date_of_birth",
    "tracker", "group", "term", "due_on", "on_campus", "state", "expires_on",
)  # fmt: skip
_STANDING = (
    Column("complete", gettext_lazy("Complete"), ColumnKind.BOOLEAN, "m.complete"),
    Column("user_complete", gettext_lazy("All handed in"), ColumnKind.BOOLEAN, "m.user_complete"),
    Column("num_items", gettext_lazy("Items"), ColumnKind.INTEGER, "m.num_items"),
    Column("num_complete", gettext_lazy("Items handed in"), ColumnKind.INTEGER, "m.num_complete"),
    Column("num_approved", gettext_lazy("Items approved"), ColumnKind.INTEGER, "m.num_approved"),
    # What has been asked for long is asked today: a date in the past reads like a mistake.
    Column(
        "next_action_on",
        gettext_lazy("Next action"),
        ColumnKind.DATE,
        "m.next_action_on + greatest(0, %(today)s::date - m.next_action_on)",
        sort=("m.next_action_on",),
    ),
    Column("status_changed_at", gettext_lazy("Last changed"), ColumnKind.INSTANT, "m.status_changed_at"),
)
_FIXED = (
    *(_SHARED[key] for key in _SHOWN),
    *(replace(column, section=_PROGRESS_SECTION) for column in _STANDING),
)
_HIDDEN = (
    Column("account_token", gettext_lazy("Account token"), ColumnKind.TEXT, "s.account_token",
           shown=False, section=ABOUT_STUDENT),
    Column("created_at", gettext_lazy("Student since"), ColumnKind.INSTANT, "s.created_at",
           shown=False, section=ABOUT_STUDENT),
    Column("updated_at", gettext_lazy("Student details changed"), ColumnKind.INSTANT, "s.updated_at",
           shown=False, section=ABOUT_STUDENT),
    Column("joined_at", gettext_lazy("On the package since"), ColumnKind.INSTANT, "m.created_at",
           shown=False, section=REGISTRATION),
)  # fmt: skip


@dataclass(frozen=True)
class _AttributeColumn(Column):
    """A column of one attribute, whose key is the school's own and therefore bound, as the argument `name`."""

    attribute: str = ""
    name: str = ""


def _columns(parameters: Parameters, context: ReportContext) -> tuple[Column, ...]:
    shown = ("requirement", "date") if parameters.get("dates") == "yes" else ("requirement",)
    return (*_FIXED, *item_columns(requirement_columns(parameters, context), shown=shown), *_HIDDEN)


def _more_columns(parameters: Parameters, context: ReportContext) -> tuple[Column, ...]:
    with connection.cursor() as cursor:
        cursor.execute(
            "select distinct jsonb_object_keys(attributes) from students_student "
            "where institution_id = %(institution)s and attributes <> '{}' order by 1 limit %(limit)s",
            {"institution": context.institution_id, "limit": _MOST_ATTRIBUTES},
        )
        keys = [key for (key,) in cursor.fetchall()]
    return tuple(
        _AttributeColumn(
            key=f"attribute:{key}",
            title=key,
            kind=ColumnKind.TEXT,
            sql=f"s.attributes->>%(attribute{number})s",
            shown=False,
            section=_ATTRIBUTES,
            attribute=key,
            name=f"attribute{number}",
        )
        for number, key in enumerate(keys)
    )


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments = item_arguments(columns)
    arguments |= {one.name: one.attribute for one in columns if isinstance(one, _AttributeColumn)}
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    conditions += _detail_conditions(parameters, arguments)
    return joined_items(
        columns,
        Source(
            from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}",
            identity="m.id",
            where=tuple(conditions),
            arguments=arguments,
        ),
    )


def _detail_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    conditions = []
    if "progress" in parameters:
        conditions.append(_PROGRESS_SQL[parameters["progress"]])
    if "changed_from" in parameters:
        conditions.append("m.status_changed_at >= %(changed_from)s::timestamp at time zone %(time_zone)s")
        arguments["changed_from"] = parameters["changed_from"]
    if "changed_to" in parameters:
        conditions.append(
            "m.status_changed_at < (%(changed_to)s::date + 1)::timestamp at time zone %(time_zone)s"
        )
        arguments["changed_to"] = parameters["changed_to"]
    item = []
    if "requirement" in parameters:
        item.append("i.requirement_key = %(requirement)s")
        arguments["requirement"] = parameters["requirement"]
    if "status" in parameters:
        item.append("i.status = any(%(statuses)s::text[])")
        arguments["statuses"] = list(parameters["status"])
    if item:
        conditions.append(
            f"exists (select from compliance_item i where {SAME_ITEM} and {' and '.join(item)})"
        )
    return conditions


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    source = _source(parameters, (), context)
    arguments = {
        **source.arguments,
        "institution": context.institution_id,
        "time_zone": context.time_zone,
        "today": context.today,
    }
    with connection.cursor() as cursor:
        cursor.execute(
            f"select c.requirement_key, c.status, count(*) from {source.from_sql} "
            "join compliance_item c on c.institution_id = m.institution_id and c.membership_id = m.id "
            f"where {' and '.join(source.where)} group by 1, 2",
            arguments,
        )
        counts = {(key, status): count for key, status, count in cursor.fetchall()}
    requirements = requirement_columns(parameters, context)
    series = [
        ChartSeries(title, [counts.get((one.key, status), 0) for one in requirements], status)
        for status, title in STATUS_TITLES.items()
    ]
    names = [one.name for one in requirements]
    return ReportChart(
        kind="stacked_bar",
        title=_("Items by requirement and status"),
        labels=names,
        series=series,
        summary=_summary(names, series),
    )


def _summary(names: Sequence[str], series: Sequence[ChartSeries]) -> str:
    if not names:
        return _("No requirements are published for these students.")
    approved = next(one.values for one in series if one.status == "approved")
    totals = [sum(one.values[position] for one in series) for position in range(len(names))]
    if not any(totals):
        return _("No items match these filters.")
    shares = [
        (100 * done / total, name) for done, total, name in zip(approved, totals, names, strict=True) if total
    ]
    (least, last), (most, first) = min(shares), max(shares)
    opening = ngettext("%(count)d requirement.", "%(count)d requirements.", len(shares)) % {
        "count": len(shares)
    }
    return (
        opening
        + " "
        + _("Most often approved: %(first)s (%(most).0f%%). Least often: %(last)s (%(least).0f%%).")
        % {"first": first, "most": most, "last": last, "least": least}
    )


REPORT = ReportDefinition(
    key="student-detail",
    title=gettext_lazy("Student compliance detail"),
    description=gettext_lazy("One row for each student, one column for each requirement: who stands where."),
    permission=Permission.VIEW_REPORTS,
    filters=(
        PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, STATE, _PROGRESS, REQUIREMENT, STATUS, DUE, _CHANGED,
        _DATES,
    ),
    default_sort="last_name",
    columns=_columns,
    source=_source,
    chart=_chart,
    changed=CHANGED,
    more_columns=_more_columns,
)  # fmt: skip
