"""Schedules of reports: their health and list, one of them, and every deed that needs no form."""

from datetime import datetime, time, timedelta
from operator import attrgetter
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.delivery import queries
from pratique.delivery.actions import deliveries
from pratique.delivery.actions import schedules as actions
from pratique.delivery.models import Contents, Delivery, DeliveryState, Schedule
from pratique.delivery.queries import ScheduleStanding
from pratique.delivery.types import DeliveryError
from pratique.foundation import clock
from pratique.interfaces.console import people, schedule_words
from pratique.reports import queries as report_queries
from pratique.reports.types import Changes, ReportError
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_SIZES, _MOST_NAMED = (25, 50, 100), 5
_WELL = (ScheduleStanding.READY, ScheduleStanding.WAITING, ScheduleStanding.NEVER)
_delivered, _next = attrgetter("delivered_at"), attrgetter("next_at")


@requires(Permission.MANAGE_SCHEDULES)
@require_safe
def schedules(request: HttpRequest) -> HttpResponse:
    """All schedules: first how they run, then the list."""
    state, report = request.GET.get("state", ""), request.GET.get("report", "").replace("\0", "")
    search, sort = request.GET.get("q", "").replace("\0", "").strip()[:120], request.GET.get("sort", "")
    state = state if state in schedule_words.STANDINGS else ""
    sort = sort if sort.removeprefix("-") in queries.SCHEDULE_SORTS else "name"
    everything = list(queries.schedules())
    titles = report_queries.titles(one.report_key for one in everything)
    wants_care = state == schedule_words.NEEDS_CARE
    found = list(
        queries.schedules(search=search, state="" if wants_care else state, report=report, sort=sort)
    )
    if wants_care:
        found = [one for one in found if schedule_words.needs_care(one)]
    size = page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=len(found), size=size)
    rows = found[(number - 1) * size : number * size]
    care = [one for one in everything if schedule_words.needs_care(one)]
    return render(
        request,
        "console/schedules/list.html",
        {
            "page": Page(rows, number, size, len(found)),
            "all": len(everything),
            "well": sum(queries.schedule_standing(one) in _WELL for one in everything),
            "paused": sum(one.paused_for == "staff" for one in everything),
            "need_care": len(care),
            "care": _with_problems(care[:_MOST_NAMED]),
            "last": max((one for one in everything if one.delivered_at), key=_delivered, default=None),
            "next": min((one for one in everything if one.next_at), key=_next, default=None),
            "places": schedule_words.places(rows),
            "titles": titles,
            "reports": sorted(titles.items(), key=lambda one: str(one[1]).casefold()),
            "standings": schedule_words.STANDINGS,
            "search": search,
            "state": state,
            "report": report,
            "sort": sort,
        },
    )


