"""What holds for every page: a strict content security policy, and no view without a permission."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any
from zoneinfo import ZoneInfo

import structlog
from django.contrib.auth import SESSION_KEY as SIGNED_IN_KEY
from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.utils import timezone, translation
from django.utils.cache import patch_cache_control
from django.utils.translation import gettext

from pratique.accounts.roles import STAFF_ROLES, user_allows
from pratique.screens.permissions import Access, demand_of

log = structlog.get_logger()

# Scripts and styles come from our own files only. `data:` serves the QR code of an authenticator.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:{pictures}; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'"
)
# For the one page that holds pictures which its own script has fetched ahead: review of a case.
POLICY_WITH_FETCHED_PICTURES = _POLICY.format(pictures=" blob:")


class ContentSecurityPolicy:
    """Put the headers on every answer, also on an error's."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", _POLICY.format(pictures=""))
        response.headers.setdefault("Permissions-Policy", "camera=(), geolocation=(), microphone=()")
        return response


class RequirePermission:
    """Let a request reach its view only if the view says what it demands and the person has it."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            response = self.get_response(request)
        finally:
            timezone.deactivate()
        # Health records stay out of caches, the browser's own included.
        patch_cache_control(response, no_store=True, private=True)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> HttpResponse | None:
        name = request.resolver_match.view_name if request.resolver_match else None
        demand = demand_of(view, name)
        if demand is None:
            log.error("console.route.undeclared", route=name)
            raise PermissionDenied
        if demand is Access.CLOSED:
            raise Http404
        if not request.user.is_authenticated:
            return None if demand is Access.PUBLIC else _sign_in(request)
        timezone.activate(ZoneInfo(request.user.institution.time_zone))
        if request.user.language:
            # What the person chose holds on every device; a stranger's browser says what it prefers.
            translation.activate(request.user.language)
            request.LANGUAGE_CODE = request.user.language
        role = request.user.role
        if demand is Access.STUDENT:
            if role in STAFF_ROLES:
                return redirect("dashboard")
            return None
        if isinstance(demand, Access) or user_allows(request.user, demand):
            return None
        if role not in STAFF_ROLES and name == "dashboard":
            # "/" is everybody's first page; the student's is another one.
            return redirect("portal_home")
        raise PermissionDenied


def _sign_in(request: HttpRequest) -> HttpResponse:
    """Send to the sign-in page and back again; for htmx as a whole page, not into the middle of this one."""
    if SIGNED_IN_KEY in request.session:
        # The account was deactivated or its password changed elsewhere: nothing of that session is kept.
        request.session.flush()
    if request.headers.get("Tus-Resumable"):
        # An upload cannot follow to a form: it waits, with what it has, until the person has signed in elsewhere.
        sentence = gettext(
            "You were signed out. Sign in again in a new tab, then go on here: nothing is lost."
        )
        return JsonResponse({"code": "signed_out", "sentence": sentence}, status=401)
    if request.headers.get("HX-Request"):
        response = redirect_to_login(request.headers.get("HX-Current-URL", "/"))
        return HttpResponse(status=204, headers={"HX-Redirect": response.headers["Location"]})
    return redirect_to_login(request.get_full_path())
