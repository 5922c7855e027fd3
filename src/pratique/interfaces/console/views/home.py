"""The first page after sign-in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import charts, people
from pratique.interfaces.console.dashboard import dashboard, line
from pratique.reports.actions import look
from pratique.screens.permissions import requires


@requires(Permission.VIEW_DASHBOARD)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The dashboard; where only the line over time is exchanged, that part alone."""
    user, now = people.staff(request), clock.now()
    today = clock.today(user.institution.time_zone, at=now)
    asked = {key: request.GET.get(key, "") for key in ("line", "days")}
    # htmx 4 names the element with its tag.
    if request.headers.get("HX-Target") == "div#over-time":
        drawn = line(today=today, now=now, asked=asked)
        return render(request, "console/dashboard/over_time.html", {"line": drawn})
    found = dashboard(today=today, now=now, since=look(user=user, now=now), asked=asked)
    chart = charts.stacked_bars(
        [tracker.name for tracker in found.trackers],
        [
            (_("Cleared"), "approved", [tracker.complete for tracker in found.trackers]),
            (_("Waiting for review"), "pending", [tracker.in_review for tracker in found.trackers]),
            (_("Not complete"), "incomplete", [tracker.incomplete for tracker in found.trackers]),
        ],
    )
    return render(
        request,
        "console/dashboard.html",
        {"dashboard": found, "line": found.line, "chart": chart, "today": today},
    )
