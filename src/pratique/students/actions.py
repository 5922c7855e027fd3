"""Writes to memberships that other stages ask for: the stale mark, and the life of an invitation."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from pratique.foundation.tenancy.channel import Channel
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


class Claimed(NamedTuple):
    """An invitation taken for sending, with what the mail says."""

    id: UUID
    first_name: str
    last_name: str
    username: str
    email: str


class Finished(NamedTuple):
    """What became of a claimed invitation. `failure` is empty, or says what kind of trouble it was."""

    id: UUID
    state: InvitationState
    failure: str = ""


# One statement, one commit: noting what became of the last one and taking the next.
_ADVANCE = """
    with finished as (
        update students_invitation set state = %(state)s, failure = %(failure)s, changed_at = %(now)s
        where institution_id = %(institution)s and id = %(finished)s
    ), next as (
        update students_invitation set state = 'sending', changed_at = %(now)s
        where %(claim)s and institution_id = %(institution)s and id = (
            select id from students_invitation where institution_id = %(institution)s and state = 'queued'
            order by queued_at, id limit 1 for update skip locked
        )
        returning id, membership_id
    )
    select n.id, s.first_name, s.last_name, s.username, s.email
    from next n
    join students_membership m on m.institution_id = %(institution)s and m.id = n.membership_id
    join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
"""


def advance_invitations(
    channel: Channel, *, institution_id: UUID, finished: Finished | None, claim: bool, now: datetime
) -> Claimed | None:
    """Note what became of an invitation, and if `claim`, take the oldest queued one; None if none waits.

    Committed when it returns. Several senders never get the same one.
    """
    done = finished or Finished(_NOBODY, InvitationState.FAILED)
    values = {
        "institution": institution_id, "finished": done.id, "state": done.state.value, "failure": done.failure[:200],
        "claim": claim, "now": now,
    }  # fmt: skip
    row = channel.execute(_ADVANCE, values).fetchone()
    return Claimed(*row) if row else None


_NOBODY = UUID(int=0)


def invitations_wait() -> bool:
    """Return whether an invitation is queued."""
    return Invitation.objects.filter(state=InvitationState.QUEUED).exists()


def doubt_abandoned_invitations(*, claimed_before: datetime, now: datetime) -> int:
    """Put aside what a sender took and never finished: it may have gone out, and nobody is invited twice."""
    abandoned = Invitation.objects.filter(state=InvitationState.SENDING, changed_at__lt=claimed_before)
    return abandoned.update(state=InvitationState.IN_DOUBT, changed_at=now)
