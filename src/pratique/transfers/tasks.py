"""Worker entries: one call each."""

from procrastinate.contrib.django import app

from pratique.foundation import audit, clock
from pratique.institutions.queries import all_institution_ids
from pratique.transfers.actions import outbound


@app.periodic(cron="50 3 * * *")
@app.task(name="transfers.delete_old_outbound", queue="timed")
def delete_old_outbound(timestamp: int) -> None:
    """Delete files of `/outbound` that were kept long enough."""
    for institution_id in all_institution_ids():
        outbound.delete_old(institution_id=institution_id, by=audit.SYSTEM, now=clock.now())
