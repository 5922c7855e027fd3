"""Exemptions by kind and expiry: a row an exemption. What the student wrote is never here (two roles may read it)."""

from collections.abc import Sequence
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.roles import Permission
from pratique.records.models import ExemptionKind
from pratique.reports.definitions.counting import grouped, listed, stacked
from pratique.reports.definitions.evidence import (
    EVIDENCE,
    EVIDENCE_FILTERS,
    evidence_columns,
    evidence_source,
    within,
)
from pratique.reports.definitions.requirement_names import any_name_join
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.filters import REQUIREMENT
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

KIND_TITLES = {
    ExemptionKind.MEDICAL.value: gettext_lazy("Medical"),
    ExemptionKind.RELIGIOUS.value: gettext_lazy("Religious"),
    ExemptionKind.PHILOSOPHICAL.value: gettext_lazy("Philosophical"),
    ExemptionKind.OTHER.value: gettext_lazy("Other"),
}
STANDING_TITLES = {
    "in_force": gettext_lazy("In force"),
    "pending": gettext_lazy("Awaiting review"),
    "not_yet": gettext_lazy("Not begun"),
    "ended": gettext_lazy("Ended"),
    "rejected": gettext_lazy("Rejected"),
}
KIND = Filter(
    "kind",
    gettext_lazy("Kind"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in KIND_TITLES.items()),
)
STANDING = Filter(
    "standing",
    gettext_lazy("Standing"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in STANDING_TITLES.items()),
)
ENDS = Filter("expires", gettext_lazy("Ends"), FilterKind.DATE_RANGE)

# By its own dates. A requirement may end an exemption sooner (`rules.ExemptionRule`); the item has that.
STANDING_SQL = (
    "case when x.state <> 'approved' then x.state when x.expires_on < %(today)s then 'ended' "
    "when x.granted_on > %(today)s then 'not_yet' else 'in_force' end"
)
_COLUMNS = (
    *NAMES,
    # Empty where it speaks for every requirement that accepts its kind.
    Column("requirement", gettext_lazy("Requirement"), ColumnKind.TEXT,
           "coalesce(n.name, nullif(x.requirement_key, ''))", section=EVIDENCE),
    Column("kind", gettext_lazy("Kind"), ColumnKind.STATUS, "x.kind", section=EVIDENCE),
    Column("standing", gettext_lazy("Standing"), ColumnKind.STATUS, STANDING_SQL, section=EVIDENCE),
    Column("granted_on", gettext_lazy("Granted on"), ColumnKind.DATE, "x.granted_on", section=EVIDENCE),
    Column("ends_on", gettext_lazy("Ends on"), ColumnKind.DATE, "x.expires_on", section=EVIDENCE),
    Column("has_document", gettext_lazy("Has a document"), ColumnKind.BOOLEAN, "x.has_document", section=EVIDENCE),
    *evidence_columns(),
    *more_columns("tracker"),
)  # fmt: skip


def exemption_source(parameters: Parameters) -> Source:
    """Return the exemptions `x` within the filters, with the requirement's name in `n`."""
    arguments: dict[str, Any] = {}
    conditions = within("x.expires_on", "expires", parameters, arguments)
    if "kind" in parameters:
        conditions.append("x.kind = any(%(kinds)s::text[])")
        arguments["kinds"] = list(parameters["kind"])
    if "standing" in parameters:
        conditions.append(f"{STANDING_SQL} = any(%(standings)s::text[])")
        arguments["standings"] = list(parameters["standing"])
    if "requirement" in parameters:
        # One that speaks for all speaks for this one too.
        conditions.append("x.requirement_key in ('', %(requirement)s)")
        arguments["requirement"] = parameters["requirement"]
    return evidence_source(
        "records_exemption",
        parameters,
        conditions=conditions,
        arguments=arguments,
        joins=any_name_join("x.requirement_key"),
    )


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    return exemption_source(parameters)


def exemption_chart(parameters: Parameters, context: ReportContext) -> ReportChart:
    """Return the exemptions by kind and standing."""
    rows = grouped(
        exemption_source(parameters), context, f"x.kind, {STANDING_SQL}, count(*)", "group by 1, 2"
    )
    counts = {(kind, standing): count for kind, standing, count in rows}
    in_force = {kind: counts.get((kind, "in_force"), 0) for kind in KIND_TITLES}
    total = sum(counts.values())
    summary = _("No exemptions match these filters.")
    if total:
        summary = ngettext(
            "%(total)s exemption, %(force)s in force", "%(total)s exemptions, %(force)s in force", total
        ) % {"total": f"{total:,}", "force": f"{sum(in_force.values()):,}"}
        summary += f" ({told})." if (told := listed(KIND_TITLES, in_force)) else "."
    return stacked(
        _("Exemptions by kind"),
        KIND_TITLES,
        STANDING_TITLES,
        counts,
        summary,
        statuses={"in_force": "approved", "pending": "pending", "ended": "expired", "rejected": "rejected"},
    )


REPORT = ReportDefinition(
    key="exemptions",
    title=gettext_lazy("Exemptions"),
    description=gettext_lazy(
        "One row for each exemption: its kind, what it is from, and until when it is good."
    ),
    permission=Permission.VIEW_REPORTS,
    filters=(*EVIDENCE_FILTERS, KIND, STANDING, REQUIREMENT, ENDS),
    default_sort="last_name",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=exemption_chart,
    category=Category.RECORDS,
)
