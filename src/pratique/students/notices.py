"""Telling students and guardians that there is something to read: by mail, and by text where they want it.

No notice says what the news is: a mail is read over a shoulder and a text on a locked screen. The ledger is
`students.Notice`; each row goes out once or is put aside in doubt, as invitations are (`sending.py`).
"""

from collections.abc import Callable, Mapping
from contextlib import closing
from datetime import date, datetime
from typing import NamedTuple
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.core.mail.backends.base import BaseEmailBackend
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from pratique.connectors.sms import text_sender
from pratique.connectors.sms.types import OutcomeUnknownError, Text, TextRefusedError, TextSender
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.tenancy.channel import Channel
from pratique.institutions.models import Institution
from pratique.students import sending
from pratique.students.actions import notices as actions
from pratique.students.actions.notices import Claimed, drop_waiting, queue_notice
from pratique.students.invitations import other_languages, start_address
from pratique.students.models import NoticeChannel, NoticeKind, NoticeState
from pratique.students.sending import Finished, Slice

__all__ = ["drop_waiting", "queue_notice", "send_waiting"]

_NOBODY = UUID(int=0)


class _Notices:
    """The ledger of one institution's notices of a channel."""

    def __init__(self, institution_id: UUID, channel: NoticeChannel) -> None:
        self.institution_id, self.channel = institution_id, channel

    def advance(
        self, channel: Channel, *, finished: Finished | None, claim: bool, now: datetime
    ) -> Claimed | None:
        return actions.advance_notices(
            channel,
            institution_id=self.institution_id,
            by=self.channel,
            finished=finished,
            claim=claim,
            now=now,
        )

    def doubt_abandoned(self, *, claimed_before: datetime, now: datetime) -> int:
        # Thousands may have done their part at once; those who do it later are dropped one by one.
        actions.drop_pointless_reminders(institution_id=self.institution_id, by=self.channel, now=now)
        return actions.doubt_abandoned_notices(claimed_before=claimed_before, now=now)

    def wait(self, *, now: datetime) -> bool:
        return actions.notices_wait(by=self.channel, now=now)


def send_waiting(
    institution_id: UUID,
    *,
    channel: NoticeChannel = NoticeChannel.MAIL,
    seconds: float = sending.SLICE_SECONDS,
) -> Slice:
    """Send the notices of a channel that are due, for about `seconds`; call it outside any transaction."""
    with institution_scope(institution_id):
        institution = Institution.objects.get()
    ledger = _Notices(institution_id, channel)

    def run(deliver: Callable[[Claimed], Finished]) -> Slice:
        return sending.send_slice(ledger, deliver, institution_id=institution_id, seconds=seconds)

    if channel == NoticeChannel.TEXT:
        texts = text_sender()
        return run(lambda claimed: _send_text(texts, claimed, institution))
    with closing(get_connection()) as mail:
        mail.open()
        return run(lambda claimed: _send_mail(mail, claimed, institution))


def _send_mail(mail: BaseEmailBackend, claimed: Claimed, institution: Institution) -> Finished:
    if not claimed.email:
        return Finished(claimed.id, NoticeState.FAILED, "no_address")
    try:
        mail.send_messages([compose(claimed, institution)])
    except (OSError, ValueError) as error:
        # Only the kind of failure is kept: a server's answer may repeat the address.
        return Finished(claimed.id, NoticeState.FAILED, type(error).__name__)
    return Finished(claimed.id, NoticeState.SENT)


def _send_text(texts: TextSender, claimed: Claimed, institution: Institution) -> Finished:
    if not claimed.number:
        return Finished(claimed.id, NoticeState.FAILED, "no_number")
    said = text_of(claimed, institution)
    try:
        texts.send(Text(claimed.number, said, str(claimed.id), str(institution.id)))
    except TextRefusedError as error:
        return Finished(claimed.id, NoticeState.FAILED, str(error))
    except OutcomeUnknownError as error:
        return Finished(claimed.id, NoticeState.IN_DOUBT, str(error))
    return Finished(claimed.id, NoticeState.SENT)


def text_of(claimed: Claimed, institution: Institution) -> str:
    """Return the text message of a notice, in the language that the person chose."""
    with override(claimed.language or settings.LANGUAGE_CODE):
        address = settings.BASE_URL + reverse("portal_home")
        if claimed.kind == NoticeKind.REMINDER:
            return f"{_asked(claimed, institution.name)} {_('Sign in to see it: {address}').format(address=address)}"
        return _(
            "There is news from the health office of {institution}. Sign in to read it: {address}"
        ).format(institution=institution.name, address=address)


