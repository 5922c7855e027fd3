"""Schedules as people make them: created, changed, paused, resumed, deleted, run now, replayed, sent again.

What happens when a schedule's time has come is `actions.running`.
"""

from datetime import datetime
from typing import Any, Literal
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.delivery import names, policies, queries, timing
from pratique.delivery.actions.deliveries import (
    begin_delivery,
    check_place,
    checked_layout,
    end_unsent,
    file_is_kept,
    is_under_way,
    name_again,
    place_id_of,
)
from pratique.delivery.actions.destinations import ask_for_try
from pratique.delivery.actions.pausing import pause, record
from pratique.delivery.actions.running import latest_of, next_time, occur, run_due
from pratique.delivery.actions.sending import note_arrival
from pratique.delivery.encrypting import check_key
from pratique.delivery.models import Contents, Delivery, DeliveryState, Schedule
from pratique.delivery.types import DeliveryError, ScheduleError, SchedulePlan, place_of, why_paused
from pratique.foundation import audit
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import layouts
from pratique.reports import queries as reports
from pratique.reports.filters import of_delta
from pratique.reports.layouts import LayoutError
from pratique.reports.statements import UnknownSortError
from pratique.reports.types import ReportError, saved_id

__all__ = [
    "change_schedule",
    "create_schedule",
    "delete_schedule",
    "pause_schedule",
    "replay",
    "resend",
    "resume_schedule",
    "run_due",
    "run_now",
]

_LONGEST_NAME = 120


def create_schedule(
    *,
    institution: Institution,
    plan: SchedulePlan,
    begin: Literal["everything", "now"] = "everything",
    by: audit.Actor,
    now: datetime,
) -> Schedule:
    """Create a schedule, which runs first at its next time.

    A delta's first file holds everything, or with `begin="now"` what changes from now on; where `plan` says nothing
    of archived students, it tells of them too (`filters.of_delta`). Raises ScheduleError with
    the field to mend; UnknownReportError.
    """
    with institution_scope(institution.id):
        fields = _checked(institution, plan, now)
        schedule = Schedule(institution_id=institution.id, created_at=now, created_by=str(by), **fields)
        if plan.contents == Contents.DELTA:
            schedule.cursor = reports.changes_before() if begin == "now" else 0
            schedule.cursor_at = now if begin == "now" else None
        schedule.next_at = next_time(schedule, institution, now)
        _save(schedule, force_insert=True)
        record("created", schedule, by, now, _said(plan))
    return schedule


def change_schedule(*, schedule: Schedule, plan: SchedulePlan, by: audit.Actor, now: datetime) -> Schedule:
    """Change a schedule; the same as before changes nothing.

    A delta keeps its cursor: `policies.said_of_change` says what that means where the report or its filters change.
    What has not arrived at an older place goes to the new one. Raises ScheduleError, UnknownReportError.
    """
    with institution_scope(schedule.institution_id):
        kept = _open(schedule)
        institution = Institution.objects.get(id=kept.institution_id)
        before, is_delta = queries.plan_of(kept), kept.contents == Contents.DELTA
        fields = _checked(institution, plan, now)
        changed = [name for name, value in fields.items() if getattr(kept, name) != value]
        if not changed:
            return kept
        if plan.place != before.place:
            _let_go(kept, by, now, because="place_changed")
        elif "pgp_key" in changed:
            # Whoever gives a key wants no more files without it, or with the one before.
            _let_go(kept, by, now, because="key_changed", even_in_doubt=False)
        for name in changed:
            setattr(kept, name, fields[name])
        if is_delta != (plan.contents == Contents.DELTA):
            kept.cursor, kept.cursor_at = (None if is_delta else 0), None
        if kept.paused_at is None:
            kept.next_at = next_time(kept, institution, now)
        _save(kept)
        keeps = {"cursor": "kept"} if policies.said_of_change(before, queries.plan_of(kept)) else {}
        record("changed", kept, by, now, {"changed": changed, **_said(plan), **keeps})
    return kept


def pause_schedule(*, schedule: Schedule, by: audit.Actor, now: datetime) -> Schedule:
    """Let a schedule cut no more files until it is resumed. What is on its way arrives. One that is paused stays so."""
    with institution_scope(schedule.institution_id):
        kept = _open(schedule)
        if kept.paused_at is None:
            pause(kept, "staff", by=by, now=now)
    return kept


def resume_schedule(
    *, schedule: Schedule, arrived: bool | None = None, by: audit.Actor, now: datetime
) -> Schedule:
    """Let a schedule go on from its next time.

    One that is paused `in_doubt` wants to know whether the file in doubt `arrived`: if so its changes count as
    delivered, else the next file holds them. Raises ScheduleError while what it was paused for is still so.
    """
    with institution_scope(schedule.institution_id):
        kept = _open(schedule)
        if kept.paused_at is None:
            return kept
        institution = Institution.objects.get(id=kept.institution_id)
        _checked(institution, queries.plan_of(kept), now)
        if kept.paused_for == "in_doubt":
            if arrived is None:
                raise ScheduleError(_("Look on the server whether the file arrived, and say so."), "arrived")
            _end_doubt(kept, arrived, by, now)
        kept.paused_at, kept.paused_by, kept.paused_for = None, "", ""
        kept.next_at = next_time(kept, institution, now)
        _save(kept)
        record("resumed", kept, by, now, {} if arrived is None else {"arrived": arrived})
    return kept


