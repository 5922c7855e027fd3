"""The first page of the portal: what there is to do."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from pratique.foundation import clock
from pratique.interfaces.portal import home_page, naming, people, places, standings
from pratique.interfaces.portal.people import Acting
from pratique.records import queries
from pratique.reviews.queries.messages import unread_for_student
from pratique.screens.permissions import Access, requires
from pratique.students.models import Membership, MembershipState
from pratique.students.queries import memberships_of, trackers_to_choose


@requires(Access.STUDENT)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    acting = people.acting(request)
    today = clock.today(people.person(request).institution.time_zone)
    return render(
        request,
        "portal/home.html",
        {
            "acting": acting,
            "student_name": naming.name_of(acting.student),
            "registrations": _sections(acting, today),
            "links": _links(acting),
            "today": today,
        },
    )


def _sections(acting: Acting, today: Any) -> list[home_page.Section]:
    student_id = acting.student.id
    drafts, sent = queries.drafts_of(student_id), queries.submissions_of(student_id)
    drafts = [one for one in drafts if acting.may_open(one)]
    if not acting.sees_confidential:
        sent = [one for one in sent if not one.confidential]
    present = [
        one
        for one in memberships_of(student_id)
        if one.state == MembershipState.ACTIVE and (one.expires_on is None or one.expires_on >= today)
    ]
    offered = _offered(present)
    return [
        home_page.section(
            membership,
            standings.of(acting, membership.id, today),
            drafts=drafts,
            sent=sent,
            places=places.of(sent),
            today=today,
            may_choose=membership.package_id in offered,
        )
        for membership in present
    ]


def _offered(present: Sequence[Membership]) -> Collection[UUID]:
    """Return the packages, of those on which the student has no tracker yet, that have some to choose from."""
    open_packages = [one.package_id for one in present if one.tracker_id is None]
    return trackers_to_choose(open_packages) if open_packages else ()


def _links(acting: Acting) -> list[dict[str, Any]]:
    # Who helps reads along, and nothing is unread for them.
    unread = 0 if acting.is_guardian else unread_for_student(acting.student.id)
    links = [
        {"name": _("Messages"), "icon": "mail", "url": reverse("portal_messages"), "count": unread},
    ]
    if acting.is_guardian and acting.may_sign:
        links.append(
            {"name": _("Forms to sign"), "icon": "edit", "url": reverse("portal_signing"), "count": 0}
        )
    if not acting.is_guardian:
        links += [
            {
                "name": _("People who help me"),
                "icon": "people",
                "url": reverse("portal_guardians"),
                "count": 0,
            },
            {"name": _("My record"), "icon": "folder", "url": reverse("portal_record"), "count": 0},
            {
                "name": _("Who looked at my record"),
                "icon": "visibility",
                "url": reverse("portal_seen"),
                "count": 0,
            },
        ]
    return links
