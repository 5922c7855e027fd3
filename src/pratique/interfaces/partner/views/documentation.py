"""The integrators' pages, open to anybody: the manual of the partner API, its test vectors and its examples."""

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.interfaces.partner import manual
from pratique.screens.permissions import Access, requires


@requires(Access.PUBLIC)
@require_safe
def developers(request: HttpRequest) -> HttpResponse:
    """Say which interfaces there are for other systems."""
    return render(request, "partner/developers/index.html")


@requires(Access.PUBLIC)
@require_safe
def partner_api(request: HttpRequest) -> HttpResponse:
    """Show the manual of the partner API."""
    return render(request, "partner/developers/manual.html", {"manual": manual.manual(settings.BASE_URL)})


@requires(Access.PUBLIC)
@require_safe
def vectors(_request: HttpRequest) -> HttpResponse:
    """Serve the test vectors as they are."""
    return HttpResponse(manual.VECTORS.read_bytes(), content_type="application/json")


@requires(Access.PUBLIC)
@require_safe
def example(_request: HttpRequest, name: str) -> HttpResponse:
    """Serve an example for download. Only names that were there when we started are known: no path is made of it."""
    if name not in manual.EXAMPLES:
        raise Http404
    return HttpResponse(
        manual.EXAMPLES[name].read_bytes(),
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
