"""One try of a delivery, from its job to its end. Call it outside any transaction; each step commits by itself.

    begin -> make the file, once -> upload -> note that it is being renamed -> rename -> delivered

A worker may die anywhere. Before the note nothing has its final name, and the upload goes on where it was cut off.
After it, the next try asks the server what became of the rename and sends nothing twice.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from uuid import UUID

import structlog

from pratique.connectors.sftp_push import client
from pratique.connectors.sftp_push.types import File, PushError, Server, Waits
from pratique.delivery.actions import sending as actions
from pratique.delivery.actions.deliveries import file_of, place_id_of
from pratique.delivery.actions.sending import BY, Begun, DeliveryCancelledError
from pratique.delivery.encrypting import KeyUnusableError
from pratique.delivery.models import Delivery
from pratique.delivery.servers import server_of
from pratique.foundation import clock
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.reports.types import ReportError
from pratique.transfers.actions import outbound
from pratique.transfers.models import TransferAccount
from pratique.transfers.outbound import NameTakenError
from pratique.transfers.types import AccountRef

log = structlog.get_logger(__name__)

_NOTED_EVERY_SECONDS = 1.0


def send(institution_id: UUID, delivery_id: UUID, *, waits: Waits | None = None) -> None:
    """Try a delivery once, if it is due; how that ended is on its row.

    What goes wrong on our side is a failed try too, so that one delivery never blocks the others behind it.
    """
    begun = actions.begin(institution_id, delivery_id, clock.now())
    if begun is None:
        return
    delivery = begun.delivery
    try:
        code = _attempt(begun, waits)
    except DeliveryCancelledError:
        return
    except Exception as error:
        # Its text may hold what nobody may read in a log.
        log.error("a delivery failed on our side", delivery=str(delivery_id), error=type(error).__name__)
        code = "failed_here"
    if code:
        log.warning("a delivery failed", delivery=str(delivery_id), tries=delivery.tries, failure=code)
        actions.failed(delivery, code, clock.now())


def _attempt(begun: Begun, waits: Waits | None) -> str:
    """Send the file; return the code of what went wrong, or empty."""
    try:
        delivery = begun.delivery
        if delivery.size is None and (delivery.schedule_id or not delivery.account_id):
            # An account's file without a schedule goes straight into its folder: nobody sends it again.
            actions.make_file(delivery)
        if delivery.account_id:
            return _put(delivery)
        if begun.destination is not None:
            _push(delivery, server_of(begun.destination), waits)
        else:
            actions.delivered(delivery, clock.now())
    except ReportError:
        return "report_failed"
    except KeyUnusableError:
        return "key_unusable"
    except FileMissingError:
        return "file_gone"
    except PushError as error:
        return error.code
    return ""


def _put(delivery: Delivery) -> str:
    with institution_scope(delivery.institution_id):
        account = TransferAccount.objects.get(id=place_id_of(delivery))
    if account.closed_at:
        return "account_closed"
    try:
        file = outbound.put(
            account=AccountRef(account.institution_id, account.id, account.username),
            folder="",
            name=delivery.file_name,
            # Not asked for if a try before this one got as far as putting it there.
            content=_content(delivery),
            source=delivery.report_key,
            by=BY,
            now=clock.now(),
            file_id=delivery.id,
        )
    except NameTakenError:
        return "name_taken"
    actions.delivered(delivery, clock.now(), outbound_file=file)
    return ""


def _push(delivery: Delivery, server: Server, waits: Waits | None) -> None:
    noted_at = 0.0

    def progress(sent: int) -> None:
        nonlocal noted_at
        if time.monotonic() - noted_at >= _NOTED_EVERY_SECONDS:
            noted_at = time.monotonic()
            actions.note_sent(delivery, sent, clock.now())

    store, name = blob_store(), file_of(delivery)
    with closing(store.reader(institution_id=delivery.institution_id, name=name)) as reader:
        pushed = client.push(
            server,
            # Ours alone and the same at every try: its last letters are random.
            File(
                delivery.file_name,
                f"{delivery.file_name}.{delivery.id.hex[-12:]}.part",
                reader.size,
                reader.read,
            ),
            renaming=delivery.renaming_at is not None,
            before_rename=lambda: actions.note_renaming(delivery, clock.now()),
            progress=progress,
            waits=waits,
        )
    actions.delivered(delivery, clock.now())
    log.info("delivered", delivery=str(delivery.id), how=pushed.how, resumed=pushed.resumed)


def _content(delivery: Delivery) -> Iterator[bytes]:
    if delivery.size is None:
        yield from actions.report_of(delivery)
    else:
        yield from blob_store().stream(institution_id=delivery.institution_id, name=file_of(delivery))
