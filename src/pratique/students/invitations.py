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
from pratique.foundation.tenancy.channel import own_channel
from pratique.institutions.models import Institution
from pratique.students import actions
from pratique.students.actions import Claimed, Finished
from pratique.students.models import InvitationState

# Longer than any mail server may take to answer; a younger claim may belong to a sender that lives.
_ABANDONED = timedelta(minutes=5)
SLICE_SECONDS = 5.0


class Slice(NamedTuple):
    """What one slice of sending did."""

    sent: int
    more: bool


def send_waiting(*, institution_id: UUID, seconds: float = SLICE_SECONDS) -> Slice:
    """Send queued invitations of an institution for about `seconds`; call it outside any transaction.

    Returns how many went out, and whether some still wait: a long queue is sent slice by slice, so that a worker
    can stop in between and other work gets its turn.
    """
    with institution_scope(institution_id):
        institution = Institution.objects.get()
        now = clock.now()
        actions.doubt_abandoned_invitations(claimed_before=now - _ABANDONED, now=now)
    until = time.monotonic() + seconds
    sent, finished = 0, None
    with get_connection() as mail, own_channel(institution_id) as channel:
        while True:
            going_on = time.monotonic() < until
            claimed = actions.advance_invitations(
                channel, institution_id=institution_id, finished=finished, claim=going_on, now=clock.now()
            )
            if claimed is None:
                break
            finished = _send(mail, claimed, institution)
            sent += finished.state == InvitationState.SENT
    if going_on:
        return Slice(sent, False)
    with institution_scope(institution_id):
        return Slice(sent, actions.invitations_wait())


def _send(mail: BaseEmailBackend, claimed: Claimed, institution: Institution) -> Finished:
    if not claimed.email:
        return Finished(claimed.id, InvitationState.FAILED, _("The username is not an e-mail address."))
    try:
        mail.send_messages([compose(claimed, institution)])
    except (OSError, ValueError) as error:
        # Only the kind of failure is kept: a server's answer may repeat the address.
        return Finished(claimed.id, InvitationState.FAILED, type(error).__name__)
    return Finished(claimed.id, InvitationState.SENT)


def compose(claimed: Claimed, institution: Institution) -> EmailMessage:
    """Return the invitation mail. Its subject says nothing about health (contracts: no health data in a subject)."""
    name = claimed.first_name or claimed.last_name or claimed.username
    body = _(
        "Hello {name},\n\n"
        "{institution} asks its students for a few health records before classes begin, and uses Pratique to "
        "collect them safely.\n\n"
        "Your username is {username}. You can hand in everything from your phone at {address} as soon as "
        "{institution} opens the portal for you.\n\n"
        "Questions? Please ask the health office of {institution}.\n"
    ).format(name=name, institution=institution.name, username=claimed.username, address=settings.BASE_URL)
    domain = parseaddr(settings.DEFAULT_FROM_EMAIL)[1].rpartition("@")[2] or "pratique.invalid"
    return EmailMessage(
        subject=_("Your account at {institution}").format(institution=institution.name),
        body=body,
        to=[claimed.email],
        headers={
            "Message-ID": f"<invitation-{claimed.id}@{domain}>",
            "X-Pratique-Institution": str(institution.id),
        },
    )
