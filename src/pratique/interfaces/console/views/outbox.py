"""The local outbox: mails that an installation without a mail server keeps instead of sending. Administrators only."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.interfaces.console import outbox as mails
from pratique.interfaces.console.permissions import requires


@requires(Permission.VIEW_AUDIT)
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    if not mails.in_use():
        raise Http404
    return render(request, "console/outbox.html", {"search": request.GET.get("q", "").strip()[:200]})
