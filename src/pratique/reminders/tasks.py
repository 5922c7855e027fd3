"""Worker entries: one call each."""

from uuid import UUID

from procrastinate.contrib.django import app

from pratique.foundation import clock
from pratique.foundation.queue import RETRY, enqueue
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids
from pratique.reminders import mails
from pratique.reminders.actions import plan as actions
from pratique.reminders.planning import PLANNED_AT


@app.periodic(cron=f"{PLANNED_AT} * * * *")
@app.task(name="reminders.plan_all", queue="timed")
def plan_all(timestamp: int) -> None:
    """Every hour (schools live in many time zones): have each institution's reminders planned, by a job each.

    One school's trouble is nobody else's.
    """
    for institution_id in all_institution_ids():
        with institution_scope(institution_id):
            enqueue(
                "reminders.plan",
                institution_id=institution_id,
                queue="timed",
                once=f"reminders:{institution_id}",
            )


@app.task(name="reminders.plan", queue="timed", retry=RETRY)
def plan(*, institution_id: str) -> None:
    """Plan what an institution's students are to be reminded of now."""
    with institution_scope(UUID(institution_id)):
        institution = Institution.objects.get(id=institution_id)
    actions.plan(institution=institution, now=clock.now())


@app.task(name="reminders.tell_contacts", queue="mail", retry=RETRY)
def tell_contacts(*, institution_id: str) -> None:
    """Tell offices of the school what was approved."""
    mails.tell_contacts(UUID(institution_id), now=clock.now())
