"""How one student stands on a package, item by item, as getUser tells it: worked out when somebody asks."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext, override

from pratique.compliance import facts
from pratique.compliance.actions import compiled_set
from pratique.compliance.judging import NOTHING_ASKED, Judged, judge
from pratique.requirements.queries import sets_in_force
from pratique.rules import (
    Evidence,
    ItemStatus,
    Requirement,
    StudentFacts,
    compile_requirement,
    evaluate,
    name_in_words,
)

VACCINATION, TITER, FORM = "vaccination", "titer", "form"


@dataclass(frozen=True)
class ItemTold:
    """A student's standing on one requirement. `record_type`: see `record_type`."""

    name: str
    status: str
    next_action_on: date | None
    administered_on: date | None
    last_modified_at: datetime | None
    record_type: str


@dataclass(frozen=True)
class StandingTold:
    """A membership's items, in the order of their requirement set, and the counts that follow from them."""

    items: tuple[ItemTold, ...]
    num_complete: int
    complete: bool


def standing_of(membership_id: UUID, today: date) -> StandingTold:
    """Return how a membership stands on `today`, in the installation's first language whoever asks.

    It is judged in memory as `compliance` would store it, so a stale mark makes no difference. Without a tracker
    there are no items.
    """
    (loaded,) = facts.of([membership_id])
    known = loaded.facts
    group = known.requirement_group_id
    in_force = sets_in_force(today).get(group) if group else None
    if in_force is None:
        return StandingTold((), NOTHING_ASKED.num_complete, NOTHING_ASKED.complete)
    standing = judge(known, compiled_set(in_force), today)
    requirements = {requirement.key: requirement for requirement in in_force.requirements}
    with override(settings.LANGUAGE_CODE):
        items = tuple(
            _told(item, requirements[item.key], known.evidence, known.student, today)
            for item in standing.items
        )
    return StandingTold(items, standing.num_complete, standing.complete)


def _told(
    item: Judged, requirement: Requirement, evidence: Evidence, student: StudentFacts, today: date
) -> ItemTold:
    return ItemTold(
        name=name_in_words(requirement.name, gettext),
        status=str(item.status),
        next_action_on=item.next_action_on,
        administered_on=item.administered_on,
        last_modified_at=item.last_modified_at,
        record_type=record_type(item.status, requirement, evidence, student, today),
    )


def record_type(
    status: ItemStatus | str, requirement: Requirement, evidence: Evidence, student: StudentFacts, today: date
) -> str:
    """Return what kind of record an approved item rests on, or an expired one did; "" for any other. PURE.

    "vaccination", "titer", "form", a document's kind ("physical_exam") or "medical exemption" (and the other kinds):
    what the reviewer filed the approved evidence as. Where several kinds hold only together, all, with commas. ""
    too where no evidence is needed, as of somebody born before a year.
    """
    if status not in (ItemStatus.APPROVED, ItemStatus.EXPIRED):
        return ""
    by_type = _approved_by_type(requirement, evidence)
    for name, alone in {"": Evidence(), **by_type}.items():
        if evaluate(requirement, alone, student, today).status == status:
            return name
    return ", ".join(by_type)


def _approved_by_type(requirement: Requirement, evidence: Evidence) -> Mapping[str, Evidence]:
    """Return the approved evidence that a requirement looks at, apart by what kind of record it is."""
    looked_at = compile_requirement(requirement).relevance
    found: dict[str, Evidence] = {}

    def add(name: str, field: str, one: object) -> None:
        kept = found.get(name, Evidence())
        found[name] = kept._replace(**{field: (*getattr(kept, field), one)})

    for dose in evidence.doses:
        if dose.state == "approved" and dose.cvx in looked_at.cvx:
            add(VACCINATION, "doses", dose)
    for titer in evidence.titers:
        if titer.state == "approved" and titer.antibody in looked_at.antibodies:
            add(TITER, "titers", titer)
    for paper in evidence.documents:
        if paper.state == "approved" and paper.kind in looked_at.documents:
            add(paper.kind, "documents", paper)
    for form in evidence.forms:
        if form.state == "approved" and form.form in looked_at.forms:
            add(FORM, "forms", form)
    for one in evidence.exemptions:
        if (
            one.state == "approved"
            and one.requirement in ("", requirement.key)
            and one.kind in looked_at.exemptions
        ):
            add(f"{one.kind} exemption", "exemptions", one)
    return found
