"""Expired: requirements that held once and do not now, exemptions and registrations whose last good day is over."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.counting import bars, by_first, grouped
from pratique.reports.definitions.endings import (
    ITEM_ENDED,
    WHAT,
    WHAT_TITLES,
    ending_columns,
    ending_source,
    what_in_words,
)
from pratique.reports.definitions.evidence import within
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

_ENDED = Filter("ended", gettext_lazy("Ended"), FilterKind.DATE_RANGE)
_COLUMNS = ending_columns(
    gettext_lazy("Last good day"),
    Column("days_over", gettext_lazy("Days since"), ColumnKind.INTEGER, "%(today)s::date - k.ends_on",
           sort=("%(today)s::date - k.ends_on",)),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    # An expired requirement whose day nobody can tell is expired all the same.
    over = "(k.ends_on < %(today)s::date or k.what = 'requirement')"
    when = " and ".join([over, *within("k.ends_on", "ended", parameters, arguments)])
    return ending_source(
        parameters, items="i.status = 'expired'", item_ends=ITEM_ENDED, when=when, arguments=arguments
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(_source(parameters, _COLUMNS, context), context, "k.what, count(*)", "group by 1")
    counts = by_first(rows)
    told = what_in_words(counts)
    summary = _("Expired: %(what)s.") % {"what": told} if told else _("Nothing has expired.")
    return bars(_("What expired"), _("Expired"), WHAT_TITLES, counts, summary)


REPORT = ReportDefinition(
    key="expired",
    title=gettext_lazy("Expired"),
    description=gettext_lazy("Requirements, exemptions and registrations that were good once and are over."),
    permission=Permission.VIEW_REPORTS,
    filters=(*STUDENT_FILTERS, WHAT, _ENDED),
    default_sort="-ends_on",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.COMPLIANCE,
)
