"""Deliveries as people ask for them: begun, tried again, cancelled. What happens on the way is `actions.sending`."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.delivery import names, queries
from pratique.delivery.actions.destinations import ask_for_try
from pratique.delivery.encrypting import EXTENSION, check_key
from pratique.delivery.models import Delivery, DeliveryState, Destination
from pratique.delivery.types import DeliveryError, NameUsedError, Place, place_of
from pratique.foundation import audit
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import layouts
from pratique.reports import queries as reports
from pratique.reports.statements import compiled
from pratique.reports.types import Format, Layout, Parameters
from pratique.transfers.models import OutboundFile, TransferAccount

_USUAL = Layout()


def deliver(
    *,
    institution: Institution,
    place: Place,
    report: str,
    parameters: Parameters,
    format: Format,
    template: str = "",
    layout: Layout = _USUAL,
    sort: str = "",
    neutralise: bool = True,
    bom: bool = False,
    pgp_key: str = "",
    by: audit.Actor,
    now: datetime,
) -> Delivery:
    """Ask for a report to be delivered as a file, and return the delivery that will tell what became of it.

    `parameters` were checked (`reports.queries.checked_parameters`); an empty `template` is `{report}-{date}`. Raises
    ReportError (no such report, layout, sort or filter), TemplateError, NameUsedError, DeliveryError (the place is
    closed or cannot be used yet).
    """
    with institution_scope(institution.id):
        layout = checked_layout(report, parameters, layout, sort, now)
        check_place(place, report)
        if pgp_key:
            check_key(pgp_key)
        delivery = Delivery(
            institution_id=institution.id,
            account_id=place.account_id,
            destination_id=place.destination_id,
            staff=[str(one) for one in place.staff],
            report_key=report,
            parameters=dict(parameters),
            layout=layouts.to_data(layout),
            sort=sort,
            format=format.value,
            neutralise=neutralise,
            bom=bom,
            pgp_key=pgp_key,
            requested_at=now,
            requested_by=str(by),
            next_try_at=now,
        )
        delivery.file_name = free_name(institution, delivery, template, now)
        begin_delivery(delivery, "requested", by, now)
    return delivery


def begin_delivery(delivery: Delivery, action: str, by: audit.Actor, now: datetime) -> None:
    """Keep a new delivery and ask for its first try. Raises NameUsedError."""
    try:
        with transaction.atomic():
            delivery.save(force_insert=True)
    except IntegrityError:
        raise name_used(delivery.file_name) from None
    ask_for_try(delivery.institution_id, delivery.id, place_id=place_id_of(delivery))
    record(action, delivery, by, now, {"report": delivery.report_key, "format": delivery.format})


def retry(*, delivery: Delivery, by: audit.Actor, now: datetime) -> Delivery:
    """Try a failed delivery again at once, or one that waits for its next try; the same file is sent.

    Raises DeliveryError for one that is done or under way, and where its file is no longer kept.
    """
    with institution_scope(delivery.institution_id):
        kept = _locked(delivery)
        if kept.state not in (DeliveryState.FAILED, DeliveryState.WAITING):
            raise DeliveryError(_("Only a delivery that failed or waits can be tried again."))
        check_place(place_of(kept), kept.report_key)
        if kept.destination is not None and kept.destination.stopped_at:
            raise DeliveryError(_("Deliveries to this destination are stopped. Resume them."))
        if kept.size is not None and not file_is_kept(kept):
            raise DeliveryError(_("Its file is no longer kept. Deliver the report again."))
        if _is_overtaken(kept):
            raise DeliveryError(_("A newer file of its schedule holds its changes."))
        revive(kept, by, now)
    return kept


def revive(kept: Delivery, by: audit.Actor, now: datetime) -> None:
    """Have a delivery, whose row is locked, tried at once, as if for the first time."""
    kept.state, kept.failure, kept.tries = DeliveryState.WAITING, "", 0
    kept.next_try_at, kept.finished_at = now, None
    kept.save()
    ask_for_try(kept.institution_id, kept.id, place_id=place_id_of(kept))
    record("retried", kept, by, now)


def cancel(*, delivery: Delivery, by: audit.Actor, now: datetime) -> bool:
    """Stop a delivery that waits or is being sent; return whether there was anything to stop.

    One whose file is being given its final name, or is being put into an account's folder, is past that: it may be
    there already.
    """
    with institution_scope(delivery.institution_id):
        kept = _locked(delivery)
        if kept.state != DeliveryState.WAITING and not is_under_way(kept):
            return False
        end_unsent(kept, by, now)
    return True


def is_under_way(delivery: Delivery) -> bool:
    """Return whether a delivery is being sent and can still be stopped: the server was not asked for its name yet."""
    is_sending = delivery.state == DeliveryState.SENDING and delivery.destination_id is not None
    return is_sending and delivery.renaming_at is None


def end_unsent(kept: Delivery, by: audit.Actor, now: datetime, *, because: str = "") -> None:
    """Cancel a delivery whose row is locked; its kept file goes with the commit."""
    kept.state, kept.finished_at, kept.next_try_at = DeliveryState.CANCELLED, now, None
    kept.save()
    record("cancelled", kept, by, now, {"because": because} if because else None)
    forget_file(kept)


def forget_file(delivery: Delivery) -> None:
    """Delete a delivery's own kept file with the commit. That of another, which it sends again, stays."""
    transaction.on_commit(
        lambda: blob_store().delete(institution_id=delivery.institution_id, name=stored_name(delivery.id)),
        robust=True,
    )