def delete_schedule(*, schedule: Schedule, by: audit.Actor, now: datetime) -> bool:
    """Delete a schedule: what waits is cancelled, its history stays. Return whether there was anything to delete."""
    with institution_scope(schedule.institution_id):
        kept = _locked(schedule)
        if kept.deleted_at is not None:
            return False
        kept.deleted_at, kept.deleted_by, kept.next_at = now, str(by), None
        _save(kept)
        waiting = Delivery.objects.filter(schedule_id=kept.id, state=DeliveryState.WAITING)
        for delivery in waiting.select_for_update(of=("self",)).order_by("id"):
            end_unsent(delivery, by, now, because="schedule_deleted")
        record("deleted", kept, by, now)
    return True


def run_now(*, schedule: Schedule, by: audit.Actor, now: datetime) -> Delivery | None:
    """Run a schedule as if its time had come, and return the delivery that is on its way; None: nothing to send.

    One that waits for its next try is tried at once. The next time stays. Raises ScheduleError for one that is
    paused, or that has to pause because of what is found.
    """
    with institution_scope(schedule.institution_id):
        kept = _open(schedule)
        if kept.paused_at is not None:
            raise ScheduleError(_("The schedule is paused. Resume it first."))
        record("run", kept, by, now)
        delivery = occur(kept, by=by, now=now)
        if delivery is not None and delivery.state == DeliveryState.WAITING:
            delivery.next_try_at = now
            delivery.save(update_fields=["next_try_at"])
            ask_for_try(kept.institution_id, delivery.id, place_id=place_id_of(delivery))
    if kept.paused_at is not None:
        # Said only now: that it is paused shall last.
        raise ScheduleError(why_paused(kept.paused_for))
    return delivery


def replay(*, schedule: Schedule, since: datetime, by: audit.Actor, now: datetime) -> Schedule:
    """Let a delta's next file hold all that changed since `since`, which was delivered before.

    Raises ScheduleError for a whole report and for a time that lies ahead.
    """
    with institution_scope(schedule.institution_id):
        kept = _open(schedule)
        if kept.contents != Contents.DELTA:
            raise ScheduleError(_("Each file of this schedule holds everything: there is nothing to replay."))
        if since >= now:
            raise ScheduleError(_("Choose a time that is over."), "since")
        if kept.cursor is not None:
            cursor = reports.changes_since(since)
            if cursor < kept.cursor:
                kept.cursor, kept.cursor_at = cursor, since
                _save(kept)
        record("replayed", kept, by, now, {"since": since.isoformat()})
    return kept


def resend(*, delivery: Delivery, by: audit.Actor, now: datetime) -> Delivery:
    """Send the very bytes of a delivered file again, under a new name; return that delivery.

    No cursor moves. Raises DeliveryError where the file is no longer kept, or the place is closed.
    """
    with institution_scope(delivery.institution_id):
        kept = Delivery.objects.select_for_update(of=("self",)).get(id=delivery.id)
        if kept.state != DeliveryState.DELIVERED:
            raise DeliveryError(_("Only what was delivered can be sent again."))
        if not file_is_kept(kept):
            raise DeliveryError(_("Its file is no longer kept: files are kept for seven days."))
        check_place(place_of(kept), kept.report_key)
        again = Delivery(
            institution_id=kept.institution_id,
            requested_at=now,
            requested_by=str(by),
            next_try_at=now,
            resends_id=kept.resends_id or kept.id,
            file_name=name_again(kept),
            **{name: getattr(kept, name) for name in _SAME_AGAIN},
        )
        begin_delivery(again, "resent", by, now)
    return again


_SAME_AGAIN = (
    "schedule_id", "account_id", "destination_id", "staff", "report_key", "parameters", "layout", "sort", "format",
    "neutralise", "bom", "pgp_key", "changes_from", "changes_before", "rows", "size",
)  # fmt: skip


