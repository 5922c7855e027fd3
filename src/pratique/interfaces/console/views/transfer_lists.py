"""What moved through an account: files of both directions, sessions, and the log of files with its CSV."""

import csv
import io
from collections.abc import Iterator
from datetime import UTC
from itertools import islice
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.foundation.neutralise import neutralise
from pratique.interfaces.console import people, transfer_list, transfer_words
from pratique.interfaces.console.views.transfer_account import find
from pratique.screens.downloads import streamed
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires
from pratique.transfers import lists
from pratique.transfers.actions.outbound import delete
from pratique.transfers.models import TransferAccount, TransferEvent

_SIZES = (50, 100, 200)
_HEADER = ("At", "Event", "What happened", "Path", "Bytes", "Reason", "In words", "Session")


@requires(Permission.VIEW_TRANSFERS)
@require_safe
def transfer_rows(request: HttpRequest, account_id: UUID, what: str) -> HttpResponse:
    """A page of one of the four lists."""
    account = find(account_id)
    if what not in lists.LISTINGS:
        raise Http404
    listing, chosen = lists.LISTINGS[what], transfer_list.read_filter(what, request.GET)
    sort, asked = transfer_list.read_sort(what, request.GET), chosen.asked(_zone(request))
    total, size = lists.count(listing, account, asked), page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=total, size=size)
    offset = (number - 1) * size
    rows = (
        lists.page(listing, account, asked, total=total, sort=sort, offset=offset, size=size) if total else []
    )
    return render(
        request,
        "console/transfers/rows.html",
        {
            "account": account,
            "what": what,
            "title": transfer_words.TITLES[what],
            "text_label": transfer_words.TEXTS[what],
            "kinds": transfer_words.KINDS[what],
            "table": f"console/transfers/{what}_table.html",
            "page": Page(rows, number, size, total),
            "is_more": total >= lists.MOST_LISTED,
            "progress": lists.progress_of(rows) if what == "files" else {},
            "chosen": chosen,
            "sort": sort,
            "carried": [(name, request.GET[name]) for name in transfer_list.CARRIED if request.GET.get(name)],
        },
    )


@requires(Permission.VIEW_TRANSFERS)
@require_POST
def transfer_log_export(request: HttpRequest, account_id: UUID) -> HttpResponseBase:
    """Send all lines of the log that a filter lets through, as CSV."""
    account, now, zone = find(account_id), clock.now(), _zone(request)
    chosen = transfer_list.read_filter("log", request.POST)
    audit.record(
        "console:transfer_log:exported", institution_id=account.institution_id, by=people.actor(request), now=now,
        subject_type="transfer_account", subject_id=account.id, detail={"kind": chosen.kind} if chosen.kind else {},
    )  # fmt: skip
    return streamed(
        lambda: _csv(account, chosen.asked(zone)),
        institution_id=account.institution_id,
        file_name=f"{account.username}-log-{now.astimezone(zone):%Y-%m-%d}.csv",
    )


@requires(Permission.MANAGE_TRANSFERS)
@require_http_methods(["GET", "HEAD", "POST"])
def transfer_outbound_delete(request: HttpRequest, account_id: UUID, file_id: UUID) -> HttpResponse:
    """Say what goes, and delete a file that lies there for the account to take."""
    account = find(account_id)
    file = lists.find_outbound(account, file_id)
    if file is None:
        raise Http404
    if request.method == "POST":
        delete(file=file, by=people.actor(request), now=clock.now())
        messages.success(request, _("The file is deleted. The account does not see it any more."))
        return redirect("transfer_rows", account_id=account.id, what="outbound")
    return render(request, "console/transfers/delete.html", {"account": account, "file": file})


def _csv(account: TransferAccount, asked: lists.Asked) -> Iterator[bytes]:
    yield _lines([_HEADER])
    found = lists.every_event(account, asked)
    while some := list(islice(found, 1000)):
        yield _lines([_cells(event) for event in some])


def _cells(event: TransferEvent) -> tuple[str, ...]:
    return (
        event.at.astimezone(UTC).isoformat(), event.kind, transfer_words.event(event.kind), event.path,
        str(event.size), event.reason, transfer_words.reason(event.reason) if event.reason else "",
        str(event.session or ""),
    )  # fmt: skip


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(map(neutralise, row) for row in rows)
    return text.getvalue().encode()


def _zone(request: HttpRequest) -> ZoneInfo:
    return ZoneInfo(people.staff(request).institution.time_zone)
