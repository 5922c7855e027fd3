"""Error pages: what happened, what was kept, what to do."""

import sys

from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string

from pratique.partners.types import Refusal
from pratique.screens.machine_answers import from_machine, plain_refusal


def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    if from_machine(request):
        # The commonest one: a name of the server that is not the one in BASE_URL.
        refusal = Refusal(
            "METHOD_UNKNOWN", "The request is malformed, or this address is not the one you were given."
        )
        return plain_refusal(refusal, status=400)
    return HttpResponse(render_to_string("screens/errors/400.html"), status=400)


def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return render(request, "screens/errors/403.html", status=403)


def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    """Answer alike for what never was, what is gone, and what belongs to another institution."""
    return render(request, "screens/errors/404.html", status=404)


def too_many_requests(request: HttpRequest) -> HttpResponse:
    return HttpResponse(
        render_to_string("screens/errors/429.html"), status=429, headers={"Retry-After": "60"}
    )


def csrf_failed(request: HttpRequest, reason: str = "") -> HttpResponse:
    return HttpResponse(render_to_string("screens/errors/csrf.html"), status=403)


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer without touching the database, which may be what failed."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            if from_machine(request):
                return plain_refusal(Refusal("UNAVAILABLE"))
            page = render_to_string("screens/errors/503.html")
            return HttpResponse(page, status=503, headers={"Retry-After": "5"})
        error = error.__cause__ or error.__context__
    if from_machine(request):
        return plain_refusal(Refusal("INTERNAL"))
    return HttpResponse(render_to_string("screens/errors/500.html"), status=500)
