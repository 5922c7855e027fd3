"""Which memberships a report is about: the conditions that its filters become. Shared by reports about
students.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from pratique.reports.filters import GROUP, NO_TRACKER, ON_CAMPUS, PACKAGE, STATE, TERM, TRACKER, uuids
from pratique.reports.types import Parameters

# What every report about students may be narrowed by.
STUDENT_FILTERS = (PACKAGE, TRACKER, GROUP, TERM, ON_CAMPUS, STATE)

# The tables in the order in which they hang together. Row security filters each; the keys begin with the
# institution.
STUDENT_JOIN = "join students_student s on s.institution_id = m.institution_id and s.id = m.student_id"
PACKAGE_JOIN = "join institutions_package p on p.institution_id = m.institution_id and p.id = m.package_id"
TRACKER_JOINS = (
    "left join institutions_tracker t on t.institution_id = m.institution_id and t.id = m.tracker_id "
    "left join institutions_requirementgroup g "
    "on g.institution_id = t.institution_id and g.id = t.requirement_group_id "
    "left join institutions_term e on e.institution_id = t.institution_id and e.id = t.term_id"
)

# What a delta asks of a report about memberships `m`: the registration or its student was changed by one of these
# transactions (decision 31). A union, so that each half reads its own index.
CHANGED = (
    "m.id in (select c.id from students_membership c where c.institution_id = %(institution)s "
    "and c.transaction_id >= %(changes_first)s and c.transaction_id < %(changes_before)s "
    "union select c.id from students_student d join students_membership c "
    "on c.institution_id = d.institution_id and c.student_id = d.id where d.institution_id = %(institution)s "
    "and d.transaction_id >= %(changes_first)s and d.transaction_id < %(changes_before)s)"
)


def one_membership(parameters: Parameters, arguments: dict[str, Any], *, of: str) -> str:
    """Return the joins of a report with a row for each thing of a student, such as a dose, and add what they bind.

    `of` is the expression of the student's id. A student on several packages counts once: with the registration
    that the filters find, an active one before an archived one, the newest first. Then `m`, `s`, `p`, `t`, `g` and
    `e` are there as in a report about memberships.
    """
    conditions = membership_conditions(parameters, arguments) + tracker_conditions(parameters, arguments)
    return (
        # Materialized: where statistics are missing, as after a first import, it would be worked out anew for each row.
        f"join (with one as materialized (select distinct on (m.student_id) m.id, m.student_id "
        f"from students_membership m {STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS} where {' and '.join(conditions)} "
        f"order by m.student_id, m.state, m.created_at desc, m.id) select * from one) chosen "
        f"on chosen.student_id = {of} "
        # The table once more: of what a subquery gives PostgreSQL expects a row or two, and then joins by loops.
        "join students_membership m on m.institution_id = %(institution)s and m.id = chosen.id "
        f"{STUDENT_JOIN} {PACKAGE_JOIN} {TRACKER_JOINS}"
    )


def membership_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions on membership `m` and student `s`, and add what they bind to `arguments`."""
    conditions = ["m.institution_id = %(institution)s"]
    if parameters.get("state", "all") != "all":
        conditions.append("m.state = %(state)s")
        arguments["state"] = parameters["state"]
    if "on_campus" in parameters:
        wanted = {"yes": "s.on_campus", "no": "not s.on_campus", "unknown": "s.on_campus is null"}
        conditions.append(wanted[parameters["on_campus"]])
    if "student" in parameters:
        conditions.append("m.student_id = %(student)s")
        arguments["student"] = UUID(parameters["student"])
    return conditions


def tracker_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions on package `p`, tracker `t` and its group and term, and add what they bind."""
    conditions = []
    if "package" in parameters:
        conditions.append("p.id = any(%(packages)s::uuid[])")
        arguments["packages"] = uuids(parameters["package"])
    if "tracker" in parameters:
        conditions.append(_trackers(parameters["tracker"], arguments))
    if "group" in parameters:
        conditions.append("t.requirement_group_id = any(%(groups)s::uuid[])")
        arguments["groups"] = uuids(parameters["group"])
    if "term" in parameters:
        conditions.append("t.term_id = any(%(terms)s::uuid[])")
        arguments["terms"] = uuids(parameters["term"])
    for bound, sign in (("due_from", ">="), ("due_to", "<=")):
        if bound in parameters:
            conditions.append(f"t.due_on {sign} %({bound})s::date")
            arguments[bound] = parameters[bound]
    return conditions


def _trackers(values: Sequence[str], arguments: dict[str, Any]) -> str:
    arguments["trackers"] = uuids([value for value in values if value != NO_TRACKER])
    named = "t.id = any(%(trackers)s::uuid[])"
    return f"({named} or t.id is null)" if NO_TRACKER in values else named
