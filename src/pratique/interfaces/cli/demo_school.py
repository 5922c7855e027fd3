"""The demo institution, made once, through the same actions that a real school's data goes through."""

import io
import random
import secrets
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings

from pratique.accounts.actions import create_staff
from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES, Role
from pratique.compliance.actions import evaluate_stale
from pratique.foundation import audit, clock
from pratique.foundation.demo_credentials import keep_sign_ins, sign_ins
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.actions import TermDates, create_institution, create_package
from pratique.institutions.models import Institution, RequirementGroup
from pratique.institutions.queries import institution_by_slug
from pratique.interfaces.cli.demo_partner import add_partner
from pratique.interfaces.cli.demo_people import students_in_every_state
from pratique.interfaces.cli.demo_queue import Person, queue_of
from pratique.interfaces.cli.demo_records import PROFILES, StudentRecords
from pratique.interfaces.cli.demo_reports import GROUP as REMINDED_GROUP
from pratique.interfaces.cli.demo_reports import add_reports
from pratique.interfaces.cli.demo_sftp import add_sftp
from pratique.records.actions import add_evidence
from pratique.records.actions.arrivals import add_submissions
from pratique.records.models import Evidence
from pratique.requirements.actions import create_draft, publish
from pratique.reviews.actions.arrivals import add_reviews
from pratique.rosters import actions as rosters
from pratique.rosters.sample import DEFAULT_GROUPS, DEMO_SEED, DEMO_STUDENTS, write_sample
from pratique.rules import preset
from pratique.students.actions.invitations import note_invited_before
from pratique.students.models import Membership, Student, StudentAccount

SLUG, PACKAGE_CODE = "demo", "DEMO26"
BY = audit.Actor("command", "demo")
TERMS = (
    TermDates("Fall 2026", date(2026, 8, 24), date(2026, 12, 4)),
    TermDates("Spring 2027", date(2027, 1, 11), date(2026, 12, 18)),
)
_STAFF = (
    ("reviewer", "Rosa Delgado-Whitfield, RN", Role.REVIEWER),
    ("nurse", "Tomás Rivera, RN", Role.REVIEWER),
    ("coordinator", "Chidi Okonkwo", Role.COORDINATOR),
    ("administrator", "Anneliese Müller", Role.ADMINISTRATOR),
)

Say = Callable[[str], None]


def load(*, say: Say = lambda message: None) -> bool:
    """Create the demo institution with its students and its partner; False if its students are there already.

    A load that was interrupted is finished: each step looks for what it would make.
    """
    made = _load_school(say)
    complete(say=say)
    return made


def complete(*, say: Say = lambda message: None) -> None:
    """Add to a demo institution what it lacks of later additions: partner, account for file transfer, reports."""
    institution = institution_by_slug(SLUG)
    if institution is None:
        return
    if add_partner(institution, PACKAGE_CODE, by=BY, now=clock.now()):
        say("Giving the demo institution a partner")
    if add_sftp(institution, by=BY, now=clock.now()):
        say("Giving the demo institution an account for file transfer")
    if add_reports(institution, by=BY, now=clock.now()):
        say("Telling back 90 days, scheduling reports, planning reminders")


def _load_school(say: Say) -> bool:
    now = clock.now()
    institution = institution_by_slug(SLUG)
    if institution is None:
        say("Creating the demo institution")
        institution = create_institution(
            slug=SLUG, name="Harbor State University", time_zone="America/New_York", by=BY, now=now
        )
    with institution_scope(institution.id):
        there = Student.objects.exists()
        if there and StudentAccount.objects.exists():
            return False
        # One transaction from here: either all of the school is there, or it is made again.
        today = clock.today(institution.time_zone, at=now)
        if not there:
            _make(institution, today, now, say)
    say("Judging every requirement")
    evaluate_stale(institution=institution, today=today, now=now)
    say("Opening accounts of a few students")
    with institution_scope(institution.id):
        var = Path(settings.VAR)
        staff = [one for one in sign_ins(var) if one["role"] in STAFF_ROLES]
        keep_sign_ins(var, staff + students_in_every_state(today=today, now=now))
    evaluate_stale(institution=institution, today=today, now=now)
    return True


