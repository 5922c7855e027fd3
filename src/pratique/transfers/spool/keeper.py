"""The keeper: a thread that claims what is complete, and tells the database how uploads stand."""

from pratique.transfers.spool.spool import Spool


class Keeper:
    """Looks after a spool from a thread of its own. One for each server process."""

    def __init__(self, spool: Spool) -> None:
        self._spool = spool

    def start(self) -> None:
        """Begin; returns at once. What killed processes left is looked over first."""

    def stop(self) -> None:
        """End: what can be claimed now is not waited for; it stays in the spool for the next start."""
