"""Titer results: a row a laboratory's result for one antibody."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.records.models import TiterResult
from pratique.reports.definitions.counting import grouped, listed, stacked
from pratique.reports.definitions.evidence import (
    EVIDENCE,
    EVIDENCE_FILTERS,
    evidence_columns,
    evidence_source,
    in_words,
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
)

RESULT_TITLES = {
    TiterResult.POSITIVE.value: gettext_lazy("Positive"),
    TiterResult.NEGATIVE.value: gettext_lazy("Negative"),
    TiterResult.EQUIVOCAL.value: gettext_lazy("Equivocal"),
}
_RESULT = Filter(
    "result",
    gettext_lazy("Result"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in RESULT_TITLES.items()),
)
_COLLECTED = Filter("collected", gettext_lazy("Collected"), FilterKind.DATE_RANGE)

_COLUMNS = (
    *NAMES,
    Column("antibody", gettext_lazy("Test"), ColumnKind.TEXT, "x.antibody", section=EVIDENCE, words=in_words),
    Column("result", gettext_lazy("Result"), ColumnKind.STATUS, "x.result", section=EVIDENCE),
    # As the laboratory wrote it: "> 300" and "1:40" are no numbers.
    Column("value", gettext_lazy("Value"), ColumnKind.TEXT, "x.value", section=EVIDENCE),
    Column("unit", gettext_lazy("Unit"), ColumnKind.TEXT, "x.unit", section=EVIDENCE),
    Column("reference_range", gettext_lazy("Reference range"), ColumnKind.TEXT, "x.reference_range", shown=False,
           section=EVIDENCE),
    Column("collected_on", gettext_lazy("Collected on"), ColumnKind.DATE, "x.collected_on", section=EVIDENCE),
    *evidence_columns(),
    *more_columns("tracker"),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = within("x.collected_on", "collected", parameters, arguments)
    if "result" in parameters:
        conditions.append("x.result = any(%(results)s::text[])")
        arguments["results"] = list(parameters["result"])
    return evidence_source("records_titer", parameters, conditions=conditions, arguments=arguments)


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    rows = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        "x.antibody, x.result, count(*)",
        "group by 1, 2 order by 1",
    )
    counts = {(antibody, result): count for antibody, result, count in rows}
    by_result = {
        one: sum(count for (_name, result), count in counts.items() if result == one) for one in RESULT_TITLES
    }
    total = sum(by_result.values())
    summary = _("No titers match these filters.")
    if total:
        summary = ngettext("%(total)s titer: %(results)s.", "%(total)s titers: %(results)s.", total) % {
            "total": f"{total:,}",
            "results": listed(RESULT_TITLES, by_result),
        }
    return stacked(
        _("Titers by test and result"),
        {antibody: in_words(antibody) for antibody, _result, _count in rows},
        RESULT_TITLES,
        counts,
        summary,
        statuses={"positive": "approved", "negative": "rejected", "equivocal": "pending"},
    )


REPORT = ReportDefinition(
    key="titers",
    title=gettext_lazy("Titer results"),
    description=gettext_lazy("One row for each laboratory result for an antibody."),
    permission=Permission.VIEW_REPORTS,
    filters=(*EVIDENCE_FILTERS, _RESULT, _COLLECTED),
    default_sort="last_name",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.RECORDS,
)
