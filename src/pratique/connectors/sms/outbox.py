"""Keeps texts in the local outbox, beside the mails, where the console shows them."""

from pratique.connectors.sms.types import Text
from pratique.foundation.outbox import Kept, Outbox


class OutboxTexts:
    """A sender that sends nothing."""

    def send(self, text: Text) -> None:
        outbox = Outbox()
        try:
            outbox.keep(
                [Kept(f"<text-{text.reference}>", text.number, "Text message", text.body, text.institution)]
            )
        finally:
            outbox.close()
