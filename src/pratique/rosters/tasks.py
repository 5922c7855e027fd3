"""Worker entries: one call each."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import UUID

import psycopg
from django.db import DatabaseError
from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.queue import RETRY
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids
from pratique.rosters import actions
from pratique.rosters.planning import Report
from pratique.rosters.progress import reporting

FILES_KEPT = timedelta(days=30)
# No transaction that is storing a roster lasts as long.
_STRAYS_KEPT = timedelta(days=1)


@app.task(name="rosters.check", queue="bulk", retry=RETRY)
def check(*, institution_id: str, roster_import_id: str) -> None:
    """Make the plan of an import that waits for it."""
    with _import(institution_id, roster_import_id) as (institution, report):
        actions.check(
            institution=institution,
            roster_import_id=UUID(roster_import_id),
            today=clock.today(institution.time_zone),
            report=report,
        )


@app.task(name="rosters.apply", queue="bulk", retry=RETRY)
def apply(*, institution_id: str, roster_import_id: str) -> None:
    """Apply an import that was confirmed."""
    with _import(institution_id, roster_import_id) as (institution, report):
        actions.apply(
            institution=institution,
            roster_import_id=UUID(roster_import_id),
            today=clock.today(institution.time_zone),
            now=clock.now(),
            report=report,
        )


@app.periodic(cron="10 3 * * *")
@app.task(name="rosters.delete_old_files", queue="timed")
def delete_old_files(timestamp: int) -> None:
    """Delete roster files that are older than the retention time, and what a crash left of others."""
    now = clock.now()
    for institution_id in all_institution_ids():
        actions.delete_old_files(institution_id=institution_id, before=now - FILES_KEPT)
        actions.delete_strays(institution_id=institution_id, before=now - _STRAYS_KEPT)


@contextmanager
def _import(institution_id: str, roster_import_id: str) -> Iterator[tuple[Institution, Report]]:
    """Yield the institution and where to report progress; a fault that trying again cannot mend ends the import."""
    with institution_scope(UUID(institution_id)):
        institution = Institution.objects.get(id=institution_id)
    try:
        with reporting(institution.id, UUID(roster_import_id)) as report:
            yield institution, report
    except (DatabaseError, psycopg.Error):
        raise  # the job is tried again
    except Exception:
        actions.give_up(institution=institution, roster_import_id=UUID(roster_import_id), now=clock.now())
        raise
