"""Reading students: the list with its search, filters, order and pages.

One row is one membership, because standing, tracker and due date are a membership's. A page is read in two
steps: first the keys of its rows (few columns, so that sorting and skipping stay cheap at 50,000), then what
they show.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from uuid import UUID

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Left, Lower

from pratique.institutions.models import Tracker
from pratique.students.folding import plain
from pratique.students.models import Membership, MembershipState, Student

PAGE_SIZES = (25, 50, 100)


class Standing(StrEnum):
    """A membership's progress in one word (domain.md, "Item status")."""

    CLEARED = "cleared"  # every item is approved
    IN_REVIEW = "in_review"  # the student has done their part of all of them
    NOT_COMPLETE = "not_complete"
    NO_TRACKER = "no_tracker"


_STANDING: Mapping[Standing, Q] = {
    Standing.CLEARED: Q(complete=True),
    Standing.IN_REVIEW: Q(user_complete=True, complete=False),
    Standing.NOT_COMPLETE: Q(user_complete=False, tracker__isnull=False),
    Standing.NO_TRACKER: Q(tracker__isnull=True),
}


def standing_of(membership: Membership) -> Standing:
    """Return the standing of a loaded membership; the same rule as the filter's."""
    if membership.complete:
        return Standing.CLEARED
    if membership.user_complete:
        return Standing.IN_REVIEW
    return Standing.NOT_COMPLETE if membership.tracker_id else Standing.NO_TRACKER


@dataclass(frozen=True)
class StudentFilter:
    """What the list shows. An empty value filters nothing; archived memberships want to be asked for."""

    search: str = ""
    package: UUID | None = None
    tracker: UUID | None = None
    group: UUID | None = None
    term: UUID | None = None
    standing: Standing | None = None
    overdue_on: date | None = None
    on_campus: bool | None = None
    state: MembershipState | None = MembershipState.ACTIVE


# Names are compared as search does, without case and accents, so that "Álvarez" stands beside "Alvarez". The index
# `student_by_plain_name` is made of this very expression; a hundred letters keep its entries within PostgreSQL's size.
BY_NAME = Left("student__search_text", 100)
_ORDERS: Mapping[str, tuple[str, ...]] = {
    "name": (),
    "student_id": ("student__student_id",),
    "username": ("student__username_key",),
    "tracker": ("tracker__name",),
    "due": ("tracker__due_on",),
    "standing": ("num_approved", "num_complete"),
    "next": ("next_action_on",),
    "changed": ("status_changed_at",),
}
_MAY_BE_EMPTY = {"tracker__name", "tracker__due_on", "next_action_on", "status_changed_at"}
SORTS = tuple(_ORDERS)


def _ordered(memberships: QuerySet[Membership], sort: str) -> QuerySet[Membership]:
    """Order by `sort`, then by name, then by key: the order is total, so that each row is on one page."""
    descending, key = sort.startswith("-"), sort.removeprefix("-")
    fields: list[tuple[F | Left, bool]] = [(F(field), field in _MAY_BE_EMPTY) for field in _ORDERS[key]]
    fields = fields or [(BY_NAME, False)]
    # A value that is not there comes last in either direction.
    chosen = [
        field.desc(nulls_last=empty or None) if descending else field.asc(nulls_last=empty or None)
        for field, empty in fields
    ]
    return memberships.order_by(*chosen, BY_NAME, "id")


def filtered(chosen: StudentFilter) -> QuerySet[Membership]:
    """Return the memberships that `chosen` lets through, unordered."""
    memberships = Membership.objects.all()
    for word in plain(chosen.search).split():
        memberships = memberships.filter(student__search_text__contains=word)
    equal = {
        "package_id": chosen.package,
        "tracker_id": chosen.tracker,
        "student__on_campus": chosen.on_campus,
        "state": chosen.state,
    }
    memberships = memberships.filter(**{name: value for name, value in equal.items() if value is not None})
    if chosen.group or chosen.term or chosen.overdue_on:
        memberships = memberships.filter(tracker_id__in=_trackers(chosen))
    if chosen.overdue_on:
        memberships = memberships.filter(complete=False)
    if chosen.standing:
        memberships = memberships.filter(_STANDING[chosen.standing])
    return memberships


def _trackers(chosen: StudentFilter) -> list[UUID]:
    """Find the few trackers first: by their keys PostgreSQL can tell how many memberships to expect."""
    trackers = Tracker.objects.all()
    if chosen.group:
        trackers = trackers.filter(requirement_group_id=chosen.group)
    if chosen.term:
        trackers = trackers.filter(term_id=chosen.term)
    if chosen.overdue_on:
        trackers = trackers.filter(due_on__lt=chosen.overdue_on)
    return list(trackers.values_list("id", flat=True))


def count(chosen: StudentFilter) -> int:
    """Return how many memberships `chosen` lets through."""
    return filtered(chosen).count()


def page(
    chosen: StudentFilter, *, sort: str = "name", offset: int = 0, limit: int = 25, total: int | None = None
) -> list[Membership]:
    """Return a page of memberships with their student, tracker, group and term, in the order of `sort`.

    `sort` is one of SORTS, with "-" in front for descending. With `total`, what `count` gave, the later half of
    a long list is read from its end: the last page is as quick as the first.
    """
    ordered = _ordered(filtered(chosen), sort)
    if total is not None and offset > total // 2:
        end = max(0, total - offset - limit)
        backwards = list(ordered.reverse().values_list("id", flat=True)[end : total - offset])
        keys = backwards[::-1]
    else:
        keys = list(ordered.values_list("id", flat=True)[offset : offset + limit])
    found = {
        membership.id: membership
        for membership in Membership.objects.filter(id__in=keys).select_related(
            "student", "package", "tracker__requirement_group", "tracker__term"
        )
    }
    return [found[key] for key in keys if key in found]


def memberships_of(student_id: UUID) -> list[Membership]:
    """Return a student's memberships, active ones first, each with package, tracker, group and term."""
    return list(
        Membership.objects.filter(student_id=student_id)
        .select_related("package", "tracker__requirement_group", "tracker__term")
        .order_by("state", "package__name", "id")
    )


def find(student_id: UUID) -> Student | None:
    """Return the student of the present institution with this key."""
    return Student.objects.filter(id=student_id).first()


def membership_ids_of(student_ids: Collection[UUID]) -> list[UUID]:
    """Return the ids of all memberships of these students."""
    return list(Membership.objects.filter(student_id__in=student_ids).values_list("id", flat=True))


def without_tracker(student_id: UUID, today: date) -> list[Membership]:
    """Return the registrations of a student that count on `today` and have no tracker yet, each with its package."""
    return [
        one
        for one in memberships_of(student_id)
        if one.tracker_id is None
        and one.state == MembershipState.ACTIVE
        and (one.expires_on is None or one.expires_on >= today)
    ]


def trackers_to_choose(package_ids: Collection[UUID]) -> dict[UUID, list[Tracker]]:
    """Return by package the trackers that somebody on it may be put on, each with its group and term.

    By group; in each those that are still due first. A package without any is left out.
    """
    found: dict[UUID, list[Tracker]] = {}
    trackers = Tracker.objects.filter(package_id__in=package_ids).select_related("requirement_group", "term")
    for tracker in trackers.order_by(Lower("requirement_group__name"), "due_on", "name", "id"):
        found.setdefault(tracker.package_id, []).append(tracker)
    return found