def _make(institution: Institution, today: date, now: datetime, say: Say) -> None:
    _set_up(institution, now)
    say(f"Importing {DEMO_STUDENTS:,} students")
    roster_import_id = _receive_roster(institution, now)
    rosters.check(institution=institution, roster_import_id=roster_import_id, today=today)
    _confirm(roster_import_id, now)
    rosters.apply(institution=institution, roster_import_id=roster_import_id, today=today, now=now)
    # One group was invited long ago: nobody is reminded of what they were told yesterday.
    long_ago = Membership.objects.filter(tracker__requirement_group__name=REMINDED_GROUP)
    note_invited_before(
        membership_ids=list(long_ago.values_list("id", flat=True)), at=now - timedelta(days=80)
    )
    say("Handing in records")
    _hand_in(institution, today, now)


def _set_up(institution: Institution, now: datetime) -> None:
    create_package(
        institution=institution, code=PACKAGE_CODE, name="Student Health 2026-27",
        groups=DEFAULT_GROUPS, terms=TERMS, by=BY, now=now,
    )  # fmt: skip
    for group in RequirementGroup.objects.all():
        draft = create_draft(
            group=group, requirements=_requirements(group.name), applies_from=date(2026, 7, 1), by=BY, now=now
        )
        publish(draft=draft, by=BY, now=now)
    people = []
    for username, name, role in _STAFF:
        password = secrets.token_urlsafe(12)
        create_staff(
            institution=institution, username=username, name=name, role=role, password=password,
            email=f"{username}@harbor.example.edu", by=BY, now=now,
        )  # fmt: skip
        people.append({"role": role.value, "username": username, "password": password})
    keep_sign_ins(Path(settings.VAR), people)


def _requirements(group: str) -> list[dict[str, Any]]:
    rules = {rule["key"]: dict(rule) for rule in preset("demo")}
    if group == "Graduate":
        del rules["physical_exam"], rules["menacwy"]
    if group == "Nursing":
        health = {rule["key"]: dict(rule) for rule in preset("health-sciences")}
        rules["hepatitis_b"] = health["hepatitis_b"]
        rules["influenza"] = health["influenza"]
    return list(rules.values())


def _receive_roster(institution: Institution, now: datetime) -> Any:
    file = io.BytesIO()
    write_sample(rows=DEMO_STUDENTS, seed=DEMO_SEED, out=file)
    roster_import = rosters.receive(
        institution=institution, file_name="harbor-state-2026.csv", content=file.getvalue(), source="command",
        by=BY, now=now,
    )  # fmt: skip
    rosters.request_check(roster_import=roster_import, by=BY, now=now)
    return roster_import.id


def _confirm(roster_import_id: Any, now: datetime) -> None:
    from pratique.rosters.models import RosterImport

    rosters.confirm(roster_import=RosterImport.objects.get(id=roster_import_id), by=BY, now=now)


def _hand_in(institution: Institution, today: date, now: datetime) -> None:
    names = Student.objects.values_list("id", "first_name", "last_name", "date_of_birth")
    people = {key: Person(f"{first} {last}".strip(), born or today) for key, first, last, born in names}
    chance = random.Random(DEMO_SEED)  # noqa: S311
    reviewers = [str(audit.Actor("staff", str(key))) for key in _reviewer_ids()]
    made = queue_of(_evidence(today), people, reviewers, today=today, now=now, chance=chance)
    common: dict[str, Any] = {"institution_id": institution.id, "by": BY, "now": now}
    add_submissions(submissions=made.submissions, files=made.files, **common)
    add_evidence(evidence=made.evidence, **common)
    add_reviews(reviews=made.reviews, **common)


def _reviewer_ids() -> list[Any]:
    return list(User.objects.filter(role=Role.REVIEWER).order_by("username").values_list("id", flat=True))


def _evidence(today: date) -> Iterator[Evidence]:
    chance = random.Random(DEMO_SEED)  # noqa: S311  (the same demo each time, not a secret)
    names, weights = zip(*PROFILES, strict=True)
    students = Student.objects.order_by("student_id").values_list(
        "id", "date_of_birth", "membership__tracker__requirement_group__name"
    )
    for student_id, born, group in students:

        def make(model: type[Evidence], /, *, owner: Any = student_id, **values: Any) -> Evidence:
            return model(student_id=owner, **values)

        profile = chance.choices(names, weights)[0]
        if born is not None and born < today - timedelta(days=365):
            yield from StudentRecords(born, today, chance, make).all(profile, nursing=group == "Nursing")
