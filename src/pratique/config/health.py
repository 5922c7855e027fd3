"""`/healthz`: whether this process can do its work."""

from importlib.metadata import version

from django.db import Error, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache

from pratique.screens.permissions import Access, requires


@requires(Access.PUBLIC)
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """Answer 200 if this process can ask the database, else 503; tells a stranger nothing more."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("select 1")
    except Error:
        return JsonResponse({"healthy": False}, status=503)
    return JsonResponse({"healthy": True, "version": version("pratique")})
