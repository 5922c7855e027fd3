"""The page behind a link that was mailed: a report's file for colleagues, kept for a week."""

from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.delivery import queries
from pratique.delivery.actions import links
from pratique.delivery.models import Delivery, DeliveryState
from pratique.foundation import clock
from pratique.foundation.vault import Reader
from pratique.interfaces.console import people
from pratique.reports import queries as report_queries
from pratique.reports.types import CONTENT_TYPES, Format, ReportError
from pratique.screens.permissions import requires

_BLOCK = 256 * 1024
_ENCRYPTED = "application/pgp-encrypted"


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_delivery(request: HttpRequest, delivery_id: UUID) -> HttpResponse:
    """Say what was sent, from when it is and until when it is kept; after that, where to make it anew."""
    delivery = _find(request, delivery_id)
    is_there = delivery.state == DeliveryState.DELIVERED
    until = links.kept_until(delivery) if is_there else None
    return render(
        request,
        "console/schedules/link.html",
        {
            "delivery": delivery,
            "title": report_queries.titles([delivery.report_key]).get(delivery.report_key, ""),
            "until": until,
            "can_be_taken": until is not None and clock.now() <= until,
            "has_report": _has_report(request, delivery),
        },
    )


@requires(Permission.DOWNLOAD_REPORTS)
@require_safe
def report_delivery_file(request: HttpRequest, delivery_id: UUID) -> HttpResponseBase:
    """Send the file, and note who took it."""
    delivery = _find(request, delivery_id)
    try:
        taken, reader = links.take(
            delivery_id=delivery.id,
            institution_id=delivery.institution_id,
            by=people.actor(request),
            now=clock.now(),
        )
    except links.LinkError as wrong:
        messages.error(request, str(wrong))
        return redirect("report_delivery", delivery_id=delivery.id)
    return StreamingHttpResponse(
        _blocks(reader),
        content_type=_ENCRYPTED if taken.pgp_key else CONTENT_TYPES[Format(taken.format)],
        headers={
            "Content-Disposition": content_disposition_header(True, taken.file_name) or "attachment",
        },
    )


def _find(request: HttpRequest, delivery_id: UUID) -> Delivery:
    """Return a delivery that is a link, if the person may have its report. Raises Http404: what one may not see is
    as good as none.
    """
    found = queries.delivery_by_id(delivery_id)
    if found is None or not found.staff:
        raise Http404
    try:
        may = queries.recipients([people.staff(request).id], found.report_key)
    except ReportError:
        may = []
    if not may and str(people.staff(request).id) not in found.staff:
        raise Http404
    return found


def _has_report(request: HttpRequest, delivery: Delivery) -> bool:
    try:
        report_queries.report_for(people.staff(request), delivery.report_key)
    except ReportError:
        return False
    return True


def _blocks(reader: Reader) -> Iterator[bytes]:
    with closing(reader):
        for offset in range(0, reader.size, _BLOCK):
            yield reader.read(offset, _BLOCK)
