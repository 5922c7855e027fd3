"""What a schedule does when its time has come: `policies.at_occurrence` decides, this does it.

Each schedule is a transaction of its own, its row locked; a worker skips what another has locked. So no file is cut
twice, and the trouble of one schedule is not that of the others.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog
from django.db.models import Q, QuerySet

from pratique.delivery import policies, queries, timing
from pratique.delivery.actions.deliveries import begin_delivery, end_unsent, file_is_kept, free_name, revive
from pratique.delivery.actions.pausing import pause, pause_because, record
from pratique.delivery.encrypting import read_key
from pratique.delivery.models import Contents, Delivery, DeliveryState, Schedule
from pratique.delivery.policies import Decision, Deed, Situation
from pratique.delivery.types import place_of
from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import queries as reports
from pratique.reports.catalogue import UnknownReportError
from pratique.reports.types import Changes, Parameters

log = structlog.get_logger(__name__)

BY = audit.Actor("system", "schedule")
_NEXT = timedelta(microseconds=1)
# Machines' clocks differ by less. Who was looked at later than that was looked at under a clock that ran ahead.
_CLOCKS_DIFFER = timedelta(hours=1)


def run_due(*, institution_id: UUID, now: datetime) -> int:
    """Run each schedule whose time has come; return how many. Times that were missed are one.

    Schedules of a closed account pause: accounts know nothing of schedules, so it is looked for here.
    """
    with institution_scope(institution_id):
        pause_because(Q(account__closed_at__isnull=False), "account_closed", by=BY, now=now)
        due = list(_due(now).order_by("next_at", "id").values_list("id", flat=True))
    done = 0
    for schedule_id in due:
        try:
            done += _run(institution_id, schedule_id, now)
        except Exception as error:
            # It stays due: the next minute tries again. The text of an error may hold what nobody may read in a log.
            log.error("a schedule could not be run", schedule=str(schedule_id), error=type(error).__name__)
    return done


def occur(schedule: Schedule, *, by: audit.Actor, now: datetime) -> Delivery | None:
    """Do what is to be done now for a schedule whose row is locked; return the delivery that is on its way, if any."""
    schedule.looked_at, schedule.was_empty = now, False
    schedule.save(update_fields=["looked_at", "was_empty"])
    latest = latest_of(schedule)
    situation = _situation(schedule, latest)
    decision = policies.at_occurrence(situation)
    if decision.deed == Deed.CUT and not schedule.send_empty and schedule.contents == Contents.DELTA:
        decision = policies.at_occurrence(replace(situation, is_empty=_is_empty(schedule, now)))
    return _do(schedule, latest, decision, by, now)


def latest_of(schedule: Schedule) -> Delivery | None:
    """Return a schedule's newest delivery, locked; those that send a file again left out."""
    found = Delivery.objects.filter(schedule_id=schedule.id, resends__isnull=True)
    return found.select_for_update(of=("self",)).order_by("-requested_at", "-id").first()


def next_time(schedule: Schedule, institution: Institution, now: datetime) -> datetime:
    """Return when a schedule runs next after `now`."""
    return timing.next_time(
        schedule.every_minutes,
        timing.from_data(schedule.calendar),
        after=now,
        zone=ZoneInfo(institution.time_zone),
    )


def _due(now: datetime) -> QuerySet[Schedule]:
    """Return what is due; also what a clock that ran ahead put off: its next time is that clock's."""
    due = Q(next_at__lte=now) | Q(next_at__isnull=False, looked_at__gt=now + _CLOCKS_DIFFER)
    return Schedule.objects.filter(due, paused_at__isnull=True, deleted_at__isnull=True)


def _run(institution_id: UUID, schedule_id: UUID, now: datetime) -> bool:
    with institution_scope(institution_id):
        due = _due(now).filter(id=schedule_id).select_for_update(skip_locked=True, no_key=True, of=("self",))
        schedule = due.first()
        if schedule is None:
            return False
        occur(schedule, by=BY, now=now)
        if schedule.paused_at is None:
            schedule.next_at = next_time(schedule, Institution.objects.get(id=institution_id), now)
            schedule.save(update_fields=["next_at"])
    return True


def _situation(schedule: Schedule, latest: Delivery | None) -> Situation:
    found = Situation(is_delta=schedule.contents == Contents.DELTA, obstacle=_obstacle(schedule))
    if latest is None:
        return found
    return replace(
        found,
        latest=latest.state,
        failure=latest.failure,
        is_renaming=latest.renaming_at is not None,
        has_file=latest.state == DeliveryState.FAILED and latest.size is not None and file_is_kept(latest),
        is_stopped=schedule.destination is not None and schedule.destination.stopped_at is not None,
    )


