"""Deliveries as people ask for them: begun, tried again, cancelled. What happens on the way is `actions.sending`."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from pratique.delivery import names
from pratique.delivery.actions.destinations import ask_for_try
from pratique.delivery.models import Delivery, DeliveryState, Destination
from pratique.delivery.types import DeliveryError, NameUsedError, Place
from pratique.foundation import audit
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.reports import catalogue
from pratique.reports.types import Format, Parameters
from pratique.transfers.models import OutboundFile, TransferAccount


def deliver(
    *,
    institution: Institution,
    place: Place,
    report: str,
    parameters: Parameters,
    format: Format,
    template: str = "",
    by: audit.Actor,
    now: datetime,
) -> Delivery:
    """Ask for a report to be delivered as a file, and return the delivery that will tell what became of it.

    `parameters` were checked (`reports.queries.checked_parameters`); an empty `template` is `{report}-{date}`. Raises
    UnknownReportError, TemplateError, NameUsedError, DeliveryError (the place is closed or cannot be used yet).
    """
    catalogue.definition(report)
    with institution_scope(institution.id):
        _check_place(place)
        name = _name(institution, place, template or names.default_template(format.value), report, now)
        delivery = Delivery(
            institution_id=institution.id,
            account_id=place.account_id,
            destination_id=place.destination_id,
            report_key=report,
            parameters=dict(parameters),
            format=format.value,
            file_name=name,
            requested_at=now,
            requested_by=str(by),
            next_try_at=now,
        )
        try:
            with transaction.atomic():
                delivery.save(force_insert=True)
        except IntegrityError:
            raise _name_used(name) from None
        ask_for_try(institution.id, delivery.id, place_id=place_id_of(delivery))
        record("requested", delivery, by, now, {"report": report, "format": format.value})
    return delivery


def retry(*, delivery: Delivery, by: audit.Actor, now: datetime) -> Delivery:
    """Try a failed delivery again at once, or one that waits for its next try; the same file is sent.

    Raises DeliveryError for one that is done or under way, and where its file is no longer kept.
    """
    with institution_scope(delivery.institution_id):
        kept = _locked(delivery)
        if kept.state not in (DeliveryState.FAILED, DeliveryState.WAITING):
            raise DeliveryError(_("Only a delivery that failed or waits can be tried again."))
        place = Place(kept.account_id, kept.destination_id)
        _check_place(place)
        if kept.destination is not None and kept.destination.stopped_at:
            raise DeliveryError(_("Deliveries to this destination are stopped. Resume them."))
        if kept.size is not None and not _file_is_kept(kept):
            raise DeliveryError(_("Its file is no longer kept. Deliver the report again."))
        kept.state, kept.failure, kept.tries = DeliveryState.WAITING, "", 0
        kept.next_try_at, kept.finished_at = now, None
        kept.save()
        ask_for_try(kept.institution_id, kept.id, place_id=place_id_of(kept))
        record("retried", kept, by, now)
    return kept


def cancel(*, delivery: Delivery, by: audit.Actor, now: datetime) -> bool:
    """Stop a delivery that waits or is being sent; return whether there was anything to stop.

    One whose file is being given its final name, or is being put into an account's folder, is past that: it may be
    there already.
    """
    with institution_scope(delivery.institution_id):
        kept = _locked(delivery)
        under_way = kept.state == DeliveryState.SENDING and kept.destination_id and not kept.renaming_at
        if kept.state != DeliveryState.WAITING and not under_way:
            return False
        kept.state, kept.finished_at, kept.next_try_at = DeliveryState.CANCELLED, now, None
        kept.save()
        record("cancelled", kept, by, now)
        transaction.on_commit(
            lambda: blob_store().delete(institution_id=kept.institution_id, name=stored_name(kept.id)),
            robust=True,
        )
    return True


def stored_name(delivery_id: UUID) -> str:
    """Return where a delivery's file is kept until it is delivered."""
    return f"delivery/{delivery_id}"


def place_id_of(delivery: Delivery) -> UUID:
    """Return the id of the account or destination."""
    place_id = delivery.destination_id or delivery.account_id
    assert place_id is not None, "the database keeps exactly one of the two"
    return place_id


def record(
    action: str,
    delivery: Delivery,
    by: audit.Actor,
    now: datetime,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Note a deed about a delivery in the audit trail, with where the file goes."""
    kind = "destination" if delivery.destination_id else "account"
    audit.record(
        f"delivery:delivery:{action}",
        institution_id=delivery.institution_id,
        by=by,
        now=now,
        subject_type="delivery",
        subject_id=delivery.id,
        detail={kind: str(place_id_of(delivery)), "file": delivery.file_name, **(detail or {})},
    )


def _check_place(place: Place) -> None:
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


def _name(institution: Institution, place: Place, template: str, report: str, now: datetime) -> str:
    # All that were ever sent to a destination are taken; in an account's folder, those that lie there or will.
    if place.destination_id:
        deliveries = Delivery.objects.filter(destination_id=place.destination_id)
        lying = OutboundFile.objects.none()
    else:
        states = (DeliveryState.WAITING, DeliveryState.SENDING)
        deliveries = Delivery.objects.filter(account_id=place.account_id, state__in=states)
        lying = OutboundFile.objects.filter(account_id=place.account_id, folder="", deleted_at__isnull=True)

    def is_taken(name: str) -> bool:
        return deliveries.filter(file_name=name).exists() or lying.filter(name=name).exists()

    local_now = now.astimezone(ZoneInfo(institution.time_zone))
    name = names.file_name(template, report=report, local_now=local_now, is_taken=is_taken)
    if name is None:
        given = names.file_name(template, report=report, local_now=local_now, is_taken=lambda _name: False)
        raise _name_used(given or template)
    return name


def _name_used(name: str) -> NameUsedError:
    return NameUsedError(
        _("“%(name)s” was used before. Put {n} or a finer {date:...} into the name.") % {"name": name}
    )


def _locked(delivery: Delivery) -> Delivery:
    return Delivery.objects.select_for_update(of=("self",)).select_related("destination").get(id=delivery.id)


def _file_is_kept(delivery: Delivery) -> bool:
    return blob_store().exists(institution_id=delivery.institution_id, name=stored_name(delivery.id))
