"""The first page of the portal."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.interfaces.portal import people
from pratique.screens.permissions import Access, requires


@requires(Access.STUDENT)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/home.html", {"acting": people.acting(request)})
