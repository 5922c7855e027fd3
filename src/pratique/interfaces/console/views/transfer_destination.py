"""One destination: how it stands, the test of its connection, whom we trust there, and what was delivered."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import get_language, override
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.connectors.sftp_push.types import Waits
from pratique.delivery import queries
from pratique.delivery.actions import deliveries, destinations
from pratique.delivery.models import DeliveryState, Destination
from pratique.delivery.types import DeliveryError, DestinationError, Place
from pratique.foundation import audit, clock
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import VaultError
from pratique.interfaces.console import people
from pratique.interfaces.console.transfer_forms import HostKeyForm
from pratique.interfaces.console.views.transfer_destinations import explain, find
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_SIZES, _LATEST = (50, 100, 200), 5
# Somebody sits before the page: what takes longer than this is told as "did not answer in time".
_WAITS = Waits(connect=8, sign_in=12, stall=12)


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_destination(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    return _page(request, find(destination_id))


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_destination_test(request: HttpRequest, destination_id: UUID) -> StreamingHttpResponse:
    """Try everything that a delivery needs, and say which step failed; show the host key that the server has.

    The page is made when the request's transaction is over, as a file that is sent would be: their server may keep us
    waiting, and that must hold no transaction open.
    """
    found, by = find(destination_id), people.actor(request)
    language, zone = get_language(), timezone.get_current_timezone()

    def page() -> Iterator[bytes]:
        with override(language), timezone.override(zone):
            yield _tested(request, found, by)

    return StreamingHttpResponse(page())


def _tested(request: HttpRequest, destination: Destination, by: audit.Actor) -> bytes:
    """Test, outside any transaction, and return the destination's page with what was found."""
    shown: dict[str, Any] = {}
    try:
        tested = destinations.try_connection(destination=destination, by=by, now=clock.now(), waits=_WAITS)
        trusted = {one["public"] for one in destination.host_keys}
        known = tested.host_key is None or tested.host_key.public in trusted
        shown = {"tested": tested, "new_host_key": None if known else tested.host_key}
    except DestinationError as wrong:
        messages.error(request, str(wrong))
    except VaultError:
        messages.error(request, _("Our own secret cannot be opened."))
    with institution_scope(destination.institution_id):
        return _page(request, destination, **shown).content


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_destination_pin(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Trust a host key: the one that a test showed, or one that their people sent."""
    found, form = find(destination_id), HostKeyForm(request.POST)
    if form.is_valid():
        try:
            destinations.pin_host_key(
                destination=found,
                host_key=form.cleaned_data["host_key"],
                by=people.actor(request),
                now=clock.now(),
            )
        except DestinationError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("The host key is trusted. Test the connection again."))
            return redirect("transfer_destination", destination_id=found.id)
    return _page(request, found, host_key_form=form)


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_destination_unpin(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Trust a host key no more."""
    found = find(destination_id)
    fingerprint = request.POST.get("fingerprint", "")
    return _done(
        request, found, partial(destinations.unpin_host_key, fingerprint=fingerprint),
        _("The host key is not trusted any more."),
    )  # fmt: skip


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_destination_stop(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Let deliveries wait."""
    return _done(
        request, find(destination_id), destinations.stop, _("Deliveries wait until you resume them.")
    )


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_destination_resume(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Let deliveries go on."""
    said = _("Deliveries go on. Those that wait are tried now.")
    return _done(request, find(destination_id), destinations.resume, said)


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_deliveries(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """All deliveries to a destination."""
    destination = find(destination_id)
    state, search = request.GET.get("state", ""), request.GET.get("q", "").replace("\0", "").strip()[:120]
    state = state if state in DeliveryState.values else ""
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in queries.DELIVERY_SORTS else "-requested"
    found = queries.deliveries(
        place=Place(destination_id=destination.id), state=state, search=search, sort=sort
    )
    total, size = found.count(), page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=total, size=size)
    return render(
        request,
        "console/transfers/deliveries.html",
        {
            "destination": destination,
            "page": Page(list(found[(number - 1) * size : number * size]), number, size, total),
            "states": DeliveryState.values,
            "state": state,
            "search": search,
            "sort": sort,
        },
    )


@requires(Permission.MANAGE_TRANSFERS)
@require_POST
def transfer_delivery_deed(
    request: HttpRequest, destination_id: UUID, delivery_id: UUID, deed: str
) -> HttpResponse:
    """Have a failed delivery tried again, or cancel one that waits."""
    destination, delivery = find(destination_id), queries.delivery_by_id(delivery_id)
    if delivery is None or delivery.destination_id != destination.id or deed not in ("retry", "cancel"):
        raise Http404
    try:
        if deed == "retry":
            deliveries.retry(delivery=delivery, by=people.actor(request), now=clock.now())
            messages.success(request, _("It is tried again now."))
        elif deliveries.cancel(delivery=delivery, by=people.actor(request), now=clock.now()):
            messages.success(request, _("The delivery is cancelled."))
        else:
            messages.warning(request, _("It cannot be cancelled any more."))
    except DeliveryError as wrong:
        messages.warning(request, str(wrong))
    return redirect("transfer_deliveries", destination_id=destination.id)


def _done(
    request: HttpRequest, destination: Destination, deed: Callable[..., Destination], said: str
) -> HttpResponse:
    """Do something that needs no form, and go back to the destination's page."""
    try:
        deed(destination=destination, by=people.actor(request), now=clock.now())
    except DestinationError as wrong:
        messages.warning(request, str(wrong))
    else:
        messages.success(request, said)
    return redirect("transfer_destination", destination_id=destination.id)


def _page(request: HttpRequest, destination: Destination, **more: Any) -> HttpResponse:
    form = more.get("host_key_form")
    values = {
        "destination": destination,
        "standing": queries.standing(destination),
        "waiting": queries.waiting_for(destination),
        "deliveries": list(queries.deliveries(place=Place(destination_id=destination.id))[:_LATEST]),
        "host_key_form": form or HostKeyForm(),
        **more,
    }
    return render(
        request, "console/transfers/destination.html", values, status=422 if form is not None else 200
    )
