"""What the reports about evidence share: a row a piece `x`, once whatever packages its student is on."""

from collections.abc import Sequence
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext, gettext_lazy

from pratique.records.models import EvidenceState
from pratique.reports.definitions.memberships import STUDENT_FILTERS, one_membership
from pratique.reports.types import Choice, Column, ColumnKind, Filter, FilterKind, Parameters, Source
from pratique.rules.explain import word

EVIDENCE = gettext_lazy("Evidence")
REVIEWING = gettext_lazy("Review")
REVIEW_TITLES = {
    EvidenceState.PENDING.value: gettext_lazy("Pending"),
    EvidenceState.APPROVED.value: gettext_lazy("Approved"),
    EvidenceState.REJECTED.value: gettext_lazy("Rejected"),
}
REVIEW = Filter(
    "review",
    gettext_lazy("Review"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in REVIEW_TITLES.items()),
)
HANDED_IN = Filter("handed_in", gettext_lazy("Handed in at"), FilterKind.DATE_RANGE)
EVIDENCE_FILTERS = (*STUDENT_FILTERS, REVIEW, HANDED_IN)

# Who is gone, and what is no person, is called by what kind of actor it was.
_REVIEWER_JOIN = (
    "left join accounts_user u "
    "on u.institution_id = x.institution_id and 'staff:' || u.id::text = x.reviewed_by"
)
_REVIEWER = "coalesce(u.name, nullif(split_part(x.reviewed_by, ':', 1), ''))"


def evidence_columns() -> tuple[Column, ...]:
    """Return the columns about a piece's review and where it came from."""
    return (
        Column("review", gettext_lazy("Review"), ColumnKind.STATUS, "x.state", section=REVIEWING),
        Column("reviewer", gettext_lazy("Reviewer"), ColumnKind.TEXT, _REVIEWER, section=REVIEWING),
        Column("reviewed_at", gettext_lazy("Reviewed at"), ColumnKind.INSTANT, "x.reviewed_at", section=REVIEWING),
        Column("source", gettext_lazy("Source"), ColumnKind.TEXT, "x.source", section=EVIDENCE),
        Column("submitted_at", gettext_lazy("Handed in at"), ColumnKind.INSTANT, "x.submitted_at", shown=False,
               section=EVIDENCE),
    )  # fmt: skip


def evidence_source(
    table: str,
    parameters: Parameters,
    *,
    conditions: Sequence[str] = (),
    arguments: dict[str, Any] | None = None,
    joins: str = "",
) -> Source:
    """Return the pieces of `table` of the students within the filters; `conditions`, `joins` are the report's own."""
    bound = dict(arguments or {})
    found = ["x.institution_id = %(institution)s", *conditions]
    students = one_membership(parameters, bound, of="x.student_id")
    if "review" in parameters:
        found.append("x.state = any(%(review)s::text[])")
        bound["review"] = list(parameters["review"])
    found += on_days("x.submitted_at", "handed_in", parameters, bound)
    return Source(
        from_sql=f"{table} x {students} {_REVIEWER_JOIN} {joins}",
        identity="x.id",
        where=tuple(found),
        arguments=bound,
    )


def on_days(instant: str, key: str, parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions of a date range on an instant, by the institution's calendar, and add what they bind."""
    conditions = []
    if f"{key}_from" in parameters:
        conditions.append(f"{instant} >= %({key}_from)s::timestamp at time zone %(time_zone)s")
        arguments[f"{key}_from"] = parameters[f"{key}_from"]
    if f"{key}_to" in parameters:
        conditions.append(f"{instant} < (%({key}_to)s::date + 1)::timestamp at time zone %(time_zone)s")
        arguments[f"{key}_to"] = parameters[f"{key}_to"]
    return conditions


def within(day: str, key: str, parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions of a date range on a date, and add what they bind."""
    conditions = []
    for bound, sign in ((f"{key}_from", ">="), (f"{key}_to", "<=")):
        if bound in parameters:
            conditions.append(f"{day} {sign} %({bound})s::date")
            arguments[bound] = parameters[bound]
    return conditions


def in_words(code: str) -> str:
    """Return what an antibody, a document or a kind of exemption is called, in the active language."""
    return capfirst(word(code, gettext))
