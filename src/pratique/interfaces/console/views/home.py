"""The first page after sign-in."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import charts, people
from pratique.interfaces.console.dashboard import dashboard
from pratique.screens.permissions import requires


@requires(Permission.VIEW_DASHBOARD)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    now = clock.now()
    today = clock.today(people.staff(request).institution.time_zone, at=now)
    found = dashboard(today=today, now=now)
    chart = charts.stacked_bars(
        [tracker.name for tracker in found.trackers],
        [
            (_("Cleared"), "approved", [tracker.complete for tracker in found.trackers]),
            (_("Waiting for review"), "pending", [tracker.in_review for tracker in found.trackers]),
            (_("Not complete"), "incomplete", [tracker.incomplete for tracker in found.trackers]),
        ],
    )
    return render(request, "console/dashboard.html", {"dashboard": found, "chart": chart, "today": today})
