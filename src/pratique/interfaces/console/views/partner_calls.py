"""The log of a partner's calls, for the people who connect its system."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.foundation.neutralise import neutralise
from pratique.interfaces.console import partner_calls as log
from pratique.interfaces.console import people
from pratique.interfaces.console.partner_list import ENVIRONMENTS
from pratique.interfaces.console.views.partner import find
from pratique.partners import call_log, queries
from pratique.partners.models import PartnerCall
from pratique.screens.downloads import streamed
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_SIZES = (50, 100, 200)
_HEADER = (
    "At", "Environment", "Method", "Outcome", "Status", "What was wrong", "Key", "Milliseconds", "Bytes in",
    "Bytes out", "Address",
)  # fmt: skip


@requires(Permission.VIEW_PARTNERS)
@require_safe
def partner_calls(request: HttpRequest, partner_id: UUID) -> HttpResponse:
    partner = find(partner_id)
    chosen, sort = log.read_filter(request.GET), log.read_sort(request.GET)
    clients = queries.clients_by_id(partner)
    wanted = [one.id for one in log.clients_in(clients.values(), chosen)]
    calls = log.to_call_filter(chosen, _zone(request))
    counted, size = call_log.count(wanted, calls), page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=counted.total, size=size)
    rows = (
        call_log.page(wanted, calls, sort=sort, offset=(number - 1) * size, size=size)
        if counted.total
        else []
    )
    return render(
        request,
        "console/partners/calls.html",
        {
            "partner": partner,
            "page": Page(
                [(call, log.environment_name(clients[call.client_id]), log.words_of(call)) for call in rows],
                number, size, counted.total,
            ),
            "is_more": counted.is_more,
            "refusals": log.outcomes(counted.outcomes),
            "chosen": chosen,
            "sort": sort,
            "environments": ENVIRONMENTS,
            "methods": log.METHODS,
            "outcomes": log.OUTCOMES,
            "fingerprints": queries.fingerprints_of(partner),
            "carried": [(name, request.GET[name]) for name in log.CARRIED if request.GET.get(name)],
        },
    )  # fmt: skip


@requires(Permission.VIEW_PARTNERS)
@require_POST
def partner_calls_export(request: HttpRequest, partner_id: UUID) -> HttpResponseBase:
    """Send all calls of a filter as CSV."""
    partner, institution, now = find(partner_id), people.staff(request).institution, clock.now()
    chosen, zone = log.read_filter(request.POST), _zone(request)
    environments = {
        one.id: one.environment for one in log.clients_in(queries.clients_by_id(partner).values(), chosen)
    }
    audit.record(
        "console:partner_calls:exported", institution_id=institution.id, by=people.actor(request), now=now,
        subject_type="partner", subject_id=partner.id,
        detail={name: request.POST[name] for name in ("environment", "method", "outcome") if getattr(chosen, name)},
    )  # fmt: skip
    return streamed(
        lambda: _csv(environments, log.to_call_filter(chosen, zone)),
        institution_id=institution.id,
        file_name=f"{institution.slug}-partner-calls-{now.astimezone(zone):%Y-%m-%d}.csv",
    )


def _csv(environments: dict[UUID, str], calls: call_log.CallFilter) -> Iterator[bytes]:
    yield _lines([_HEADER])
    found = call_log.every_call(list(environments), calls)
    while some := list(islice(found, 1000)):
        yield _lines([_cells(call, environments[call.client_id]) for call in some])


def _cells(call: PartnerCall, environment: str) -> tuple[str, ...]:
    return (
        call.at.astimezone(UTC).isoformat(), environment, call.method, call.code, str(call.status),
        log.words_of(call), call.fingerprint, str(call.duration_ms), str(call.bytes_in), str(call.bytes_out),
        call.address or "",
    )  # fmt: skip


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(map(neutralise, row) for row in rows)
    return text.getvalue().encode()


def _zone(request: HttpRequest) -> ZoneInfo:
    return ZoneInfo(people.staff(request).institution.time_zone)
