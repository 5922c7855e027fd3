"""The page of one requirement, and a date from it for the student's calendar."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from pratique.compliance.queries import CurrentItem
from pratique.foundation import clock
from pratique.interfaces.portal import calendar_file, item_page, people, places, returned, standings
from pratique.interfaces.portal.hand_in import filled_forms
from pratique.interfaces.portal.hand_in.offer import GUARDIANS_STEPS, Offer, offer
from pratique.interfaces.portal.people import Acting
from pratique.records import queries
from pratique.records.models import SubmissionState
from pratique.reviews.queries.messages import thread
from pratique.screens.permissions import Access, requires
from pratique.students.models import Membership, MembershipState
from pratique.students.queries import memberships_of


@requires(Access.STUDENT)
@require_safe
def item(request: HttpRequest, membership_id: UUID, key: str) -> HttpResponse:
    acting = people.acting(request)
    today = clock.today(people.person(request).institution.time_zone)
    membership, found = _item(acting, membership_id, key, today)
    sent = [one for one in queries.submissions_of(acting.student.id) if key in one.requirement_keys]
    drafts = [one for one in queries.drafts_of(acting.student.id) if key in one.requirement_keys]
    # A guardian opens what they handed in themselves, and nothing else.
    sent, drafts = ([one for one in some if acting.may_open(one)] for some in (sent, drafts))
    waiting = [one for one in sent if one.state == SubmissionState.WAITING]
    offered = offer([found])
    titles = filled_forms.titles_of(offered.forms, acting.language)
    messages = thread(acting.student.id, key, sees_confidential=acting.sees_confidential)
    return render(
        request,
        "portal/item.html",
        {
            "acting": acting,
            "item": found,
            "membership": membership,
            "today": today,
            "ways": _ways(acting, offered, titles),
            "missing_forms": [name for name in offered.forms if name not in titles],
            "returned": returned.find(acting, found, sent)
            if found.status == "rejected" and (sent or not acting.is_guardian)
            else None,
            "waiting": waiting,
            "places": places.of(waiting),
            "draft": drafts[0] if drafts and acting.may_upload else None,
            "messages_in_thread": messages,
            "unread": sum(one.side == "staff" and one.read_at is None for one in messages),
            "helps_from": _helps_from(found, today),
        },
    )


@requires(Access.STUDENT)
@require_safe
def calendar(request: HttpRequest, membership_id: UUID, key: str) -> HttpResponse:
    """Return the first date that helps as a file for the student's calendar. Nothing in it speaks of health."""
    acting = people.acting(request)
    today = clock.today(people.person(request).institution.time_zone)
    _membership, found = _item(acting, membership_id, key, today)
    on = _helps_from(found, today)
    if on is None:
        raise Http404
    content = calendar_file.event(
        uid=f"{membership_id}-{on:%Y%m%d}@pratique",
        on=on,
        url=f"{settings.BASE_URL}{reverse('portal_home')}",
        now=clock.now(),
    )
    return HttpResponse(
        content,
        content_type="text/calendar; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="next-step.ics"'},
    )


def _item(acting: Acting, membership_id: UUID, key: str, today: date) -> tuple[Membership, CurrentItem]:
    """Return an item of the student's own; a 404 for anything else, and for what a guardian must not see."""
    mine: Any = {one.id: one for one in memberships_of(acting.student.id)}.get(membership_id)
    if mine is None or mine.state != MembershipState.ACTIVE:
        raise Http404
    found = next((one for one in standings.of(acting, mine.id, today) if one.key == key), None)
    if found is None:
        raise Http404
    return mine, found


def _ways(acting: Acting, offered: Offer, titles: dict[str, str]) -> Sequence[item_page.WayOn]:
    """Return the ways to hand in; a guardian gives papers and dates, and signs the forms that the student fills in."""
    ways = item_page.ways_on(offered, titles) if acting.may_upload else ()
    return [one for one in ways if not acting.is_guardian or one.step in GUARDIANS_STEPS]


def _helps_from(found: CurrentItem, today: date) -> date | None:
    """Return the first day on which something can be done, if it lies ahead."""
    if found.status in ("approved", "pending"):
        return None
    return found.next_action_on if found.next_action_on and found.next_action_on > today else None
