"""Who may use the portal: students with a membership that counts today. The others keep their record.

A closed account is no punishment: the record stays the student's, who may take it away at any time
(docs/decisions/0017-closed-accounts.md).
"""

from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import NamedTuple
from uuid import UUID

from pratique.students.models import Membership, MembershipState, StudentAccount


class AccessStanding(StrEnum):
    """Whether the portal is open to a student, and if not, why."""

    ACTIVE = "active"
    ARCHIVED = "archived"  # the school put the registration away
    EXPIRED = "expired"  # the registration had a last day, and it is over
    NONE = "none"  # known, but on no package


class Registration(NamedTuple):
    """What decides about access: a membership's state and its last day (None: it has none)."""

    state: str
    expires_on: date | None


class Closing(NamedTuple):
    """Why the portal is closed, and since when where that is known."""

    standing: AccessStanding
    ended_on: date | None


def access_of(registrations: Collection[Registration], today: date) -> Closing:
    """Return the standing that these registrations give on `today`; one that counts is enough. Pure.

    `expires_on` is the last good day. Where several ended, the latest end is told.
    """
    if not registrations:
        return Closing(AccessStanding.NONE, None)
    kept = [one for one in registrations if one.state == MembershipState.ACTIVE]
    if any(one.expires_on is None or one.expires_on >= today for one in kept):
        return Closing(AccessStanding.ACTIVE, None)
    if kept:
        return Closing(AccessStanding.EXPIRED, max(one.expires_on for one in kept if one.expires_on))
    return Closing(AccessStanding.ARCHIVED, None)


def closing_of(student_id: UUID, today: date) -> Closing:
    """Return whether and why the portal is closed to a student of the present institution."""
    found = Membership.objects.filter(student_id=student_id).values_list("state", "expires_on")
    return access_of([Registration(*row) for row in found], today)


def account_of(user_id: UUID) -> StudentAccount | None:
    """Return the student account of a signed-in user of the present institution, with its student."""
    return StudentAccount.objects.filter(user_id=user_id).select_related("student").first()
