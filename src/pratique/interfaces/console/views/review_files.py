"""The pictures of a case's pages. What was seen is in the trail with the case, not picture by picture.

Whoever asks for a picture without having been shown its case (an address kept since spring) leaves the same row.
"""

from datetime import timedelta
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people
from pratique.records import images
from pratique.records.actions import files
from pratique.records.models import Page
from pratique.reviews.actions import claiming
from pratique.screens.permissions import requires
from pratique.screens.pictures import picture

# A sitting: the page of a case stays open, and its pictures are asked for as one turns to them.
_SHOWN_LASTS = timedelta(hours=12)


@requires(Permission.REVIEW)
@require_GET
def review_page_image(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's picture."""
    return picture(lambda: images.page_image(_page(request, page_id)))


@requires(Permission.REVIEW)
@require_GET
def review_page_thumbnail(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's small picture."""
    return picture(lambda: images.page_thumbnail(_page(request, page_id)))


@requires(Permission.REVIEW)
@require_POST
def review_page_turn(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Keep how a page was turned (`turned`: 0, 90, 180 or 270), so that whoever comes next sees it upright."""
    page = _page(request, page_id)
    turned = {"0": 0, "90": 90, "180": 180, "270": 270}.get(request.POST.get("turned", ""))
    if turned is None:
        return JsonResponse({"code": "unreadable", "sentence": _("This could not be read.")}, status=400)
    files.turn(page_id=page.id, turned=turned, by=people.actor(request), now=clock.now())
    return HttpResponse(status=204)


def _page(request: HttpRequest, page_id: UUID) -> Page:
    page = images.page_for_review(page_id)
    if page is None:
        raise Http404
    now, by = clock.now(), people.actor(request)
    if not claiming.was_viewed(page.submission, by=by, since=now - _SHOWN_LASTS):
        claiming.viewed(submission_id=page.submission_id, by=by, now=now)
    return page
