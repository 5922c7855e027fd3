"""Mails to offices of the school about escalations: how many students, and where the list is. Never a name."""

import smtplib
from contextlib import closing
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reminders.actions.escalations import note_told
from pratique.reminders.models import Escalation, EscalationState
from pratique.students.sending import message_id, one_line

# The page of the console that lists them (interfaces/console).
LIST = "/reminders/escalations/"


class MailNotSentError(Exception):
    """The mail server did not take a mail. Says only what kind of trouble it was: its answer may repeat an address."""


def tell_contacts(institution_id: UUID, *, now: datetime) -> int:
    """Send each contact one mail about all that was approved and not told yet; return how many mails that were.

    Call it outside any transaction. What was sent is noted at once; a mail that goes out twice after a crash has the
    Message-ID of the first.
    """
    with institution_scope(institution_id):
        institution = Institution.objects.get(id=institution_id)
        waiting = Escalation.objects.filter(state=EscalationState.APPROVED, told_at__isnull=True).exclude(
            contact=""
        )
        by_contact: dict[str, list[UUID]] = {}
        for key, contact in waiting.order_by("id").values_list("id", "contact"):
            by_contact.setdefault(contact, []).append(key)
    if not by_contact:
        return 0
    try:
        with closing(get_connection()) as mail:
            mail.open()
            for contact, keys in by_contact.items():
                mail.send_messages([_composed(institution, contact, keys)])
                with institution_scope(institution_id):
                    note_told(escalation_ids=keys, now=now)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailNotSentError(type(error).__name__) from None
    return len(by_contact)


def _composed(institution: Institution, contact: str, keys: list[UUID]) -> EmailMessage:
    with override(settings.LANGUAGE_CODE):
        school = one_line(institution.name)
        subject = _("{institution}: students past their due date").format(institution=school)
        count = ngettext(
            "The due date of {count} student has passed, and something is still to be done.",
            "The due date of {count} students has passed, and something is still to be done.",
            len(keys),
        ).format(count=f"{len(keys):,}")
        where = _("Who they are is shown in the console, to those who may see it:")
    return EmailMessage(
        subject=subject,
        body="\n\n".join([count, where, settings.BASE_URL + LIST]) + "\n",
        to=[contact],
        headers={
            "Message-ID": message_id("escalations", keys[0]),
            "X-Pratique-Institution": str(institution.id),
        },
    )
