"""What is written while a delivery is on its way: begun, its file made, how far it is, how the try ended.

Each step is a transaction of its own, and safe to repeat: a worker may die between any two.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import F, Q, QuerySet

from pratique.delivery import policies
from pratique.delivery.actions.deliveries import forget_file, place_id_of, record, stored_name
from pratique.delivery.actions.destinations import ask_for_try
from pratique.delivery.actions.pausing import pause
from pratique.delivery.encrypting import encrypted
from pratique.delivery.models import Delivery, DeliveryState, Destination, Schedule
from pratique.foundation import audit
from pratique.foundation.queue import enqueue
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.reports import actions as reports
from pratique.reports import layouts
from pratique.reports.types import Changes, Format
from pratique.transfers.models import OutboundFile

BY = audit.Actor("system", "delivery")


class DeliveryCancelledError(Exception):
    """Somebody cancelled the delivery while it was being sent."""


@dataclass(frozen=True)
class Begun:
    """A try that has begun; `destination` is None for an account."""

    delivery: Delivery
    destination: Destination | None


def begin(institution_id: UUID, delivery_id: UUID, now: datetime) -> Begun | None:
    """Begin a try, and return it; None if there is nothing to do now."""
    with institution_scope(institution_id):
        # The destination before its delivery, as everybody who locks both does.
        destinations = Destination.objects.select_for_update(no_key=True, of=("self",))
        destination = destinations.filter(delivery__id=delivery_id).first()
        delivery = _locked(delivery_id)
        if delivery is None or delivery.state not in (DeliveryState.WAITING, DeliveryState.SENDING):
            return None
        early = delivery.next_try_at is None or delivery.next_try_at > now
        if delivery.state == DeliveryState.WAITING and early:
            return None
        if destination is not None and destination.stopped_at:
            delivery.state, delivery.next_try_at = DeliveryState.WAITING, None
            delivery.save()
            return None
        delivery.state, delivery.tries, delivery.sent = DeliveryState.SENDING, delivery.tries + 1, 0
        delivery.next_try_at = now + policies.LEASE
        delivery.save()
        return Begun(delivery, destination)


def make_file(delivery: Delivery) -> None:
    """Make the report's file and keep it sealed, once for all tries; call it outside any transaction.

    A worker killed before the size is noted makes it again: nothing has been sent of it. Raises ReportError,
    KeyUnusableError.
    """
    store, size = blob_store(), 0

    def counted() -> Iterator[bytes]:
        nonlocal size
        for block in report_of(delivery):
            size += len(block)
            yield block

    store.put(institution_id=delivery.institution_id, name=stored_name(delivery.id), content=counted())
    with institution_scope(delivery.institution_id):
        changed = _sending(delivery).update(size=size, rows=delivery.rows)
    if not changed:
        store.delete(institution_id=delivery.institution_id, name=stored_name(delivery.id))
        raise DeliveryCancelledError
    delivery.size = size


def report_of(delivery: Delivery) -> Iterator[bytes]:
    """Return the report as a file, with a note in the audit trail that whoever asked for it takes it away.

    When its last block has been taken, `delivery.rows` says how many rows it has. Raises KeyUnusableError.
    """

    def noted(rows: int) -> None:
        delivery.rows = rows

    kind, _colon, id_ = delivery.requested_by.partition(":")
    blocks = reports.export(
        institution_id=delivery.institution_id,
        key=delivery.report_key,
        parameters=delivery.parameters,
        format=Format(delivery.format),
        by=audit.Actor(kind, id_),
        now=delivery.requested_at,
        neutralise=delivery.neutralise,
        bom=delivery.bom,
        sort=delivery.sort,
        layout=layouts.from_data(delivery.layout),
        changes=changes_of(delivery),
        progress=noted,
    )
    return encrypted(blocks, key=delivery.pgp_key) if delivery.pgp_key else blocks


def changes_of(delivery: Delivery) -> Changes | None:
    """Return the transactions whose changes a delivery holds; None for a whole report."""
    if delivery.changes_from is None or delivery.changes_before is None:
        return None
    return Changes(delivery.changes_from, delivery.changes_before)


def note_sent(delivery: Delivery, sent: int, now: datetime) -> None:
    """Note how far a try is, and that its worker lives. Raises DeliveryCancelledError."""
    with institution_scope(delivery.institution_id):
        if not _sending(delivery).update(sent=sent, next_try_at=now + policies.LEASE):
            raise DeliveryCancelledError


def note_renaming(delivery: Delivery, now: datetime) -> None:
    """Note that the server is about to be asked for the final name. Raises DeliveryCancelledError."""
    with institution_scope(delivery.institution_id):
        if not _sending(delivery).update(renaming_at=now, sent=F("size")):
            raise DeliveryCancelledError


def delivered(delivery: Delivery, now: datetime, *, outbound_file: OutboundFile | None = None) -> None:
    """End a delivery that arrived: the cursor of its schedule moves with it, and who gets a link is mailed.

    Its kept file goes with the commit, but for one that may be sent again or that a link leads to.
    """
    with institution_scope(delivery.institution_id):
        # Schedule, destination, delivery: in this order, as everybody who locks them does.
        schedules = Schedule.objects.select_for_update(no_key=True, of=("self",))
        schedule = schedules.filter(delivery__id=delivery.id).first()
        if delivery.destination_id:
            Destination.objects.filter(id=delivery.destination_id).update(
                failures_in_row=0, last_success_at=now
            )
        size = outbound_file.size if outbound_file else delivery.size
        done = _sending(delivery).update(
            state=DeliveryState.DELIVERED, finished_at=now, next_try_at=None, failure="",
            outbound_file=outbound_file, size=size, sent=size, rows=delivery.rows,
        )  # fmt: skip
        if not done:
            return
        record("delivered", delivery, BY, now, {"report": delivery.report_key, "rows": delivery.rows})
        if schedule is not None and not delivery.resends_id:
            note_arrival(schedule, delivery, now)
        if delivery.staff:
            enqueue(
                "delivery.mail_links",
                institution_id=delivery.institution_id,
                queue="mail",
                delivery_id=str(delivery.id),
            )
        elif not delivery.schedule_id:
            forget_file(delivery)


def note_arrival(schedule: Schedule, delivery: Delivery, now: datetime) -> None:
    """Note on a schedule, whose row is locked, that a file of it arrived.

    The cursor moves only from where that file began: a replay, or a change of what the schedule sends, may have set it
    elsewhere meanwhile.
    """
    schedule.delivered_at = now
    if delivery.changes_before is not None and schedule.cursor == delivery.changes_from:
        schedule.cursor, schedule.cursor_at = delivery.changes_before, delivery.requested_at
    schedule.save(update_fields=["delivered_at", "cursor", "cursor_at"])


def failed(delivery: Delivery, code: str, now: datetime) -> None:
    """End a try that failed with `code`: plan the next one, give up, or stop the destination; tell people if due."""
    with institution_scope(delivery.institution_id):
        # Schedule, destination, delivery: in this order, as everybody who locks them does.
        schedule = _to_be_paused(delivery) if code == "report_failed" else None
        destination = None
        if delivery.destination_id:
            destination = Destination.objects.select_for_update(no_key=True).get(id=delivery.destination_id)
        kept = _locked(delivery.id)
        if kept is None or kept.state != DeliveryState.SENDING:
            return
        again = policies.next_try(kept.tries, code, every_minutes=_every_minutes(kept), now=now)
        is_theirs = destination is not None and code not in policies.OURS
        stop = _count_failure(destination, kept, code, now) if destination and is_theirs else ""
        kept.failure = code
        if stop:
            kept.state, kept.next_try_at = DeliveryState.WAITING, None
        elif again:
            kept.state, kept.next_try_at = DeliveryState.WAITING, again
        else:
            kept.state, kept.next_try_at, kept.finished_at = DeliveryState.FAILED, None, now
            record("failed", kept, BY, now, {"failure": code, "tries": kept.tries})
            if destination is not None and (is_theirs or kept.schedule_id is None):
                _tell(destination, "given_up", kept)
            if schedule is not None:
                pause(schedule, code, by=BY, now=now)
        kept.save()


def ask_for_due(*, institution_id: UUID, now: datetime) -> int:
    """Ask workers for every try that is due, or whose worker is taken for dead; return how many."""
    with institution_scope(institution_id):
        due = Delivery.objects.filter(
            Q(destination__isnull=True) | Q(destination__stopped_at__isnull=True),
            state__in=(DeliveryState.WAITING, DeliveryState.SENDING),
            next_try_at__lte=now,
        )
        found = list(due.order_by("next_try_at", "id"))
        for delivery in found:
            ask_for_try(institution_id, delivery.id, place_id=place_id_of(delivery))
    return len(found)


def forget_files(*, institution_id: UUID, now: datetime) -> int:
    """Delete kept files that no try will send and nobody may ask for, and links to outbound files that were deleted;
    return how many files.
    """
    store = blob_store()
    stored = list(store.names(institution_id=institution_id, prefix="delivery/"))
    with institution_scope(institution_id):
        needed = Delivery.objects.filter(
            Q(state__in=(DeliveryState.WAITING, DeliveryState.SENDING))
            | Q(state=DeliveryState.FAILED, finished_at__gte=now - policies.FAILED_FILES_KEPT)
            | _still_kept(now)
        )
        names = {stored_name(resends_id or id_) for id_, resends_id in needed.values_list("id", "resends_id")}
        # The rows of outbound files go some day; a delivery says that it was delivered without them.
        Delivery.objects.filter(outbound_file__deleted_at__isnull=False).update(outbound_file=None)
    return store.delete_many(institution_id=institution_id, names=[one for one in stored if one not in names])


def _still_kept(now: datetime) -> Q:
    """Return which delivered files may be asked for still."""
    again = Q(schedule__isnull=False) | ~Q(staff=[])
    return again & Q(state=DeliveryState.DELIVERED, finished_at__gte=now - policies.FILES_KEPT)


def _to_be_paused(delivery: Delivery) -> Schedule | None:
    """Return the schedule, its row locked, whose next report will fail as this one did: nobody would be told, or
    everybody every five minutes. None if it was changed since.
    """
    running = Schedule.objects.filter(delivery__id=delivery.id, paused_at=None, deleted_at=None)
    schedule = running.select_for_update(no_key=True, of=("self",)).first()
    same = schedule is not None and all(
        getattr(schedule, name) == getattr(delivery, name) for name in _MAKING
    )
    return schedule if same else None


_MAKING = ("report_key", "parameters", "layout", "sort", "format")


def _every_minutes(delivery: Delivery) -> int | None:
    """Return how often the schedule of a delivery runs, if it runs every so many minutes."""
    running = Schedule.objects.filter(delivery__id=delivery.id, deleted_at__isnull=True)
    return running.values_list("every_minutes", flat=True).first()


def _count_failure(destination: Destination, delivery: Delivery, code: str, now: datetime) -> str:
    """Note a failed try on its destination; return why that is stopped now, or empty."""
    same_before = destination.failures_in_row if _last_failure(destination, delivery) == code else 0
    destination.failures_in_row += 1
    stop = policies.stop_for(code, same_before)
    if stop:
        destination.stopped_at, destination.stopped_for = now, stop
        audit.record(
            "delivery:destination:stopped",
            institution_id=destination.institution_id,
            by=BY,
            now=now,
            subject_type="destination",
            subject_id=destination.id,
            detail={"because": stop},
        )
        _tell(destination, stop, delivery)
    elif policies.is_alert_due(destination.failures_in_row):
        _tell(destination, "failing", delivery)
    destination.save(update_fields=["failures_in_row", "stopped_at", "stopped_for"])
    return stop


def _last_failure(destination: Destination, delivery: Delivery) -> str:
    """Return what the try before this one failed with, of whichever delivery it was."""
    if delivery.failure:
        return delivery.failure
    others = (
        Delivery.objects.filter(destination_id=destination.id).exclude(id=delivery.id).exclude(failure="")
    )
    return others.order_by("-requested_at", "-id").values_list("failure", flat=True).first() or ""


def _tell(destination: Destination, why: str, delivery: Delivery) -> None:
    enqueue(
        "delivery.alert",
        institution_id=destination.institution_id,
        queue="mail",
        destination_id=str(destination.id),
        delivery_id=str(delivery.id),
        why=why,
    )


def _locked(delivery_id: UUID) -> Delivery | None:
    return Delivery.objects.select_for_update().filter(id=delivery_id).first()


def _sending(delivery: Delivery) -> QuerySet[Delivery]:
    return Delivery.objects.filter(id=delivery.id, state=DeliveryState.SENDING)
