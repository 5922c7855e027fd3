"""A school with staff of every role."""

from dataclasses import dataclass

from pratique.accounts.actions import create_staff
from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES, Role
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from tests.schools import BY, NOW, a_school

PASSWORD = "a long enough password"


@dataclass
class School:
    """A school and its staff, by role."""

    institution: Institution
    staff: dict[Role, User]

    def scope(self):
        return institution_scope(self.institution.id)


def make_school(slug: str = "", **settings) -> School:
    institution = a_school(slug, **settings)
    staff = {}
    with institution_scope(institution.id):
        for role in STAFF_ROLES:
            staff[role] = create_staff(
                institution=institution,
                username=f"{institution.slug}-{role}",
                name=f"{role} O’Neill".title(),
                role=role,
                password=PASSWORD,
                email=f"{role}@{institution.slug}.example",
                by=BY,
                now=NOW,
            )
    return School(institution, staff)
