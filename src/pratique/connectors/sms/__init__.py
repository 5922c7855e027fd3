"""Text messages: to the local outbox, or to a provider that speaks the protocol of `http.py`."""

from django.conf import settings
from django.utils.module_loading import import_string

from pratique.connectors.sms.types import TextSender


def text_sender() -> TextSender:
    """Return the sender that the settings name."""
    sender: TextSender = import_string(settings.TEXT_SENDER)()
    return sender
