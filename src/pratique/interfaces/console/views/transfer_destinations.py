"""Setting a destination up: whom to connect to, how to sign in there, and an end to it."""

from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pratique.accounts.roles import Permission
from pratique.delivery import queries
from pratique.delivery.actions import destinations
from pratique.delivery.models import Destination
from pratique.delivery.types import DestinationError
from pratique.foundation import clock
from pratique.interfaces.console import people
from pratique.interfaces.console.transfer_forms import DestinationForm, KeyKindForm, PasswordForm
from pratique.screens.permissions import requires

_FIELDS = ("name", "host", "port", "username", "folder", "contact_email", "allow_old_algorithms")


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_destination_new(request: HttpRequest) -> HttpResponse:
    """Add a destination, and go on to its sign-in and host key."""
    form = DestinationForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = destinations.create_destination(
                institution=people.staff(request).institution, by=people.actor(request), now=clock.now(),
                **form.cleaned_data,
            )  # fmt: skip
        except DestinationError as wrong:
            explain(form, wrong)
        else:
            return redirect("transfer_destination", destination_id=made.id)
    return _form_page(request, form, None, _("Add a destination"), _("Add"))


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_destination_change(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Change a destination; another host or port has to be trusted anew."""
    found = find(destination_id)
    form = DestinationForm(
        request.POST if request.method == "POST" else None,
        initial={field: getattr(found, field) for field in _FIELDS},
    )
    if request.method == "POST" and form.is_valid():
        try:
            destinations.change_destination(
                destination=found, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except DestinationError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("Saved."))
            return redirect("transfer_destination", destination_id=found.id)
    note = _("With another host or port, the host key has to be trusted anew, and a password entered again.")
    return _form_page(request, form, found, _("Change the destination"), _("Save"), note)


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_destination_password(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Sign in there with a password from now on."""
    found = find(destination_id)
    form = PasswordForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            destinations.set_password(
                destination=found, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except DestinationError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("The password is kept. Test the connection next."))
            return redirect("transfer_destination", destination_id=found.id)
    return _form_page(request, form, found, _("Sign in with a password"), _("Save"))


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_destination_key(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Make a key pair, and sign in there with it from now on; the page shows its public half."""
    found = find(destination_id)
    form = KeyKindForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            destinations.make_key(
                destination=found, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except DestinationError as wrong:
            explain(form, wrong)
        else:
            messages.success(
                request, _("The key is made. Send its public half to the people who run the server.")
            )
            return redirect("transfer_destination", destination_id=found.id)
    note = _("The private half never leaves Pratique.")
    if found.secret:
        note += " " + _("What signs in now stops working at once.")
    return _form_page(request, form, found, _("Sign in with a key"), _("Make the key"), note)


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_destination_close(request: HttpRequest, destination_id: UUID) -> HttpResponse:
    """Say what stops, and close a destination for good."""
    found = find(destination_id)
    if request.method == "POST":
        try:
            destinations.close_destination(destination=found, by=people.actor(request), now=clock.now())
        except DestinationError as wrong:
            messages.warning(request, str(wrong))
        else:
            messages.success(request, _("The destination is closed."))
        return redirect("transfers")
    return render(
        request,
        "console/transfers/destination_close.html",
        {"destination": found, "waiting": queries.waiting_for(found)},
    )


def find(destination_id: UUID) -> Destination:
    """Return a destination of the present institution. Raises Http404."""
    found = queries.destination_by_id(destination_id)
    if found is None:
        raise Http404
    return found


def explain(form: forms.Form, wrong: DestinationError) -> None:
    """Put what was wrong beside its field, or above the form."""
    form.add_error(wrong.field if wrong.field in form.fields else None, str(wrong))


def _form_page(
    request: HttpRequest,
    form: forms.Form,
    destination: Destination | None,
    title: str,
    button: str,
    note: str = "",
) -> HttpResponse:
    return render(
        request,
        "console/transfers/destination_form.html",
        {"form": form, "destination": destination, "title": title, "button": button, "note": note},
        status=422 if form.errors else 200,
    )
