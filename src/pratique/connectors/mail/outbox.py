"""Django's mail backend that keeps mails in the local outbox (`foundation.outbox`)."""

from collections.abc import Sequence
from typing import Any

from django.core.mail import EmailMessage
from django.core.mail.backends.base import BaseEmailBackend

from pratique.foundation.outbox import Kept, Outbox

INSTITUTION_HEADER = "X-Pratique-Institution"


class OutboxBackend(BaseEmailBackend):
    """Keeps mails instead of sending them, each Message-ID once."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._outbox: Outbox | None = None

    def open(self) -> bool:
        """Keep one connection for many messages, as an SMTP backend does."""
        if self._outbox is not None:
            return False
        self._outbox = Outbox()
        return True

    def close(self) -> None:
        if self._outbox is not None:
            self._outbox.close()
            self._outbox = None

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        opened = self.open()
        assert self._outbox is not None
        try:
            self._outbox.keep(_kept(message) for message in email_messages)
        finally:
            if opened:
                self.close()
        return len(email_messages)


def _kept(message: EmailMessage) -> Kept:
    return Kept(
        message_id=str(message.message()["Message-ID"]),
        recipients=", ".join(message.recipients()),
        subject=str(message.subject),
        body=str(message.body),
        institution=message.extra_headers.get(INSTITUTION_HEADER, ""),
    )
