"""What several definitions ask the database beside their rows: days as conditions, and the names of requirements."""

# SQL is put together from constants of the definitions; every value that came in is bound.
# ruff: noqa: S608

from typing import Any

from pratique.reports.types import Parameters

# The last name of every requirement that was ever published, by its key: what happened once, or was handed in long
# ago, may speak of one that no set in force has. One row, so that it can be joined to anything.
REQUIREMENT_NAMES = """cross join (
    with names as materialized (
        select coalesce(jsonb_object_agg(f.key, f.name), '{}') as by_key from (
            select distinct on (r.key) r.key, r.name
            from requirements_requirement r
            join requirements_requirementset v
                on v.institution_id = r.institution_id and v.id = r.requirement_set_id
            where r.institution_id = %(institution)s and v.state = 'published'
            order by r.key, v.applies_from desc, v.version desc, r.id
        ) f
    )
    select by_key from names
) requirement"""


def requirement_name(key: str) -> str:
    """Return an expression: the name of the requirement called `key`; the source joins REQUIREMENT_NAMES."""
    return f"coalesce(requirement.by_key ->> {key}, {key})"


def requirement_names(keys: str) -> str:
    """Return an expression: the names of the requirements of the JSON list `keys`, in its order."""
    return (
        f"(select string_agg({requirement_name('one.key')}, ', ' order by one.place) "
        f"from jsonb_array_elements_text({keys}) with ordinality one(key, place))"
    )


def days(parameters: Parameters, arguments: dict[str, Any], key: str, instant: str) -> list[str]:
    """Return the conditions that the date range `key` sets `instant`; days begin at the institution's midnight."""
    conditions = []
    for bound, sign, later in ((f"{key}_from", ">=", 0), (f"{key}_to", "<", 1)):
        if bound in parameters:
            conditions.append(
                f"{instant} {sign} (%({bound})s::date + {later})::timestamp at time zone %(time_zone)s"
            )
            arguments[bound] = parameters[bound]
    return conditions


def dates(parameters: Parameters, arguments: dict[str, Any], key: str, day: str) -> list[str]:
    """Return the conditions that the date range `key` sets `day`, a date."""
    conditions = []
    for bound, sign in ((f"{key}_from", ">="), (f"{key}_to", "<=")):
        if bound in parameters:
            conditions.append(f"{day} {sign} %({bound})s::date")
            arguments[bound] = parameters[bound]
    return conditions