@requires(Permission.MANAGE_SCHEDULES)
@require_safe
def schedule(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """One schedule: how it stands, what it does, and what was delivered."""
    return shown(request, find(schedule_id))


@requires(Permission.MANAGE_SCHEDULES)
@require_POST
def schedule_deed(request: HttpRequest, schedule_id: UUID, deed: str) -> HttpResponse:
    """Run, pause or resume a schedule."""
    found = find(schedule_id)
    by, now = people.actor(request), clock.now()
    try:
        match deed:
            case "run":
                made = actions.run_now(schedule=found, by=by, now=now)
                said = (
                    _("The file is on its way.")
                    if made
                    else _("Nothing changed, so there is nothing to send.")
                )
            case "pause":
                actions.pause_schedule(schedule=found, by=by, now=now)
                said = _("It is paused. What is on its way still arrives.")
            case "resume":
                arrived = {"yes": True, "no": False}.get(request.POST.get("arrived", ""))
                actions.resume_schedule(schedule=found, arrived=arrived, by=by, now=now)
                said = _("It goes on from its next time.")
            case _other:
                raise Http404
    except (DeliveryError, ReportError) as wrong:
        messages.error(request, str(wrong))
    else:
        messages.success(request, said)
    return redirect("schedule", schedule_id=found.id)


@requires(Permission.MANAGE_SCHEDULES)
@require_POST
def schedule_delivery_deed(
    request: HttpRequest, schedule_id: UUID, delivery_id: UUID, deed: str
) -> HttpResponse:
    """Send a delivered file again, try a failed one again, or cancel one that waits."""
    found, delivery = find(schedule_id), queries.delivery_by_id(delivery_id)
    if delivery is None or delivery.schedule_id != found.id:
        raise Http404
    by, now = people.actor(request), clock.now()
    try:
        match deed:
            case "resend":
                made = actions.resend(delivery=delivery, by=by, now=now)
                messages.success(request, _("It is sent again as %(name)s.") % {"name": made.file_name})
            case "retry":
                deliveries.retry(delivery=delivery, by=by, now=now)
                messages.success(request, _("It is tried again now."))
            case "cancel":
                if deliveries.cancel(delivery=delivery, by=by, now=now):
                    messages.success(request, _("The delivery is cancelled."))
                else:
                    messages.warning(request, _("It cannot be cancelled any more."))
            case _other:
                raise Http404
    except DeliveryError as wrong:
        messages.error(request, str(wrong))
    return redirect("schedule", schedule_id=found.id)


@requires(Permission.MANAGE_SCHEDULES)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_replay(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Say how many rows would come again since a day, and then let the next file hold them."""
    found, now = find(schedule_id), clock.now()
    zone = ZoneInfo(people.staff(request).institution.time_zone)
    text = (request.POST if request.method == "POST" else request.GET).get("since", "")
    since, problem = _since(text, zone, now)
    rows: int | None = None
    if since and not problem:
        try:
            if request.method == "POST":
                actions.replay(schedule=found, since=since, by=people.actor(request), now=now)
                messages.success(request, _("The next file begins with what changed since that day."))
                return redirect("schedule", schedule_id=found.id)
            changes = Changes(report_queries.changes_since(since), report_queries.changes_before())
            rows = report_queries.count(found.report_key, found.parameters, now=now, changes=changes)
        except (DeliveryError, ReportError) as wrong:
            problem = str(wrong)
    return render(
        request,
        "console/schedules/replay.html",
        {
            "schedule": found,
            "since": text,
            "day": since,
            "today": now.astimezone(zone).date(),
            "rows": rows,
            "problem": problem,
        },
        status=422 if problem else 200,
    )


@requires(Permission.MANAGE_SCHEDULES)
@require_http_methods(["GET", "HEAD", "POST"])
def schedule_delete(request: HttpRequest, schedule_id: UUID) -> HttpResponse:
    """Say what ends, and delete a schedule."""
    found = find(schedule_id)
    if request.method == "POST":
        try:
            actions.delete_schedule(schedule=found, by=people.actor(request), now=clock.now())
        except DeliveryError as wrong:
            messages.error(request, str(wrong))
            return redirect("schedule", schedule_id=found.id)
        messages.success(request, _("The schedule is deleted."))
        return redirect("schedules")
    waiting = queries.deliveries(schedule=found).filter(state__in=queries.OPEN_STATES).count()
    return render(request, "console/schedules/delete.html", {"schedule": found, "waiting": waiting})


def find(schedule_id: UUID) -> Schedule:
    """Return a schedule of the present institution that is not deleted. Raises Http404."""
    found = queries.schedule_by_id(schedule_id)
    if found is None or found.deleted_at:
        raise Http404
    return found


def shown(request: HttpRequest, found: Schedule) -> HttpResponse:
    """Return a schedule's page."""
    sort = request.GET.get("sort", "")
    sort = sort if sort.removeprefix("-") in queries.DELIVERY_SORTS else "-requested"
    history = queries.deliveries(schedule=found, sort=sort)
    total, size = history.count(), page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=total, size=size)
    rows = list(history[(number - 1) * size : number * size])
    cut = list(queries.deliveries(schedule=found).filter(resends__isnull=True)[:1])
    latest = cut[0] if cut else None
    delivered = history.filter(state=DeliveryState.DELIVERED).order_by("-finished_at").first()
    definition = _definition(found)
    values: dict[str, Any] = {
        "schedule": found,
        "standing": queries.schedule_standing(found),
        "problem": schedule_words.problem(found, latest),
        "latest": latest,
        "delivered": delivered,
        "title": report_queries.titles([found.report_key]).get(found.report_key, found.report_key),
        "when": schedule_words.when(found),
        "format": schedule_words.format_word(found.format),
        "place": schedule_words.places([found])[found.id],
        "has_report": definition is not None,
        "is_delta": found.contents == Contents.DELTA,
        "page": Page(rows, number, size, total),
        "sort": sort,
        "is_moving": any(one.state in queries.OPEN_STATES for one in rows),
        "kept_since": clock.now() - timedelta(days=7),
        "people": people.names([found.created_by, found.paused_by, *(one.requested_by for one in rows)]),
    }
    return render(request, "console/schedules/schedule.html", values)


def _definition(found: Schedule) -> Any:
    try:
        return report_queries.definition(found.report_key)
    except ReportError:
        return None


def _with_problems(care: list[Schedule]) -> list[tuple[Schedule, str]]:
    """Return each schedule with what keeps it from running; their latest deliveries come in one query."""
    failing = [one.id for one in care if queries.schedule_standing(one) is ScheduleStanding.FAILING]
    latest: dict[UUID, Delivery] = {}
    if failing:
        tries = Delivery.objects.filter(schedule_id__in=failing, resends__isnull=True)
        for one in tries.order_by("schedule_id", "-requested_at", "-id").distinct("schedule_id"):
            assert one.schedule_id is not None, "that is how they were found"
            latest[one.schedule_id] = one
    return [(one, schedule_words.problem(one, latest.get(one.id))) for one in care]


def _since(text: str, zone: ZoneInfo, now: datetime) -> tuple[datetime | None, str]:
    """Return the midnight that a day begins with, and what is wrong with it; neither if there is no day."""
    if not text:
        return None, ""
    try:
        day = parse_date(text)
    except ValueError:
        day = None
    if day is None or not 1900 <= day.year < 9000:
        return None, _("Choose a day.")
    since = datetime.combine(day, time(), zone)
    return (None, _("That day is still to come.")) if since > now else (since, "")
