"""The institution of a request, from the session of whoever is signed in."""

import json
from base64 import urlsafe_b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from typing import Any
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from pratique.accounts import queries
from pratique.foundation.tenancy import current_institution, enter_institution, institution_scope

SESSION_KEY = "institution"


class InstitutionOfSession:
    """Wrap each request in one transaction that sees the signed-in person's institution, or none.

    An answer of 500 rolls back: half of a piece of work is never kept.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        institution = request.session.get(SESSION_KEY)
        with ExitStack() as stack:
            stack.enter_context(transaction.atomic())
            if institution and not _is_sign_in(request):
                stack.enter_context(institution_scope(UUID(institution)))
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response

    def process_view(
        self, request: HttpRequest, view: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> None:
        """Enter the institution of the account that a password reset link or a passkey names; neither names more."""
        named = kwargs.get("uidb36", "")
        match = request.resolver_match
        if request.method == "POST" and match is not None and match.url_name == "mfa_login_webauthn":
            named = _user_handle(request.POST.get("credential", ""))
        if not named or current_institution() is not None:
            return
        try:
            user_id = UUID(named)
        except ValueError:
            return
        institution = queries.institution_of_user(user_id)
        if institution is not None:
            enter_institution(institution)


def _user_handle(credential: str) -> str:
    """Return the account's key from what an authenticator sent: it was told that key when it made the passkey."""
    try:
        handle = json.loads(credential)["response"]["userHandle"]
        return urlsafe_b64decode(handle + "=" * (-len(handle) % 4)).decode("ascii")
    except (ValueError, KeyError, TypeError):
        return ""


def _is_sign_in(request: HttpRequest) -> bool:
    """Whoever signs in or follows a link may belong elsewhere than the person who used this browser before."""
    if request.path.startswith((reverse("entry"), "/sso/")):
        return True
    return request.method == "POST" and request.path in (
        reverse("account_login"),
        reverse("mfa_login_webauthn"),
    )
