"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation import audit, clock
from pratique.foundation.queue import RETRY
from pratique.institutions.queries import all_institution_ids
from pratique.reports import actions


# The action opens `institution_scope` step by step, so that its progress can be seen; see `actions.run`.
@app.task(name="reports.run", queue="bulk", retry=RETRY)
def run(*, institution_id: str, run_id: str) -> None:
    """Make the file of a run."""
    actions.run(institution_id=UUID(institution_id), run_id=UUID(run_id), now=clock.now())


@app.periodic(cron="40 3 * * *")
@app.task(name="reports.delete_old", queue="timed")
def delete_old(timestamp: int) -> None:
    """Delete files that were kept long enough."""
    for institution_id in all_institution_ids():
        actions.delete_old(institution_id=institution_id, by=audit.SYSTEM, now=clock.now())
