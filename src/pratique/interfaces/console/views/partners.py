"""Partners, for the school's staff."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.screens.permissions import requires


@requires(Permission.VIEW_PARTNERS)
@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    return render(request, "console/partners/list.html", {})
