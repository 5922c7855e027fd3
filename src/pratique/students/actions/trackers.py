"""A student's choice of a tracker."""

from datetime import date, datetime
from uuid import UUID

from django.db.models import Q

from pratique.foundation import audit
from pratique.institutions.models import Tracker
from pratique.students.models import Membership, MembershipState, Student


def choose_tracker(
    *, student: Student, membership_id: UUID, tracker_id: UUID, by: audit.Actor, now: datetime, today: date
) -> bool:
    """Put a student on the tracker that they choose, and mark them to be evaluated.

    False, and nothing changes, unless the registration is theirs, counts today and has no tracker yet, and the
    tracker is one of its package: what is chosen once is the school's to change. Of two choices at once one holds.
    """
    counts = Q(expires_on__isnull=True) | Q(expires_on__gte=today)
    chosen = Membership.objects.filter(
        counts, id=membership_id, student=student, state=MembershipState.ACTIVE, tracker__isnull=True,
        package_id__in=Tracker.objects.filter(id=tracker_id).values("package_id"),
    )  # fmt: skip
    # The name of the tracker is part of what partners are told of a student, so their status has changed.
    if not chosen.update(tracker_id=tracker_id, stale_since=now, status_changed_at=now):
        return False
    audit.record(
        "students:membership:tracker_chosen", institution_id=student.institution_id, by=by, now=now,
        subject_type="student", subject_id=student.id, detail={"tracker": str(tracker_id)},
    )  # fmt: skip
    return True
