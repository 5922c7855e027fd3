"""What follows a due date: who is to be held or reported, and deciding on it."""

from collections import Counter

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.foundation.ids import read_id
from pratique.interfaces.console import people, reminder_words
from pratique.interfaces.console.views.reminders import SIZES
from pratique.reminders import queries
from pratique.reminders.actions.escalations import decide
from pratique.reminders.models import Escalation, EscalationState
from pratique.screens import words
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_STATES = words.CHIPS["escalation"]


@requires(Permission.SEND_REMINDERS)
@require_safe
def reminder_escalations(request: HttpRequest) -> HttpResponse:
    """All escalations, or those of a kind or a state; those that wait can be chosen and decided on."""
    chosen = _chosen(request.GET)
    found = queries.escalations(**chosen)
    total, size = found.count(), page_size(request.GET, SIZES)
    number = page_number(request.GET, total=total, size=size)
    rows = list(found[(number - 1) * size : number * size])
    return render(
        request,
        "console/reminders/escalations.html",
        {
            "page": Page(rows, number, size, total),
            "waiting": queries.escalations(**{**chosen, "state": EscalationState.WAITING}).count()
            if chosen["state"] in ("", EscalationState.WAITING)
            else 0,
            "any": total or queries.escalations().exists(),
            "states": {key: one.word for key, one in _STATES.items()},
            "kinds": reminder_words.KINDS,
            "people": people.names(one.decided_by for one in rows if one.decided_by),
            **chosen,
        },
    )


@requires(Permission.APPROVE_REMINDERS)
@require_POST
def reminder_escalations_decide(request: HttpRequest) -> HttpResponse:
    """Name the number and what it means, and then approve or refuse those that were chosen."""
    approves, data = request.POST.get("deed") == "approve", request.POST
    chosen, is_all = _chosen(data), "all" in data
    found = _asked(data)
    counts = Counter(found.values_list("kind", flat=True).order_by())
    number = sum(counts.values())
    if not number:
        messages.warning(request, _("Choose at least one that waits for approval."))
        return redirect("reminder_escalations")
    seen = data.get("number", "")
    if "confirm" in data and seen.isascii() and seen.isdigit() and number <= int(seen[:9]):
        done = decide(
            institution=people.staff(request).institution,
            escalation_ids=list(found.values_list("id", flat=True)),
            approve=approves, by=people.actor(request), now=clock.now(),
        )  # fmt: skip
        said = (
            ngettext("{count} is approved.", "{count} are approved.", done)
            if approves
            else ngettext("{count} is decided against.", "{count} are decided against.", done)
        )
        messages.success(request, said.format(count=f"{done:,}"))
        return redirect("reminder_escalations")
    return render(
        request,
        "console/reminders/escalations_decide.html",
        {
            "approves": approves,
            "number": number,
            "kinds": [
                (kind, count, reminder_words.CONSEQUENCES.get(kind, "")) for kind, count in counts.items()
            ],
            "is_all": is_all,
            "ids": [] if is_all else list(found.values_list("id", flat=True)),
            "has_changed": "confirm" in data,
            **chosen,
        },
    )


def _asked(data: QueryDict) -> QuerySet[Escalation]:
    """Return those that wait and that a form names, one by one or by a filter."""
    if "all" in data:
        return queries.escalations(**{**_chosen(data), "state": EscalationState.WAITING})
    named = [id_ for id_ in map(read_id, data.getlist("escalation")) if id_]
    return queries.escalations(state=EscalationState.WAITING).filter(id__in=named)


def _chosen(query: QueryDict) -> dict[str, str]:
    state, kind = query.get("state", ""), query.get("kind", "")
    return {
        "search": query.get("q", "").replace("\0", "").strip()[:200],
        "state": state if state in _STATES else "",
        "kind": kind if kind in reminder_words.KINDS else "",
    }
