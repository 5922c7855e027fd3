"""Machines' addresses, answered before what only pages need: sessions, languages, forms' tokens, sign-in, messages.

Who calls is said in each request, and the views open transactions and scopes of their own.
"""

from collections.abc import Callable

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.urls import resolve
from django.utils import translation

from pratique.partners.types import Refusal
from pratique.screens.machine_answers import from_machine, plain_refusal
from pratique.screens.permissions import Access, demand_of


class ForMachines:
    """Answer a request of a machine; hand every other one on."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not from_machine(request):
            return self.get_response(request)
        request.get_host()  # raises for a host that is not ours, as for pages
        if _size(request) > settings.LARGEST_BODY_OF_STRANGERS:
            return plain_refusal(Refusal("TOO_LARGE"))
        match = request.resolver_match = resolve(request.path_info)
        if demand_of(match.func, match.view_name) is not Access.PUBLIC:
            # Somebody's permission would have to be asked of a session, and there is none here.
            raise PermissionDenied
        # A thread would otherwise keep the language of the last page that it made.
        with translation.override(settings.LANGUAGE_CODE):
            response: HttpResponse = match.func(request, *match.args, **match.kwargs)
        response.headers["Cache-Control"] = "no-store, private"
        return response


def _size(request: HttpRequest) -> int:
    """Return what a request announces; what is not a number is Django's to refuse."""
    try:
        return int(request.META.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return 0
