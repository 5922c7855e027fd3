"""Reading standing: one student explained down to the dose, and whole populations counted."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import gettext

from pratique.compliance import actions, facts
from pratique.compliance.judging import judge
from pratique.records.models import Dose
from pratique.requirements.queries import sets_in_force
from pratique.rules import Requirement, describe, evaluate, explain


@dataclass(frozen=True)
class DoseLine:
    """One dose on the time line of an item: when, what, whether it counts, and if not, why and what helps."""

    number: int | None
    vaccine: str
    product: str
    cvx: str
    administered_on: date
    state: str
    counts: bool
    sentences: Sequence[str]
    first_date_that_helps: date | None


@dataclass(frozen=True)
class CurrentItem:
    """A student's standing on one requirement, in words."""

    key: str
    name: str
    status: str
    reasons: Sequence[str]
    doses: Sequence[DoseLine]
    satisfied_by: str
    source: str
    next_action_on: date | None
    administered_on: date | None
    last_modified_at: datetime | None


def standing(membership_id: UUID, today: date) -> list[CurrentItem]:
    """Return every item of a membership as it is now, evaluated in memory: a stale mark makes no difference.

    Items come in the order of their requirement set. Sentences are in the active language.
    """
    loaded = facts.of([membership_id])
    if not loaded or loaded[0].facts.requirement_group_id is None:
        return []
    known = loaded[0].facts
    in_force = sets_in_force(today).get(loaded[0].facts.requirement_group_id)
    if in_force is None:
        return []
    compiled = actions.compiled_sets(today)[loaded[0].facts.requirement_group_id]
    judged = {item.key: item for item in judge(known, compiled, today).items}
    doses = Dose.objects.filter(id__in=[dose.id for dose in known.evidence.doses])
    products = {str(dose.id): dose for dose in doses}
    items = []
    for requirement in in_force.requirements:
        item = judged.get(requirement.key)
        if item is None:
            continue
        verdict = evaluate(requirement, known.evidence, known.student, today)
        items.append(
            CurrentItem(
                key=item.key,
                name=requirement.name,
                status=str(item.status),
                reasons=[in_words(reason) for reason in item.reasons],
                doses=_dose_lines(verdict.doses, products),
                satisfied_by=_described(requirement),
                source=requirement.source,
                next_action_on=item.next_action_on,
                administered_on=item.administered_on,
                last_modified_at=item.last_modified_at,
            )
        )
    return items


def in_words(reason: Any) -> str:
    """Return a reason as a sentence in the active language, with dates as its readers write them."""
    return explain(reason, gettext, _long_date)


def _long_date(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _described(requirement: Requirement) -> str:
    translate: Callable[[str], str] = gettext
    return describe(requirement, translate)


def _dose_lines(findings: Sequence[Any], products: Mapping[Any, Dose]) -> list[DoseLine]:
    lines = []
    for finding in findings:
        dose = products[finding.dose_id]
        lines.append(
            DoseLine(
                number=finding.number,
                vaccine=finding.vaccine,
                product=dose.product,
                cvx=dose.cvx,
                administered_on=dose.administered_on,
                state=dose.state,
                counts=finding.counts,
                sentences=[in_words(reason) for reason in finding.reasons],
                first_date_that_helps=finding.first_date_that_helps,
            )
        )
    return lines


class TrackerProgress(NamedTuple):
    """How a tracker stands: its active students, and how many of them are in which state.

    `complete` + `in_review` + `incomplete` = `students`; `user_complete` counts complete and in review.
    """

    tracker_id: UUID
    name: str
    due_on: date
    students: int
    complete: int
    user_complete: int
    in_review: int
    incomplete: int
    items_by_status: Mapping[str, int]


_PROGRESS = """
    select t.id, t.name, t.due_on, count(m.id), count(*) filter (where m.complete),
           count(*) filter (where m.user_complete)
    from institutions_tracker t
    left join students_membership m
        on m.institution_id = t.institution_id and m.tracker_id = t.id and m.state = 'active'
    where %(package)s::uuid is null or t.package_id = %(package)s
    group by t.institution_id, t.id, t.name, t.due_on order by t.name
"""
_ITEMS_BY_STATUS = """
    select m.tracker_id, i.status, count(*)
    from students_membership m
    join compliance_item i on i.institution_id = m.institution_id and i.membership_id = m.id
    where m.state = 'active' and m.tracker_id is not null
        and (%(package)s::uuid is null or m.package_id = %(package)s)
    group by 1, 2
"""


def progress_by_tracker(package_id: UUID | None = None) -> list[TrackerProgress]:
    """Return the progress of every tracker (of one package, if given), in two queries."""
    values = {"package": package_id}
    with connection.cursor() as cursor:
        cursor.execute(_ITEMS_BY_STATUS, values)
        items: dict[UUID, dict[str, int]] = {}
        for tracker_id, status, count in cursor:
            items.setdefault(tracker_id, {})[status] = count
        cursor.execute(_PROGRESS, values)
        return [
            TrackerProgress(
                id_, name, due_on, students, complete, user_complete,
                user_complete - complete, students - user_complete, items.get(id_, {}),
            )
            for id_, name, due_on, students, complete, user_complete in cursor
        ]  # fmt: skip
