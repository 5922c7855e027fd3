"""Choosing the tracker: a student whom the school's own system has registered says which list is theirs, once."""

from collections.abc import Sequence
from datetime import date
from typing import Any, NamedTuple
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pratique.compliance.actions import evaluate_students
from pratique.foundation import clock
from pratique.institutions.models import Tracker
from pratique.interfaces.portal import people
from pratique.interfaces.portal.people import Acting
from pratique.screens.permissions import Access, requires
from pratique.students.actions.trackers import choose_tracker
from pratique.students.models import Membership
from pratique.students.queries import trackers_to_choose, without_tracker


class _Group(NamedTuple):
    """The trackers of one requirement group."""

    name: str
    trackers: Sequence[Tracker]


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Ask for the tracker of each registration that has none, one after the other; then show the first page.

    A choice is shown once more before it is posted, because only the school can change it afterwards.
    """
    acting = people.acting(request)
    today = clock.today(people.person(request).institution.time_zone)
    waiting = without_tracker(acting.student.id, today)
    offered = trackers_to_choose([one.package_id for one in waiting])
    asked = next((one for one in waiting if one.package_id in offered), None)
    if asked is None:
        # The first page says what the school has yet to do, or what there is to do.
        return redirect("portal_home")
    trackers = offered[asked.package_id]
    given = request.POST if request.method == "POST" else request.GET
    if not given:
        return _page(request, asked, trackers, today)
    # The form of another registration, or of another window: what is asked now is asked anew.
    if given.get("membership") != str(asked.id):
        return redirect("portal_tracker")
    chosen = next((one for one in trackers if str(one.id) == given.get("tracker")), None)
    if chosen is None:
        return _page(request, asked, trackers, today, problem=_("Choose one of these."))
    if request.method != "POST":
        return _page(request, asked, trackers, today, chosen=chosen)
    _keep(request, acting, asked.id, chosen, today)
    return redirect("portal_tracker" if len(waiting) > 1 else "portal_home")


def _keep(request: HttpRequest, acting: Acting, membership_id: UUID, chosen: Tracker, today: date) -> None:
    now = clock.now()
    kept = choose_tracker(
        student=acting.student, membership_id=membership_id, tracker_id=chosen.id, by=acting.actor, now=now,
        today=today,
    )  # fmt: skip
    if kept:
        evaluate_students(
            institution=people.person(request).institution,
            student_ids=[acting.student.id],
            today=today,
            now=now,
        )


def _page(
    request: HttpRequest, asked: Membership, trackers: Sequence[Tracker], today: date, **more: Any
) -> HttpResponse:
    groups: dict[str, list[Tracker]] = {}
    for one in sorted(trackers, key=lambda one: one.due_on < today):
        groups.setdefault(one.requirement_group.name, []).append(one)
    return render(
        request,
        "portal/tracker.html",
        {
            "asked": asked,
            "groups": [_Group(*one) for one in sorted(groups.items(), key=lambda one: one[0].casefold())],
            "only": len(trackers) == 1,
            "today": today,
            "school": people.person(request).institution,
        }
        | more,
        status=422 if "problem" in more else 200,
    )
