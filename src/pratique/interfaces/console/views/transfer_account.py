"""One account for file transfer: how it stands, what moved lately, and what lets it in or keeps it out."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, transfer_clients
from pratique.interfaces.console.transfer_forms import ChangeForm, ReasonForm
from pratique.interfaces.console.views.transfers import explain
from pratique.screens.permissions import requires
from pratique.transfers import lists
from pratique.transfers.actions import accounts
from pratique.transfers.errors import TransferError
from pratique.transfers.models import InboundState, TransferAccount

# How many of each list the account's own page shows.
_LATEST = 5
_RUNNING = (InboundState.WAITING, InboundState.CLAIMED, InboundState.IMPORTING)


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_account(request: HttpRequest, account_id: UUID) -> HttpResponse:
    return _page(request, find(account_id))


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_change(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Change an account's name, contact, networks and number of sessions."""
    found = find(account_id)
    form = ChangeForm(
        request.POST if request.method == "POST" else None,
        initial={
            "name": found.name,
            "contact_email": found.contact_email,
            "networks": "\n".join(found.networks),
            "most_sessions": found.most_sessions,
        },
    )
    if request.method == "POST" and form.is_valid():
        try:
            accounts.change_account(
                account=found, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except TransferError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("Saved."))
            return redirect("transfer_account", account_id=found.id)
    return _form_page(request, "console/transfers/change.html", form, {"account": found})


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_suspend(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Ask why, and keep an account out."""
    found = find(account_id)
    form = ReasonForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            accounts.suspend(account=found, by=people.actor(request), now=clock.now(), **form.cleaned_data)
        except TransferError as wrong:
            explain(form, wrong)
        else:
            messages.success(
                request, _("The account is suspended. Sessions that are open end within seconds.")
            )
            return redirect("transfer_account", account_id=found.id)
    return _form_page(request, "console/transfers/suspend.html", form, {"account": found})


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["POST"])
def transfer_lift(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Let a suspended account in again; the form with the reason stands on the account's page."""
    found = find(account_id)
    form = ReasonForm(request.POST)
    if form.is_valid():
        try:
            accounts.lift(account=found, by=people.actor(request), now=clock.now(), **form.cleaned_data)
        except TransferError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("The account may come again."))
            return redirect("transfer_account", account_id=found.id)
    return _page(request, found, lift_form=form)


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_close(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Say what stops, and close an account for good."""
    found = find(account_id)
    if request.method == "POST":
        accounts.close_account(account=found, by=people.actor(request), now=clock.now())
        messages.success(request, _("The account is closed, and its keys are revoked."))
        return redirect("transfer_account", account_id=found.id)
    return render(request, "console/transfers/close.html", {"account": found})


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_account_clients(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Sample configurations with the account's own values."""
    found = find(account_id)
    facts = transfer_clients.facts_of(found.username)
    return render(
        request,
        "console/transfers/clients.html",
        {
            "account": found,
            "facts": facts,
            "make_key": transfer_clients.rendered("make_key.sh.txt", facts),
            "clients": [
                (client, transfer_clients.samples(client, facts)) for client in transfer_clients.CLIENTS
            ],
        },
    )


def find(account_id: UUID) -> TransferAccount:
    """Return an account of the present institution. Raises Http404."""
    found = lists.find_account(account_id)
    if found is None:
        raise Http404
    return found


def _page(
    request: HttpRequest, account: TransferAccount, lift_form: forms.Form | None = None
) -> HttpResponse:
    files = lists.latest("files", account, _LATEST)
    keys = lists.keys_of(account)
    makers = [key.created_by for key in keys] + [key.revoked_by for key in keys if key.revoked_by]
    return render(
        request,
        "console/transfers/account.html",
        {
            "account": account,
            "line": lists.account_line(account),
            "keys": keys,
            "files": files,
            "is_moving": any(file.state in _RUNNING for file in files),
            "progress": lists.progress_of(files),
            "outbound": lists.latest("outbound", account, _LATEST),
            "sessions": lists.latest("sessions", account, _LATEST),
            "people": people.names([*makers, account.suspended_by]),
            "lift_form": lift_form or ReasonForm(),
        },
        status=422 if lift_form is not None else 200,
    )


def _form_page(request: HttpRequest, template: str, form: forms.Form, values: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"form": form, **values}, status=422 if form.errors else 200)
