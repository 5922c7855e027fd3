"""What one student's page shows: each membership with every item of its standing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.db.models import Count

from pratique.compliance.queries import CurrentItem, standing
from pratique.foundation import clock
from pratique.interfaces.console import reminder_words
from pratique.interfaces.console.review_page import requirements
from pratique.records.models import Submission, SubmissionState
from pratique.reminders import queries as reminder_queries
from pratique.reviews.models import Decision, Review
from pratique.reviews.queries.messages import thread
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


_MOST_CASES = 50


def handed_in(student_id: UUID, today: date) -> dict[str, Any]:
    """Return what the student has sent, and the messages with the reviewers."""
    names = {one.key: one.name for one in requirements(today)}
    sent = Submission.objects.filter(
        student_id=student_id, state__in=[SubmissionState.WAITING, SubmissionState.DECIDED]
    )
    cases = list(sent.order_by("-sent_at", "-id")[:_MOST_CASES])
    returned = dict(
        Review.objects.filter(
            submission_id__in=[case.id for case in cases], decision=Decision.REJECTED, undone_at__isnull=True
        )
        .values_list("submission_id")
        .annotate(Count("id"))
    )
    lines = thread(student_id)
    return {
        "cases": [
            {
                "case": case,
                "names": [names.get(key, key) for key in case.requirement_keys],
                "returned": returned.get(case.id, 0),
            }
            for case in cases
        ],
        "thread": [
            {"line": line, "about": names.get(line.requirement_key, line.requirement_key)} for line in lines
        ],
        "abouts": sorted(names.items(), key=lambda one: one[1].casefold()),
        "last_about": lines[-1].requirement_key if lines else "",
    }


_MOST_REMINDERS = 20


def reminded(student_id: UUID) -> dict[str, Any]:
    """Return the student's reminders, the latest first, each with how it stands and what went out; and escalations."""
    return {
        "reminders": reminder_words.with_messages(
            reminder_queries.reminders_of(student_id)[:_MOST_REMINDERS]
        ),
        "escalations": reminder_queries.escalations_of(student_id),
        "now": clock.now(),
    }
