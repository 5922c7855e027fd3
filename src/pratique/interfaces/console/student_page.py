"""What one student's page shows: each membership with every item of its standing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from pratique.compliance.queries import CurrentItem, standing
from pratique.students import queries
from pratique.students.models import Membership

_NEEDS_SOMETHING = ("rejected", "expired", "incomplete")


@dataclass(frozen=True)
class MembershipStanding:
    """A membership with its items as they are now, a stale mark or not."""

    membership: Membership
    items: Sequence[CurrentItem]

    @property
    def approved(self) -> int:
        return Counter(item.status for item in self.items)["approved"]

    @property
    def pending(self) -> int:
        return Counter(item.status for item in self.items)["pending"]

    @property
    def missing(self) -> Sequence[CurrentItem]:
        """The items for which the student still has to do something, the most pressing kind first."""
        order = {status: place for place, status in enumerate(_NEEDS_SOMETHING)}
        return sorted(
            (item for item in self.items if item.status in order), key=lambda item: order[item.status]
        )

    @property
    def word(self) -> str:
        """The standing as one of `words.CHIPS["standing"]`, from these items and not from what is stored."""
        if self.membership.tracker_id is None:
            return "no_tracker"
        if not self.items or self.missing:
            return "not_complete"
        return "in_review" if self.pending else "cleared"

    @property
    def next_action_on(self) -> date | None:
        return min((item.next_action_on for item in self.items if item.next_action_on), default=None)


def standings(student_id: UUID, today: date) -> list[MembershipStanding]:
    """Return the student's memberships, active ones first, with their standing today."""
    return [
        MembershipStanding(membership, standing(membership.id, today))
        for membership in queries.memberships_of(student_id)
    ]
