"""Mails about inbound files: to the contact of an account, and to the school's administrators where they must act.

They carry counts, the file's name and a link, nothing of what the file says. A mail's Message-ID is made from the
file's id, so that a mail server that sees it again (a worker died between sending and noting) can tell.
"""

import smtplib
from collections.abc import Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext, override

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation.tenancy import institution_scope
from pratique.rosters.models import RowOutcome
from pratique.students.sending import message_id, one_line
from pratique.transfers.models import InboundFile, InboundState, OutboundFile
from pratique.transfers.queries import name_of, results_id, results_name, why


class MailNotSentError(Exception):
    """The mail server did not take a mail. Says only what kind of trouble it was: its answer may repeat an address."""


@dataclass(frozen=True)
class Recipient:
    """Whom to tell, in which language; `key` tells one recipient's mail from another's."""

    address: str
    language: str
    key: str


def send_result(institution_id: UUID, file_id: UUID) -> int:
    """Tell the account's contact what became of a file (an account without one: the administrators); how many mails."""
    with institution_scope(institution_id):
        file = _file(file_id)
        lies_there = _results_lie_there(file)
        recipients = _contact(file) or _administrators()
    return _send(file, "inbound", recipients, lambda: _result_words(file, lies_there=lies_there))


def send_suspension(institution_id: UUID, file_id: UUID) -> int:
    """Tell the account's contact and the administrators that a repeated file suspended the account; how many mails."""
    with institution_scope(institution_id):
        file = _file(file_id)
        recipients = [*_contact(file), *_administrators()]
    return _send(file, "suspended", recipients, lambda: _suspension_words(file))


def summary(counts: dict[str, int]) -> str:
    """Return an import's counts in one line: `312 rows: 300 created, 9 updated, 3 refused`."""
    rows = counts.get("rows", 0)
    words = {
        RowOutcome.CREATED: _("%d created"), RowOutcome.UPDATED: _("%d updated"),
        RowOutcome.UNCHANGED: _("%d unchanged"), RowOutcome.REFUSED: _("%d refused"),
    }  # fmt: skip
    told = [word % counts[outcome] for outcome, word in words.items() if counts.get(outcome)]
    return f"{ngettext('%d row', '%d rows', rows) % rows}: {', '.join(told) or _('nothing to do')}"


def _file(file_id: UUID) -> InboundFile:
    return InboundFile.objects.select_related("account", "institution", "roster_import").get(id=file_id)


def _results_lie_there(file: InboundFile) -> bool:
    assert file.claimed_at is not None
    return OutboundFile.objects.filter(id=results_id(file.id, file.claimed_at)).exists()


def _contact(file: InboundFile) -> list[Recipient]:
    address = file.account.contact_email
    return [Recipient(address, "", "contact")] if address else []


def _administrators() -> list[Recipient]:
    found = User.objects.filter(role=Role.ADMINISTRATOR, is_active=True).exclude(email="").order_by("id")
    return [Recipient(user.email, user.language, str(user.id)) for user in found]


def _send(file: InboundFile, kind: str, recipients: Sequence[Recipient], words: Any) -> int:
    messages = [_message(file, kind, to, words) for to in _once_each(recipients)]
    try:
        with closing(get_connection()) as mail:
            mail.open()
            mail.send_messages(messages)
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise MailNotSentError(type(error).__name__) from None
    return len(messages)


def _once_each(recipients: Iterable[Recipient]) -> Iterable[Recipient]:
    """Return one recipient for each address: a contact may be an administrator too."""
    return {to.address.lower(): to for to in reversed(list(recipients))}.values()


def _message(file: InboundFile, kind: str, to: Recipient, words: Any) -> EmailMessage:
    with override(to.language or settings.LANGUAGE_CODE):
        subject, paragraphs = words()
    return EmailMessage(
        subject=one_line(f"{file.institution.name}: {subject}"),
        body="\n\n".join(paragraphs) + "\n",
        to=[to.address],
        headers={
            "Message-ID": message_id(f"{kind}-{to.key}", file.id),
            "X-Pratique-Institution": str(file.institution_id),
        },
    )


def _result_words(file: InboundFile, *, lies_there: bool) -> tuple[str, list[str]]:
    assert file.claimed_at is not None
    if file.state == InboundState.PROCESSED and file.roster_import is not None:
        counts = file.roster_import.counts
        refused = counts.get("refused", 0)
        subject = _("your file was processed")
        if refused:
            subject = ngettext(
                "your file was processed, %d row was refused", "your file was processed, %d rows were refused", refused
            ) % refused  # fmt: skip
        first = summary(counts)
    else:
        subject, first = _("your file could not be processed"), why(file)
    paragraphs = [first, _named(file), _result_link(file)]
    if lies_there:
        path = f"/outbound/results/{results_name(file.name, file.claimed_at)}"
        paragraphs.insert(2, _("What became of each row: {path}").format(path=one_line(path)))
    return subject, paragraphs


def _suspension_words(file: InboundFile) -> tuple[str, list[str]]:
    return _("file transfer is suspended"), [
        _(
            "The account {username} is suspended: a file came that has the same bytes as the file before."
        ).format(username=file.account.username),
        _named(file),
        _(
            "The file was left unprocessed. The one before it was taken. An administrator lifts the suspension in the "
            "console, with a reason. Until another file has come, the same bytes suspend the account again."
        ),
        _(
            "If your system sends the same file again on purpose, an administrator can choose that repeated files are "
            "ignored."
        ),
        _account_link(file),
    ]  # fmt: skip


def _named(file: InboundFile) -> str:
    assert file.claimed_at is not None
    now = name_of(file.name, InboundState(file.state), file.claimed_at)
    return _("File: {name} (now {now})").format(name=one_line(file.name), now=one_line(now))


def _result_link(file: InboundFile) -> str:
    if file.roster_import_id:
        return settings.BASE_URL + reverse("roster", args=[file.roster_import_id])
    return _account_link(file)


def _account_link(file: InboundFile) -> str:
    return settings.BASE_URL + reverse("transfer_account", args=[file.account_id])
