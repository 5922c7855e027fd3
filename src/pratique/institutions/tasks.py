"""Worker entries: one call each."""

import structlog
from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.audit_chain import actions as audit_chain
from pratique.foundation.audit_chain.rows import UnreadableEventError
from pratique.institutions.queries import all_institution_ids

log = structlog.get_logger(__name__)


@app.periodic(cron="* * * * *")
@app.task(name="institutions.seal_audit", queue="timed", queueing_lock="institutions.seal_audit")
def seal_audit(timestamp: int) -> None:
    """Every minute: chain the audit rows that were written since; once an hour, look for any left behind too."""
    sweep = timestamp // 60 % 60 == 0
    for institution_id in all_institution_ids():
        try:
            audit_chain.seal(institution_id=institution_id, now=clock.now(), sweep=sweep)
        except UnreadableEventError:
            # Tampered with before it was sealed. The other schools' trails go on; `audit verify` tells of this one.
            log.error("an audit event cannot be sealed", institution_id=str(institution_id))
