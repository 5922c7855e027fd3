"""Dose list: a row a dose, with its code, its name, its date as far as it is known, and who reviewed it."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache
from typing import Any

from django.utils.functional import lazy
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from pratique.accounts.roles import Permission
from pratique.records.products import all_products, group_names, plain_names
from pratique.reports.definitions.counting import grouped, stacked
from pratique.reports.definitions.evidence import (
    EVIDENCE,
    EVIDENCE_FILTERS,
    REVIEW_TITLES,
    evidence_columns,
    evidence_source,
    within,
)
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.types import (
    Category,
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

_MOST_BARS = 12


def _group_name(group: str) -> str:
    return group_names(get_language() or "en").get(group, group)


_lazy_group_name: Callable[[str], Text] = lazy(_group_name, str)
_VACCINE = Filter(
    "vaccine",
    gettext_lazy("Vaccine"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(group, _lazy_group_name(group)) for group in group_names("en")),
)
_GIVEN = Filter("given", gettext_lazy("Given"), FilterKind.DATE_RANGE)

_COLUMNS = (
    *NAMES,
    Column("cvx", gettext_lazy("CVX"), ColumnKind.TEXT, "x.cvx", section=EVIDENCE),
    # Joined in the database: there are a dozen doses a student, and it prints such a file three times as fast.
    Column("vaccine", gettext_lazy("Vaccine"), ColumnKind.TEXT, "coalesce(v.name, x.cvx)", section=EVIDENCE),
    Column("product", gettext_lazy("Product"), ColumnKind.TEXT, "x.product", section=EVIDENCE),
    Column("mvx", gettext_lazy("Maker (MVX)"), ColumnKind.TEXT, "x.mvx", shown=False, section=EVIDENCE),
    Column("lot", gettext_lazy("Lot"), ColumnKind.TEXT, "x.lot", section=EVIDENCE),
    # The first day of what is known; the next column says how much that is.
    Column("administered_on", gettext_lazy("Given on"), ColumnKind.DATE, "x.administered_on", section=EVIDENCE),
    Column("precision", gettext_lazy("Precision of the date"), ColumnKind.STATUS, "x.precision", section=EVIDENCE),
    *evidence_columns(),
    *more_columns("tracker"),
)  # fmt: skip

_NAMES_JOIN = "left join unnest(%(codes)s::text[], %(names)s::text[]) v (cvx, name) on v.cvx = x.cvx"


@cache
def _codes(group: str) -> frozenset[str]:
    return frozenset(product.cvx for product in all_products() if group in product.groups)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = within("x.administered_on", "given", parameters, arguments)
    if "vaccine" in parameters:
        conditions.append("x.cvx = any(%(cvx)s::text[])")
        arguments["cvx"] = sorted(frozenset().union(*(_codes(group) for group in parameters["vaccine"])))
    names = plain_names(get_language() or "en")
    arguments |= {"codes": list(names), "names": list(names.values())}
    source = evidence_source("records_dose", parameters, conditions=conditions, arguments=arguments)
    return replace(source, whole_join=_NAMES_JOIN)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(
        _source(parameters, _COLUMNS, context), context, "x.cvx, x.state, count(*)", "group by 1, 2"
    )
    counts: dict[tuple[str, str], int] = {}
    for cvx, state, count in rows:
        # A combined vaccine stands with each of its groups.
        for group in _groups_of(cvx):
            counts[group, state] = counts.get((group, state), 0) + count
    totals: dict[str, int] = {}
    for (group, _state), count in counts.items():
        totals[group] = totals.get(group, 0) + count
    most = sorted(totals, key=lambda group: (-totals[group], group))[:_MOST_BARS]
    total = sum(count for *_codes, count in rows)
    summary = _("No doses match these filters.")
    if total:
        summary = ngettext(
            "%(total)s dose. Most often: %(name)s (%(most)s).",
            "%(total)s doses. Most often: %(name)s (%(most)s).",
            total,
        ) % {"total": f"{total:,}", "name": _named(most[0]), "most": f"{totals[most[0]]:,}"}
    return stacked(
        _("Doses by vaccine and review"),
        {group: _named(group) for group in most},
        REVIEW_TITLES,
        counts,
        summary,
        statuses={state: state for state in REVIEW_TITLES},
    )


def _named(group: str) -> str:
    return _group_name(group) if group else _("Other vaccines")


@cache
def _groups_of(cvx: str) -> tuple[str, ...]:
    return next((product.groups for product in all_products() if product.cvx == cvx), ()) or ("",)


REPORT = ReportDefinition(
    key="doses",
    title=gettext_lazy("Doses"),
    description=gettext_lazy("One row for each dose on record: code, date, source, and who reviewed it."),
    permission=Permission.VIEW_REPORTS,
    filters=(*EVIDENCE_FILTERS, _VACCINE, _GIVEN),
    default_sort="last_name",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.RECORDS,
)
