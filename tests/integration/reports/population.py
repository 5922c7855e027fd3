"""A small school for the tests of reports, written straight into the tables: reports only read."""

import datetime
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pratique.compliance.actions import evaluate
from pratique.compliance.models import Item
from pratique.foundation.ids import new_account_token, new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution, Package, RequirementGroup, Term, Tracker
from pratique.records.models import Document, Dose, Evidence, Exemption, FormAnswer, Titer
from pratique.requirements.models import Requirement, RequirementSet
from pratique.rosters.models import RosterImport, RowResult
from pratique.students.models import Membership, Student

NOW = datetime.datetime(2026, 9, 1, 12, tzinfo=datetime.UTC)
TODAY = datetime.date(2026, 9, 1)
REQUIREMENTS = (("mmr", "MMR"), ("tdap", "Tdap"))
# A requirement as (key, name), or whole as `rules.requirement_from_data` reads it.
Asked = tuple[str, str] | Mapping[str, Any]


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
        reasons: dict[str, list[dict[str, object]]] | None = None,
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
                    reasons=(reasons or {}).get(key, []),
                    status_changed_at=NOW,
                    digest=0,
                )
                for key, status in statuses.items()
            )
        return membership

    def hand_in(self, membership: Membership, *pieces: Evidence) -> None:
        """Put copies of these pieces of evidence on record of a student; nothing is judged."""
        owner = {"institution_id": self.id, "student_id": membership.student_id}
        with institution_scope(self.id):
            for piece in pieces:
                values = {
                    field.attname: getattr(piece, field.attname) for field in piece._meta.concrete_fields
                }
                type(piece)._default_manager.create(**values | owner | {"id": new_id()})

    def judge(self, *, today: datetime.date = TODAY) -> None:
        """Judge everybody as the worker does, so that items say what the rules say."""
        with institution_scope(self.id):
            everybody = list(Membership.objects.values_list("id", flat=True))
            evaluate(institution=self.institution, membership_ids=everybody, today=today, now=NOW)

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


def _reviewed(state: str) -> dict[str, Any]:
    review = {} if state == "pending" else {"reviewed_at": NOW, "reviewed_by": "staff:nurse"}
    return {"state": state, "submitted_at": NOW, **review}


def dose(cvx: str, on: str, state: str = "approved", **more: Any) -> Dose:
    return Dose(cvx=cvx, administered_on=datetime.date.fromisoformat(on), **_reviewed(state), **more)


def titer(antibody: str, result: str, on: str = "2026-03-01", state: str = "approved", **more: Any) -> Titer:
    collected = datetime.date.fromisoformat(on)
    return Titer(antibody=antibody, result=result, collected_on=collected, **_reviewed(state), **more)


def paper(kind: str, on: str, state: str = "approved") -> Document:
    return Document(kind=kind, issued_on=datetime.date.fromisoformat(on), **_reviewed(state))


def answers(form: str, given: dict[str, Any], on: str = "2026-05-01", state: str = "approved") -> FormAnswer:
    signed = datetime.date.fromisoformat(on)
    return FormAnswer(form=form, answers=given, signed_on=signed, **_reviewed(state))


def exemption(
    kind: str = "medical", requirement: str = "", *, granted: str = "2026-05-01", ends: str = "",
    state: str = "approved", **more: Any,
) -> Exemption:  # fmt: skip
    return Exemption(
        kind=kind,
        requirement_key=requirement,
        granted_on=datetime.date.fromisoformat(granted),
        expires_on=datetime.date.fromisoformat(ends) if ends else None,
        has_document=True,
        **_reviewed(state),
        **more,
    )


def a_school(slug: str = "ours", *, requirements: tuple[Asked, ...] = REQUIREMENTS) -> School:
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
    requirements: tuple[Asked, ...],
    *,
    version: int = 1,
    applies_from: datetime.date = datetime.date(2026, 1, 1),
) -> None:
    """Publish a set of requirements for `group`."""
    rules = [_as_rule(asked) for asked in requirements]
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
                key=rule["key"],
                name=rule["name"],
                position=position,
                rule=rule,
            )
            for position, rule in enumerate(rules, 1)
        )
        stored.state, stored.published_at, stored.published_by = "published", NOW, "system"
        stored.save()


def _as_rule(asked: Asked) -> dict[str, Any]:
    if isinstance(asked, Mapping):
        return dict(asked)
    key, name = asked
    return {"key": key, "name": name, "rule": {"kind": "document", "document": key}}
