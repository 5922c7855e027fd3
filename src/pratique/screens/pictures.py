"""Answers that are pictures of somebody's papers."""

from collections.abc import Callable

from django.http import Http404, HttpResponse

from pratique.foundation.storage import FileMissingError


def picture(read: Callable[[], bytes]) -> HttpResponse:
    """Send the JPEG that `read` returns, as nothing but a picture; 404 where it is not stored (any more).

    We made it ourselves, pixel by pixel; the headers keep it a picture even if that were ever wrong.
    """
    try:
        content = read()
    except FileMissingError:
        raise Http404 from None
    return HttpResponse(
        content,
        content_type="image/jpeg",
        headers={
            "Content-Disposition": "inline",
            "Content-Security-Policy": "sandbox; default-src 'none'",
            "X-Content-Type-Options": "nosniff",
        },
    )
