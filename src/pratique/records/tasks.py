"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.queue import RETRY
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids
from pratique.records.actions import checking, files


@app.task(name="records.check_file", queue="interactive", retry=RETRY)
def check_file(*, institution_id: str, file_id: str) -> None:
    """Check a file that is all here."""
    with institution_scope(UUID(institution_id)):
        institution = Institution.objects.get(id=institution_id)
    checking.check(institution=institution, file_id=UUID(file_id), now=clock.now())


@app.task(name="records.forget_file", queue="bulk", retry=RETRY)
def forget_file(*, institution_id: str, file_id: str) -> None:
    """Remove the stored bytes of a file that was removed."""
    checking.forget(institution_id=UUID(institution_id), file_id=UUID(file_id))


# What no job waits for any more (the scanner was away for an hour, a job was given up) is asked for again.
@app.periodic(cron="*/10 * * * *")
@app.task(name="records.check_waiting_files", queue="timed")
def check_waiting_files(timestamp: int) -> None:
    """Ask again for the check of every file that waits for one."""
    for institution_id in all_institution_ids():
        for file in checking.waiting_files(institution_id=institution_id):
            files.ask_for_check(file)


@app.periodic(cron="25 3 * * *")
@app.task(name="records.forget_old_files", queue="timed")
def forget_old_files(timestamp: int) -> None:
    """Remove unfinished uploads, refused files and the files of abandoned drafts."""
    for institution_id in all_institution_ids():
        checking.forget_old(institution_id=institution_id, now=clock.now())
