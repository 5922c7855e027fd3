"""Which memberships a report is about: the conditions that its filters become. Shared by reports about
students.
"""

from collections.abc import Sequence
from typing import Any

from pratique.reports.filters import NO_TRACKER, uuids
from pratique.reports.types import Parameters

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


def membership_conditions(parameters: Parameters, arguments: dict[str, Any]) -> list[str]:
    """Return the conditions on membership `m` and student `s`, and add what they bind to `arguments`."""
    conditions = ["m.institution_id = %(institution)s"]
    if parameters.get("state", "all") != "all":
        conditions.append("m.state = %(state)s")
        arguments["state"] = parameters["state"]
    if "on_campus" in parameters:
        wanted = {"yes": "s.on_campus", "no": "not s.on_campus", "unknown": "s.on_campus is null"}
        conditions.append(wanted[parameters["on_campus"]])
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
