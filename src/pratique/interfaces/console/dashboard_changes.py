"""What changed since somebody last looked at the dashboard: counts, each with where to see what it counts."""

from dataclasses import dataclass, fields
from datetime import datetime
from uuid import UUID

from django.db import connection

from pratique.delivery.models import Delivery, DeliveryState
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import current_institution
from pratique.reports.definitions.changes import may_complete
from pratique.rosters.models import ImportState, RosterImport


@dataclass(frozen=True)
class Changed:
    """How much of each happened at or after `since`."""

    since: datetime
    # Students who became complete and still are.
    completed: int
    # Cases that came in, and how many of those still wait.
    cases: int
    cases_waiting: int
    # Items that got this status.
    expired: int
    returned: int
    imports: int
    students_added: int
    rows_refused: int
    # Where exactly one import refused rows, it.
    import_refusing: UUID | None
    deliveries_failed: int
    archived: int

    def __bool__(self) -> bool:
        return any(getattr(self, one.name) for one in fields(self) if one.name != "since")


# Whoever became complete or had an item change stands among the memberships whose standing moved: there is an index
# for those, and of their changes one by membership. All changes of a school have none by instant.
_MOVED = f"""
    with moved as materialized (
        select m.id, m.complete and m.state = 'active' as complete
        from institutions_package p
        join students_membership m on m.institution_id = p.institution_id and m.package_id = p.id
        where p.institution_id = %(institution)s and m.status_changed_at >= %(since)s
    )
    select count(*) filter (where moved.complete and c.completed_at >= %(since)s),
        coalesce(sum(c.expired), 0), coalesce(sum(c.returned), 0)
    from moved cross join lateral (
        select max(c.at) filter (where {may_complete("c")}) as completed_at,
            count(*) filter (where c.to_status = 'expired' and c.at >= %(since)s) as expired,
            count(*) filter (where c.to_status = 'rejected' and c.at >= %(since)s) as returned
        from compliance_statuschange c
        where c.institution_id = %(institution)s and c.membership_id = moved.id
    ) c
"""  # noqa: S608  (constants only)
# What was sent since then waits or was decided since then; both have an index.
_CASES = """
    select count(*), count(*) filter (where state = 'waiting') from (
        select state from records_submission
        where institution_id = %(institution)s and state = 'waiting' and queued_at is not null
            and sent_at >= %(since)s
        union all
        select state from records_submission
        where institution_id = %(institution)s and state = 'decided' and decided_at >= %(since)s
            and sent_at >= %(since)s
    ) came
"""


def since(when: datetime) -> Changed:
    """Return what changed in the present institution at or after `when`: five queries."""
    values = {"institution": current_institution(), "since": when}
    with connection.cursor() as cursor:
        cursor.execute(_MOVED, values)
        completed, expired, returned = cursor.fetchone()
        cursor.execute(_CASES, values)
        cases, cases_waiting = cursor.fetchone()
    imports = list(
        RosterImport.objects.filter(state=ImportState.APPLIED, applied_at__gte=when).values_list(
            "id", "counts"
        )
    )
    refusing = [key for key, counts in imports if counts.get("refused")]
    return Changed(
        since=when,
        completed=completed,
        cases=cases,
        cases_waiting=cases_waiting,
        expired=int(expired),
        returned=int(returned),
        imports=len(imports),
        students_added=sum(counts.get("created", 0) for _key, counts in imports),
        rows_refused=sum(counts.get("refused", 0) for _key, counts in imports),
        import_refusing=refusing[0] if len(refusing) == 1 else None,
        deliveries_failed=Delivery.objects.filter(state=DeliveryState.FAILED, finished_at__gte=when).count(),
        archived=AuditEvent.objects.filter(
            at__gte=when, action="students:membership:closed", detail__archived=True
        ).count(),
    )
