"""What every portal page knows: its sections, and the links of the account menu."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.accounts.roles import ROLES, STAFF_ROLES, Role
from pratique.interfaces.portal.naming import name_of


@dataclass(frozen=True)
class Section:
    """An entry of the navigation. `prefix` begins the names of the routes that belong to it."""

    route: str
    name: str | Promise
    prefix: str


SECTIONS = (Section("portal_home", _("To do"), "portal_home"),)

ACCOUNT_LINKS = (("portal_settings", _("Settings")),)


def portal(request: HttpRequest) -> dict[str, Any]:
    """Return the values that the page frame shows to students and guardians; nothing to anyone else."""
    user = getattr(request, "user", None)
    if user is None or not user.is_authenticated or user.role in STAFF_ROLES:
        return {}
    match = request.resolver_match
    here = (match.url_name or "") if match else ""
    return {
        "account_links": [{"name": name, "url": reverse(route)} for route, name in ACCOUNT_LINKS],
        "sections": [
            {"name": section.name, "url": reverse(section.route), "current": here.startswith(section.prefix)}
            for section in SECTIONS
        ],
        "institution": user.institution,
        "role_name": ROLES[Role(user.role)].name,
        "helping": _helping(request),
    }


def _helping(request: HttpRequest) -> dict[str, Any] | None:
    """Return whom a guardian looks at, for the strip over every page; nothing where the page is about nobody."""
    known = getattr(request, "acting", None)
    if known is None or not known.is_guardian:
        return None
    return {"name": name_of(known.student), "is_one_of_several": known.is_one_of_several}
