"""What every console page knows."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.accounts.roles import ROLES, STAFF_ROLES, Permission, Role
from pratique.interfaces.console import outbox
from pratique.screens.permissions import granted


@dataclass(frozen=True)
class Section:
    """An entry of the navigation. By `prefix` (one, or several) of its route the present page is recognised."""

    route: str
    name: str | Promise
    permission: Permission
    prefix: str | tuple[str, ...]


SECTIONS = (
    Section("dashboard", _("Dashboard"), Permission.VIEW_DASHBOARD, "dashboard"),
    Section("students", _("Students"), Permission.VIEW_STUDENTS, "student"),
    Section("review_queue", _("Review"), Permission.REVIEW, "review"),
    Section("review_reasons", _("Return reasons"), Permission.MANAGE_REASONS, "review_reason"),
    Section("rosters", _("Rosters"), Permission.IMPORT_ROSTERS, "roster"),
    Section("reports", _("Reports"), Permission.VIEW_REPORTS, ("report", "schedule")),
    Section("reminders", _("Reminders"), Permission.SEND_REMINDERS, "reminder"),
    Section("partners", _("Partners"), Permission.VIEW_PARTNERS, "partner"),
    Section("transfers", _("File transfer"), Permission.VIEW_TRANSFERS, "transfer"),
    Section("activity", _("Activity"), Permission.VIEW_AUDIT, "activity"),
    Section("outbox", _("Outbox"), Permission.VIEW_AUDIT, "outbox"),
)

ACCOUNT_LINKS = (
    ("account_change_password", _("Change password")),
    ("mfa_index", _("Two-step sign-in")),
    ("help", _("Help")),
)


def console(request: HttpRequest) -> dict[str, Any]:
    """Return the values that the page frame shows."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated:
        return {"sections": []}
    permissions = granted(request)
    match = request.resolver_match
    here = (match.url_name or "") if match else ""
    if user.role not in STAFF_ROLES:
        return {}
    return {
        "account_links": [{"name": name, "url": reverse(route)} for route, name in ACCOUNT_LINKS],
        "sections": [
            {"name": section.name, "url": reverse(section.route), "current": here.startswith(section.prefix)}
            for section in SECTIONS
            if section.permission in permissions and _offered(section, permissions)
        ],
        "institution": user.institution,
        "permissions": permissions,
        "role_name": ROLES[Role(user.role)].name,
    }


def _offered(section: Section, permissions: frozenset[Permission]) -> bool:
    """Whether a section has an entry of its own: whoever reviews reaches the reasons from the queue."""
    if section.route == "outbox":
        return outbox.in_use()
    return section.route != "review_reasons" or Permission.REVIEW not in permissions
