"""Who may do what: this file is the policy document. The code of a role is stored, its permissions are read here."""

from dataclasses import dataclass
from enum import StrEnum

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """What a route or a command can demand."""

    VIEW_DASHBOARD = "dashboard.view"
    VIEW_STUDENTS = "students.view"
    IMPORT_ROSTERS = "rosters.import"
    VIEW_REPORTS = "reports.view"
    DOWNLOAD_REPORTS = "reports.download"
    VIEW_AUDIT = "audit.view"


class Role(StrEnum):
    """The codes stored on a staff account."""

    REVIEWER = "reviewer"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"


@dataclass(frozen=True)
class RoleDescription:
    """A role in words, and its permissions."""

    name: str | Promise
    sentence: str | Promise
    permissions: frozenset[Permission]


_REVIEWER = frozenset({Permission.VIEW_DASHBOARD, Permission.VIEW_STUDENTS, Permission.VIEW_REPORTS})
_COORDINATOR = _REVIEWER | {Permission.IMPORT_ROSTERS, Permission.DOWNLOAD_REPORTS}

ROLES = {
    Role.REVIEWER: RoleDescription(
        _("Reviewer"), _("Judges what students hand in, and sees students and reports."), _REVIEWER
    ),
    Role.COORDINATOR: RoleDescription(
        _("Coordinator"),
        _("Answers for compliance: also imports rosters and takes reports away."),
        _COORDINATOR,
    ),
    Role.ADMINISTRATOR: RoleDescription(
        _("Administrator"),
        _("Runs the installation for the institution: may do everything."),
        frozenset(Permission),
    ),
}


def role_allows(role: str, permission: Permission) -> bool:
    """Return whether `role` (a code; an unknown one allows nothing) has `permission`."""
    return role in ROLES and permission in ROLES[Role(role)].permissions
