"""What ends, for "Expiring soon" and "Expired": requirements, exemptions and registrations in one list, a row each."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Mapping
from typing import Any

from django.utils.translation import gettext_lazy

from pratique.reports.definitions.memberships import (
    PACKAGE_JOIN,
    STUDENT_JOIN,
    TRACKER_JOINS,
    membership_conditions,
    one_membership,
    tracker_conditions,
)
from pratique.reports.definitions.requirement_names import any_name_join
from pratique.reports.definitions.student_columns import NAMES, more_columns
from pratique.reports.types import Choice, Column, ColumnKind, Filter, FilterKind, Parameters, Source, Text

WHAT_TITLES = {
    "requirement": gettext_lazy("Requirement"),
    "exemption": gettext_lazy("Exemption"),
    "registration": gettext_lazy("Registration"),
}
_PLURALS = {
    "requirement": gettext_lazy("requirements %(count)s"),
    "exemption": gettext_lazy("exemptions %(count)s"),
    "registration": gettext_lazy("registrations %(count)s"),
}
WHAT = Filter(
    "what",
    gettext_lazy("What ends"),
    FilterKind.CHOICE,
    many=True,
    choices=tuple(Choice(value, title) for value, title in WHAT_TITLES.items()),
)
_ENDING = gettext_lazy("What ends")


def what_in_words(counts: Mapping[str, int]) -> str:
    """Return "requirements 2, registrations 1", without what is nil."""
    return ", ".join(
        words % {"count": f"{counts[what]:,}"} for what, words in _PLURALS.items() if counts.get(what)
    )


def ending_columns(ends_on: Text, days: Column) -> tuple[Column, ...]:
    """Return the columns over `k`; `ends_on` is the title of the last good day, `days` the report's own column."""
    return (
        Column(
            "ends_on", ends_on, ColumnKind.DATE, "k.ends_on",
            sort=("k.ends_on", "s.last_name", "s.first_name"), section=_ENDING,
        ),
        days,
        *NAMES,
        Column("what", gettext_lazy("What"), ColumnKind.STATUS, "k.what", section=_ENDING),
        Column("requirement", gettext_lazy("Requirement"), ColumnKind.TEXT,
               "coalesce(n.name, nullif(k.requirement_key, ''))", section=_ENDING),
        Column("kind", gettext_lazy("Kind of exemption"), ColumnKind.STATUS, "k.kind", section=_ENDING),
        *more_columns("email", "tracker"),
    )  # fmt: skip


# An approved item asks for the next thing on the day after its last good one (`rules.Verdict.next_action_on`).
ITEM_ENDS = "i.next_action_on - 1"
# The reasons of one that ended tell its last good day, where that is known to the day; else it is that before the
# day on which something was asked.
ITEM_ENDED = (
    "coalesce(substring(coalesce(jsonb_path_query_first(i.reasons, '$[*].params.through.date'), "
    "jsonb_path_query_first(i.reasons, '$[*].params.due_on.date')) #>> '{}' "
    "from '^\\d{4}-\\d\\d-\\d\\d$')::date, i.next_action_on - 1)"
)


def ending_source(
    parameters: Parameters, *, items: str, item_ends: str, when: str, arguments: dict[str, Any]
) -> Source:
    """Return what ends as `k` (what, requirement_key, kind, ends_on) of the students within the filters.

    `items` is the condition on items `i`, `item_ends` the last good day of one, `when` the condition on the last
    good day of anything, called `k.ends_on`; `arguments` is what they bind.
    """
    bound = dict(arguments)
    of_memberships = membership_conditions(parameters, bound) + tracker_conditions(parameters, bound)
    students = f"students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}"
    within = " and ".join(of_memberships)
    parts = {
        "requirement": "select 'requirement' as what, m.id as membership_id, i.requirement_key, null as kind, "
        f"{item_ends} as ends_on, i.requirement_key as key "
        f"from {students} join compliance_item i on i.institution_id = m.institution_id "
        f"and i.membership_id = m.id where {within} and {items}",
        "exemption": "select 'exemption', m.id, x.requirement_key, x.kind, x.expires_on, x.id::text "
        f"from records_exemption x {one_membership(parameters, bound, of='x.student_id')} "
        "where x.institution_id = %(institution)s and x.state = 'approved'",
        "registration": "select 'registration', m.id, '', null, m.expires_on, '' "
        f"from {students} where {within}",
    }
    wanted = [parts[one] for one in WHAT_TITLES if one in parameters.get("what", WHAT_TITLES)]
    named = "(what, membership_id, requirement_key, kind, ends_on, key)"
    return Source(
        from_sql=f"({' union all '.join(wanted)}) k {named} join students_membership m on m.id = k.membership_id "
        f"{STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} {any_name_join('k.requirement_key')}",
        identity="m.id, k.what, k.key",
        where=(when,),
        arguments=bound,
    )
