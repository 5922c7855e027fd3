"""A small school for the tests of reports, written straight into the tables: reports only read."""

import datetime
import uuid
from dataclasses import dataclass, field

from pratique.compliance.models import Item
from pratique.foundation.ids import new_account_token, new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, RequirementGroup, Term, Tracker
from pratique.requirements.models import Requirement, RequirementSet
from pratique.rosters.models import RosterImport, RowResult
from pratique.students.models import Membership, Student

NOW = datetime.datetime(2026, 9, 1, 12, tzinfo=datetime.UTC)
REQUIREMENTS = (("mmr", "MMR"), ("tdap", "Tdap"))


@dataclass
class School:
    """An institution and what hangs on it; each method adds one thing."""

    institution: Institution
    package: Package
    trackers: dict[str, Tracker] = field(default_factory=dict)

    @property
    def id(self) -> uuid.UUID:
        return self.institution.id

    def student(
        self,
        username: str,
        *,
        tracker: str | None = "Nursing - Fall 2026",
        statuses: dict[str, str] | None = None,
        state: str = "active",
        package: Package | None = None,
        dates: dict[str, datetime.date] | None = None,
        changed_at: datetime.datetime | None = None,
        **fields: object,
    ) -> Membership:
        """Add a student with a membership; `statuses` are items by requirement key."""
        statuses = statuses or {}
        with institution_scope(self.id):
            student = Student.objects.create(
                institution=self.institution,
                username=username,
                username_key=username.casefold(),
                account_token=new_account_token(),
                search_text=username,
                created_at=NOW,
                updated_at=NOW,
                **fields,
            )
            done = sum(status in {"approved", "pending"} for status in statuses.values())
            approved = sum(status == "approved" for status in statuses.values())
            membership = Membership.objects.create(
                institution=self.institution,
                student=student,
                package=package or self.package,
                tracker=self.trackers[tracker] if tracker else None,
                state=state,
                created_at=NOW,
                num_items=len(statuses),
                num_complete=done,
                num_approved=approved,
                user_complete=bool(statuses) and done == len(statuses),
                complete=bool(statuses) and approved == len(statuses),
                status_changed_at=changed_at,
            )
            Item.objects.bulk_create(
                Item(
                    institution=self.institution,
                    membership=membership,
                    requirement_key=key,
                    status=status,
                    administered_on=(dates or {}).get(key),
                    status_changed_at=NOW,
                    digest=0,
                )
                for key, status in statuses.items()
            )
        return membership

    def roster_import(
        self, *results: dict[str, object], received_at: datetime.datetime = NOW
    ) -> RosterImport:
        """Add an applied import with these row results."""
        with institution_scope(self.id):
            stored = RosterImport.objects.create(
                institution=self.institution,
                file_name="roster.csv",
                source="console",
                size=1,
                sha256="0" * 64,
                state="applied",
                received_at=received_at,
                received_by="command",
                applied_at=received_at,
                applied_by="command",
            )
            RowResult.objects.bulk_create(
                RowResult(institution=self.institution, roster_import=stored, row=row, line=row + 1, **values)
                for row, values in enumerate(results, 1)
            )
        return stored


def a_school(slug: str = "ours", *, requirements: tuple[tuple[str, str], ...] = REQUIREMENTS) -> School:
    """Return a school with the groups Nursing and Graduate, the term Fall 2026, trackers, requirements."""
    key = new_id()
    with institution_scope(key):
        institution = Institution.objects.create(
            id=key, slug=slug, name=slug.title(), time_zone="America/New_York", created_at=NOW
        )
        package = Package.objects.create(
            institution=institution, code=f"{slug.upper()}26", name="Package", is_default=True
        )
        term = Term.objects.create(
            institution=institution,
            name="Fall 2026",
            starts_on=datetime.date(2026, 8, 24),
            due_on=datetime.date(2026, 8, 10),
        )
        school = School(institution, package)
        for name, due in (("Nursing", datetime.date(2026, 8, 10)), ("Graduate", datetime.date(2026, 10, 1))):
            group = RequirementGroup.objects.create(institution=institution, name=name)
            school.trackers[f"{name} - Fall 2026"] = Tracker.objects.create(
                institution=institution,
                package=package,
                requirement_group=group,
                term=term,
                name=f"{name} - Fall 2026",
                due_on=due,
            )
            publish(school, group, requirements)
    return school


def publish(
    school: School,
    group: RequirementGroup,
    requirements: tuple[tuple[str, str], ...],
    *,
    version: int = 1,
    applies_from: datetime.date = datetime.date(2026, 1, 1),
) -> None:
    """Publish a set of requirements (key, name) for `group`."""
    with institution_scope(school.id):
        stored = RequirementSet.objects.create(
            institution=school.institution,
            requirement_group=group,
            version=version,
            applies_from=applies_from,
        )
        Requirement.objects.bulk_create(
            Requirement(
                institution=school.institution,
                requirement_set=stored,
                key=key,
                name=name,
                position=position,
                rule={},
            )
            for position, (key, name) in enumerate(requirements, 1)
        )
        stored.state, stored.published_at, stored.published_by = "published", NOW, "system"
        stored.save()
