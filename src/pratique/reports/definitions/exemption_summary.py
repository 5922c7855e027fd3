"""Exemptions counted: a row for each requirement and kind, with how many are in force, wait, ended or were rejected."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence

from django.utils.translation import gettext_lazy

from pratique.accounts.roles import Permission
from pratique.reports.definitions.evidence import EVIDENCE_FILTERS
from pratique.reports.definitions.exemptions import (
    ENDS,
    KIND,
    STANDING_SQL,
    STANDING_TITLES,
    exemption_chart,
    exemption_source,
)
from pratique.reports.filters import REQUIREMENT
from pratique.reports.types import (
    Category,
    Column,
    ColumnKind,
    Parameters,
    ReportContext,
    ReportDefinition,
    Source,
)

_COLUMNS = (
    # Empty: for every requirement that accepts the kind. Those come last.
    Column("requirement", gettext_lazy("Requirement"), ColumnKind.TEXT, "k.requirement",
           sort=("k.requirement", "k.kind")),
    Column("kind", gettext_lazy("Kind"), ColumnKind.STATUS, "k.kind"),
    Column("students", gettext_lazy("Students"), ColumnKind.INTEGER, "k.students"),
    *(Column(one, title, ColumnKind.INTEGER, f"k.{one}") for one, title in STANDING_TITLES.items()),
    Column("next_end", gettext_lazy("Next to end"), ColumnKind.DATE, "k.next_end"),
)  # fmt: skip


def _source(parameters: Parameters, columns: Sequence[Column], context: ReportContext) -> Source:
    rows = exemption_source(parameters)
    counts = ", ".join(
        f"count(*) filter (where {STANDING_SQL} = '{one}') as {one}" for one in STANDING_TITLES
    )
    return Source(
        from_sql="(select x.requirement_key, "
        "min(coalesce(n.name, nullif(x.requirement_key, ''))) as requirement, x.kind, "
        f"count(distinct x.student_id) as students, {counts}, "
        f"min(x.expires_on) filter (where {STANDING_SQL} = 'in_force') as next_end "
        f"from {rows.from_sql} where {' and '.join(rows.where)} group by x.requirement_key, x.kind) k",
        identity="k.requirement_key, k.kind",
        arguments=rows.arguments,
    )


REPORT = ReportDefinition(
    key="exemption-summary",
    title=gettext_lazy("Exemptions counted"),
    description=gettext_lazy("How many exemptions of each kind there are from each requirement."),
    permission=Permission.VIEW_REPORTS,
    filters=(*EVIDENCE_FILTERS, KIND, REQUIREMENT, ENDS),
    default_sort="requirement",
    columns=lambda parameters, context: _COLUMNS,
    source=_source,
    chart=exemption_chart,
    category=Category.RECORDS,
)
