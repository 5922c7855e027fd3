"""Mails about deliveries: to a destination's contact and to administrators when deliveries fail or stop or a schedule
pauses, and to staff who get a link to a file.

They name the destination or schedule, what went wrong and what to do; nothing of what a file says, and no address of a
server. A link's mail does not even name the report.
"""

import smtplib
from collections.abc import Iterable, Mapping
from contextlib import closing
from uuid import UUID
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import override

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.delivery import queries
from pratique.delivery.actions import links
from pratique.delivery.models import Delivery, Destination
from pratique.delivery.types import STOPS, sentence, why_paused
from pratique.foundation import clock
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
        told = dict(_administrators())
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
    _send(messages)
    return len(messages)


def send_paused(institution_id: UUID, schedule_id: UUID, why: str) -> int:
    """Tell administrators that a schedule cuts no more files, and what to do; return how many mails that were."""
    with institution_scope(institution_id):
        institution = Institution.objects.get(id=institution_id)
        schedule = queries.schedule_by_id(schedule_id)
        told = _administrators()
    assert schedule is not None, "schedules are never deleted"
    messages = []
    for address, language, key in told.values():
        with override(language or settings.LANGUAGE_CODE):
            subject = _("the schedule “{name}” is paused").format(name=one_line(schedule.name))
            paragraphs = [
                why_paused(why),
                settings.BASE_URL + "/",
                _("Nothing is lost: what changes meanwhile comes with the first file after it is resumed."),
            ]
        messages.append(
            EmailMessage(
                subject=one_line(f"{institution.name}: {subject}"),
                body="\n\n".join(paragraphs) + "\n",
                to=[address],
                headers={
                    "Message-ID": message_id(f"schedule-{why}-{key}-{clock.now():%Y%m%d%H%M}", schedule.id),
                    "X-Pratique-Institution": str(institution.id),
                },
            )
        )
    _send(messages)
    return len(messages)


def send_links(institution_id: UUID, delivery_id: UUID) -> int:
    """Mail each of a delivery's staff a link to its file, once; return how many mails that were.

    Raises MailNotSentError; then trying again mails the rest.
    """
    with institution_scope(institution_id):
        institution = Institution.objects.get(id=institution_id)
    sent = 0
    while claimed := links.claim(institution_id=institution_id, delivery_id=delivery_id):
        delivery, user = claimed
        try:
            _send([_link(institution, delivery, user)])
        except MailNotSentError:
            links.give_back(institution_id=institution_id, delivery_id=delivery_id, user_id=user.id)
            raise
        links.mailed(institution_id=institution_id, delivery_id=delivery_id, user_id=user.id, now=clock.now())
        sent += 1
    return sent


def _link(institution: Institution, delivery: Delivery, user: User) -> EmailMessage:
    with override(user.language or settings.LANGUAGE_CODE):
        subject = _("a file is ready for you")
        until = date_format(
            links.kept_until(delivery).astimezone(ZoneInfo(institution.time_zone)), "DATE_FORMAT"
        )
        paragraphs = [
            _("A file that you wanted is ready. Sign in to download it:"),
            settings.BASE_URL + reverse("report_delivery", args=[delivery.id]),
            _("It is kept until {date}. Who downloads it is noted.").format(date=until),
        ]
    return EmailMessage(
        subject=one_line(f"{institution.name}: {subject}"),
        body="\n\n".join(paragraphs) + "\n",
        to=[user.email],
        headers={
            "Message-ID": message_id(f"link-{user.id}", delivery.id),
            "X-Pratique-Institution": str(institution.id),
        },
    )


def _administrators() -> Mapping[str, tuple[str, str, str]]:
    """Return address, language and key of each administrator, by address in small letters."""
    staff = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(email="").order_by("id")
    return {user.email.lower(): (user.email, user.language, str(user.id)) for user in staff}


def _send(messages: Iterable[EmailMessage]) -> None:
    try:
        with closing(get_connection()) as mail:
            mail.open()
            mail.send_messages(list(messages))
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailNotSentError(type(error).__name__) from None


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
        _("It goes on being tried, most files for three days. You will not be told of each failure."),
    ]
