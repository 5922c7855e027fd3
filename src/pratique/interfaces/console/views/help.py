"""Help: what the words mean and where things are."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.screens.permissions import Access, requires


@requires(Access.OWN)
@require_safe
def help_page(request: HttpRequest) -> HttpResponse:
    return render(request, "console/help.html")
