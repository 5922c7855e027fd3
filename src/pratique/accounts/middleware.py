"""The institution of a request, from the session of whoever is signed in."""

from collections.abc import Callable
from contextlib import ExitStack
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest, HttpResponse

from pratique.foundation.tenancy import institution_scope

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
            if institution:
                stack.enter_context(institution_scope(UUID(institution)))
            response = self.get_response(request)
            if response.status_code >= 500:
                transaction.set_rollback(True)
        return response
