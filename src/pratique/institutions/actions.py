"""Setting up an institution: packages, groups, terms, and a tracker for each pair."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, RequirementGroup, Term, Tracker


class TermDates(NamedTuple):
    """A term by name, with its first day and the day by which its requirements are due."""

    name: str
    starts_on: date
    due_on: date


def create_institution(
    *,
    slug: str,
    name: str,
    time_zone: str,
    institution_id: UUID | None = None,
    demo_of: UUID | None = None,
    by: audit.Actor,
    now: datetime,
) -> Institution:
    """Create a tenant. Its rows are visible only inside `institution_scope` of its id.

    `institution_id`: the id, where it was chosen before. `demo_of`: it is the demo institution of that school.
    """
    institution_id = institution_id or new_id()
    with institution_scope(institution_id):
        institution = Institution.objects.create(
            id=institution_id, slug=slug, name=name, time_zone=time_zone, is_demo=demo_of is not None,
            demo_institution=demo_of, created_at=now,
        )  # fmt: skip
        audit.record(
            "institutions:institution:created",
            institution_id=institution.id,
            by=by,
            now=now,
            subject_type="institution",
            subject_id=institution.id,
        )
    return institution


def create_package(
    *,
    institution: Institution,
    code: str,
    name: str,
    groups: Sequence[str],
    terms: Sequence[TermDates],
    is_default: bool = True,
    by: audit.Actor,
    now: datetime,
) -> Package:
    """Create a package with a tracker for each requirement group in each term, making the missing of both."""
    package = Package.objects.create(institution=institution, code=code, name=name, is_default=is_default)
    stored_terms = [
        Term.objects.get_or_create(
            institution=institution,
            name=term.name,
            defaults={"starts_on": term.starts_on, "due_on": term.due_on},
        )[0]
        for term in terms
    ]
    for group_name in groups:
        group, _ = RequirementGroup.objects.get_or_create(institution=institution, name=group_name)
        Tracker.objects.bulk_create(
            Tracker(
                institution=institution,
                package=package,
                requirement_group=group,
                term=term,
                name=f"{group.name} - {term.name}",
                due_on=term.due_on,
            )
            for term in stored_terms
        )
    audit.record(
        "institutions:package:created",
        institution_id=institution.id,
        by=by,
        now=now,
        subject_type="package",
        subject_id=package.id,
        detail={"groups": len(groups), "terms": len(terms)},
    )
    return package
