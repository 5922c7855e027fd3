"""Reading standing: one student explained down to the dose, and whole populations counted."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection
from django.utils.formats import date_format
from django.utils.translation import get_language, gettext

from pratique.compliance import actions, facts
from pratique.compliance.judging import judge
from pratique.records.models import Dose
from pratique.records.products import plain_names
from pratique.requirements.queries import sets_in_force
from pratique.rules import Dose as RulesDose
from pratique.rules import (
    Evidence,
    Relevance,
    Requirement,
    Way,
    compile_requirement,
    describe_to_student,
    evaluate,
    explain,
    name_in_words,
    ways,
)
from pratique.students.models import Membership


@dataclass(frozen=True)
class DoseLine:
    """One dose on the time line of an item: when, what, whether it counts, and if not, why and what helps."""

    id: str
    number: int | None
    vaccine: str
    product: str
    cvx: str
    administered_on: date
    precision: str
    given: str
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
    requirement: Requirement
    ways: Sequence[Way]


NO_EVIDENCE = Evidence()


def standing(membership_id: UUID, today: date) -> list[CurrentItem]:
    """Return every item of a membership as it is now, evaluated in memory: a stale mark makes no difference.

    Items come in the order of their requirement set. Sentences are in the active language.
    """
    return what_if(membership_id, today)


def what_if(
    membership_id: UUID,
    today: date,
    *,
    extra: Evidence = NO_EVIDENCE,
    approving: Collection[str] = (),
    without: Collection[str] = (),
) -> list[CurrentItem]:
    """Return every item as it would be with other evidence; writes nothing.

    `extra`: evidence that is not stored, such as what is being typed. `approving`: ids of evidence, stored or extra,
    that is judged as if a reviewer had approved it. `without`: ids of stored evidence to leave out.
    """
    loaded = facts.of([membership_id])
    if not loaded or loaded[0].facts.requirement_group_id is None:
        return []
    known = loaded[0].facts
    in_force = sets_in_force(today).get(loaded[0].facts.requirement_group_id)
    if in_force is None:
        return []
    known = known._replace(evidence=_changed(known.evidence, extra, set(approving), set(without)))
    compiled = actions.compiled_set(in_force)
    judged = {item.key: item for item in judge(known, compiled, today).items}
    stored = [dose.id for dose in known.evidence.doses]
    # What is typed and not stored yet has a name of its own where it was typed.
    doses = Dose.objects.filter(id__in=stored).values_list("id", "product") if stored else ()
    products = {str(dose_id): product for dose_id, product in doses}
    given = {str(dose.id): dose for dose in known.evidence.doses}
    items = []
    for requirement in in_force.requirements:
        item = judged.get(requirement.key)
        if item is None:
            continue
        verdict = evaluate(requirement, known.evidence, known.student, today)
        items.append(
            CurrentItem(
                key=item.key,
                name=name_in_words(requirement.name, gettext),
                status=str(item.status),
                reasons=[in_words(reason) for reason in item.reasons],
                doses=_dose_lines(verdict.doses, given, products),
                satisfied_by=_described(requirement),
                source=requirement.source,
                next_action_on=item.next_action_on,
                administered_on=item.administered_on,
                last_modified_at=item.last_modified_at,
                requirement=requirement,
                ways=ways(requirement),
            )
        )
    return items


def _changed(evidence: Evidence, extra: Evidence, approving: set[str], without: set[str]) -> Evidence:
    """Return stored and extra evidence together, some of it left out, some as if it were approved."""

    def of(stored: tuple[Any, ...], added: tuple[Any, ...]) -> tuple[Any, ...]:
        kept = (one for one in (*stored, *added) if str(one.id) not in without)
        return tuple(one._replace(state="approved") if str(one.id) in approving else one for one in kept)

    return Evidence(*(of(stored, added) for stored, added in zip(evidence, extra, strict=True)))


def unread(student_id: UUID, requirement_keys: Collection[str], evidence: Evidence, today: date) -> list[str]:
    """Return those of `requirement_keys` that asks this student for something to which none of `evidence` speaks.

    They are what pages were sent for without typing what is on them (rules.PROOF).
    """
    groups = Membership.objects.filter(student_id=student_id, tracker__isnull=False)
    asked = sets_in_force(today)
    found: dict[str, bool] = {}
    for group in groups.values_list("tracker__requirement_group_id", flat=True):
        for requirement in asked[group].requirements if group in asked else ():
            if requirement.key in requirement_keys:
                spoken = _speaks_to(evidence, compile_requirement(requirement).relevance, requirement.key)
                found[requirement.key] = found.get(requirement.key, False) or spoken
    return sorted(key for key, spoken in found.items() if not spoken)


def _speaks_to(evidence: Evidence, relevance: Relevance, key: str) -> bool:
    return (
        any(dose.cvx in relevance.cvx for dose in evidence.doses)
        or any(titer.antibody in relevance.antibodies for titer in evidence.titers)
        or any(paper.kind in relevance.documents for paper in evidence.documents)
        or any(form.form in relevance.forms for form in evidence.forms)
        or any(one.requirement in ("", key) for one in evidence.exemptions)
    )


def in_words(reason: Any) -> str:
    """Return a reason as a sentence in the active language, with dates as its readers write them."""
    return explain(reason, gettext, _long_date, plain_names(get_language() or "en"))


def _long_date(day: date) -> str:
    return date_format(day, "DATE_FORMAT")


def _described(requirement: Requirement) -> str:
    translate: Callable[[str], str] = gettext
    return describe_to_student(requirement, translate, _long_date, plain_names(get_language() or "en"))


def _dose_lines(
    findings: Sequence[Any], given: Mapping[str, RulesDose], products: Mapping[str, str]
) -> list[DoseLine]:
    lines = []
    # What is typed just now is not stored, and what came from elsewhere may have no product's name.
    names = plain_names(get_language() or "en")
    for finding in findings:
        dose = given[str(finding.dose_id)]
        lines.append(
            DoseLine(
                id=str(dose.id),
                number=finding.number,
                vaccine=finding.vaccine,
                product=products.get(str(dose.id)) or names.get(dose.cvx, ""),
                cvx=dose.cvx,
                administered_on=dose.administered_on,
                precision=str(dose.precision),
                given=partial_date_in_words(dose.administered_on, dose.precision),
                state=str(dose.state),
                counts=finding.counts,
                sentences=[in_words(reason) for reason in finding.reasons],
                first_date_that_helps=finding.first_date_that_helps,
            )
        )
    return lines


def partial_date_in_words(first: date, precision: str) -> str:
    """Return a date as far as it is known, in the active language: a day, "March 2006" or "2006"."""
    formats = {"month": "YEAR_MONTH_FORMAT", "year": "Y"}
    return date_format(first, formats.get(str(precision), "DATE_FORMAT"))


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
