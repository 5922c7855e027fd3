"""What the institution has already: the names that a row may use, and the students that a file may mean."""

from collections.abc import Iterable
from datetime import date
from typing import Any
from uuid import UUID

from pratique.foundation import bulk
from pratique.institutions.models import Package, RequirementGroup, Term, Tracker
from pratique.rosters.plan import WantedKeys
from pratique.rosters.types import KnownMembership, KnownNames, KnownPackage, KnownStudent, KnownTracker
from pratique.students.models import MembershipState


def names() -> KnownNames:
    """Load the packages, groups, terms and trackers of the institution in four queries."""
    packages = {p.id: p for p in Package.objects.order_by("code")}
    groups = dict(RequirementGroup.objects.order_by("name").values_list("id", "name"))
    terms = dict(Term.objects.order_by("starts_on", "name").values_list("id", "name"))
    default = next((p for p in packages.values() if p.is_default), None)
    return KnownNames(
        default_package=KnownPackage(default.id, default.code) if default else None,
        packages=tuple(KnownPackage(p.id, p.code) for p in packages.values()),
        groups=tuple(groups.values()),
        terms=tuple(terms.values()),
        trackers=tuple(
            KnownTracker(
                t.id,
                t.package_id,
                packages[t.package_id].code,
                groups[t.requirement_group_id],
                terms[t.term_id] if t.term_id else None,
            )
            for t in Tracker.objects.order_by("name")
        ),
    )


_STUDENTS = """
    with wanted as materialized (
        select id from students_student where username_key = any(%(usernames)s)
        union
        select id from students_student where student_id <> '' and student_id = any(%(student_ids)s)
    )
    select s.id, s.username, s.student_id, s.last_name, s.first_name, s.telephone, s.date_of_birth, s.on_campus,
           m.package_id, m.id, m.tracker_id, m.state
    from wanted join students_student s using (id)
    left join students_membership m on m.institution_id = s.institution_id and m.student_id = s.id
"""


def students(keys: WantedKeys) -> Iterable[KnownStudent]:
    """Load the students that have one of `keys`, with all their memberships, in one query."""
    with bulk.reading() as cursor:
        cursor.execute(
            _STUDENTS, {"usernames": list(keys.username_keys), "student_ids": list(keys.student_ids)}
        )
        found: dict[UUID, KnownStudent] = {}
        for row in cursor:
            known = found.get(row[0])
            if known is None:
                known = found[row[0]] = _student(*row[:8])
            if row[8] is not None:
                known.memberships[row[8]] = KnownMembership(  # type: ignore[index]
                    row[9], row[10], row[11] == MembershipState.ARCHIVE
                )
    return found.values()


def _student(
    id_: UUID, username: str, student_id: str, last_name: str, first_name: str, telephone: str,
    date_of_birth: date | None, on_campus: bool | None,
) -> KnownStudent:  # fmt: skip
    # The plan compares with what a row gives, and a row's empty cell is None.
    memberships: dict[Any, KnownMembership] = {}
    return KnownStudent(
        id_, username, student_id or None, last_name or None, first_name or None, telephone or None,
        date_of_birth, on_campus, memberships,
    )  # fmt: skip
