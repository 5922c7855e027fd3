"""Mails about destinations: to their contact and to the school's administrators, when deliveries fail or stop.

They name the destination, what went wrong and what to do; nothing of what a file says, and no address of a server.
"""

import smtplib
from contextlib import closing
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.utils.translation import gettext as _
from django.utils.translation import override

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.delivery import queries
from pratique.delivery.models import Delivery, Destination
from pratique.delivery.types import STOPS, sentence
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.students.sending import message_id, one_line


class MailNotSentError(Exception):
    """The mail server did not take a mail. Says only what kind of trouble it was: its answer may repeat an address."""


def send_alert(institution_id: UUID, destination_id: UUID, delivery_id: UUID, why: str) -> int:
    """Tell people about a destination, each address once; return how many mails that were.

    `why` is a code of STOPS, `failing` or `given_up`. A destination that is well again by now is told of all the
    same: a mail that never comes would hide that it had failed.
    """
    with institution_scope(institution_id):
        institution = Institution.objects.get(id=institution_id)
        destination = Destination.objects.get(id=destination_id)
        delivery = queries.delivery_by_id(delivery_id)
        assert delivery is not None, "deliveries are never deleted"
        staff = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(email="").order_by("id")
        told = {user.email.lower(): (user.email, user.language, str(user.id)) for user in staff}
    if destination.contact_email:
        told.setdefault(destination.contact_email.lower(), (destination.contact_email, "", "contact"))
    messages = []
    for address, language, key in told.values():
        with override(language or settings.LANGUAGE_CODE):
            subject, paragraphs = _words(destination, delivery, why)
        # A destination fails more than once in its life: the delivery and its tries tell the mails apart.
        kind = f"delivery-{why}-{delivery.tries}-{key}"
        messages.append(
            EmailMessage(
                subject=one_line(f"{institution.name}: {subject}"),
                body="\n\n".join(paragraphs) + "\n",
                to=[address],
                headers={
                    "Message-ID": message_id(kind, delivery.id),
                    "X-Pratique-Institution": str(institution.id),
                },
            )
        )
    try:
        with closing(get_connection()) as mail:
            mail.open()
            mail.send_messages(messages)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailNotSentError(type(error).__name__) from None
    return len(messages)


def _words(destination: Destination, delivery: Delivery, why: str) -> tuple[str, list[str]]:
    name = one_line(destination.name)
    file = _("File: {name}").format(name=one_line(delivery.file_name))
    if why in STOPS:
        return _("deliveries to “{name}” are stopped").format(name=name), [
            str(STOPS[why]),
            file,
            _(
                "Nothing is lost: what was to be delivered waits until an administrator resumes it in the console."
            ),
        ]
    if why == "given_up":
        return _("a delivery to “{name}” failed").format(name=name), [
            sentence(delivery.failure),
            file,
            _(
                "It was tried for three days and is not tried again. An administrator can have it tried again."
            ),
        ]
    return _("deliveries to “{name}” keep failing").format(name=name), [
        sentence(delivery.failure),
        file,
        _("It goes on being tried for three days. You will not be told of each failure."),
    ]
