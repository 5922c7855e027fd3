"""What a schedule is and how it stands, in words."""

from collections.abc import Iterable, Mapping
from uuid import UUID

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from pratique.accounts.queries import display_names
from pratique.delivery import timing
from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.queries import ScheduleStanding, schedule_standing
from pratique.delivery.types import sentence, why_paused, why_stopped
from pratique.interfaces.console.schedule_forms import FORMATS

NEEDS_CARE = "care"
STANDINGS: Mapping[str, str | Promise] = {
    NEEDS_CARE: gettext_lazy("Fails, or waits for somebody"),
    ScheduleStanding.READY.value: gettext_lazy("Runs well"),
    ScheduleStanding.WAITING.value: gettext_lazy("On its way"),
    ScheduleStanding.NEVER.value: gettext_lazy("Nothing delivered yet"),
    ScheduleStanding.FAILING.value: gettext_lazy("Last try failed"),
    ScheduleStanding.REPORT_GONE.value: gettext_lazy("Report deleted"),
    ScheduleStanding.STOPPED.value: gettext_lazy("Destination stopped"),
    ScheduleStanding.PAUSED.value: gettext_lazy("Paused"),
    ScheduleStanding.IN_DOUBT.value: gettext_lazy("Waits for your answer"),
}


def when(schedule: Schedule) -> str:
    """Return when it runs."""
    return timing.in_words(schedule.every_minutes, timing.from_data(schedule.calendar))


def format_word(code: str) -> str:
    """Return what a format is called on a form."""
    return str(FORMATS.get(code, code))


def needs_care(schedule: Schedule) -> bool:
    """Return whether it fails, or waits for somebody; one that somebody paused has what they wanted."""
    stands = schedule_standing(schedule)
    if stands is ScheduleStanding.PAUSED:
        return bool(schedule.paused_for != "staff")
    return stands in (
        ScheduleStanding.IN_DOUBT,
        ScheduleStanding.REPORT_GONE,
        ScheduleStanding.STOPPED,
        ScheduleStanding.FAILING,
    )


def problem(schedule: Schedule, latest: Delivery | None) -> str:
    """Return in a sentence or two what keeps a schedule from running, and what helps; empty if nothing does."""
    match schedule_standing(schedule):
        case ScheduleStanding.IN_DOUBT | ScheduleStanding.PAUSED:
            return why_paused(schedule.paused_for)
        case ScheduleStanding.REPORT_GONE:
            return _("Its report was deleted, so it can make no file. Choose another report.")
        case ScheduleStanding.STOPPED:
            return why_stopped(schedule.destination.stopped_for) if schedule.destination else ""
        case ScheduleStanding.FAILING:
            return sentence(latest.failure) if latest else ""
    return ""


def places(rows: Iterable[Schedule | Delivery]) -> Mapping[UUID, str]:
    """Return for each schedule or delivery where its file goes; colleagues' names come in one query."""
    found = list(rows)
    people = display_names([UUID(key) for one in found for key in one.staff])
    return {one.id: _place(one, people) for one in found}


def _place(one: Schedule | Delivery, people: Mapping[UUID, str]) -> str:
    if one.destination is not None:
        return str(one.destination.name)
    if one.account is not None:
        return _("Folder of %(account)s") % {"account": one.account.name}
    names = [people[key] for key in map(UUID, one.staff) if key in people]
    if len(names) == 1:
        return _("Link to %(name)s") % {"name": names[0]}
    return ngettext("Link to %(count)d colleague", "Link to %(count)d colleagues", len(one.staff)) % {
        "count": len(one.staff)
    }
