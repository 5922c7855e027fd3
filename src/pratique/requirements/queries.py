"""Requirement sets as rules: which one is in force for a requirement group on a day."""

from collections.abc import Mapping
from datetime import date
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from pratique.requirements.models import Requirement as StoredRequirement
from pratique.requirements.models import RequirementSet, SetState
from pratique.rules import Requirement, requirement_from_data


class SetInForce(NamedTuple):
    """What a group demands on a day, and the first later day on which another version takes over."""

    id: UUID
    version: int
    requirements: tuple[Requirement, ...]
    replaced_on: date | None


def sets_in_force(today: date) -> Mapping[UUID, SetInForce]:
    """Return by requirement group the published set in force on `today`.

    The latest version whose `applies_from` has come is in force; a group without one is absent. One query, and
    one for each set that this process has not read before.
    """
    published = RequirementSet.objects.filter(state=SetState.PUBLISHED).order_by(
        "requirement_group_id", "version"
    )
    in_force: dict[UUID, RequirementSet] = {}
    replaced_on: dict[UUID, date] = {}
    for stored in published:
        group = stored.requirement_group_id
        if stored.applies_from <= today:
            in_force[group] = stored
        else:
            replaced_on[group] = min(stored.applies_from, replaced_on.get(group, stored.applies_from))
    return {
        group: SetInForce(
            stored.id, stored.version, as_rules(stored.id, stored.state), replaced_on.get(group)
        )
        for group, stored in in_force.items()
    }


def first_sets_to_come(today: date) -> Mapping[UUID, date]:
    """Return by requirement group the first day after `today` on which a version begins to apply."""
    coming: dict[UUID, date] = {}
    for group, applies_from in RequirementSet.objects.filter(
        state=SetState.PUBLISHED, applies_from__gt=today
    ).values_list("requirement_group_id", "applies_from"):
        coming[group] = min(applies_from, coming.get(group, applies_from))
    return coming


def as_rules(set_id: UUID, state: str) -> tuple[Requirement, ...]:
    """Return a set's requirements in their order. A published set never changes: it is read once a process."""
    return _published(set_id) if state == SetState.PUBLISHED else _read(set_id)


def _read(set_id: UUID) -> tuple[Requirement, ...]:
    rows = StoredRequirement.objects.filter(requirement_set_id=set_id).order_by("position")
    return tuple(requirement_from_data(rule) for rule in rows.values_list("rule", flat=True))


_published = lru_cache(maxsize=512)(_read)
