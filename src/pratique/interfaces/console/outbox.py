"""Whether mails go to the local outbox, where they can be read."""

from django.conf import settings


def in_use() -> bool:
    """Return whether this installation keeps its mails in the outbox instead of sending them."""
    return settings.EMAIL_BACKEND.endswith(".outbox.OutboxBackend")
