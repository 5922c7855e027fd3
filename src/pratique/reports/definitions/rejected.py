"""Rejected evidence with reasons: a row a piece that was returned to the student."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from django.utils.translation import get_language, gettext_lazy, ngettext
from django.utils.translation import gettext as _

from pratique.accounts.roles import Permission
from pratique.records.models import ExemptionKind
from pratique.records.products import plain_name
from pratique.reports.definitions.actors import actor_column, said, staff_join
from pratique.reports.definitions.counting import grouped
from pratique.reports.definitions.memberships import one_membership
from pratique.reports.definitions.reading import REQUIREMENT_NAMES, days, requirement_names
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import DUE, GROUP, ON_CAMPUS, PACKAGE, STATE, TERM, TRACKER
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
from pratique.reviews.reasons import BUILT_IN
from pratique.rules import PROOF
from pratique.rules.explain import word

_KINDS: Mapping[str, Text] = {
    "dose": gettext_lazy("Dose"),
    "titer": gettext_lazy("Lab result"),
    "document": gettext_lazy("Document"),
    "form": gettext_lazy("Form"),
    "exemption": gettext_lazy("Exemption"),
}
_KIND = Filter(
    "kind",
    gettext_lazy("Kind of evidence"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in _KINDS.items()),
)
_RETURNED = Filter("returned", gettext_lazy("Returned"), FilterKind.DATE_RANGE)

# Of each kind what its title is made of; never what a student stated for an exemption.
_TITLES = {
    "dose": ("records_dose", "jsonb_build_array(v.product, v.cvx)"),
    "titer": ("records_titer", "jsonb_build_array(v.antibody)"),
    "document": ("records_document", "jsonb_build_array(v.kind)"),
    "form": ("records_formanswer", "jsonb_build_array(v.form)"),
    "exemption": ("records_exemption", "jsonb_build_array(v.kind)"),
}
_EVIDENCE = " union all ".join(
    f"select '{kind}' as kind, v.id, v.student_id, v.submission_id, v.submitted_at, v.reviewed_at, v.reviewed_by, "
    f"v.rejection_code, v.rejection_reason, {title} as title from {table} v "
    "where v.institution_id = %(institution)s and v.state = 'rejected'"
    for kind, (table, title) in _TITLES.items()
)
# A school's own name of the reason, or the code of a built-in one.
_REASON = "coalesce(q.name, nullif(v.rejection_code, ''))"


def _title(value: Any) -> str:
    """Return what a piece is called: [kind, what its title is made of ...] as JSON. PURE."""
    kind, first, *more = orjson.loads(value)
    if kind == "dose":
        return first or plain_name(more[0], get_language() or "en")
    if kind == "exemption":
        return str(dict(ExemptionKind.choices).get(first, first))
    if kind == "document" and first.startswith(PROOF):
        return _("Pages")
    text = word(first, _)
    return text[:1].upper() + text[1:]


def _reason(value: Any) -> str:
    """Return the name of a reason: a code that is built in has one here. PURE."""
    return BUILT_IN[value].name if value in BUILT_IN else str(value)


_COLUMNS = (
    *NAMES,
    Column("kind", gettext_lazy("Kind"), ColumnKind.TEXT, "v.kind", words=said(_KINDS)),
    Column(
        "what",
        gettext_lazy("What"),
        ColumnKind.TEXT,
        "(jsonb_build_array(v.kind) || v.title)::text",
        words=_title,
        sortable=False,
    ),
    Column(
        "asked_for",
        gettext_lazy("Handed in for"),
        ColumnKind.TEXT,
        requirement_names("coalesce(c.requirement_keys, '[]')"),
        sortable=False,
    ),
    Column("reason_code", gettext_lazy("Reason code"), ColumnKind.TEXT, "v.rejection_code"),
    Column("reason", gettext_lazy("Reason"), ColumnKind.TEXT, _REASON, words=_reason),
    Column(
        "note", gettext_lazy("What the reviewer added"), ColumnKind.TEXT, "v.rejection_reason", shown=False
    ),
    actor_column("reviewer", gettext_lazy("Reviewer"), "u", "v.reviewed_by"),
    Column("returned_at", gettext_lazy("Returned"), ColumnKind.INSTANT, "v.reviewed_at"),
    Column("number", gettext_lazy("Case"), ColumnKind.TEXT, "c.number", shown=False),
    Column("submitted_at", gettext_lazy("Handed in at"), ColumnKind.INSTANT, "v.submitted_at", shown=False),
    *more_columns("tracker", "due_on"),
)


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    arguments: dict[str, Any] = {}
    conditions = days(parameters, arguments, "returned", "v.reviewed_at")
    if "kind" in parameters:
        conditions.append("v.kind = any(%(kinds)s::text[])")
        arguments["kinds"] = list(parameters["kind"])
    return Source(
        from_sql=f"({_EVIDENCE}) v {one_membership(parameters, arguments, of='v.student_id')} "
        "left join records_submission c on c.institution_id = %(institution)s and c.id = v.submission_id "
        "left join reviews_returnreason q on q.institution_id = %(institution)s and q.code = v.rejection_code "
        f"{staff_join('u', 'v.reviewed_by')} {REQUIREMENT_NAMES}",
        identity="v.id",
        where=tuple(conditions),
        arguments=arguments,
    )


def _chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    found = grouped(
        _source(parameters, _COLUMNS, context),
        context,
        f"{_REASON}, count(*)",
        "group by 1 order by 2 desc, 1",
    )
    named = [(_reason(code) if code else _("No reason given"), count) for code, count in found]
    total = sum(count for _name, count in named)
    summary = _("Nothing was returned that matches these filters.")
    if total:
        name, most = named[0]
        summary = ngettext("%(total)d piece returned.", "%(total)d pieces returned.", total) % {
            "total": total
        }
        summary += " " + _("Most often: %(reason)s (%(share).0f%%).") % {
            "reason": name,
            "share": 100 * most / total,
        }
    return ReportChart(
        kind="bar",
        title=_("Returned pieces by reason"),
        labels=[name for name, _count in named],
        series=[ChartSeries(_("Pieces"), [count for _name, count in named], "rejected")],
        summary=summary,
    )


REPORT = ReportDefinition(
    key="rejected",
    title=gettext_lazy("Rejected evidence with reasons"),
    description=gettext_lazy(
        "A row for each piece that was returned to the student: what, why, by whom, when."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, STATE, DUE, _KIND, _RETURNED),
    default_sort="-returned_at",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=_chart,
    category=Category.REVIEW,
)
