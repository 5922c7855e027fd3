"""What each route demands. A view says it with a decorator; the routes of allauth are listed here.

*Who may* is `accounts.roles`; this module only ties routes to it. `middleware.RequirePermission` enforces it
and refuses a route that says nothing.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

from django.http import HttpRequest

from pratique.accounts.roles import Permission, permissions_of


class Access(StrEnum):
    """What a route demands that is not about the institution's data."""

    PUBLIC = "public"  # anyone, signed in or not
    OWN = "own"  # anyone who is signed in, about their own account
    STUDENT = "student"  # a student about themselves, or a guardian about the student they help
    CLOSED = "closed"  # a library's route that we do not offer: it answers 404


Demand = Permission | Access
View = TypeVar("View", bound=Callable[..., Any])

ALLAUTH_ROUTES = {
    "account_login": Access.PUBLIC,
    "mfa_login_webauthn": Access.PUBLIC,  # sign-in by passkey
    "account_logout": Access.PUBLIC,  # also cancels a sign-in that waits for its second factor
    "account_inactive": Access.PUBLIC,
    "account_reset_password": Access.PUBLIC,
    "account_reset_password_done": Access.PUBLIC,
    "account_reset_password_from_key": Access.PUBLIC,
    "account_reset_password_from_key_done": Access.PUBLIC,
    "account_change_password": Access.OWN,
    "account_set_password": Access.CLOSED,  # the portal has a page of its own, which asks for a passkey first
    "account_reauthenticate": Access.OWN,
    # Accounts are made, and their addresses changed, by an administrator.
    "account_signup": Access.CLOSED,
    "account_email": Access.CLOSED,
    "account_email_verification_sent": Access.CLOSED,
    "account_confirm_email": Access.CLOSED,
    "account_confirm_login_code": Access.CLOSED,
    "mfa_authenticate": Access.PUBLIC,  # the second step of a sign-in: nobody is signed in yet
    "mfa_index": Access.OWN,
    "mfa_reauthenticate": Access.OWN,
    "mfa_activate_totp": Access.OWN,
    "mfa_deactivate_totp": Access.OWN,
    "mfa_view_recovery_codes": Access.OWN,
    "mfa_generate_recovery_codes": Access.OWN,
    "mfa_download_recovery_codes": Access.OWN,
    "mfa_list_webauthn": Access.OWN,
    "mfa_add_webauthn": Access.OWN,
    "mfa_reauthenticate_webauthn": Access.OWN,
    "mfa_remove_webauthn": Access.OWN,
    "mfa_edit_webauthn": Access.OWN,
}


def requires(demand: Demand) -> Callable[[View], View]:
    """Declare what a view demands."""

    def declare(view: View) -> View:
        view.demand = demand  # type: ignore[attr-defined]
        return view

    return declare


def demand_of(view: Callable[..., Any], route_name: str | None) -> Demand | None:
    """Return what a route demands, or None where it says nothing."""
    declared: Demand | None = getattr(view, "demand", None)
    return declared or ALLAUTH_ROUTES.get(route_name or "")


def granted(request: HttpRequest) -> frozenset[Permission]:
    """Return what the signed-in person may do, for pages that show more to some than to others."""
    return permissions_of(request.user) if request.user.is_authenticated else frozenset()
