"""Which requirements are columns: those of the published sets that apply today to the groups that are asked
for.
"""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from typing import Any, NamedTuple

from django.db import connection

from pratique.reports.filters import NO_TRACKER, uuids
from pratique.reports.types import Parameters, ReportContext


class RequirementColumn(NamedTuple):
    """One requirement as a column: its key joins it to items, its name is the title."""

    key: str
    name: str


# Of each group the set in force (`requirements.queries.sets_in_force` has the rule); of a key that several
# groups share, one name, always the same.
_APPLICABLE = """
select distinct on (r.key) r.key, r.name, r.position
from requirements_requirement r
join (
    select distinct on (requirement_group_id) institution_id, id, requirement_group_id
    from requirements_requirementset
    where institution_id = %(institution)s and state = 'published' and applies_from <= %(today)s
    order by requirement_group_id, version desc
) latest on latest.institution_id = r.institution_id and latest.id = r.requirement_set_id
join institutions_requirementgroup g
    on g.institution_id = latest.institution_id and g.id = latest.requirement_group_id
where {conditions}
order by r.key, g.name, g.id
"""


def requirement_columns(parameters: Parameters, context: ReportContext) -> list[RequirementColumn]:
    """Return the requirements that students within the filters may have, by position, then name."""
    arguments: dict[str, Any] = {"institution": context.institution_id, "today": context.today}
    conditions = ["true"]
    if "group" in parameters:
        conditions.append("g.id = any(%(groups)s::uuid[])")
        arguments["groups"] = uuids(parameters["group"])
    for name, column in (("tracker", "id"), ("term", "term_id"), ("package", "package_id")):
        wanted = [value for value in parameters.get(name, ()) if value != NO_TRACKER]
        if wanted:
            conditions.append(
                "g.id in (select requirement_group_id from institutions_tracker "
                f"where {column} = any(%({name})s::uuid[]))"
            )
            arguments[name] = uuids(wanted)
    with connection.cursor() as cursor:
        cursor.execute(_APPLICABLE.format(conditions=" and ".join(conditions)), arguments)
        found = cursor.fetchall()
    return [
        RequirementColumn(key, name)
        for key, name, _ in sorted(found, key=lambda row: (row[2], row[1], row[0]))
    ]
