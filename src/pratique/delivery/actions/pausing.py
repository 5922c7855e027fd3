"""Schedules that cannot go on are paused with the reason, and administrators are told."""

from datetime import datetime

from django.db.models import Q

from pratique.delivery.models import Schedule
from pratique.foundation import audit
from pratique.foundation.queue import enqueue


def pause_because(which: Q, reason: str, *, by: audit.Actor, now: datetime) -> int:
    """Pause the schedules of `which` that run, for a reason of PAUSES; return how many. Wants an open scope."""
    running = Schedule.objects.filter(which, paused_at__isnull=True, deleted_at__isnull=True)
    found = list(running.select_for_update(no_key=True, of=("self",)).order_by("id"))
    for schedule in found:
        pause(schedule, reason, by=by, now=now)
    return len(found)


def pause(schedule: Schedule, reason: str, *, by: audit.Actor, now: datetime) -> None:
    """Pause a schedule whose row is locked. Where no person did it, administrators get a mail."""
    schedule.paused_at, schedule.paused_by, schedule.paused_for = now, str(by), reason
    schedule.next_at = None
    schedule.save(update_fields=["paused_at", "paused_by", "paused_for", "next_at"])
    record("paused", schedule, by, now, {"because": reason})
    if reason != "staff":
        enqueue(
            "delivery.tell_paused",
            institution_id=schedule.institution_id,
            queue="mail",
            schedule_id=str(schedule.id),
            why=reason,
        )


def record(
    action: str, schedule: Schedule, by: audit.Actor, now: datetime, detail: dict[str, object] | None = None
) -> None:
    """Note a deed about a schedule in the audit trail."""
    audit.record(
        f"delivery:schedule:{action}",
        institution_id=schedule.institution_id,
        by=by,
        now=now,
        subject_type="schedule",
        subject_id=schedule.id,
        detail={"report": schedule.report_key, **(detail or {})},
    )
