"""The local outbox: mails that an installation without a mail server keeps instead of sending.

It exists only where mail is not really sent, and shows each institution its own.
"""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.foundation.outbox import message, messages
from pratique.interfaces.console import outbox as local_outbox
from pratique.interfaces.console import people
from pratique.screens.paging import Page, wanted_page
from pratique.screens.permissions import requires

_PAGE = 50


@requires(Permission.VIEW_AUDIT)
@require_safe
def outbox(request: HttpRequest) -> HttpResponse:
    if not local_outbox.in_use():
        raise Http404
    search = request.GET.get("q", "").strip()[:200]
    found = messages(
        institution_id=people.staff(request).institution_id,
        search=search,
        page=wanted_page(request.GET),
        page_size=_PAGE,
    )
    page = Page(list(found.messages), found.page, _PAGE, found.total)
    return render(request, "console/outbox.html", {"page": page, "search": search})


@requires(Permission.VIEW_AUDIT)
@require_safe
def outbox_message(request: HttpRequest, message_id: int) -> HttpResponse:
    kept = None
    if local_outbox.in_use():
        kept = message(message_id, institution_id=people.staff(request).institution_id)
    if kept is None:
        raise Http404
    return render(request, "console/outbox_message.html", {"message": kept})
