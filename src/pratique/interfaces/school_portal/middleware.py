"""The played portal answers before anything of Pratique's own has a part in the request."""

from collections.abc import Callable
from pathlib import Path

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import translation

from pratique.foundation.demo_credentials import SCHOOL_PORTAL, school_portal_address
from pratique.interfaces.school_portal import views


class AnotherSystem:
    """Take the addresses of the school's portal; its pages see no session, no person and no transaction of ours.

    It would stand on another host. And a page that calls its own server must hold no connection to the database
    while it waits, or enough clicks at once would wait for each other. Without a demo, and on a server that others
    than oneself reach, there is nothing at these addresses.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if not request.path.startswith(SCHOOL_PORTAL):
            return self.get_response(request)
        if school_portal_address(Path(settings.VAR), base_url=settings.BASE_URL) is None:
            return self.get_response(request)  # where no address of this kind is known: 404
        view = views.ADDRESSES.get(request.path.removeprefix(SCHOOL_PORTAL))
        if view is None:
            raise Http404
        with translation.override("en"):
            response = view(request)
        response.headers["Cache-Control"] = "no-store, private"
        return response
