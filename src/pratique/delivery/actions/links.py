"""Links to delivered files: mailed to each of staff once, and followed by whoever may download the report."""

from datetime import datetime
from uuid import UUID

from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.delivery import policies, queries
from pratique.delivery.actions.deliveries import file_of
from pratique.delivery.models import Delivery, DeliveryState
from pratique.delivery.types import DeliveryError
from pratique.foundation import audit
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import Reader
from pratique.reports.catalogue import UnknownReportError


class LinkError(DeliveryError):
    """A link leads nowhere, or not for this person. The message says which."""


def take(
    *, delivery_id: UUID, institution_id: UUID, by: audit.Actor, now: datetime
) -> tuple[Delivery, Reader]:
    """Note that a member of staff takes the file that a link leads to; return the delivery and what reads the file.

    `by` is the account (`staff:<id>`); its owner needs the right to download this very report. The caller closes the
    reader. Raises LinkError.
    """
    with institution_scope(institution_id):
        delivery = queries.delivery_by_id(delivery_id)
        if delivery is None or not delivery.staff:
            raise LinkError(_("There is no such file."))
        if not _may(by, delivery):
            raise LinkError(_("You may not download this report. Ask an administrator."))
        if delivery.state != DeliveryState.DELIVERED:
            raise LinkError(_("This file is not ready yet."))
        try:
            if now > kept_until(delivery):
                raise FileMissingError(file_of(delivery))
            reader = blob_store().reader(institution_id=institution_id, name=file_of(delivery))
        except FileMissingError:
            raise LinkError(_("This file is no longer kept. Run the report again.")) from None
        audit.record(
            "delivery:link:downloaded",
            institution_id=institution_id,
            by=by,
            now=now,
            subject_type="delivery",
            subject_id=delivery.id,
            detail={"report": delivery.report_key, "format": delivery.format, "rows": delivery.rows},
        )
    return delivery, reader


def kept_until(delivery: Delivery) -> datetime:
    """Return until when a delivered file can be taken."""
    assert delivery.finished_at is not None, "it was delivered"
    return delivery.finished_at + policies.FILES_KEPT


def claim(*, institution_id: UUID, delivery_id: UUID) -> tuple[Delivery, User] | None:
    """Choose the next of staff who is mailed a delivery's link, and note it before the mail goes; None: all are told.

    A worker that dies between the note and the mail leaves somebody untold: nobody is mailed twice. Who left or lost
    the right since is passed over.
    """
    with institution_scope(institution_id):
        delivery = Delivery.objects.select_for_update().get(id=delivery_id)
        waiting = [UUID(one) for one in delivery.staff if one not in delivery.told]
        try:
            users = queries.recipients(waiting, delivery.report_key)
        except UnknownReportError:
            return None
        user = min((one for one in users if one.email), key=lambda one: one.id, default=None)
        if user is None:
            return None
        delivery.told = [*delivery.told, str(user.id)]
        delivery.save(update_fields=["told"])
    return delivery, user


def mailed(*, institution_id: UUID, delivery_id: UUID, user_id: UUID, now: datetime) -> None:
    """Note that the mail server took somebody's mail."""
    with institution_scope(institution_id):
        audit.record(
            "delivery:link:mailed",
            institution_id=institution_id,
            by=audit.Actor("system", "delivery"),
            now=now,
            subject_type="delivery",
            subject_id=delivery_id,
            detail={"to": str(user_id)},
        )


def give_back(*, institution_id: UUID, delivery_id: UUID, user_id: UUID) -> None:
    """Take back a note of `claim`: the mail server refused, so the next try mails them."""
    with institution_scope(institution_id):
        delivery = Delivery.objects.select_for_update().get(id=delivery_id)
        delivery.told = [one for one in delivery.told if one != str(user_id)]
        delivery.save(update_fields=["told"])


def _may(by: audit.Actor, delivery: Delivery) -> bool:
    try:
        return by.kind == "staff" and bool(queries.recipients([UUID(by.id)], delivery.report_key))
    except (UnknownReportError, ValueError):
        return False
