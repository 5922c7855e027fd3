"""Who may do what: this file is the policy document. The code of a role is stored, its permissions are read here."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Permission(StrEnum):
    """What a route or a command can demand."""

    VIEW_DASHBOARD = "dashboard.view"
    VIEW_STUDENTS = "students.view"
    IMPORT_ROSTERS = "rosters.import"
    VIEW_REPORTS = "reports.view"
    DOWNLOAD_REPORTS = "reports.download"
    SHARE_REPORTS = "reports.share"
    MANAGE_SCHEDULES = "reports.schedule"
    SEND_REMINDERS = "reminders.send"
    MANAGE_REMINDERS = "reminders.manage"
    APPROVE_REMINDERS = "reminders.approve"
    VIEW_AUDIT = "audit.view"
    REVIEW = "reviews.decide"
    APPROVE_MANY = "reviews.approve_many"
    MANAGE_REASONS = "reviews.reasons"
    VIEW_EXEMPTION_STATEMENTS = "exemptions.statements"
    INVITE_GUARDIANS = "students.guardians"
    SEND_INVITATIONS = "students.invitations"
    VIEW_PARTNERS = "partners.view"
    MANAGE_PARTNERS = "partners.manage"
    VIEW_TRANSFERS = "transfers.view"
    MANAGE_TRANSFERS = "transfers.manage"


class Role(StrEnum):
    """The codes stored on an account. Students and guardians reach the portal alone, about what is theirs."""

    REVIEWER = "reviewer"
    COORDINATOR = "coordinator"
    ADMINISTRATOR = "administrator"
    STUDENT = "student"
    GUARDIAN = "guardian"


STAFF_ROLES = (Role.REVIEWER, Role.COORDINATOR, Role.ADMINISTRATOR)


@dataclass(frozen=True)
class RoleDescription:
    """A role in words, and its permissions."""

    name: str | Promise
    sentence: str | Promise
    permissions: frozenset[Permission]


_STAFF = frozenset({Permission.VIEW_DASHBOARD, Permission.VIEW_STUDENTS, Permission.VIEW_REPORTS})
# Why a student asks for an exemption is shown to two roles only: the reviewer who decides and the administrator.
_REVIEWER = _STAFF | {Permission.REVIEW, Permission.APPROVE_MANY, Permission.VIEW_EXEMPTION_STATEMENTS}
_COORDINATOR = _STAFF | {
    Permission.IMPORT_ROSTERS,
    Permission.DOWNLOAD_REPORTS,
    Permission.SHARE_REPORTS,
    Permission.MANAGE_SCHEDULES,
    Permission.SEND_REMINDERS,
    Permission.MANAGE_REMINDERS,
    Permission.APPROVE_REMINDERS,
    Permission.MANAGE_REASONS,
    Permission.INVITE_GUARDIANS,
    Permission.SEND_INVITATIONS,
    Permission.VIEW_TRANSFERS,
}

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
    Role.STUDENT: RoleDescription(_("Student"), _("Sees and hands in their own record."), frozenset()),
    Role.GUARDIAN: RoleDescription(
        _("Guardian or helper"), _("Does for a student what that student or the school allowed."), frozenset()
    ),
}


# What a member of staff who connects a system gets on top of the role: to read, never to manage.
INTEGRATOR = frozenset({Permission.VIEW_PARTNERS, Permission.VIEW_TRANSFERS})


class Account(Protocol):
    """What of an account decides what its owner may do."""

    role: str
    is_integrator: bool


def permissions_of(user: Account) -> frozenset[Permission]:
    """Return all that somebody may do: their role's permissions, and an integrator's. Unknown roles have none."""
    if user.role not in ROLES:
        return frozenset()
    more = INTEGRATOR if user.is_integrator and user.role in STAFF_ROLES else frozenset()
    return ROLES[Role(user.role)].permissions | more


def user_allows(user: Account, permission: Permission) -> bool:
    """Return whether somebody has `permission`. Every decision about a person asks here."""
    return permission in permissions_of(user)


def role_allows(role: str, permission: Permission) -> bool:
    """Return whether everybody of `role` (a code; an unknown one allows nothing) has `permission`.

    About roles, such as "whose accounts may review": about one person ask `user_allows`.
    """
    return role in ROLES and permission in ROLES[Role(role)].permissions
