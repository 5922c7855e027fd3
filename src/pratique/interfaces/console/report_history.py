"""Who took a report away: files made in the background (`ReportRun`), and downloads at once (the audit trail)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from pratique.foundation.models import AuditEvent
from pratique.reports import queries
from pratique.reports.models import ReportRun

DAYS = 90
_LISTED = 50


@dataclass(frozen=True)
class Line:
    """A file of a report. A download at once has no `run`: whoever asked for it took it."""

    at: datetime
    by: str
    format: str
    rows: int | None = None
    run: ReportRun | None = None
    taken_by: Sequence[str] = ()


def lines(key: str, *, now: datetime) -> list[Line]:
    """Return the latest files of the report called `key`, newest first."""
    runs = list(queries.recent_runs(limit=_LISTED, key=key))
    taken = _taken([run.id for run in runs])
    found = [
        Line(run.requested_at, run.requested_by, run.format, run.rows, run, taken.get(run.id, ()))
        for run in runs
    ]
    # The trail is found by its time, not by its report: a bound on the time bounds the search.
    at_once = AuditEvent.objects.filter(
        action="reports:report:exported", detail__report=key, at__gte=now - timedelta(days=DAYS)
    ).order_by("-at", "-id")[:_LISTED]
    found += [
        Line(event.at, event.by, event.detail.get("format", ""), taken_by=(event.by,)) for event in at_once
    ]
    return sorted(found, key=lambda line: line.at, reverse=True)[:_LISTED]


def _taken(runs: Sequence[UUID]) -> Mapping[UUID, Sequence[str]]:
    events = AuditEvent.objects.filter(subject_id__in=runs, action="reports:run:downloaded").order_by("at")
    found: dict[UUID, dict[str, None]] = {}
    for run, by in events.values_list("subject_id", "by"):
        if run is not None:
            found.setdefault(run, {})[by] = None
    return {run: tuple(names) for run, names in found.items()}
