"""All partners of the school: the list with their health, a new one, and what holds for all of them."""

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import partner_list, people
from pratique.interfaces.console.partner_forms import PartnerForm, SettingsForm
from pratique.partners import queries
from pratique.partners.actions.clients import create_partner
from pratique.partners.actions.settings import change_settings
from pratique.partners.errors import PartnerError
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_SIZES = (25, 50, 100)


@requires(Permission.VIEW_PARTNERS)
@require_safe
def partners(request: HttpRequest) -> HttpResponse:
    lines = queries.all_partners(now=clock.now())
    chosen, sort = partner_list.read_filter(request.GET), partner_list.read_sort(request.GET)
    found = partner_list.chosen_lines(lines, chosen, sort)
    size = page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=len(found), size=size)
    return render(
        request,
        "console/partners/list.html",
        {
            "page": Page(list(found[(number - 1) * size : number * size]), number, size, len(found)),
            "figures": partner_list.figures(lines) if lines else None,
            "chosen": chosen,
            "sort": sort,
            "environments": partner_list.ENVIRONMENTS,
            "standings": partner_list.STANDINGS,
        },
    )


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_new(request: HttpRequest) -> HttpResponse:
    """Add a partner, and go on to set it up."""
    form = PartnerForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = create_partner(
                institution=people.staff(request).institution, by=people.actor(request), now=clock.now(),
                **form.cleaned_data,
            )  # fmt: skip
        except PartnerError as wrong:
            explain(form, wrong)
        else:
            return redirect("partner", partner_id=made.id)
    return render(request, "console/partners/new.html", {"form": form}, status=422 if form.errors else 200)


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_settings(request: HttpRequest) -> HttpResponse:
    """Show and change what holds for all partners."""
    institution = people.staff(request).institution
    if request.method == "POST":
        form = SettingsForm(request.POST)
        if form.is_valid():
            try:
                change_settings(
                    institution=institution, by=people.actor(request), now=clock.now(), **form.cleaned_data
                )
            except PartnerError as wrong:
                explain(form, wrong)
            else:
                messages.success(request, _("The settings are saved."))
                return redirect("partners")
    else:
        form = SettingsForm(
            initial={
                "secure_token_minutes": institution.secure_token_minutes,
                "membership_months": institution.membership_months,
            }
        )
    return render(
        request, "console/partners/settings.html", {"form": form}, status=422 if form.errors else 200
    )


def explain(form: forms.Form, wrong: PartnerError) -> None:
    """Put what was wrong beside its field, or above the form."""
    form.add_error(wrong.field if wrong.field in form.fields else None, wrong.sentence)
