"""The pictures of a case's pages. What was seen is in the trail with the case, not picture by picture."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_GET

from pratique.accounts.roles import Permission
from pratique.records import images
from pratique.records.models import Page
from pratique.screens.permissions import requires
from pratique.screens.pictures import picture


@requires(Permission.REVIEW)
@require_GET
def review_page_image(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's picture."""
    return picture(lambda: images.page_image(_page(page_id)))


@requires(Permission.REVIEW)
@require_GET
def review_page_thumbnail(request: HttpRequest, page_id: UUID) -> HttpResponse:
    """Send a page's small picture."""
    return picture(lambda: images.page_thumbnail(_page(page_id)))


def _page(page_id: UUID) -> Page:
    page = images.page_for_review(page_id)
    if page is None:
        raise Http404
    return page
