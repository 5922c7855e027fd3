"""One partner: its two environments, its keys, and what stops or lets through its calls."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import partner_page, people
from pratique.interfaces.console.partner_forms import LimitForm, PartnerForm, SuspendForm
from pratique.interfaces.console.views.partners import explain
from pratique.partners import queries
from pratique.partners.actions import clients
from pratique.partners.actions.demo_environment import request_demo_environment
from pratique.partners.errors import PartnerError
from pratique.partners.models import Environment, Partner, PartnerClient
from pratique.screens.permissions import requires


@requires(Permission.VIEW_PARTNERS)
@require_safe
def partner(request: HttpRequest, partner_id: UUID) -> HttpResponse:
    found, now = find(partner_id), clock.now()
    institution = people.staff(request).institution
    environments = partner_page.environments(institution, queries.clients_of(found, now=now))
    return render(
        request,
        "console/partners/partner.html",
        {
            "partner": found,
            "environments": environments,
            "people": people.names(
                line.key.created_by for one in environments if one.line for line in one.line.keys
            ),
            "base_url": settings.BASE_URL,
            "command": partner_page.command(environments, settings.BASE_URL),
        },
    )


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_change(request: HttpRequest, partner_id: UUID) -> HttpResponse:
    """Change a partner's name and contact."""
    found = find(partner_id)
    form = PartnerForm(
        request.POST if request.method == "POST" else None,
        initial={"name": found.name, "contact_email": found.contact_email},
    )
    if request.method == "POST" and form.is_valid():
        try:
            clients.change_partner(
                partner=found, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except PartnerError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("Saved."))
            return redirect("partner", partner_id=found.id)
    return _form_page(request, "console/partners/change.html", form, {"partner": found})


@requires(Permission.MANAGE_PARTNERS)
@require_POST
def partner_client_new(request: HttpRequest, partner_id: UUID, environment: str) -> HttpResponse:
    """Let the partner into an environment. A demo client acts for the school's twin, which a job makes."""
    found, kind, now = find(partner_id), read_environment(environment), clock.now()
    institution = people.staff(request).institution
    acts_for = institution.id
    if kind is Environment.DEMO:
        acts_for = request_demo_environment(institution=institution, by=people.actor(request), now=now)
    try:
        clients.create_client(
            partner=found, environment=kind, acts_for=acts_for, by=people.actor(request), now=now
        )
    except PartnerError as wrong:
        messages.warning(request, wrong.sentence)
    else:
        messages.success(request, _("The client id is there. Make a key next."))
    return redirect("partner", partner_id=found.id)


@requires(Permission.MANAGE_PARTNERS)
@require_POST
def partner_demo(request: HttpRequest, partner_id: UUID) -> HttpResponse:
    """Have the demo environment made, or brought up to date."""
    found, _client = find_client(partner_id, Environment.DEMO)
    request_demo_environment(
        institution=people.staff(request).institution, by=people.actor(request), now=clock.now()
    )
    messages.success(request, _("The demo environment is being brought up to date."))
    return redirect("partner", partner_id=found.id)


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_suspend(request: HttpRequest, partner_id: UUID, environment: str) -> HttpResponse:
    """Ask why, and stop a client."""
    found, client = find_client(partner_id, environment)
    form = SuspendForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            clients.suspend(client=client, by=people.actor(request), now=clock.now(), **form.cleaned_data)
        except PartnerError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("No call of this client is let through now."))
            return redirect("partner", partner_id=found.id)
    return _form_page(
        request, "console/partners/suspend.html", form, {"partner": found, "environment": environment}
    )


@requires(Permission.MANAGE_PARTNERS)
@require_POST
def partner_resume(request: HttpRequest, partner_id: UUID, environment: str) -> HttpResponse:
    """Let a suspended client work again."""
    found, client = find_client(partner_id, environment)
    clients.resume(client=client, by=people.actor(request), now=clock.now())
    messages.success(request, _("Calls of this client are let through again."))
    return redirect("partner", partner_id=found.id)


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_limit(request: HttpRequest, partner_id: UUID, environment: str) -> HttpResponse:
    """Change how many calls a minute a client may make."""
    found, client = find_client(partner_id, environment)
    form = LimitForm(
        request.POST if request.method == "POST" else None,
        initial={"calls_per_minute": client.calls_per_minute},
    )
    if request.method == "POST" and form.is_valid():
        try:
            clients.change_limit(
                client=client, by=people.actor(request), now=clock.now(), **form.cleaned_data
            )
        except PartnerError as wrong:
            explain(form, wrong)
        else:
            messages.success(request, _("The limit is saved and holds at once."))
            return redirect("partner", partner_id=found.id)
    return _form_page(
        request, "console/partners/limit.html", form, {"partner": found, "environment": environment}
    )


def find(partner_id: UUID) -> Partner:
    """Return a partner of the present institution. Raises Http404."""
    found = queries.find_partner(partner_id)
    if found is None:
        raise Http404
    return found


def find_client(partner_id: UUID, environment: str) -> tuple[Partner, PartnerClient]:
    """Return a partner and its client in an environment. Raises Http404."""
    found = find(partner_id)
    client = queries.find_client(found, read_environment(environment))
    if client is None:
        raise Http404
    return found, client


def read_environment(text: str) -> Environment:
    """Return the environment that an address names. Raises Http404."""
    try:
        return Environment(text)
    except ValueError:
        raise Http404 from None


def _form_page(request: HttpRequest, template: str, form: forms.Form, values: dict[str, Any]) -> HttpResponse:
    return render(request, template, {"form": form, **values}, status=422 if form.errors else 200)
