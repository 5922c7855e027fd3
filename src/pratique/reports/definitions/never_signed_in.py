"""Invited and never signed in: whom an invitation did not bring in, and whether it could be sent."""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
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

_INVITATION = (
    "left join students_invitation i on i.institution_id = m.institution_id and i.membership_id = m.id"
)
_STATES: Mapping[str, Text] = {
    "queued": gettext_lazy("Waiting to be sent"),
    "sending": gettext_lazy("Being sent"),
    "sent": gettext_lazy("Sent"),
    "failed": gettext_lazy("Could not be sent"),
    "in_doubt": gettext_lazy("Perhaps sent"),
}
_NONE = gettext_lazy("Never invited")
_STATE = Filter(
    "invitation",
    gettext_lazy("Invitation"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _STATES.items()),
)
_WHO = Filter(
    "who",
    gettext_lazy("Invited or not"),
    FilterKind.CHOICE,
    choices=(
        Choice("invited", gettext_lazy("Invited")),
        Choice("not_invited", _NONE),
        Choice("all", gettext_lazy("Invited or not")),
    ),
    default="invited",
)
_WHO_SQL = {"invited": "i.id is not null", "not_invited": "i.id is null", "all": "true"}
_INVITED = Filter("invited", gettext_lazy("Invited"), FilterKind.DATE_RANGE)
_DAYS = Filter("days", gettext_lazy("Invited at least this many days ago"), FilterKind.NUMBER)
# What was sent counts from then, all else from when it was asked for.
_INVITED_AT = "case when i.state = 'sent' then i.changed_at else i.queued_at end"
_AGO = f"(%(today)s::date - ({_INVITED_AT} at time zone %(time_zone)s)::date)"

_COLUMNS = (
    *NAMES,
    Column("invited_at", gettext_lazy("Invited"), ColumnKind.INSTANT, _INVITED_AT),
    Column(
        "invitation",
        gettext_lazy("Invitation"),
        ColumnKind.TEXT,
        "coalesce(i.state, 'none')",
        words=said({**_STATES, "none": _NONE}),
    ),
    Column("days_ago", gettext_lazy("Days since"), ColumnKind.INTEGER, _AGO),
    Column("has_email", gettext_lazy("Has an e-mail address"), ColumnKind.BOOLEAN, "s.email <> ''"),
    Column("num_items", gettext_lazy("Items"), ColumnKind.INTEGER, "m.num_items", shown=False),
    Column(
        "num_complete", gettext_lazy("Items handed in"), ColumnKind.INTEGER, "m.num_complete", shown=False
    ),
    *more_columns("tracker", "due_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = [
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
        *days(parameters, arguments, "invited", _INVITED_AT),
        _WHO_SQL[parameters.get("who", "invited")],
        # An account is opened by the first sign-in.
        "not exists (select from students_studentaccount a "
        "where a.institution_id = m.institution_id and a.student_id = m.student_id)",
    ]
    if "invitation" in parameters:
        conditions.append("i.state = any(%(invitation)s::text[])")
        arguments["invitation"] = list(parameters["invitation"])
    if "days" in parameters:
        conditions.append(f"{_AGO} >= %(days)s")
        arguments["days"] = parameters["days"]
    return Source(
        from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} {_INVITATION}",
        identity="m.id",
        where=tuple(conditions),
        arguments=arguments,
    )


_WEEKS = (
    (7, gettext_lazy("Less than 7 days")),
    (14, gettext_lazy("7 to 13 days")),
    (28, gettext_lazy("14 to 27 days")),
    (None, gettext_lazy("28 days and more")),
)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    bands = " ".join(
        f"when {_AGO} < {most} then {place}" for place, (most, _title) in enumerate(_WEEKS) if most
    )
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"case when i.id is null then -1 {bands} else {len(_WEEKS) - 1} end, "
        "count(*), count(*) filter (where s.email = '')",
        "group by 1",
    )
    counts = {place: count for place, count, _without in found}
    total = sum(counts.values())
    summary = _("No students match these filters.")
    if total:
        summary = ngettext(
            "%(total)s student never signed in;", "%(total)s students never signed in;", total
        ) % {"total": f"{total:,}"}
        without = sum(row[2] for row in found)
        summary += " " + ngettext(
            "%(count)s has no e-mail address.", "%(count)s have no e-mail address.", without
        ) % {"count": f"{without:,}"}
    labels, values = (
        [title for _most, title in _WEEKS],
        [counts.get(place, 0) for place in range(len(_WEEKS))],
    )
    if -1 in counts:
        labels, values = [*labels, _NONE], [*values, counts[-1]]
    return ReportChart(
        kind="bar",
        title=_("Never signed in, by time since the invitation"),
        labels=labels,
        series=[ChartSeries(_("Students"), values, "incomplete")],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="never-signed-in",
    title=gettext_lazy("Invited and never signed in"),
    description=gettext_lazy(
        "Whom an invitation did not bring in yet: since when, and whether it could be sent."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE, _WHO, _STATE, _INVITED, _DAYS),
    default_sort="invited_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.PEOPLE,
)
