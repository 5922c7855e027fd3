"""Worker entries: one call each."""

import time
from uuid import UUID

from procrastinate.contrib.django import app

from pratique.compliance import actions
from pratique.foundation import clock
from pratique.foundation.queue import RETRY, enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids

_SLICE_SECONDS = 5.0


@app.task(name="compliance.evaluate_stale", queue="interactive", retry=RETRY)
def evaluate_stale(*, institution_id: str) -> None:
    """Evaluate what is marked stale in an institution, for a while; the rest is a job of its own.

    So a worker can stop between two batches, and one school's rule change keeps no other school waiting.
    """
    institution = _institution(UUID(institution_id))
    until = time.monotonic() + _SLICE_SECONDS
    more = False

    def go_on(done: int) -> bool:
        nonlocal more
        more = time.monotonic() > until
        return not more

    actions.evaluate_stale(
        institution=institution, today=clock.today(institution.time_zone), now=clock.now(), report=go_on
    )
    if more:
        _enqueue(institution.id)


@app.periodic(cron="2 * * * *")
@app.task(name="compliance.mark_lapsed", queue="timed")
def mark_lapsed(timestamp: int) -> None:
    """Every hour (schools live in many time zones): mark what lapsed at somebody's midnight, and have it judged."""
    for institution_id in all_institution_ids():
        institution = _institution(institution_id)
        if actions.mark_lapsed(
            institution=institution, today=clock.today(institution.time_zone), now=clock.now()
        ):
            _enqueue(institution_id)


# The last of a day is at 23:55 (or 23:25, 23:40 where clocks differ by less than an hour).
@app.periodic(cron="55 * * * *")
@app.task(name="compliance.note_days", queue="timed")
def note_days(timestamp: int) -> None:
    """Every hour: note how everybody stands, for the day that it is at each institution."""
    for institution_id in all_institution_ids():
        institution = _institution(institution_id)
        actions.note_day(institution=institution, today=clock.today(institution.time_zone), now=clock.now())


def _enqueue(institution_id: UUID) -> None:
    enqueue(
        "compliance.evaluate_stale",
        institution_id=institution_id,
        queue="interactive",
        once=f"stale:{institution_id}",
    )


def _institution(institution_id: UUID) -> Institution:
    with institution_scope(institution_id):
        return Institution.objects.get(id=institution_id)
