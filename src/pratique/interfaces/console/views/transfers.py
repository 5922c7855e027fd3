"""File transfer of the school: its health, its accounts and destinations, and what holds for all of them."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.delivery import queries
from pratique.foundation import clock
from pratique.interfaces.console import people, transfer_clients, transfer_list, transfer_words
from pratique.interfaces.console.transfer_forms import AccountForm, SettingsForm
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires
from pratique.transfers import lists
from pratique.transfers.actions.accounts import create_account
from pratique.transfers.actions.settings import change_settings
from pratique.transfers.errors import TransferError
from pratique.transfers.standing import Standing

_SIZES = (25, 50, 100)


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfers(request: HttpRequest) -> HttpResponse:
    lines, now = lists.all_accounts(), clock.now()
    chosen, sort = (
        transfer_list.read_account_filter(request.GET),
        transfer_list.read_account_sort(request.GET),
    )
    found = transfer_list.chosen_lines(lines, chosen, sort)
    size = page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=len(found), size=size)
    suspended = [line for line in lines if line.standing is Standing.SUSPENDED]
    return render(
        request,
        "console/transfers/overview.html",
        {
            "page": Page(list(found[(number - 1) * size : number * size]), number, size, len(found)),
            "figures": lists.figures(lines, now=now) if lines else None,
            "suspended": suspended,
            "chosen": chosen,
            "sort": sort,
            "standings": transfer_words.STANDINGS,
            "destinations": queries.destinations(),
        },
    )


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_new(request: HttpRequest) -> HttpResponse:
    """Add an account, and go on to give it a key."""
    institution = people.staff(request).institution
    form = AccountForm(request.POST if request.method == "POST" else None)
    form.fields["username_part"].help_text = _(
        "It begins with %(slug)s- and goes on with what you write here, such as sis. It cannot be changed later."
    ) % {"slug": institution.slug}
    if request.method == "POST" and form.is_valid():
        try:
            made = create_account(
                institution=institution, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except TransferError as wrong:
            explain(form, wrong)
        else:
            messages.success(
                request,
                _("The account %(username)s is there. Add a key next.") % {"username": made.username},
            )
            return redirect("transfer_account", account_id=made.id)
    return render(request, "console/transfers/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_settings(request: HttpRequest) -> HttpResponse:
    """Show and change what holds for all accounts."""
    institution = people.staff(request).institution
    form = SettingsForm(
        request.POST if request.method == "POST" else None,
        initial={"repeated_file": institution.repeated_file},
    )
    if request.method == "POST" and form.is_valid():
        try:
            change_settings(
                institution=institution, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except TransferError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("The settings are saved."))
            return redirect("transfers")
    return render(
        request, "console/transfers/settings.html", {"form": form}, status=422 if form.errors else 200
    )


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_set_up(request: HttpRequest) -> HttpResponse:
    """What whoever connects a system must know: address, host keys, folders, rules."""
    facts = transfer_clients.facts_of("")
    return render(
        request,
        "console/transfers/set_up.html",
        {
            "facts": facts,
            "host_keys": [(key, key.known_hosts(facts.host, facts.port)) for key in facts.host_keys],
            "repeated_file": people.staff(request).institution.repeated_file,
        },
    )


def explain(form: forms.Form, wrong: TransferError) -> None:
    """Put what was wrong beside its field, or above the form."""
    form.add_error(wrong.field if wrong.field in form.fields else None, wrong.sentence)
