"""Sending invitations: each exactly once, with a sign-in link that is good for thirty days (see `sending.py`)."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import override

from pratique.foundation.tenancy import institution_scope
from pratique.foundation.tenancy.channel import Channel
from pratique.institutions.models import Institution
from pratique.students import sending
from pratique.students.actions import invitations as actions
from pratique.students.actions.invitations import Claimed
from pratique.students.models import InvitationState
from pratique.students.sending import Finished, Slice


class _Invitations:
    """The ledger of one institution's invitations."""

    def __init__(self, institution_id: UUID) -> None:
        self.institution_id = institution_id

    def advance(
        self, channel: Channel, *, finished: Finished | None, claim: bool, now: datetime
    ) -> Claimed | None:
        return actions.advance_invitations(
            channel, institution_id=self.institution_id, finished=finished, claim=claim, now=now
        )

    def doubt_abandoned(self, *, claimed_before: datetime, now: datetime) -> int:
        return actions.doubt_abandoned_invitations(claimed_before=claimed_before, now=now)

    def wait(self, *, now: datetime) -> bool:
        return actions.invitations_wait()


def send_waiting(*, institution_id: UUID, seconds: float = sending.SLICE_SECONDS) -> Slice:
    """Send queued invitations of an institution for about `seconds`; call it outside any transaction."""
    with institution_scope(institution_id):
        institution = Institution.objects.get()
    with get_connection() as mail:
        return sending.send_slice(
            _Invitations(institution_id),
            lambda claimed: _send(mail, claimed, institution),
            institution_id=institution_id,
            seconds=seconds,
        )


def _send(mail: BaseEmailBackend, claimed: Claimed, institution: Institution) -> Finished:
    if not claimed.email:
        return Finished(claimed.id, InvitationState.FAILED, _("The username is not an e-mail address."))
    try:
        mail.send_messages([compose(claimed, institution)])
    except (OSError, ValueError) as error:
        # Only the kind of failure is kept: a server's answer may repeat the address.
        return Finished(claimed.id, InvitationState.FAILED, type(error).__name__)
    return Finished(claimed.id, InvitationState.SENT)


def start_address(token: str) -> str:
    """Return the whole address of a sign-in link."""
    return settings.BASE_URL + reverse("entry_link", args=[token])


def compose(claimed: Claimed, institution: Institution) -> EmailMessage:
    """Return the invitation mail. Its subject says nothing about health (contracts: no health data in a subject)."""
    name = sending.one_line(claimed.first_name or claimed.last_name or claimed.username)
    body = _(
        "Hello {name},\n\n"
        "{institution} asks its students for a few health records before classes begin, and uses Pratique to "
        "collect them safely. You can hand in everything from your phone. Begin here:\n\n"
        "{address}\n\n"
        "The link is for you alone and works for 30 days. After that it offers to send you a fresh one. "
        "Your username is {username}.\n\n"
        "Questions? Please ask the health office of {institution}.\n"
    ).format(
        name=name,
        institution=institution.name,
        username=sending.one_line(claimed.username),
        address=start_address(claimed.token),
    )
    return EmailMessage(
        subject=_("Your account at {institution}").format(institution=sending.one_line(institution.name)),
        body="\n".join([body, *other_languages()]),
        to=[claimed.email],
        headers={
            "Message-ID": sending.message_id("invitation", claimed.id),
            "X-Pratique-Institution": str(institution.id),
        },
    )


def other_languages() -> Iterator[str]:
    """Yield, in each other language, that the page can be read in it: nobody has been asked for theirs yet."""
    here = _("The page behind the link can be read in this language too.")
    for code, _name in settings.LANGUAGES:
        with override(code):
            if (line := _("The page behind the link can be read in this language too.")) != here:
                yield line
