"""The choice of a language, open to everybody: in a cookie, and on the account of whoever is signed in."""

from urllib.parse import urlsplit

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from pratique.accounts.actions import set_language
from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES
from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.screens.permissions import Access, requires


@requires(Access.PUBLIC)
@require_POST
def choose(request: HttpRequest) -> HttpResponse:
    """Keep the language and go back to the page where it was chosen; an unknown one changes nothing."""
    response = redirect(_back(request))
    language = request.POST.get("language", "")
    if language not in dict(settings.LANGUAGES):
        return response
    if isinstance(request.user, User):
        kind = "staff" if request.user.role in STAFF_ROLES else request.user.role
        set_language(
            user=request.user, language=language, by=Actor(kind, str(request.user.id)), now=clock.now()
        )
    response.set_cookie(
        settings.LANGUAGE_COOKIE_NAME,
        language,
        max_age=365 * 24 * 3600,
        secure=settings.HTTPS,
        httponly=True,
        samesite="Lax",
    )
    return response


def _back(request: HttpRequest) -> str:
    """Return the page that the form names: a path of ours, with its query."""
    wanted = request.POST.get("next", "")
    known = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    parts = urlsplit(wanted)
    return wanted if known and not parts.netloc and parts.path.startswith("/") else "/"
