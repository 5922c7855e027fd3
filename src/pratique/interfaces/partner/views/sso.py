"""The secure token link: from a click in the school's own portal to the student's page here.

    GET  /sso/<token>   a page whose form posts the token by itself, or by its button; looks nothing up
    POST /sso/          uses the token up, signs the student in, and sends them to their page

Programs that scan links open each of them; none posts the form. The token stands in no address after the first, in no
log (`foundation.logging`), title or Referer. These addresses belong to no institution until a token names one.
"""

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import translation
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.sessions import Method, sign_in
from pratique.foundation import clock
from pratique.partners import tokens
from pratique.partners.actions.tokens import redeem
from pratique.screens.permissions import Access, requires


@requires(Access.PUBLIC)
@csrf_exempt  # whoever has the token may come in from anywhere: there is no session yet that could be misused
@sensitive_post_parameters("token")
@require_http_methods(["GET", "HEAD", "POST"])
def link(request: HttpRequest, token: str = "") -> HttpResponse:
    """Show the page that posts the token, or take the posted one."""
    token = token.removesuffix("/")
    if request.method == "POST":
        response = _come_in(request, token or request.POST.get("token", ""))
    elif token:
        # What cannot be a token is not repeated; the page is the same.
        known = token if tokens.is_well_formed(token) else ""
        response = render(request, "partner/sso/signing_in.html", {"token": known})
    else:
        response = _refusal(request)
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def _come_in(request: HttpRequest, token: str) -> HttpResponse:
    now = clock.now()
    redeemed = redeem(token, language=translation.get_language() or "", now=now)
    if redeemed is None:
        return _refusal(request)
    sign_in(request, redeemed.user, method=Method.PARTNER, now=now)
    # That page goes on by itself where there is none to choose from.
    page = reverse("portal_tracker" if redeemed.lacks_tracker else "portal_home")
    # 303: the page is fetched by GET, whatever the browser did before.
    return HttpResponseRedirect(page, status=303)


def _refusal(request: HttpRequest) -> HttpResponse:
    """Say that the link does not work any more, and not why; and what to do. Nobody is signed out by it."""
    page = {"is_signed_in": SESSION_KEY in request.session}
    return render(request, "partner/sso/refused.html", page, status=410)
