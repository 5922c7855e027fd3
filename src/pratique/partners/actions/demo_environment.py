"""The demo environment of a school: an institution beside it, its twin, where a partner's demo keys act.

    request_demo_environment (a request of the school)  →  job partners.prepare_demo  →  prepare  →  state

The twin has the school's packages, groups, terms, trackers and published requirements, and students of its own: those
that a partner makes there. Each row of the twin has an id that follows from the id of the row it copies. So a
second run finds what the first one made, and nobody keeps a table of what belongs to what.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import count, islice
from typing import Any, NamedTuple, TypeVar
from uuid import UUID, uuid5

from django.db import IntegrityError, models, transaction

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.queue import enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.tenancy.channel import own_channel
from pratique.institutions.actions import create_institution
from pratique.institutions.models import Institution, Package, RequirementGroup, Term, Tracker
from pratique.requirements.actions import create_draft, publish
from pratique.requirements.models import Requirement, RequirementSet, SetState

BY = audit.Actor("system", "demo_environment")
# What the twin does as its school does, each time it is prepared.
_SETTINGS = (
    "time_zone", "student_id_required", "roster_mapping", "secure_token_minutes", "membership_months",
)  # fmt: skip
_LONGEST_CODE = Package._meta.get_field("code").max_length or 0
_LONGEST_SLUG = Institution._meta.get_field("slug").max_length or 0
_LONGEST_NAME = Institution._meta.get_field("name").max_length or 0
_TRIES = 200

Made = TypeVar("Made")


class DemoState(NamedTuple):
    """How far a school's demo environment is. `prepared`: each package of the school has its twin.

    `codes`: a package's code in production to the one in demo. `tracker_names`: of each package, by its code in demo.
    """

    prepared: bool
    codes: Mapping[str, str]
    tracker_names: Mapping[str, Sequence[str]]


def request_demo_environment(*, institution: Institution, by: audit.Actor, now: datetime) -> UUID:
    """Have the school's twin made, or brought up to date, by a job; return its id, which never changes.

    Clients may act for that id at once: until the job has run, the twin is empty. Raises ValueError for a twin.
    """
    with institution_scope(institution.id):
        # Two requests at once must not choose two ids.
        school = Institution.objects.select_for_update().get(id=institution.id)
        if school.is_demo:
            raise ValueError("A demo institution has no demo environment of its own.")
        twin = school.demo_institution
        if twin is None:
            twin = school.demo_institution = new_id()
            school.save(update_fields=["demo_institution"])
            audit.record(
                "institutions:demo:requested", institution_id=school.id, by=by, now=now,
                subject_type="institution", subject_id=school.id,
            )  # fmt: skip
        enqueue(
            "partners.prepare_demo", institution_id=school.id, queue="interactive",
            lock=f"prepare_demo:{school.id}", once=f"prepare_demo:{school.id}",
        )  # fmt: skip
    institution.demo_institution = twin
    return twin


def prepare(*, institution_id: UUID, now: datetime) -> None:
    """Write into the twin what it lacks of the school's packages and rules, and take over its settings.

    Nothing is deleted. Each half has the scope of one institution: what is read is plain data when the other begins.
    """
    with institution_scope(institution_id):
        school = _read(Institution.objects.get(id=institution_id))
    if school.twin is None:
        return
    with institution_scope(school.twin):
        _write(school, school.twin, now)


def state(institution: Institution) -> DemoState:
    """Return how far the demo environment is.

    The twin's rows are another institution's, which the school's transaction never sees: they are read over a
    connection of their own, only what is committed.
    """
    if institution.demo_institution is None:
        return DemoState(prepared=False, codes={}, tracker_names={})
    twin = institution.demo_institution
    with institution_scope(institution.id):
        own = dict(Package.objects.order_by("code").values_list("id", "code"))
    with own_channel(twin) as channel:
        demo: dict[UUID, str] = dict(channel.execute("select id, code from institutions_package").fetchall())
        trackers = channel.execute(
            "select package_id, name from institutions_tracker order by name"
        ).fetchall()
    codes = {code: demo[copied_id(twin, key)] for key, code in own.items() if copied_id(twin, key) in demo}
    names: dict[str, list[str]] = {code: [] for code in codes.values()}
    for package, name in trackers:
        names.setdefault(demo[package], []).append(name)
    return DemoState(prepared=bool(own) and len(codes) == len(own), codes=codes, tracker_names=names)


def copied_id(twin: UUID, original: UUID) -> UUID:
    """Return the id that the copy of a row has in the twin."""
    return uuid5(twin, str(original))


@dataclass(frozen=True)
class _Set:
    key: UUID
    group: UUID
    version: int
    applies_from: date
    rules: Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class _School:
    """What is copied, as plain data: rows of values by model, and the published sets."""

    id: UUID
    twin: UUID | None
    slug: str
    name: str
    settings: Mapping[str, Any]
    packages: Sequence[Mapping[str, Any]]
    groups: Sequence[Mapping[str, Any]]
    terms: Sequence[Mapping[str, Any]]
    trackers: Sequence[Mapping[str, Any]]
    sets: Sequence[_Set]


def _read(school: Institution) -> _School:
    rules: dict[UUID, list[Mapping[str, Any]]] = {}
    wanted = Requirement.objects.filter(requirement_set__state=SetState.PUBLISHED)
    for key, rule in wanted.order_by("position").values_list("requirement_set_id", "rule"):
        rules.setdefault(key, []).append(rule)
    sets = RequirementSet.objects.filter(state=SetState.PUBLISHED).order_by("requirement_group_id", "version")
    return _School(
        id=school.id,
        twin=school.demo_institution,
        slug=school.slug,
        name=school.name,
        settings={name: getattr(school, name) for name in _SETTINGS},
        packages=list(Package.objects.order_by("id").values("id", "code", "name", "is_default")),
        groups=list(RequirementGroup.objects.values("id", "name")),
        terms=list(Term.objects.values("id", "name", "starts_on", "due_on")),
        trackers=list(
            Tracker.objects.values("id", "package_id", "requirement_group_id", "term_id", "name", "due_on")
        ),
        sets=[
            _Set(one.id, one.requirement_group_id, one.version, one.applies_from, rules.get(one.id, ()))
            for one in sets
        ],
    )


def _write(school: _School, twin: UUID, now: datetime) -> None:
    stored = Institution.objects.filter(id=twin).first() or _create(school, twin, now)
    changed = [name for name, value in school.settings.items() if getattr(stored, name) != value]
    if changed:
        for name in changed:
            setattr(stored, name, school.settings[name])
        stored.save(update_fields=changed)
        audit.record(
            "institutions:demo:changed", institution_id=twin, by=BY, now=now, subject_type="institution",
            subject_id=twin, detail={"fields": changed},
        )  # fmt: skip
    added = {"packages": _add_packages(school, twin)}
    # Trackers last: they refer to the others.
    for model, rows in (
        (RequirementGroup, school.groups),
        (Term, school.terms),
        (Tracker, school.trackers),
    ):
        added[f"{model._meta.model_name}s"] = _add(model, rows, twin)
    added["sets"] = _publish(school, twin, now)
    if any(added.values()):
        audit.record(
            "institutions:demo:prepared", institution_id=twin, by=BY, now=now, subject_type="institution",
            subject_id=twin, detail=added,
        )  # fmt: skip


def _create(school: _School, twin: UUID, now: datetime) -> Institution:
    def create(slug: str) -> Institution:
        return create_institution(
            slug=slug, name=f"{school.name[: _LONGEST_NAME - 7]} (demo)", institution_id=twin,
            demo_of=school.id, time_zone=school.settings["time_zone"], by=BY, now=now,
        )  # fmt: skip

    return _first_free(_with_suffix(school.slug, "-demo", _LONGEST_SLUG), create)


def _add_packages(school: _School, twin: UUID) -> int:
    there = set(Package.objects.values_list("id", flat=True))
    missing = [row for row in school.packages if copied_id(twin, row["id"]) not in there]
    for row in missing:
        package = Package(
            id=copied_id(twin, row["id"]), institution_id=twin, name=row["name"], is_default=row["is_default"]
        )
        # Codes are one list for the whole installation: another school may have this one.
        _first_free(_with_suffix(row["code"], "-DEMO", _LONGEST_CODE), partial(_keep_package, package))
    return len(missing)


def _keep_package(package: Package, code: str) -> None:
    package.code = code
    package.save(force_insert=True)


def _add(model: type[models.Model], rows: Sequence[Mapping[str, Any]], twin: UUID) -> int:
    """Add the missing rows, each reference turned to the twin's own row; return how many there were."""
    there = set(model._default_manager.values_list("id", flat=True))
    copies = [
        {
            name: copied_id(twin, value) if isinstance(value, UUID) else value
            for name, value in row.items()
        }
        for row in rows
    ]  # fmt: skip
    missing = [model(institution_id=twin, **copy) for copy in copies if copy["id"] not in there]
    model._default_manager.bulk_create(missing)
    return len(missing)


