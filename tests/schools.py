"""Schools in a named state, made through the actions that real ones are made through."""

from datetime import UTC, date, datetime
from typing import Any

from pratique.compliance.actions import evaluate_stale
from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.actions import TermDates, create_institution, create_package
from pratique.institutions.models import Institution, RequirementGroup
from pratique.requirements.actions import create_draft, publish
from pratique.rosters import actions as rosters
from pratique.rosters.models import RosterImport

NOW = datetime(2026, 8, 3, 15, 0, tzinfo=UTC)
TODAY = date(2026, 8, 3)
BY = audit.Actor("staff", "tests")
GROUPS = ("Undergraduate", "Nursing")
TERMS = (
    TermDates("Fall 2026", date(2026, 8, 24), date(2026, 8, 10)),
    TermDates("Spring 2027", date(2027, 1, 11), date(2026, 12, 18)),
)
HEADER = "Username,StudentId,LastName,FirstName,Telephone,Dob,RequirementGroup,Term,OnCampus"

MMR = {
    "key": "mmr", "name": "MMR",
    "rule": {"kind": "series", "vaccine": "MMR", "cvx": ["03", "94"], "doses": 2, "min_age": ["P12M"],
             "min_interval": ["P28D"]},
}  # fmt: skip
EXAM = {
    "key": "physical_exam", "name": "Physical exam",
    "rule": {"kind": "recent", "of": "document", "name": "physical_exam", "window": {"within": "P12M"}},
}  # fmt: skip


def a_school(slug: str = "", **settings: Any) -> Institution:
    """A school with two groups in two terms, and a default package; inside nobody's scope."""
    name = slug or f"school-{new_id().hex[-12:]}"
    institution = create_institution(
        slug=name, name="Test College", time_zone="America/New_York", by=BY, now=NOW
    )
    with institution_scope(institution.id):
        for field, value in settings.items():
            setattr(institution, field, value)
        institution.save()
        create_package(
            institution=institution, code=new_id().hex[-10:].upper(), name="Health", groups=GROUPS, terms=TERMS,
            by=BY, now=NOW,
        )  # fmt: skip
    return institution


def requires(
    institution: Institution, *requirements: dict[str, Any], applies_from: date = date(2026, 1, 1)
) -> None:
    """Publish these requirements for every group."""
    with institution_scope(institution.id):
        for group in RequirementGroup.objects.all():
            draft = create_draft(
                group=group, requirements=requirements, applies_from=applies_from, by=BY, now=NOW
            )
            publish(draft=draft, by=BY, now=NOW)


def imported(institution: Institution, *rows: str, header: str = HEADER, check: bool = True) -> RosterImport:
    """Import a roster of these rows, as a worker would."""
    content = "\r\n".join([header, *rows, ""]).encode()
    with institution_scope(institution.id):
        roster_import = rosters.receive(
            institution=institution, file_name="roster.csv", content=content, source="console", by=BY, now=NOW
        )
        rosters.request_check(roster_import=roster_import, by=BY, now=NOW)
    rosters.check(institution=institution, roster_import_id=roster_import.id, today=TODAY)
    with institution_scope(institution.id):
        roster_import.refresh_from_db()
        if roster_import.state != "ready":
            return roster_import
        rosters.confirm(roster_import=roster_import, by=BY, now=NOW)
    rosters.apply(institution=institution, roster_import_id=roster_import.id, today=TODAY, now=NOW)
    with institution_scope(institution.id):
        roster_import.refresh_from_db()
    return roster_import


def judged(institution: Institution, *, today: date = TODAY, now: datetime = NOW) -> int:
    """Evaluate all that is stale; how many there were."""
    return evaluate_stale(institution=institution, today=today, now=now)
