"""Worker entries: one call each."""

from uuid import UUID

from procrastinate import JobContext
from procrastinate.contrib.django import app

from pratique.foundation import audit, clock
from pratique.foundation.queue import RETRY
from pratique.institutions.queries import all_institution_ids
from pratique.transfers import importing, mails
from pratique.transfers.actions import outbound, sweep


@app.task(name="transfers.import_file", queue="bulk", retry=RETRY, pass_context=True)
def import_file(context: JobContext, *, institution_id: str, file_id: str) -> None:
    """Import a claimed file, or say of one that failed at its claim why."""
    importing.import_file(
        UUID(institution_id), UUID(file_id), is_last_try=context.job.attempts >= (RETRY.max_attempts or 0)
    )


@app.task(name="transfers.mail_result", queue="mail", retry=RETRY)
def mail_result(*, institution_id: str, file_id: str) -> None:
    """Mail what became of a file."""
    mails.send_result(UUID(institution_id), UUID(file_id))


@app.task(name="transfers.mail_suspension", queue="mail", retry=RETRY)
def mail_suspension(*, institution_id: str, file_id: str) -> None:
    """Mail that a repeated file suspended its account."""
    mails.send_suspension(UUID(institution_id), UUID(file_id))


@app.periodic(cron="*/10 * * * *")
@app.task(name="transfers.end_abandoned", queue="timed")
def end_abandoned(timestamp: int) -> None:
    """End the files whose job is gone."""
    for institution_id in all_institution_ids():
        for file_id in sweep.abandoned(institution_id=institution_id, now=clock.now()):
            importing.end_abandoned(institution_id, file_id)


@app.periodic(cron="35 3 * * *")
@app.task(name="transfers.sweep", queue="timed")
def sweep_old(timestamp: int) -> None:
    """Delete stored content that nobody needs, and what the log has kept long enough."""
    for institution_id in all_institution_ids():
        sweep.delete_content(institution_id=institution_id, now=clock.now())
        sweep.delete_old_rows(institution_id=institution_id, now=clock.now())


@app.periodic(cron="50 3 * * *")
@app.task(name="transfers.delete_old_outbound", queue="timed")
def delete_old_outbound(timestamp: int) -> None:
    """Delete files of `/outbound` that were kept long enough."""
    for institution_id in all_institution_ids():
        outbound.delete_old(institution_id=institution_id, by=audit.SYSTEM, now=clock.now())
