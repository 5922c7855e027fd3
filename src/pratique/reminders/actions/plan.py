"""The hourly plan of an institution."""

from datetime import datetime

from pratique.institutions.models import Institution
from pratique.reminders.types import Planned


def plan(*, institution: Institution, now: datetime) -> Planned:
    """Queue the reminders and escalations that are due, end what is over; a second run finds nothing to do."""
    raise NotImplementedError
