"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.queue import RETRY
from pratique.partners.actions import demo_environment


@app.task(name="partners.prepare_demo", queue="interactive", retry=RETRY)
def prepare_demo(*, institution_id: str) -> None:
    """Make a school's demo environment, or bring over what the school has gained since."""
    demo_environment.prepare(institution_id=UUID(institution_id), now=clock.now())
