"""Whether mails go to the local outbox, where they can be read."""

from django.conf import settings


def in_use() -> bool:
    """Return whether this installation keeps its mails in the outbox, and may show them.

    The outbox belongs to the installation: mails of every institution are in it, with links that set passwords.
    So it is shown on a machine of one's own only, never where an installation is reached from elsewhere.
    """
    return settings.EMAIL_BACKEND.endswith(".outbox.OutboxBackend") and not settings.HTTPS