def _checked(institution: Institution, plan: SchedulePlan, now: datetime) -> dict[str, Any]:
    """Return a plan as the fields of a Schedule. Raises ScheduleError with the field to mend; UnknownReportError."""
    report = reports.definition(plan.report_key)
    name = " ".join(plan.name.split())
    if not name or len(name) > _LONGEST_NAME:
        raise ScheduleError(_("A schedule has a name of at most 120 characters."), "name")
    timing.check(plan.every_minutes, plan.calendar)
    if plan.contents == Contents.DELTA and not report.changed:
        raise ScheduleError(_("This report cannot say what changed. Choose whole files."), "contents")
    try:
        # Kept as it is now: who may change a saved report need not be somebody who may send files out of the school.
        layout = layouts.over(plan.layout, report.layout)
        layout = checked_layout(plan.report_key, plan.parameters, layout, plan.sort, now)
    except LayoutError as error:
        raise ScheduleError(str(error), error.field) from None
    except ReportError as error:
        field = "sort" if isinstance(error, UnknownSortError) else "parameters"
        raise ScheduleError(str(error), field) from None
    try:
        check_place(plan.place, plan.report_key)
    except DeliveryError as error:
        raise ScheduleError(str(error), "staff" if plan.place.staff else "place") from None
    _check_template(institution, plan, now)
    pgp_key = plan.pgp_key.strip()
    if pgp_key:
        check_key(pgp_key)
    is_delta = plan.contents == Contents.DELTA
    return {
        "name": name,
        "report_key": plan.report_key,
        "parameters": dict(of_delta(report.filters, plan.parameters) if is_delta else plan.parameters),
        "layout": layouts.to_data(layout),
        "sort": plan.sort or (report.default_sort if saved_id(plan.report_key) else ""),
        "format": plan.format.value,
        "neutralise": plan.neutralise,
        "bom": plan.bom,
        "template": plan.template.strip(),
        "pgp_key": pgp_key,
        "contents": plan.contents,
        "send_empty": plan.send_empty,
        "every_minutes": plan.every_minutes,
        "calendar": timing.to_data(plan.calendar),
        "account_id": plan.place.account_id,
        "destination_id": plan.place.destination_id,
        "staff": [str(one) for one in plan.place.staff],
    }


def _check_template(institution: Institution, plan: SchedulePlan, now: datetime) -> None:
    """Refuse a template that gives two files in a row one name, where names are never used twice."""
    zone = ZoneInfo(institution.time_zone)
    template = plan.template.strip() or names.default_template(plan.format.extension)
    upcoming = timing.upcoming(plan.every_minutes, plan.calendar, after=now, zone=zone, count=2)
    taken: set[str] = set()
    for at in upcoming:
        try:
            name = names.file_name(
                template,
                report=reports.short_name(plan.report_key),
                local_now=at.astimezone(zone),
                is_taken=taken.__contains__,
            )
        except DeliveryError as error:
            raise ScheduleError(str(error), "template") from None
        if name is None and plan.place.destination_id:
            raise ScheduleError(
                _(
                    "Two files of this schedule would have the same name. Put {n} or a finer {date:...} into it."
                ),
                "template",
            )
        taken.add(name or "")


def _let_go(
    schedule: Schedule, by: audit.Actor, now: datetime, *, because: str, even_in_doubt: bool = True
) -> None:
    """Give up the file that has not arrived as a schedule was before it was changed: the next one holds its changes.

    One that a server is being asked to give its name is past that, and so is one that is put into an account's folder.
    """
    latest = latest_of(schedule)
    if latest is None or (latest.renaming_at and not even_in_doubt):
        return
    if latest.state in (DeliveryState.WAITING, DeliveryState.FAILED) or is_under_way(latest):
        latest.renaming_at = None
        end_unsent(latest, by, now, because=because)
    elif latest.state == DeliveryState.CANCELLED and latest.renaming_at:
        # Whether it arrived at the old place is nobody's question any more.
        latest.renaming_at = None
        latest.save(update_fields=["renaming_at"])


def _end_doubt(schedule: Schedule, arrived: bool, by: audit.Actor, now: datetime) -> None:
    latest = latest_of(schedule)
    if latest is None:
        return
    if not arrived:
        latest.renaming_at = None
        end_unsent(latest, by, now, because="did_not_arrive")
        return
    latest.state, latest.finished_at, latest.failure = DeliveryState.DELIVERED, now, ""
    latest.save()
    note_arrival(schedule, latest, now)


def _said(plan: SchedulePlan) -> dict[str, Any]:
    """Return what of a plan stands in the audit trail."""
    place = plan.place
    where = {"staff": [str(one) for one in place.staff]} if place.staff else {
        "destination" if place.destination_id else "account": str(place.destination_id or place.account_id)
    }  # fmt: skip
    return {
        "format": plan.format.value, "contents": plan.contents, "neutralised": plan.neutralise,
        "encrypted": bool(plan.pgp_key), **where,
    }  # fmt: skip


def _open(schedule: Schedule) -> Schedule:
    kept = _locked(schedule)
    if kept.deleted_at is not None:
        raise ScheduleError(_("This schedule was deleted."))
    return kept


def _locked(schedule: Schedule) -> Schedule:
    found = Schedule.objects.select_for_update(no_key=True, of=("self",))
    return found.get(id=schedule.id)


def _save(schedule: Schedule, *, force_insert: bool = False) -> None:
    try:
        with transaction.atomic():
            schedule.save(force_insert=force_insert)
    except IntegrityError:
        raise ScheduleError(_("Another schedule has this name."), "name") from None