def _obstacle(schedule: Schedule) -> str:
    """Return why no file of a schedule could arrive, as a code of PAUSES; empty: it could."""
    try:
        report = reports.definition(schedule.report_key)
    except UnknownReportError:
        return "report_gone"
    if schedule.contents == Contents.DELTA and not report.changed:
        return "no_changes_known"
    if schedule.account is not None and schedule.account.closed_at:
        return "account_closed"
    if schedule.destination is not None and schedule.destination.closed_at:
        return "destination_closed"
    if schedule.staff and not queries.recipients(place_of(schedule).staff, schedule.report_key):
        return "nobody_left"
    return "key_unusable" if schedule.pgp_key and read_key(schedule.pgp_key).problems else ""


def _is_empty(schedule: Schedule, now: datetime) -> bool:
    """Return whether nothing changed since the cursor; then it moves on: what it passes was looked at."""
    before = reports.changes_before()
    if schedule.cursor is None or _is_of_elsewhere(schedule.cursor, before):
        return False
    changes = Changes(schedule.cursor, before)
    if reports.count(schedule.report_key, _parameters(schedule), now=now, changes=changes):
        return False
    schedule.cursor, schedule.cursor_at, schedule.was_empty = before, now, True
    schedule.save(update_fields=["cursor", "cursor_at", "was_empty"])
    return True


def _parameters(schedule: Schedule) -> Parameters:
    return dict(schedule.parameters)


def _do(
    schedule: Schedule, latest: Delivery | None, decision: Decision, by: audit.Actor, now: datetime
) -> Delivery | None:
    if decision.deed == Deed.PAUSE:
        pause(schedule, decision.because, by=BY, now=now)
        return None
    if decision.deed == Deed.SKIP:
        return None
    if decision.deed in (Deed.CUT, Deed.SUPERSEDE):
        if decision.deed == Deed.SUPERSEDE and latest is not None:
            end_unsent(latest, by, now, because="superseded")
        return _cut(schedule, latest, by, now)
    assert latest is not None, "only what is there can be waited for or revived"
    if decision.deed == Deed.REVIVE:
        revive(latest, by, now)
    return latest


def _cut(schedule: Schedule, latest: Delivery | None, by: audit.Actor, now: datetime) -> Delivery:
    """Begin a delivery of a schedule's next file.

    It is the newest, whatever a clock says that was set back: else the open file would be taken for an older one's
    past, and its changes would be cut once more.
    """
    institution = Institution.objects.get(id=schedule.institution_id)
    delivery = Delivery(
        institution_id=schedule.institution_id,
        schedule_id=schedule.id,
        account_id=schedule.account_id,
        destination_id=schedule.destination_id,
        staff=schedule.staff,
        report_key=schedule.report_key,
        parameters=schedule.parameters,
        layout=schedule.layout,
        sort=schedule.sort,
        format=schedule.format,
        neutralise=schedule.neutralise,
        bom=schedule.bom,
        pgp_key=schedule.pgp_key,
        requested_at=max(now, latest.requested_at + _NEXT) if latest else now,
        requested_by=str(by),
        next_try_at=now,
    )
    if schedule.contents == Contents.DELTA:
        delivery.changes_from, delivery.changes_before = _range(schedule, now)
    delivery.file_name = free_name(institution, delivery, schedule.template, now, numbered=True)
    begin_delivery(delivery, "requested", by, now)
    return delivery


def _range(schedule: Schedule, now: datetime) -> tuple[int | None, int]:
    """Return from which transaction to before which a delta's next file goes; from None: it holds everything.

    Transaction numbers never go back, except in a database that was restored from a dump into another server: its own
    begin anew, while its rows bear numbers of the old one. Those that were not delivered before the move cannot be
    told by number from those that were. So the cursor is forgotten, the next file holds everything, and deltas go on
    from there: something comes twice rather than never (decision 31). So does the first file of a schedule that was
    made after the move.
    """
    before = reports.changes_before()
    if schedule.cursor is not None and _is_of_elsewhere(schedule.cursor, before):
        record("restarted", schedule, BY, now, {"cursor": schedule.cursor, "before": before})
        schedule.cursor, schedule.cursor_at = None, None
        schedule.save(update_fields=["cursor", "cursor_at"])
    return schedule.cursor, before


def _is_of_elsewhere(cursor: int, before: int) -> bool:
    """Return whether transaction numbers cannot say what a delta from `cursor` holds: some are another server's."""
    return cursor > before or (cursor == 0 and reports.has_numbers_of_elsewhere())