def _publish(school: _School, twin: UUID, now: datetime) -> int:
    there = set(RequirementSet.objects.values_list("id", flat=True))
    groups = RequirementGroup.objects.in_bulk()
    missing = [one for one in school.sets if copied_id(twin, one.key) not in there]
    for one in missing:
        draft = create_draft(
            group=groups[copied_id(twin, one.group)], requirements=one.rules, applies_from=one.applies_from,
            copy_of=(copied_id(twin, one.key), one.version), by=BY, now=now,
        )  # fmt: skip
        publish(draft=draft, by=BY, now=now)
    return len(missing)


def _with_suffix(text: str, suffix: str, longest: int) -> Iterator[str]:
    """Yield `text` with the suffix, then with the suffix and 2, 3 and so on, each cut to fit."""
    for number in count(1):
        end = suffix if number == 1 else f"{suffix}{number}"
        yield text[: longest - len(end)].rstrip("-_ ") + end


def _first_free(names: Iterator[str], create: Callable[[str], Made]) -> Made:
    """Return what `create` makes of the first name that nobody in the installation has."""
    refused: IntegrityError | None = None
    for name in islice(names, _TRIES):
        try:
            with transaction.atomic():
                return create(name)
        except IntegrityError as error:
            refused = error
    raise RuntimeError("No free name was found for a demo environment.") from refused
