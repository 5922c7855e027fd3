"""The form of a schedule: a new one, a change, and what would come of it while it is filled in."""

from dataclasses import replace
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from pratique.accounts.roles import Permission
from pratique.delivery import policies, queries
from pratique.delivery.actions import schedules as actions
from pratique.delivery.models import Schedule
from pratique.delivery.types import DeliveryError, SchedulePlan
from pratique.foundation import clock
from pratique.interfaces.console import people, schedule_columns, schedule_page
from pratique.interfaces.console.schedule_columns import ReportPart
from pratique.interfaces.console.schedule_forms import PREFIX, ScheduleForm, typed
from pratique.interfaces.console.views.schedules import find
from pratique.reports.types import ReportError
from pratique.screens.permissions import requires

_SAVE = ("", "save")
# An address that leads here says `report`, `destination`, and what a report's own address says.
_ASKED = ("report", "destination", "account")


@requires(Permission.MANAGE_SCHEDULES)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_new(request: HttpRequest) -> HttpResponse:
    """Make a schedule; `?report=` and a report's own address fill the form in."""
    return _page(request, None)


@requires(Permission.MANAGE_SCHEDULES)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_change(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Change a schedule."""
    return _page(request, find(schedule_id))


@requires(Permission.MANAGE_SCHEDULES)
@require_POST
def schedule_preview(request: HttpRequest) -> HttpResponse:
    """What would come of the form as it stands: the file's name, the next times, the key, the destination."""
    form = schedule_page.new_form(people.staff(request), request.POST, initial={})
    part = _part(request.POST, form, None)
    return render(request, "console/schedules/previews.html", _previewed(request, form, part))


def _page(request: HttpRequest, kept: Schedule | None) -> HttpResponse:
    user, plan = people.staff(request), queries.plan_of(kept) if kept else None
    initial = schedule_page.initial_of(plan) if plan else {}
    if request.method != "POST":
        query = request.GET if kept is None else QueryDict()
        initial |= {name: query[name] for name in _ASKED if query.get(name)}
        initial |= {"sort": query["sort"]} if query.get("sort") else {}
        if "destination" in query:
            initial |= {"place": "destination"}
        if query.get("columns"):
            initial |= {"columns": "own"}
        form = schedule_page.new_form(user, initial=initial)
        part = _part(query, form, plan, key=str(initial.get("report", "")))
        return _shown(request, kept, form, part)
    form = schedule_page.new_form(user, request.POST, initial=initial)
    part = _part(request.POST, form, plan)
    if request.POST.get("deed", "") not in _SAVE:
        return _shown(request, kept, _still_open(request, form), part)
    if form.is_valid() and not part.has_errors:
        by, now = people.actor(request), clock.now()
        try:
            wanted = schedule_page.plan_of(form, part)
            if kept:
                actions.change_schedule(schedule=kept, plan=wanted, by=by, now=now)
                messages.success(request, _("The schedule is saved."))
                if plan and (said := policies.said_of_change(plan, wanted)):
                    messages.warning(request, said)
                return redirect("schedule", schedule_id=kept.id)
            made = actions.create_schedule(
                institution=user.institution, plan=wanted, by=by, now=now,
                begin="now" if form.cleaned_data["begin"] == "now" else "everything",
            )  # fmt: skip
        except (DeliveryError, ReportError) as wrong:
            schedule_page.explain(form, wrong)
        else:
            messages.success(request, _("The schedule is there. It runs by itself at its next time."))
            return redirect("schedule", schedule_id=made.id)
    return _shown(request, kept, form, part, is_refused=True)


def _part(
    data: QueryDict, form: ScheduleForm, plan: SchedulePlan | None, *, key: str | None = None
) -> ReportPart:
    """Return what depends on the report that was chosen, if it is one that the person may have."""
    wanted = data.get(f"{PREFIX}-report", "") if key is None else key
    offered = {value for _group, some in form.fields["report"].choices[1:] for value, _title in some}  # type: ignore[attr-defined]
    # A schedule keeps a report that is gone, or that was another's: it is shown, and cannot be saved.
    part = schedule_columns.read(wanted if wanted in offered else "", data, now=clock.now(), plan=plan)
    schedule_page.offer(form, part)
    return part


def _still_open(request: HttpRequest, form: ScheduleForm) -> ScheduleForm:
    """Return the form as it was typed so far, without complaint: a button was pressed that does not save it."""
    again = schedule_page.new_form(
        people.staff(request), initial={**form.initial, **typed(form, request.POST)}
    )
    again.fields |= {name: form.fields[name] for name in ("sort", "staff")}
    return again


def _previewed(
    request: HttpRequest, form: ScheduleForm, part: ReportPart, *, is_refused: bool = False
) -> dict[str, Any]:
    institution = people.staff(request).institution
    zone = ZoneInfo(institution.time_zone)
    shown = schedule_page.preview(form, part, zone=zone, now=clock.now(), is_refused=is_refused)
    return {
        "preview": shown,
        "standing": queries.standing(shown.destination) if shown.destination else "",
        "zone": institution.time_zone,
    }


def _shown(
    request: HttpRequest,
    kept: Schedule | None,
    form: ScheduleForm,
    part: ReportPart,
    *,
    is_refused: bool = False,
) -> HttpResponse:
    if not is_refused:
        # Errors of filters are of use before anybody has pressed "Save" only where something was typed.
        part = replace(part, errors={} if request.method != "POST" else part.errors)
    return render(
        request,
        "console/schedules/form.html",
        {
            "schedule": kept,
            "form": form,
            "part": part,
            **_previewed(request, _bound(request, form), part, is_refused=is_refused),
        },
        status=422 if is_refused else 200,
    )


def _bound(request: HttpRequest, form: ScheduleForm) -> ScheduleForm:
    """Return a bound form for the previews: what was sent, else what the form begins with."""
    if form.is_bound:
        return form
    data = QueryDict(mutable=True)
    for name, field in form.fields.items():
        value = form.initial.get(name, field.initial)
        values = value if isinstance(value, list) else [value]
        values = [str(one) for one in values if one not in (None, False)]
        if values:
            data.setlist(form.add_prefix(name), values)
    bound = schedule_page.new_form(people.staff(request), data, initial={})
    bound.fields |= {name: form.fields[name] for name in ("sort", "staff")}
    return bound