def stored_name(delivery_id: UUID) -> str:
    """Return where a delivery's file is kept."""
    return f"delivery/{delivery_id}"


def file_of(delivery: Delivery) -> str:
    """Return where the bytes lie that a delivery sends: its own, or those of the one that it sends again."""
    return stored_name(delivery.resends_id or delivery.id)


def file_is_kept(delivery: Delivery) -> bool:
    """Return whether the bytes that a delivery sends are there."""
    return blob_store().exists(institution_id=delivery.institution_id, name=file_of(delivery))


def place_id_of(delivery: Delivery) -> UUID:
    """Return the id of the account or destination; a link's is its own."""
    return delivery.destination_id or delivery.account_id or delivery.id


def record(
    action: str,
    delivery: Delivery,
    by: audit.Actor,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note a deed about a delivery in the audit trail, with where the file goes."""
    kind = "destination" if delivery.destination_id else "account"
    where = {"staff": delivery.staff} if delivery.staff else {kind: str(place_id_of(delivery))}
    schedule = {"schedule": str(delivery.schedule_id)} if delivery.schedule_id else {}
    audit.record(
        f"delivery:delivery:{action}",
        institution_id=delivery.institution_id,
        by=by,
        now=now,
        subject_type="delivery",
        subject_id=delivery.id,
        detail={**where, **schedule, "file": delivery.file_name, **(detail or {})},
    )


def checked_layout(report: str, parameters: Parameters, layout: Layout, sort: str, now: datetime) -> Layout:
    """Return a layout as it is kept, or raise UnknownReportError, LayoutError, UnknownSortError, MissingFilterError."""
    definition = reports.definition(report)
    layout = layouts.checked(layout, reports.columns(report, parameters, now=now))
    compiled(definition, parameters, reports.context(now), sort=sort, layout=layout)
    return layout


def check_place(place: Place, report: str) -> None:
    """Refuse a place that is closed, cannot be used yet, or whose people may not have the report."""
    if sum(map(bool, (place.account_id, place.destination_id, place.staff))) != 1:
        raise DeliveryError(_("Choose one place: an account, a destination, or staff who get a link."))
    if place.staff:
        if len(queries.recipients(place.staff, report)) != len(set(place.staff)):
            raise DeliveryError(_("Links go to staff who may download this report. Choose among them."))
        return
    if place.account_id:
        if not TransferAccount.objects.filter(id=place.account_id, closed_at__isnull=True).exists():
            raise DeliveryError(_("This account is closed."))
        return
    open_ones = Destination.objects.filter(closed_at__isnull=True)
    found = open_ones.filter(id=place.destination_id).first() if place.destination_id else None
    if found is None:
        raise DeliveryError(_("This destination is closed."))
    if not found.secret or not found.host_keys:
        raise DeliveryError(
            _("“%(name)s” cannot be delivered to yet: it needs a way to sign in, and a trusted host key.")
            % {"name": found.name}
        )


def free_name(
    institution: Institution, delivery: Delivery, template: str, now: datetime, *, numbered: bool = False
) -> str:
    """Return the name that a template gives to a delivery's file. Raises TemplateError and NameUsedError.

    `numbered`: one that is taken gets a number, for a schedule must go on.
    """
    ending = EXTENSION if delivery.pgp_key else ""
    taken = _taken(delivery)
    template = template or names.default_template(Format(delivery.format).extension)
    report = reports.short_name(delivery.report_key)
    local_now = now.astimezone(ZoneInfo(institution.time_zone))

    def named(is_taken: Callable[[str], bool]) -> str | None:
        return names.file_name(template, report=report, local_now=local_now, is_taken=is_taken)

    name = named(lambda name: taken(name + ending))
    if name is not None:
        return name + ending
    name = named(lambda _name: False) or template
    if not numbered:
        raise name_used(name)
    return names.numbered_again(name + ending, is_taken=taken)


def name_again(delivery: Delivery) -> str:
    """Return a free name for sending a delivery's file once more to the same place."""
    return names.numbered_again(delivery.file_name, is_taken=_taken(delivery))


def name_used(name: str) -> NameUsedError:
    """Return the error for a name that is taken."""
    return NameUsedError(
        _("“%(name)s” was used before. Put {n} or a finer {date:...} into the name.") % {"name": name}
    )


def _taken(delivery: Delivery) -> Callable[[str], bool]:
    """Return what says of a name whether it is taken where a delivery goes."""
    lying = OutboundFile.objects.none()
    if delivery.destination_id:
        # All that were ever sent to a destination.
        deliveries = Delivery.objects.filter(destination_id=delivery.destination_id)
    elif delivery.account_id:
        # In an account's folder, those that lie there or will.
        deliveries = Delivery.objects.filter(account_id=delivery.account_id, state__in=queries.OPEN_STATES)
        lying = OutboundFile.objects.filter(
            account_id=delivery.account_id, folder="", deleted_at__isnull=True
        )
    else:
        deliveries = Delivery.objects.none()

    def is_taken(name: str) -> bool:
        return deliveries.filter(file_name=name).exists() or lying.filter(name=name).exists()

    return is_taken


def _is_overtaken(delivery: Delivery) -> bool:
    """Return whether a delta that failed would bring back what a newer file of its schedule has brought or will."""
    if delivery.schedule_id is None or delivery.changes_before is None or delivery.resends_id:
        return False
    newer = Delivery.objects.filter(
        schedule_id=delivery.schedule_id, resends__isnull=True, requested_at__gt=delivery.requested_at
    )
    return newer.exists()


def _locked(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_for_update(of=("self",)).select_related("destination").get(id=delivery.id)
