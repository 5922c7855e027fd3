"""Writes to memberships that other stages ask for: the stale mark, and the life of an invitation."""

from collections.abc import Iterable
from datetime import date, datetime
from uuid import UUID

from pratique.students.models import Invitation, InvitationState, Membership


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


def claim_invitation(*, now: datetime) -> Invitation | None:
    """Take the oldest queued invitation for sending; several senders never get the same one."""
    waiting = Invitation.objects.filter(state=InvitationState.QUEUED).order_by("queued_at", "id")
    claimed = waiting.select_for_update(skip_locked=True, no_key=True).first()
    if claimed is not None:
        claimed.state, claimed.changed_at = InvitationState.SENDING, now
        claimed.save(update_fields=["state", "changed_at"])
    return claimed


def invitations_wait() -> bool:
    """Return whether an invitation is queued."""
    return Invitation.objects.filter(state=InvitationState.QUEUED).exists()


def finish_invitation(
    *, invitation: Invitation, state: InvitationState, failure: str = "", now: datetime
) -> None:
    """Note what became of a claimed invitation."""
    invitation.state, invitation.failure, invitation.changed_at = state, failure[:200], now
    invitation.save(update_fields=["state", "failure", "changed_at"])


def doubt_abandoned_invitations(*, claimed_before: datetime, now: datetime) -> int:
    """Put aside what a sender took and never finished: it may have gone out, and nobody is invited twice."""
    abandoned = Invitation.objects.filter(state=InvitationState.SENDING, changed_at__lt=claimed_before)
    return abandoned.update(state=InvitationState.IN_DOUBT, changed_at=now)
