"""Sign-in and activation rates: how many students of each tracker were invited, came, and came lately."""

# SQL is put together from constants of the definitions; every value that came in is bound.

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import (
    STUDENT_FILTERS,
    STUDENT_JOIN,
    membership_conditions,
    tracker_conditions,
)
from pratique.reports.filters import DUE
from pratique.reports.types import (
    Category,
    ChartSeries,
    Column,
    ColumnKind,
    Parameters,
    ReportChart,
    ReportContext,
    ReportDefinition,
    Source,
)

_INVITATION = (
    "left join students_invitation i on i.institution_id = m.institution_id and i.membership_id = m.id"
)
_LATELY = 30


def _share(count: str) -> str:
    return f"round(100.0 * {count} / n.students, 1)"


_COLUMNS = (
    Column("package", gettext_lazy("Package"), ColumnKind.TEXT, "p.code"),
    Column(
        "tracker",
        gettext_lazy("Tracker"),
        ColumnKind.TEXT,
        "coalesce(t.name, 'None Selected')",
        sort=("t.name", "p.code"),
    ),
    Column("group", gettext_lazy("Requirement group"), ColumnKind.TEXT, "g.name", shown=False),
    Column("term", gettext_lazy("Term"), ColumnKind.TEXT, "e.name", shown=False),
    Column("due_on", gettext_lazy("Due date"), ColumnKind.DATE, "t.due_on"),
    Column("students", gettext_lazy("Students"), ColumnKind.INTEGER, "n.students"),
    Column("invited", gettext_lazy("Invited"), ColumnKind.INTEGER, "n.invited"),
    Column("not_sent", gettext_lazy("Invitation not sent"), ColumnKind.INTEGER, "n.not_sent"),
    Column("activated", gettext_lazy("Activated"), ColumnKind.INTEGER, "n.activated"),
    Column("percent_activated", gettext_lazy("Activated, %"), ColumnKind.PERCENT, _share("n.activated")),
    Column("lately", gettext_lazy("Signed in within 30 days"), ColumnKind.INTEGER, "n.lately"),
    Column(
        "percent_lately", gettext_lazy("Signed in within 30 days, %"), ColumnKind.PERCENT, _share("n.lately")
    ),
)
_PER_TRACKER = """(
    select m.institution_id, m.package_id, m.tracker_id, count(*) as students, count(i.id) as invited,
        count(*) filter (where i.state in ('failed', 'in_doubt')) as not_sent, count(a.id) as activated,
        count(*) filter (where u.last_login > %(now)s - {lately} * interval '1 day') as lately
    from students_membership m {student} {invitation}
    left join students_studentaccount a on a.institution_id = m.institution_id and a.student_id = m.student_id
    left join accounts_user u on u.institution_id = a.institution_id and u.id = a.user_id
    where {conditions} group by 1, 2, 3
) n
join institutions_package p on p.institution_id = n.institution_id and p.id = n.package_id
left join institutions_tracker t on t.institution_id = n.institution_id and t.id = n.tracker_id
left join institutions_requirementgroup g
    on g.institution_id = t.institution_id and g.id = t.requirement_group_id
left join institutions_term e on e.institution_id = t.institution_id and e.id = t.term_id"""


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {"now": context.now}
    return Source(
        from_sql=_PER_TRACKER.format(
            lately=_LATELY,
            student=STUDENT_JOIN if "on_campus" in parameters else "",
            invitation=_INVITATION,
            conditions=" and ".join(membership_conditions(parameters, arguments)),
        ),
        identity="n.package_id, n.tracker_id",
        where=tuple(tracker_conditions(parameters, arguments)),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "coalesce(t.name, 'None Selected'), p.code, n.students, n.activated, n.lately",
        "order by t.name, p.code, n.tracker_id",
    )
    packages = {row[1] for row in found}
    students, activated, lately = (sum(row[place] for row in found) for place in (2, 3, 4))
    summary = _("No students match these filters.")
    if students:
        summary = ngettext(
            "%(activated)s of %(students)s student has signed in (%(share).0f%%), %(lately)s within 30 days.",
            "%(activated)s of %(students)s students have signed in (%(share).0f%%), %(lately)s within 30 days.",
            students,
        ) % {
            "activated": f"{activated:,}",
            "students": f"{students:,}",
            "share": 100 * activated / students,
            "lately": f"{lately:,}",
        }
    return ReportChart(
        kind="stacked_bar",
        title=_("Students by tracker and sign-in"),
        labels=[row[0] if len(packages) < 2 else f"{row[0]} ({row[1]})" for row in found],
        series=[
            ChartSeries(_("Signed in within 30 days"), [row[4] for row in found], "approved"),
            ChartSeries(_("Signed in before that"), [row[3] - row[4] for row in found], "pending"),
            ChartSeries(_("Never signed in"), [row[2] - row[3] for row in found], "incomplete"),
        ],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="activation",
    title=gettext_lazy("Sign-in and activation rates"),
    description=gettext_lazy(
        "How many students of each tracker were invited, have signed in, and did so lately."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, DUE),
    default_sort="tracker",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.PEOPLE,
)