def samples(institution: Institution, due_on: date, *, is_over: bool) -> Mapping[str, Mapping[str, str]]:
    """Return what a reminder of a due date says, by language and channel, to somebody who has an account."""
    name = "…"
    found = {}
    for language, _name in settings.LANGUAGES:
        one = Claimed(
            _NOBODY, NoticeKind.REMINDER, name, name, name, name, language, True, "", due_on, is_over
        )
        mail = compose(one, institution)
        text = text_of(one, institution)
        found[language] = {
            NoticeChannel.MAIL.value: f"{mail.subject}\n\n{mail.body}",
            NoticeChannel.TEXT.value: text,
        }
    return found


def _asked(claimed: Claimed, school: str) -> str:
    """Say that something is left to do and by when, and nothing of what it is."""
    assert claimed.due_on is not None, "a reminder is made for a due date"
    day = date_format(claimed.due_on, "DATE_FORMAT")
    if claimed.is_over:
        return _("{institution} still waits for something from you. It was due on {date}.").format(
            institution=school, date=day
        )
    return _("{institution} still waits for something from you. It is due on {date}.").format(
        institution=school, date=day
    )


class _Words(NamedTuple):
    subject: str
    sentence: str
    address: str
    foot: str


def compose(claimed: Claimed, institution: Institution) -> EmailMessage:
    """Return a notice's mail, in the language that the person chose."""
    with override(claimed.language or settings.LANGUAGE_CODE):
        words = _words(claimed, sending.one_line(institution.name))
        body = _("Hello {name},").format(name=sending.one_line(claimed.guardian or claimed.name))
        subject = sending.one_line(words.subject)
    return EmailMessage(
        subject=subject,
        body="\n\n".join([body, words.sentence, words.address, words.foot]) + "\n",
        to=[claimed.email],
        headers={
            "Message-ID": sending.message_id("notice", claimed.id),
            "X-Pratique-Institution": str(institution.id),
        },
    )


def _words(claimed: Claimed, school: str) -> _Words:
    ask = _("Questions? Please ask the health office of {institution}.").format(institution=school)
    student = sending.one_line(claimed.name)
    portal = settings.BASE_URL + reverse("portal_home")
    if claimed.kind == NoticeKind.SIGN_IN_LINK and claimed.has_account:
        return _Words(
            _("You have an account at {institution}").format(institution=school),
            _(
                "Somebody, most likely you, asked how to sign in. Your username is {username}. Sign in here:"
            ).format(username=sending.one_line(claimed.username)),
            settings.BASE_URL + reverse("account_login"),
            _("If you forgot your password or never set one, choose “I forgot my password” on that page."),
        )
    if claimed.kind == NoticeKind.SIGN_IN_LINK:
        return _Words(
            _("Your sign-in link for {institution}").format(institution=school),
            _("Here is your link to begin. It is for you alone and works for 30 days:"),
            start_address(claimed.token),
            _("If you did not ask for it, you need not do anything."),
        )
    if claimed.kind == NoticeKind.GUARDIAN_INVITED:
        return _Words(
            _("{student} asks for your help at {institution}").format(student=student, institution=school),
            _(
                "{student} would like you to help with what {institution} asks of its students. To accept, open "
                "this link. It is for you alone and works for 30 days:"
            ).format(student=student, institution=school),
            start_address(claimed.token),
            _("If you do not know {student}, you need not do anything.").format(student=student),
        )
    if claimed.kind == NoticeKind.REMINDER:
        subject = _("A reminder from {institution}").format(institution=school)
        asked = _asked(claimed, school)
        if claimed.has_account:
            in_settings = _("In the settings of your account you can choose how you are told.")
            return _Words(subject, f"{asked} {_('Sign in to see what is left to do:')}", portal, in_settings)
        here = _("Here is your link to begin. It is for you alone and works for 30 days:")
        return _Words(
            subject, f"{asked} {here}", start_address(claimed.token), "\n".join([ask, "", *other_languages()])
        )
    if claimed.kind == NoticeKind.SIGNATURE_ASKED:
        return _Words(
            _("Your signature is asked for at {institution}").format(institution=school),
            _("{institution} needs your signature. Sign in to read it first:").format(institution=school),
            portal,
            ask,
        )
    return _Words(
        _("News from {institution}").format(institution=school),
        _("There is news for you from the health office of {institution}. Sign in to read it:").format(
            institution=school
        ),
        portal,
        _("In the settings of your account you can choose how you are told."),
    )
