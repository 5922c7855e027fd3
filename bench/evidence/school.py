"""A school for the load: students by a roster, their accounts, reviewers, requirements, all by the real actions."""

import secrets
import time
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from uuid import UUID

from evidence.installation import Installation


@dataclass(frozen=True)
class Person:
    """Somebody who can sign in."""

    username: str
    password: str


@dataclass(frozen=True)
class School:
    """Everybody there is. `scrypt_ms`: what making (and so checking) one password took here, alone."""

    institution_id: UUID
    students: list[Person]
    reviewers: list[Person]
    scrypt_ms: float


def prepare(installation: Installation, *, students: int, reviewers: int) -> School:
    """Make the school; the roster is read, applied and judged by the installation's own workers."""
    from pratique.foundation import audit, clock
    from pratique.foundation.ids import new_id
    from pratique.foundation.tenancy import institution_scope
    from pratique.institutions.actions import create_institution
    from pratique.students.actions.accounts import activate
    from pratique.students.models import Student

    by, now = audit.Actor("command", "load"), clock.now()
    institution = create_institution(
        slug="load", name="Load College", time_zone="America/New_York", by=by, now=now
    )
    password = secrets.token_urlsafe(12)
    with institution_scope(institution.id):
        staff = _set_up(institution, reviewers, password, by, now)
    _import_roster(installation, institution, students, by)
    began = time.perf_counter()
    with institution_scope(institution.id):
        names = []
        for student in Student.objects.order_by("username"):
            activate(
                student_id=student.id, user_id=new_id(), password=password, language="en", by=by, now=now
            )
            names.append(student.username)
    if len(names) != students:
        raise SystemExit(f"The roster made {len(names)} students, not {students}.")
    scrypt_ms = 1000 * (time.perf_counter() - began) / max(1, len(names))
    return School(
        institution.id,
        [Person(name, password) for name in names],
        [Person(name, password) for name in staff],
        scrypt_ms,
    )


def _set_up(institution: Any, reviewers: int, password: str, by: Any, now: Any) -> list[str]:
    from pratique.accounts.actions import create_staff
    from pratique.accounts.roles import Role
    from pratique.institutions.actions import TermDates, create_package
    from pratique.institutions.models import RequirementGroup
    from pratique.requirements.actions import create_draft, publish
    from pratique.rules import preset

    today: date = now.date()
    create_package(
        institution=institution, code="LOAD", name="Student Health", groups=("Undergraduate",),
        terms=(TermDates("Fall", today + timedelta(days=60), today + timedelta(days=45)),), by=by, now=now,
    )  # fmt: skip
    for group in RequirementGroup.objects.all():
        draft = create_draft(
            group=group, requirements=preset("demo"), applies_from=today - timedelta(days=30), by=by, now=now
        )
        publish(draft=draft, by=by, now=now)
    staff = [f"reviewer{number}" for number in range(1, reviewers + 1)]
    for username in staff:
        create_staff(
            institution=institution, username=username, name=f"{username.title()} Load, RN", role=Role.REVIEWER,
            password=password, email=f"{username}@load.example", by=by, now=now,
        )  # fmt: skip
    return staff


def _import_roster(installation: Installation, institution: Any, students: int, by: Any) -> None:
    from pratique.foundation import clock
    from pratique.foundation.tenancy import institution_scope
    from pratique.rosters import actions as rosters

    rows = ["Username,StudentId,LastName,FirstName,Telephone,Dob,RequirementGroup,Term,OnCampus"]
    rows += [
        f"s{number:04}@load.example,L{number:06},Load,Student{number},,04/{number % 28 + 1:02}/2007,"
        "Undergraduate,Fall,1"
        for number in range(1, students + 1)
    ]
    with institution_scope(institution.id):
        roster_import = rosters.receive(
            institution=institution, file_name="load.csv", content="\r\n".join([*rows, ""]).encode(),
            source="command", by=by, now=clock.now(),
        )  # fmt: skip
        rosters.request_check(roster_import=roster_import, by=by, now=clock.now())
    _wait(roster_import, institution.id, "ready")
    with institution_scope(institution.id):
        rosters.confirm(roster_import=roster_import, by=by, now=clock.now())
    _wait(roster_import, institution.id, "applied")
    if not installation.wait_for_jobs(120):
        raise SystemExit("The workers did not come to rest after the roster.")


def _wait(roster_import: Any, institution_id: UUID, state: str) -> None:
    from pratique.foundation.tenancy import institution_scope

    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with institution_scope(institution_id):
            roster_import.refresh_from_db()
        if roster_import.state == state:
            return
        if roster_import.state == "failed":
            break
        time.sleep(0.25)
    raise SystemExit(f"The roster is {roster_import.state}, not {state}: {roster_import.file_error}")
