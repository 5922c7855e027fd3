"""Expiring soon: approved requirements, exemptions and registrations whose last good day is within the next days."""

from collections.abc import Sequence

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import grouped, stacked
from pratique.reports.definitions.endings import (
    ITEM_ENDS,
    WHAT,
    WHAT_TITLES,
    ending_columns,
    ending_source,
    what_in_words,
)
from pratique.reports.definitions.memberships import STUDENT_FILTERS
from pratique.reports.types import (
    Category,
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

_DAYS = Filter(
    "days", gettext_lazy("Within this many days"), FilterKind.NUMBER, default="30", least=0, most=730
)
_COLUMNS = ending_columns(
    gettext_lazy("Good through"),
    Column("days_left", gettext_lazy("Days left"), ColumnKind.INTEGER, "k.ends_on - %(today)s::date",
           sort=("k.ends_on",)),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    return ending_source(
        parameters,
        items="i.status = 'approved' and i.next_action_on > %(today)s",
        item_ends=ITEM_ENDS,
        when="k.ends_on between %(today)s::date and %(today)s::date + %(days)s::int",
        arguments={"days": int(parameters.get("days", _DAYS.default))},
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    days = int(parameters.get("days", _DAYS.default))
    rows = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "((k.ends_on - %(today)s::date) / 7)::text, k.what, count(*)",
        "group by 1, 2",
    )
    counts = {(week, what): count for week, what, count in rows}
    by_what = {
        one: sum(count for (_week, what), count in counts.items() if what == one) for one in WHAT_TITLES
    }
    total = sum(by_what.values())
    summary = _("Nothing ends in this time.")
    if total:
        summary = ngettext("Within %(days)d day: %(what)s.", "Within %(days)d days: %(what)s.", days) % {
            "days": days,
            "what": what_in_words(by_what),
        }
    weeks = {str(week): _("Days %(first)d to %(last)d") % {"first": 7 * week, "last": min(7 * week + 6, days)}
             for week in range(days // 7 + 1)}  # fmt: skip
    return stacked(_("What ends, by week"), weeks, WHAT_TITLES, counts, summary)


REPORT = ReportDefinition(
    key="expiring",
    title=gettext_lazy("Expiring soon"),
    description=gettext_lazy("Requirements, exemptions and registrations that end within the next days."),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, _DAYS, WHAT),
    default_sort="ends_on",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
