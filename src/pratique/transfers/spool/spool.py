"""The spool of a machine, as one process sees it."""

from pathlib import Path
from uuid import UUID

from django.conf import settings

from pratique.foundation.ids import new_id


class Spool:
    """The folder of all uploads (`root`, by default `settings.SFTP_SPOOL`). One for each process."""

    def __init__(self, root: Path | None = None) -> None:
        self.root = Path(root or settings.SFTP_SPOOL)
        self.server: UUID = new_id()
