"""Sending invitations: each exactly once, or put aside where a crash leaves that in doubt.

    claim one (committed) -> send -> note the outcome and claim the next (committed)

A sender that dies between sending and noting leaves one invitation `sending`; the next run puts it aside as
`in_doubt` for a person to decide, because nobody is to be invited twice. The Message-ID is made from the
invitation's id, so a mail server that sees it again can tell.
"""

import time
from datetime import timedelta
from email.utils import parseaddr
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.utils.translation import gettext as _

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.students import actions
from pratique.students.models import Invitation, InvitationState, Student

# Longer than any mail server may take to answer; a younger claim may belong to a sender that lives.
_ABANDONED = timedelta(minutes=5)
SLICE_SECONDS = 5.0


class Slice(NamedTuple):
    """What one slice of sending did."""

    sent: int
    more: bool


def send_waiting(*, institution_id: UUID, seconds: float = SLICE_SECONDS) -> Slice:
    """Send queued invitations of an institution for about `seconds`.

    Returns how many went out, and whether some still wait: a long queue is sent slice by slice, so that a worker
    can stop in between and other work gets its turn.
    """
    with institution_scope(institution_id):
        institution = Institution.objects.get()
        now = clock.now()
        actions.doubt_abandoned_invitations(claimed_before=now - _ABANDONED, now=now)
    until = time.monotonic() + seconds
    sent = 0
    done: tuple[Invitation, InvitationState, str] | None = None
    with get_connection() as mail:
        while True:
            with institution_scope(institution_id):
                if done is not None:
                    invitation, state, failure = done
                    actions.finish_invitation(
                        invitation=invitation, state=state, failure=failure, now=clock.now()
                    )
                if time.monotonic() > until:
                    return Slice(sent, actions.invitations_wait())
                claimed = actions.claim_invitation(now=clock.now())
                if claimed is None:
                    return Slice(sent, False)
                student = Student.objects.get(membership__id=claimed.membership_id)
            done = (claimed, *_send(mail, claimed, student, institution))
            sent += done[1] == InvitationState.SENT


def _send(
    mail: BaseEmailBackend, invitation: Invitation, student: Student, institution: Institution
) -> tuple[InvitationState, str]:
    if not student.email:
        return InvitationState.FAILED, _("The username is not an e-mail address.")
    try:
        mail.send_messages([compose(invitation, student, institution)])
    except (OSError, ValueError) as error:
        # Only the kind of failure is kept: a server's answer may repeat the address.
        return InvitationState.FAILED, type(error).__name__
    return InvitationState.SENT, ""


def compose(invitation: Invitation, student: Student, institution: Institution) -> EmailMessage:
    """Return the invitation mail. Its subject says nothing about health (contracts: no health data in a subject)."""
    name = student.first_name or student.last_name or student.username
    body = _(
        "Hello {name},\n\n"
        "{institution} asks its students for a few health records before classes begin, and uses Pratique to "
        "collect them safely.\n\n"
        "Your username is {username}. You can hand in everything from your phone at {address} as soon as "
        "{institution} opens the portal for you.\n\n"
        "Questions? Please ask the health office of {institution}.\n"
    ).format(name=name, institution=institution.name, username=student.username, address=settings.BASE_URL)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "pratique.invalid"
    return EmailMessage(
        subject=_("Your account at {institution}").format(institution=institution.name),
        body=body,
        to=[student.email],
        headers={"Message-ID": f"<invitation-{invitation.id}@{domain}>"},
    )
