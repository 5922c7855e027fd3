"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.delivery import mails, sending
from pratique.delivery.actions import sending as actions
from pratique.delivery.actions.running import run_due
from pratique.foundation import clock
from pratique.foundation.queue import RETRY
from pratique.institutions.queries import all_institution_ids


# No retry by the queue: a job that waits for its turn would hold the lock of its destination, and the others with it.
# The delivery's row says when it is tried again, and the sweep asks.
@app.task(name="delivery.send", queue="bulk")
def send(*, institution_id: str, delivery_id: str) -> None:
    """Try a delivery once."""
    sending.send(UUID(institution_id), UUID(delivery_id))


@app.task(name="delivery.alert", queue="mail", retry=RETRY)
def alert(*, institution_id: str, destination_id: str, delivery_id: str, why: str) -> None:
    """Mail that deliveries to a destination fail or stopped."""
    mails.send_alert(UUID(institution_id), UUID(destination_id), UUID(delivery_id), why)


@app.task(name="delivery.mail_links", queue="mail", retry=RETRY)
def mail_links(*, institution_id: str, delivery_id: str) -> None:
    """Mail staff the link to a file."""
    mails.send_links(UUID(institution_id), UUID(delivery_id))


@app.task(name="delivery.tell_paused", queue="mail", retry=RETRY)
def tell_paused(*, institution_id: str, schedule_id: str, why: str) -> None:
    """Mail that a schedule paused by itself."""
    mails.send_paused(UUID(institution_id), UUID(schedule_id), why)


@app.periodic(cron="* * * * *")
@app.task(name="delivery.sweep", queue="timed")
def sweep(timestamp: int) -> None:
    """Run the schedules whose time has come, and ask for the tries that are due."""
    for institution_id in all_institution_ids():
        run_due(institution_id=institution_id, now=clock.now())
        actions.ask_for_due(institution_id=institution_id, now=clock.now())


@app.periodic(cron="30 3 * * *")
@app.task(name="delivery.forget_files", queue="timed")
def forget_files(timestamp: int) -> None:
    """Delete kept files that no try will send."""
    for institution_id in all_institution_ids():
        actions.forget_files(institution_id=institution_id, now=clock.now())
