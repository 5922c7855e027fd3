"""Keys of an account for file transfer: a public key that is pasted or uploaded, and an end to one."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, transfer_clients
from pratique.interfaces.console.transfer_forms import KeyForm
from pratique.interfaces.console.views.transfer_account import find
from pratique.interfaces.console.views.transfers import explain
from pratique.screens.permissions import requires
from pratique.transfers import lists
from pratique.transfers.actions.keys import add_key, revoke_key
from pratique.transfers.errors import TransferError
from pratique.transfers.keys import LONGEST_TEXT, text_of_file

# What must not stand on the page again: it holds a private key.
_SECRET = {"private", "putty"}


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_key_new(request: HttpRequest, account_id: UUID) -> HttpResponse:
    """Take a public key. A private one that somebody pastes is kept nowhere, and is not shown again."""
    found = find(account_id)
    form = KeyForm(request.POST, request.FILES) if request.method == "POST" else KeyForm()
    if request.method == "POST" and form.is_valid():
        file = form.cleaned_data["file"]
        text = text_of_file(file.read(LONGEST_TEXT + 1)) if file else form.cleaned_data["text"]
        try:
            key = add_key(
                account=found,
                label=form.cleaned_data["label"],
                text=text,
                by=people.actor(request),
                now=clock.now(),
            )
        except TransferError as wrong:
            explain(form, wrong)
            if wrong.code in _SECRET:
                form.data = {**form.data.dict(), "text": ""}  # type: ignore[attr-defined]  # it is a QueryDict
        else:
            messages.success(
                request,
                _("The key signs in from now on. Its fingerprint: %(fingerprint)s")
                % {"fingerprint": key.fingerprint},
            )
            return redirect("transfer_account", account_id=found.id)
    facts = transfer_clients.facts_of(found.username)
    return render(
        request,
        "console/transfers/key_new.html",
        {
            "account": found,
            "form": form,
            "others": [key for key in lists.keys_of(found) if key.revoked_at is None],
            "make_key": transfer_clients.rendered("make_key.sh.txt", facts),
        },
        status=422 if form.errors else 200,
    )


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_key_revoke(request: HttpRequest, account_id: UUID, key_id: UUID) -> HttpResponse:
    """Say what stops, and stop it."""
    found = find(account_id)
    key = lists.find_key(found, key_id)
    if key is None:
        raise Http404
    if key.revoked_at is not None:
        messages.warning(request, _("This key does not work any more."))
        return redirect("transfer_account", account_id=found.id)
    if request.method == "POST":
        revoke_key(key=key, by=people.actor(request), now=clock.now())
        messages.success(request, _("The key is revoked. Nobody can sign in with it."))
        return redirect("transfer_account", account_id=found.id)
    others = [one for one in lists.keys_of(found) if one.revoked_at is None and one.id != key.id]
    return render(request, "console/transfers/revoke.html", {"account": found, "key": key, "others": others})
