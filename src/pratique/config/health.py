"""`/healthz`, and what a person reads while the database is away."""

import sys
from importlib.metadata import version

from django.db import Error, InterfaceError, OperationalError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from django.views.decorators.cache import never_cache

from pratique.interfaces.console.permissions import Access, requires

_AWAY = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>One moment, please</title>
<meta name="viewport" content="width=device-width"></head>
<body><main><h1>One moment, please</h1>
<p>The database does not answer. Nothing that was saved is lost. Try again in a few seconds;
if this page stays, tell whoever runs this service.</p></main></body></html>
"""


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


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer 503 with a plain page if the database is away, else the usual 500."""
    error = sys.exc_info()[1]
    while error is not None:
        if isinstance(error, OperationalError | InterfaceError):
            # No template: those may want the session, and with it the database.
            return HttpResponse(_AWAY, status=503, headers={"Retry-After": "5", "Cache-Control": "no-store"})
        error = error.__cause__ or error.__context__
    return defaults.server_error(request)
