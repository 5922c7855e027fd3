"""Reminders: how they stand, every one of them, and the settings."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, reminder_forms, reminder_words
from pratique.reminders import planning, queries
from pratique.reminders.actions.ladders import set_settings
from pratique.reminders.models import BatchState
from pratique.reminders.types import REASONS, LadderError
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

SIZES = (25, 50, 100)
_WEEK = timedelta(days=7)


@requires(Permission.SEND_REMINDERS)
@require_safe
def reminders(request: HttpRequest) -> HttpResponse:
    """First what waits for somebody and whether anything goes out by itself, then what went out lately."""
    now = clock.now()
    zone = ZoneInfo(people.staff(request).institution.time_zone)
    found = queries.batches()
    total, size = found.count(), page_size(request.GET, SIZES)
    number = page_number(request.GET, total=total, size=size)
    rows = list(found[(number - 1) * size : number * size])
    waits = list(queries.batches(BatchState.WAITING))
    ladders = queries.ladders()[1:]
    opens = planning.window(queries.settings_of(), zone, at=now).opens
    return render(
        request,
        "console/reminders/overview.html",
        {
            "page": Page(rows, number, size, total),
            "people": people.names(one for row in rows for one in (row.created_by, row.decided_by) if one),
            "batch_waits": waits[0] if len(waits) == 1 else None,
            "waiting": queries.waiting(),
            "students_wait": sum(one.students for one in waits),
            "groups": len(ladders),
            "groups_on": sum(one.is_on for one in ladders),
            "next_plan": planning.next_plan(now),
            "opens": opens if opens > now else None,
            "sent": queries.sent_since(now - _WEEK, now=now),
        },
    )


@requires(Permission.SEND_REMINDERS)
@require_safe
def reminder_ledger(request: HttpRequest) -> HttpResponse:
    """Every reminder: who was told of what, and who was left out, and why."""
    chosen = ledger_filter(request)
    found = queries.reminders(**chosen)
    return render(
        request,
        "console/reminders/ledger.html",
        {
            **reminder_rows(request, found),
            **chosen,
            "states": reminder_words.STATES,
            "reasons": REASONS,
            "steps": [*queries.steps_known(), queries.NUDGE],
            "is_filtered": any(chosen[name] for name in ("search", "state", "reason", "step")),
        },
    )


@requires(Permission.MANAGE_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_settings(request: HttpRequest) -> HttpResponse:
    """When students may be told, how often, and how many without approval."""
    rules = queries.settings_of()
    form = reminder_forms.SettingsForm(request.POST or None, initial=reminder_forms.settings_of(rules))
    if request.method == "POST" and form.is_valid():
        values = dict(form.cleaned_data)
        weekdays = sorted(int(one) for one in values.pop("weekdays"))
        try:
            set_settings(
                institution=people.staff(request).institution,
                weekdays=() if len(weekdays) == 7 else weekdays, **values,
                by=people.actor(request), now=clock.now(),
            )  # fmt: skip
        except LadderError as wrong:
            form.add_error(wrong.field if wrong.field in form.fields else None, str(wrong))
        else:
            messages.success(request, _("The settings are saved."))
            return redirect("reminders")
    return render(
        request,
        "console/reminders/settings.html",
        {"form": form, "zone": people.staff(request).institution.time_zone},
        status=422 if form.errors else 200,
    )


def ledger_filter(request: HttpRequest) -> dict[str, Any]:
    """Return what an address asks for of the ledger. What is not known filters nothing."""
    query = request.GET
    state, reason, sort = query.get("state", ""), query.get("reason", ""), query.get("sort", "")
    return {
        "search": query.get("q", "").replace("\0", "").strip()[:200],
        "state": state if state in reminder_words.STATES else "",
        "reason": reason if reason in REASONS else "",
        "step": query.get("step", "").replace("\0", "")[:20],
        "sort": sort if sort.removeprefix("-") in queries.REMINDER_SORTS else "-planned",
    }


def reminder_rows(request: HttpRequest, found: Any) -> dict[str, Any]:
    """Return a page of reminders, each with how it stands and what went out for it."""
    total, size = found.count(), page_size(request.GET, SIZES)
    number = page_number(request.GET, total=total, size=size)
    rows = list(found[(number - 1) * size : number * size])
    return {"page": Page(reminder_words.with_messages(rows), number, size, total), "now": clock.now()}
