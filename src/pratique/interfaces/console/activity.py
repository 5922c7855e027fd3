"""Reading the audit trail, and what an event of it says in a sentence."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

from django.db.models import QuerySet
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.foundation.models import AuditEvent


@dataclass(frozen=True)
class Kind:
    """Events that belong together, as the filter offers them; `prefix` begins their names."""

    name: str | Promise
    prefix: str


KINDS: Mapping[str, Kind] = {
    "students": Kind(_("Records seen"), "console:student:"),
    "rosters": Kind(_("Roster imports"), "roster:"),
    "reports": Kind(_("Reports"), "report"),
    "requirements": Kind(_("Requirements"), "requirement"),
    "accounts": Kind(_("Staff accounts"), "accounts:"),
}

_SENTENCES: Mapping[str, str | Promise] = {
    "console:student:viewed": _("Opened a student’s record"),
    "console:roster_results:downloaded": _("Downloaded the results of a roster import"),
    "roster:import:received": _("Uploaded a roster file"),
    "roster:import:confirmed": _("Had a roster import applied"),
    "roster:import:applied": _("Applied a roster import"),
    "roster:import:cancelled": _("Cancelled a roster import"),
    "roster:import:failed": _("Could not apply a roster import"),
    "records:evidence:added": _("Added health records"),
    "institutions:institution:created": _("Made the institution"),
    "institutions:package:created": _("Made a package"),
    "accounts:staff:created": _("Made a staff account"),
    "requirements:set:drafted": _("Began a new version of requirements"),
    "requirements:set:published": _("Published a version of requirements"),
    "reports:report:exported": _("Downloaded a report"),
    "reports:run:requested": _("Asked for a report’s file"),
    "reports:run:cancelled": _("Stopped a report’s file"),
    "reports:run:downloaded": _("Downloaded a report’s file"),
    "reports:run:deleted": _("Deleted report files whose time was over"),
}

_PAGES = {"student": "student", "roster_import": "roster", "report_run": "report_run"}


@dataclass(frozen=True)
class Sentence:
    """An event in words, and the page of what it is about, if it has one."""

    text: str | Promise
    url: str


def sentence(event: AuditEvent) -> Sentence:
    """Return what happened. An event that has no sentence yet shows its name, rather than nothing."""
    page = _PAGES.get(event.subject_type)
    url = reverse(page, args=[event.subject_id]) if page and event.subject_id else ""
    return Sentence(_SENTENCES.get(event.action, event.action.replace(":", " · ").replace("_", " ")), url)


def events(*, kind: str = "", subject_id: UUID | None = None) -> QuerySet[AuditEvent]:
    """Return events, newest first: all, those of a kind of KINDS, or those about one subject."""
    found = AuditEvent.objects.order_by("-at", "-id")
    if kind in KINDS:
        found = found.filter(action__startswith=KINDS[kind].prefix)
    return found.filter(subject_id=subject_id) if subject_id else found
