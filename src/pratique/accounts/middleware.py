"""The institution of a request, from the session of whoever is signed in."""

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
        """Enter the institution of the account that a password reset link names; it names nothing else."""
        if "uidb36" not in kwargs or current_institution() is not None:
            return
        try:
            user_id = UUID(kwargs["uidb36"])
        except ValueError:
            return
        institution = queries.institution_of_user(user_id)
        if institution is not None:
            enter_institution(institution)


def _is_sign_in(request: HttpRequest) -> bool:
    """Whoever sends the sign-in form may belong elsewhere than the person who used this browser before."""
    return request.method == "POST" and request.path == reverse("account_login")
