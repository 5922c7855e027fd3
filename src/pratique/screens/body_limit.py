"""How much may be sent to us, decided before a byte of it is read."""

from collections.abc import Callable

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from pratique.accounts.middleware import SESSION_KEY


class LimitBody:
    """Refuse a request that announces more than it may hold; strangers may send far less than staff.

    Django's own limits come too late for this: the check of the form's token reads the whole body to disk first.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        try:
            size = int(request.META.get("CONTENT_LENGTH") or 0)
        except ValueError:
            size = 0
        known = request.session.get(SESSION_KEY) is not None
        if size > (settings.LARGEST_UPLOAD if known else settings.LARGEST_BODY_OF_STRANGERS):
            return render(request, "screens/errors/413.html", status=413)
        return self.get_response(request)
