"""Writes to memberships that other stages ask for: the stale mark."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from pratique.foundation import audit
from pratique.students.models import Membership, MembershipState


def mark_stale(*, student_ids: Iterable[UUID], now: datetime) -> int:
    """Mark all memberships of these students: something that their standing hangs on has changed."""
    return Membership.objects.filter(student_id__in=list(student_ids)).update(stale_since=now)


def mark_group_stale(*, requirement_group_id: UUID, now: datetime) -> int:
    """Mark everyone on a tracker of the group: its requirements have changed."""
    return Membership.objects.filter(tracker__requirement_group_id=requirement_group_id).update(
        stale_since=now
    )


def mark_lapsed_stale(*, today: date, now: datetime) -> int:
    """Mark those for whom the passing of time alone may have changed something; touches no other row."""
    return Membership.objects.filter(changes_on__lte=today, stale_since__isnull=True).update(stale_since=now)


def close_membership(
    *, membership: Membership, expires_on: date | None, by: audit.Actor, now: datetime
) -> None:
    """End a registration: with a last day it runs out, without one it is put into the archive. The record stays."""
    if expires_on is None:
        membership.state = MembershipState.ARCHIVE
    else:
        membership.expires_on = expires_on
    membership.save(update_fields=["state", "expires_on"])
    audit.record(
        "students:membership:closed", institution_id=membership.institution_id, by=by, now=now,
        subject_type="student", subject_id=membership.student_id, detail={"archived": expires_on is None},
    )  # fmt: skip
