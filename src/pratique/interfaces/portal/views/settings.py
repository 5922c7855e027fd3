"""The student's own settings: language, how to be told, password and passkeys."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.interfaces.portal import people
from pratique.screens.permissions import Access, requires


@requires(Access.STUDENT)
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    return render(request, "portal/settings/settings.html", {"acting": people.acting(request)})
