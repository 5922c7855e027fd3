"""What the requirements of items are called: items keep the key, the set in force has the name."""

# SQL of constants: every value is bound.
# ruff: noqa: S608

# `n.key`, `n.name`, `n.position` of each group's set in force (`requirements.queries.sets_in_force` has the rule).
_IN_FORCE = """(
    select latest.requirement_group_id, r.key, r.name, r.position
    from (
        select distinct on (requirement_group_id) institution_id, id, requirement_group_id
        from requirements_requirementset
        where institution_id = %(institution)s and state = 'published' and applies_from <= %(today)s
        order by requirement_group_id, version desc
    ) latest
    join requirements_requirement r
        on r.institution_id = latest.institution_id and r.requirement_set_id = latest.id
)"""

# For an item `i` of a membership on tracker `t`.
NAME_JOIN = f"left join {_IN_FORCE} n on n.requirement_group_id = t.requirement_group_id and n.key = i.requirement_key"
NAME = "coalesce(n.name, i.requirement_key)"


def any_name_join(key: str) -> str:
    """Return a join with one name a key, where several groups may name it each in its way: always the same one."""
    return (
        "left join (select distinct on (f.key) f.key, f.name, f.position "
        f"from {_IN_FORCE} f order by f.key, f.position, f.name) n on n.key = {key}"
    )
