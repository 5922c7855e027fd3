"""A student's items as the person who looks may see them."""

from collections.abc import Sequence
from datetime import date
from uuid import UUID

from pratique.compliance.for_guardians import open_standing
from pratique.compliance.queries import CurrentItem, standing
from pratique.interfaces.portal.people import Acting


def of(acting: Acting, membership_id: UUID, today: date) -> Sequence[CurrentItem]:
    """Return the items of a membership: all of them for the student, the open ones for a guardian."""
    if acting.sees_confidential:
        return standing(membership_id, today)
    return open_standing(acting.student.id, membership_id, today)
