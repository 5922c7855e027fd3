"""Keys of a partner: a new one, shown once, and an end to one."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people
from pratique.interfaces.console.partner_forms import AT_ONCE, OVERLAPS, KeyForm, ends_previous_at
from pratique.interfaces.console.views.partner import find, find_client
from pratique.interfaces.console.views.partners import explain
from pratique.partners import policies, queries
from pratique.partners.actions.keys import issue_key, revoke_key
from pratique.partners.errors import PartnerError
from pratique.screens.permissions import requires


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_key_new(request: HttpRequest, partner_id: UUID, environment: str) -> HttpResponse:
    """Ask when the older keys stop; make the key and show it in the answer, the only place where it ever stands.

    The form names the newest key that its page knew. Sent again (a reload, two clicks), it finds another one and
    makes nothing.
    """
    found, client = find_client(partner_id, environment)
    now = clock.now()
    working = queries.working_keys(client, now=now)
    newest = queries.newest_key_id(client)
    if request.method == "POST" and request.POST.get("seen", "") != newest:
        messages.warning(
            request,
            _(
                "A key was made already, and is shown only once. If nobody has it, revoke it and make another."
            ),
        )
        return redirect("partner", partner_id=found.id)
    form = KeyForm(
        request.POST if request.method == "POST" else None,
        initial={"overlap": AT_ONCE if len(working) >= policies.MOST_LIVING_KEYS else "7", "seen": newest},
    )
    if not working:
        form.fields["overlap"].required = False
    elif len(working) >= policies.MOST_LIVING_KEYS:
        form.fields["overlap"].choices = [(AT_ONCE, OVERLAPS[AT_ONCE])]  # type: ignore[attr-defined]
    if request.method == "POST" and form.is_valid():
        overlap = form.cleaned_data["overlap"]
        try:
            issued = issue_key(
                client=client, by=people.actor(request), now=now,
                ends_previous_at=ends_previous_at(overlap, now) if working else None,
            )  # fmt: skip
        except PartnerError as wrong:
            explain(form, wrong)
        else:
            return render(
                request,
                "console/partners/key.html",
                {
                    "partner": found,
                    "client": client,
                    "issued": issued,
                    "replaced": working,
                    "ends_at": ends_previous_at(overlap, now) if working else None,
                    "at_once": overlap == AT_ONCE,
                },
            )
    return render(
        request,
        "console/partners/key_new.html",
        {"partner": found, "client": client, "form": form, "working": working},
        status=422 if form.errors else 200,
    )


@requires(Permission.MANAGE_PARTNERS)
@require_http_methods(["GET", "HEAD", "POST"])
def partner_key_revoke(request: HttpRequest, partner_id: UUID, key_id: UUID) -> HttpResponse:
    """Say what stops, and stop it."""
    found = find(partner_id)
    key = queries.find_key(found, key_id)
    if key is None:
        raise Http404
    now = clock.now()
    state = policies.state_of(key, now)
    if state not in policies.LIVING:
        messages.warning(request, _("This key does not work any more."))
        return redirect("partner", partner_id=found.id)
    if request.method == "POST":
        revoke_key(key=key, by=people.actor(request), now=now)
        messages.success(request, _("The key is revoked. Nothing can be called with it."))
        return redirect("partner", partner_id=found.id)
    others = [one for one in queries.working_keys(key.client, now=now) if one.id != key.id]
    return render(
        request,
        "console/partners/revoke.html",
        {"partner": found, "client": key.client, "key": key, "others": others},
    )
