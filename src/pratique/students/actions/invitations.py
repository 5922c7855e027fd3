"""The life of an invitation: queued with the membership, claimed together with its sign-in link, then noted."""

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy.channel import Channel
from pratique.students import links
from pratique.students.models import Invitation, InvitationState
from pratique.students.sending import Finished


class Claimed(NamedTuple):
    """An invitation taken for sending, with what the mail says. `token` opens the link and is kept nowhere."""

    id: UUID
    first_name: str
    last_name: str
    username: str
    email: str
    token: str


# One statement, one commit: noting what became of the last one, taking the next, and keeping its link's hash.
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
    ), person as (
        select n.id, s.id as student_id, s.first_name, s.last_name, s.username, s.email
        from next n
        join students_membership m on m.institution_id = %(institution)s and m.id = n.membership_id
        join students_student s on s.institution_id = m.institution_id and s.id = m.student_id
    ), link as (
        insert into students_signinlink
            (institution_id, id, student_id, purpose, token_hash, created_at, expires_at, wrong_tries)
        select %(institution)s, %(link)s, student_id, 'student', %(token_hash)s, %(now)s, %(expires)s, 0
        from person where email <> ''
    )
    select id, first_name, last_name, username, email from person
"""
_NOBODY = UUID(int=0)


def note_invited_before(*, membership_ids: Collection[UUID], at: datetime) -> int:
    """Note of those whose invitation is queued that they were invited `at`, before they came here; none is sent."""
    queued = Invitation.objects.filter(membership_id__in=membership_ids, state=InvitationState.QUEUED)
    return queued.update(state=InvitationState.SENT, queued_at=at, changed_at=at)


def advance_invitations(
    channel: Channel, *, institution_id: UUID, finished: Finished | None, claim: bool, now: datetime
) -> Claimed | None:
    """Note what became of an invitation, and if `claim`, take the oldest queued one; None if none waits.

    Committed when it returns. Several senders never get the same one.
    """
    done = finished or Finished(_NOBODY, InvitationState.FAILED.value)
    fresh = links.new_token()
    values = {
        "institution": institution_id, "finished": done.id, "state": str(done.state), "failure": done.failure[:200],
        "claim": claim, "now": now, "link": new_id(), "token_hash": fresh.token_hash,
        "expires": now + links.GOOD_FOR,
    }  # fmt: skip
    row = channel.execute(_ADVANCE, values).fetchone()
    return Claimed._make((*row, fresh.token)) if row else None


def invitations_wait() -> bool:
    """Return whether an invitation is queued."""
    return Invitation.objects.filter(state=InvitationState.QUEUED).exists()


def doubt_abandoned_invitations(*, claimed_before: datetime, now: datetime) -> int:
    """Put aside what a sender took and never finished: it may have gone out, and nobody is invited twice."""
    abandoned = Invitation.objects.filter(state=InvitationState.SENDING, changed_at__lt=claimed_before)
    return abandoned.update(state=InvitationState.IN_DOUBT, changed_at=now)
