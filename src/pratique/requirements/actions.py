"""Writing requirement sets: a draft, and its publication."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from django.db.models import Max

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.queue import enqueue
from pratique.institutions.models import RequirementGroup
from pratique.requirements.models import Requirement, RequirementSet, SetState
from pratique.rules import requirement_from_data
from pratique.students.actions import mark_group_stale


class AlreadyPublishedError(Exception):
    """A published set was to be changed or published again."""


def create_draft(
    *,
    group: RequirementGroup,
    requirements: Sequence[Mapping[str, Any]],
    applies_from: date,
    copy_of: tuple[UUID, int] | None = None,
    by: audit.Actor,
    now: datetime,
) -> RequirementSet:
    """Create the next version for `group` as a draft. Raises RuleDataError (all problems) for a wrong rule.

    `copy_of`: id and version that it gets, where another institution's set is copied.
    """
    read = [requirement_from_data(data) for data in requirements]
    latest = RequirementSet.objects.filter(requirement_group=group).aggregate(v=Max("version"))["v"] or 0
    set_id, version = copy_of or (new_id(), latest + 1)
    draft = RequirementSet.objects.create(
        id=set_id,
        institution_id=group.institution_id,
        requirement_group=group,
        version=version,
        applies_from=applies_from,
    )
    Requirement.objects.bulk_create(
        Requirement(
            institution_id=group.institution_id,
            requirement_set=draft,
            key=requirement.key,
            name=requirement.name,
            position=position,
            rule=dict(data),
        )
        for position, (requirement, data) in enumerate(zip(read, requirements, strict=True), start=1)
    )
    _record("drafted", draft, by, now)
    return draft


def publish(*, draft: RequirementSet, by: audit.Actor, now: datetime) -> None:
    """Publish a draft for good. Everyone of the group is marked stale and judged anew by the worker."""
    if draft.state == SetState.PUBLISHED:
        raise AlreadyPublishedError("This version is published already; make a later one.")
    draft.state, draft.published_at, draft.published_by = SetState.PUBLISHED, now, str(by)
    draft.save(update_fields=["state", "published_at", "published_by"])
    mark_group_stale(requirement_group_id=draft.requirement_group_id, now=now)
    _record("published", draft, by, now)
    enqueue(
        "compliance.evaluate_stale",
        institution_id=draft.institution_id,
        queue="interactive",
        once=f"stale:{draft.institution_id}",
    )


def _record(verb: str, stored: RequirementSet, by: audit.Actor, now: datetime) -> None:
    audit.record(
        f"requirements:set:{verb}",
        institution_id=stored.institution_id,
        by=by,
        now=now,
        subject_type="requirement_set",
        subject_id=stored.id,
        detail={"version": stored.version, "applies_from": stored.applies_from.isoformat()},
    )
