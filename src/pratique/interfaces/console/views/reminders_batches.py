"""One batch of reminders: who is in it, what it says, what became of it, and whether it goes out."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, reminder_words
from pratique.interfaces.console.views.reminders import ledger_filter, reminder_rows
from pratique.reminders import planning, queries
from pratique.reminders.actions import batches as actions
from pratique.reminders.models import Batch, BatchState, ReminderState
from pratique.reminders.types import ReminderError
from pratique.screens.permissions import requires
from pratique.students.notices import samples

_DEEDS = ("approve", "refuse")


@requires(Permission.SEND_REMINDERS)
@require_safe
def reminder_batch(request: HttpRequest, batch_id: UUID) -> HttpResponse:
    """A batch: its standing first, then what it says, then who is in it."""
    batch = _find(batch_id)
    chosen = ledger_filter(request)
    asked = {name: chosen[name] for name in ("search", "state", "reason", "sort")}
    if "sort" not in request.GET:
        asked["sort"] = "student"
    outcomes = queries.outcomes_of(batch.id)
    institution = people.staff(request).institution
    due_on = queries.first_due(batch.id)
    today = clock.today(institution.time_zone)
    return render(
        request,
        "console/reminders/batch.html",
        {
            "batch": batch,
            "lapses_at": batch.created_at + planning.DECIDE_WITHIN,
            "may_decide": batch.state == BatchState.WAITING,
            "limit": queries.settings_of().approval_above,
            "outcomes": [
                one for one in outcomes if one[0] not in (ReminderState.QUEUED, ReminderState.WAITING)
            ],
            "messages_sent": [
                (reminder_words.message_of(channel, state), count)
                for channel, state, count in queries.messages_of(batch.id)
            ],
            "texts": samples(institution, due_on, is_over=due_on < today) if due_on else {},
            "due_on": due_on,
            "all": sum(count for _state, _reason, count in outcomes),
            "people": people.names(one for one in (batch.created_by, batch.decided_by) if one),
            "states": reminder_words.STATES,
            "is_filtered": any(asked[name] for name in ("search", "state", "reason")),
            **asked,
            **reminder_rows(request, queries.reminders(batch_id=batch.id, **asked)),
        },
    )


@requires(Permission.APPROVE_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_batch_decide(request: HttpRequest, batch_id: UUID, deed: str) -> HttpResponse:
    """Name the number, and then have a batch sent, or not."""
    batch = _find(batch_id)
    if deed not in _DEEDS:
        raise Http404
    if request.method != "POST":
        if batch.state != BatchState.WAITING:
            return redirect("reminder_batch", batch_id=batch.id)
        return render(
            request, "console/reminders/batch_decide.html", {"batch": batch, "approves": deed == "approve"}
        )
    try:
        if deed == "approve":
            done = actions.approve(batch=batch, by=people.actor(request), now=clock.now())
            said = ngettext(
                "{count} student is reminded.", "{count} students are reminded.", done.students
            ).format(count=f"{done.students:,}")
            messages.success(request, said)
        else:
            actions.refuse(batch=batch, by=people.actor(request), now=clock.now())
            messages.success(request, _("Nothing of it is sent."))
    except ReminderError as wrong:
        messages.error(request, str(wrong))
    return redirect("reminder_batch", batch_id=batch.id)


def _find(batch_id: UUID) -> Batch:
    found = queries.batch_by_id(batch_id)
    if found is None:
        raise Http404
    return found
