"""Sending invitations: each exactly once, or put aside where a crash leaves that in doubt.

    claim one (committed) -> send -> note the outcome (committed)

A sender that dies between sending and noting leaves one invitation `sending`; the next run puts it aside as
`in_doubt` for a person to decide, because nobody is to be invited twice. The Message-ID is made from the
invitation's id, so a mail server that sees it again can tell.
"""

from datetime import timedelta
from email.utils import parseaddr
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.students import actions
from pratique.students.models import Invitation, InvitationState, Student

# Longer than any mail server may take to answer; a younger claim may belong to a sender that lives.
_ABANDONED = timedelta(minutes=5)


def send_waiting(*, institution_id: UUID) -> int:
    """Send every queued invitation of an institution; return how many went out."""
    with institution_scope(institution_id):
        institution = Institution.objects.get()
        now = clock.now()
        actions.doubt_abandoned_invitations(claimed_before=now - _ABANDONED, now=now)
    sent = 0
    with get_connection() as mail:
        while True:
            with institution_scope(institution_id):
                invitation = actions.claim_invitation(now=clock.now())
                if invitation is None:
                    return sent
                student = Student.objects.get(membership__id=invitation.membership_id)
            state, failure = InvitationState.SENT, ""
            if not student.email:
                state, failure = InvitationState.FAILED, _("The username is not an e-mail address.")
            else:
                try:
                    mail.send_messages([compose(invitation, student, institution)])
                    sent += 1
                except (OSError, ValueError) as error:
                    # Only the kind of failure is kept: a server's answer may repeat the address.
                    state, failure = InvitationState.FAILED, type(error).__name__
            with institution_scope(institution_id):
                actions.finish_invitation(invitation=invitation, state=state, failure=failure, now=clock.now())


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
