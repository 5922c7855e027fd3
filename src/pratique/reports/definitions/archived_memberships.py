"""Archived and expired memberships: registrations that no longer count, and how far they had come."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.actors import said
from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.definitions.reading import dates
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, GROUP, ON_CAMPUS, PACKAGE, TERM, TRACKER
from pratique.reports.types import (
    Category,
    Choice,
    Column,
    ColumnKind,
    Filter,
    FilterKind,
    Parameters,
    ReportContext,
    ReportDefinition,
    Source,
    Text,
)

# A registration whose last day is over does not count either, whether somebody has put it into the archive or not.
_WHY = "case when m.state = 'archive' then 'archived' else 'expired' end"
_WHYS: Mapping[str, Text] = {
    "archived": gettext_lazy("In the archive"),
    "expired": gettext_lazy("Expired"),
}
_ENDED = Filter(
    "ended",
    gettext_lazy("Why it ended"),
    FilterKind.CHOICE,
    choices=tuple(Choice(value, title) for value, title in _WHYS.items()),
)
_EXPIRES = Filter("expires", gettext_lazy("Expires on"), FilterKind.DATE_RANGE)

_COLUMNS = (
    *NAMES,
    Column("ended", gettext_lazy("Why it ended"), ColumnKind.TEXT, _WHY, words=said(_WHYS)),
    Column("complete", gettext_lazy("Complete"), ColumnKind.BOOLEAN, "m.complete"),
    Column("num_items", gettext_lazy("Items"), ColumnKind.INTEGER, "m.num_items"),
    Column("num_approved", gettext_lazy("Items approved"), ColumnKind.INTEGER, "m.num_approved"),
    Column("created_at", gettext_lazy("Registered"), ColumnKind.INSTANT, "m.created_at", shown=False),
    *more_columns("package", "tracker", "expires_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = [
        "(m.state = 'archive' or m.expires_on < %(today)s)",
        *membership_conditions(parameters, arguments),
        *tracker_conditions(parameters, arguments),
        *dates(parameters, arguments, "expires", "m.expires_on"),
    ]
    if "ended" in parameters:
        conditions.append(f"{_WHY} = %(ended)s")
        arguments["ended"] = parameters["ended"]
    return Source(
        from_sql=f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}",
        identity="m.id",
        where=tuple(conditions),
        arguments=arguments,
    )


REPORT = ReportDefinition(
    key="archived-memberships",
    title=gettext_lazy("Archived and expired memberships"),
    description=gettext_lazy("Registrations that no longer count, and how far each had come."),
    permission=Permission.VIEW_REPORTS,
    filters=(PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, DUE, _ENDED, _EXPIRES),
    default_sort="last_name",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    category=Category.PEOPLE,
)
