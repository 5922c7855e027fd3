"""The page behind a link that was mailed: a report's file for colleagues, kept for a week."""

from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.screens.permissions import requires


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    raise Http404


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_delivery_file(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    raise Http404
