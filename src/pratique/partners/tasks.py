"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.queue import RETRY
from pratique.institutions.queries import all_institution_ids
from pratique.partners.actions import demo_environment
from pratique.partners.actions.sweep import sweep
from pratique.partners.sessions import NOBODY


@app.task(name="partners.prepare_demo", queue="interactive", retry=RETRY)
def prepare_demo(*, institution_id: str) -> None:
    """Make a school's demo environment, or bring over what the school has gained since."""
    demo_environment.prepare(institution_id=UUID(institution_id), now=clock.now())


@app.periodic(cron="37 * * * *")
@app.task(name="partners.sweep", queue="timed")
def sweep_calls(timestamp: int) -> None:
    """Every hour: delete what calls have left behind and nobody needs, one institution after the other."""
    for institution_id in (*all_institution_ids(), NOBODY):
        sweep(institution_id=institution_id, now=clock.now())
