"""The audit trail, for administrators."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.interfaces.console import people
from pratique.interfaces.console.activity import KINDS, events, sentence
from pratique.screens.paging import Page, page_number
from pratique.screens.permissions import requires

_PAGE = 50


@requires(Permission.VIEW_AUDIT)
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    kind = request.GET.get("kind", "")
    found = events(kind=kind)
    total = found.count()
    number = page_number(request.GET, total=total, size=_PAGE)
    rows = list(found[(number - 1) * _PAGE : number * _PAGE])
    return render(
        request,
        "console/activity.html",
        {
            "page": Page([(event, sentence(event)) for event in rows], number, _PAGE, total),
            "people": people.names(event.by for event in rows),
            "kinds": KINDS,
            "kind": kind,
        },
    )
