"""The pages of the played portal: the list of students, and the button that signs one of them in to Pratique."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from django.conf import settings
from django.core import signing
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.csrf import csrf_protect
from django.views.decorators.http import require_POST, require_safe

from pratique.foundation.demo_credentials import SCHOOL_PORTAL, demo_partner
from pratique.interfaces.school_portal import health, roster
from pratique.partner_client.answers import PackageRow
from pratique.partner_client.errors import PartnerError, Unreachable
from pratique.partners.types import ERRORS

_PAGE = 25
_LONGEST_SEARCH = 100
# The steps of the last round trip, for whoever made it: they are told when they come back to the list.
_COOKIE = "school_portal_calls"
_COOKIE_SECONDS = 600


class Line(NamedTuple):
    """A student of the list, and what Pratique reported; None where it reported nothing."""

    student: roster.Student
    standing: PackageRow | None


@require_safe
@csrf_protect
def students(request: HttpRequest) -> HttpResponse:
    """Show the school's students, 25 a page, with how far each is with their health records."""
    credentials = _credentials()
    here = urlsplit(settings.BASE_URL).netloc
    if request.get_host() != here:
        # `localhost` for 127.0.0.1: the browser would not follow from a form of the one to the other.
        return HttpResponseRedirect(settings.BASE_URL + request.get_full_path())
    text = request.GET.get("q", "")[:_LONGEST_SEARCH].strip()
    error, reported = None, None
    try:
        reported = health.standings(credentials)
    except PartnerError as refusal:
        error = _told(refusal)
    page = Paginator(roster.search(text), _PAGE).get_page(request.GET.get("page"))
    rows = reported.rows if reported else {}
    return render(
        request,
        "school_portal/students.html",
        {
            "lines": [Line(student, rows.get(student.id)) for student in page],
            "page": page, "text": text, "error": error, "reported": reported, "steps": _last_steps(request),
            "demo_login": f"{settings.BASE_URL}/", "portal": SCHOOL_PORTAL,
        },
    )  # fmt: skip


@require_POST
@csrf_protect
def health_records(request: HttpRequest) -> HttpResponse:
    """Sign the chosen student in to Pratique: ask it for a token, and send the browser there with it."""
    credentials = _credentials()
    student = roster.by_id().get(request.POST.get("student", ""))
    if student is None:
        raise Http404
    calls = health.Calls()
    try:
        address = health.sign_in_address(credentials, student, calls)
    except PartnerError as refusal:
        told = {"error": _told(refusal), "steps": calls, "portal": SCHOOL_PORTAL}
        return render(request, "school_portal/refused.html", told, status=502)
    response = HttpResponseRedirect(address)
    response.headers["Referrer-Policy"] = "no-referrer"
    response.set_signed_cookie(
        _COOKIE, json.dumps(calls), max_age=_COOKIE_SECONDS, path=SCHOOL_PORTAL, httponly=True, samesite="Lax"
    )
    return response


ADDRESSES: Mapping[str, Callable[[HttpRequest], HttpResponse]] = {
    "": students,
    "health-records/": health_records,
}


def _credentials() -> health.Credentials:
    """Return how the portal calls Pratique; the middleware has seen that it may."""
    known = demo_partner(Path(settings.VAR), base_url=settings.BASE_URL)
    if known is None:
        raise Http404
    return known


def _last_steps(request: HttpRequest) -> list[str]:
    try:
        steps = json.loads(request.get_signed_cookie(_COOKIE, max_age=_COOKIE_SECONDS) or "[]")
    except (KeyError, signing.BadSignature, ValueError):
        return []
    return [str(step) for step in steps]


def _told(refusal: PartnerError) -> dict[str, Any]:
    """Return an error as an integrator reads it, with the remedy that the API's documentation names."""
    if isinstance(refusal, Unreachable):
        remedy = "Press the button again. If it stays so: pratique status says how the server is."
    else:
        remedy = ERRORS[refusal.code].remedy if refusal.code in ERRORS else ""
    return {"code": refusal.code, "message": refusal.message, "field": refusal.field, "remedy": remedy}
