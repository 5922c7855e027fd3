"""The audit trail, for administrators."""

import csv
import io
import json
from collections.abc import Iterator
from datetime import UTC
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.foundation.neutralise import neutralise
from pratique.interfaces.console import activity as trail
from pratique.interfaces.console import people
from pratique.interfaces.console.activity_words import KINDS
from pratique.screens.downloads import streamed
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import requires

_SIZES = (50, 100, 200)
_EXPORTS = 20
_CARRIED = ("kind", "person", "student", "from", "to", "q")  # from the list into its file
_HEADER = ("At", "By", "Name", "Kind", "Action", "What", "About", "Id", "Student", "Detail")


@requires(Permission.VIEW_AUDIT)
@require_safe
def activity(request: HttpRequest) -> HttpResponse:
    chosen, sort, zone = trail.read_filter(request.GET), trail.read_sort(request.GET), _zone(request)
    found = trail.events(chosen, zone=zone)
    total, size = found.count(), page_size(request.GET, _SIZES)
    number = page_number(request.GET, total=total, size=size)
    rows = trail.rows(trail.ordered(found, sort)[(number - 1) * size : number * size])
    exports = []
    if chosen.student:
        # One more than is shown tells that there are more; counting them all would read the whole trail.
        exports = trail.rows(trail.exports_that_may_include(chosen, zone=zone)[: _EXPORTS + 1])
    return render(
        request,
        "console/activity.html",
        {
            "page": Page(rows, number, size, total),
            "chosen": chosen,
            "sort": sort,
            "kinds": KINDS,
            "persons": trail.person_choices(),
            "people": people.names(row.event.by for row in [*rows, *exports]),
            "exports": exports[:_EXPORTS],
            "more_exports": len(exports) > _EXPORTS,
            "carried": [(name, request.GET[name]) for name in _CARRIED if request.GET.get(name)],
        },
    )


@requires(Permission.VIEW_AUDIT)
@require_POST
def activity_export(request: HttpRequest) -> HttpResponseBase:
    """Send the events of a filter as CSV. Taking them away is an event too, about the student if one is chosen."""
    chosen, zone = trail.read_filter(request.POST), _zone(request)
    institution, now = people.staff(request).institution, clock.now()
    audit.record(
        "console:activity:exported",
        institution_id=institution.id,
        by=people.actor(request),
        now=now,
        subject_type="student" if chosen.student else "",
        subject_id=chosen.student.id if chosen.student else None,
        detail=_detail(chosen),
    )
    sort = trail.read_sort(request.POST)
    return streamed(
        lambda: _csv(chosen, sort, zone),
        institution_id=institution.id,
        file_name=f"{institution.slug}-activity-{now.astimezone(zone):%Y-%m-%d}.csv",
    )


def _csv(chosen: trail.ActivityFilter, sort: str, zone: ZoneInfo) -> Iterator[bytes]:
    yield _lines([_HEADER])
    for rows in trail.row_batches(trail.ordered(trail.events(chosen, zone=zone), sort)):
        names = people.names(row.event.by for row in rows)
        yield _lines([_cells(row, names[row.event.by]) for row in rows])


def _cells(row: trail.Row, name: str) -> tuple[str, ...]:
    event = row.event
    return (
        event.at.astimezone(UTC).isoformat(),
        event.by,
        name,
        trail.kind_word(event).value,
        event.action,
        row.said.text,
        event.subject_type,
        str(event.subject_id or ""),
        row.student.username if row.student else "",
        json.dumps(event.detail, sort_keys=True, ensure_ascii=False) if event.detail else "",
    )


def _lines(rows: list[tuple[str, ...]]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(map(neutralise, row) for row in rows)
    return text.getvalue().encode()


def _detail(chosen: trail.ActivityFilter) -> dict[str, Any]:
    """Say which filter it was: codes and days. Free text may be a name, so only that there was some."""
    return {
        name: value
        for name, value in {
            "kind": chosen.kind.value if chosen.kind else "",
            "person": chosen.person,
            "from": chosen.since.isoformat() if chosen.since else "",
            "to": chosen.until.isoformat() if chosen.until else "",
            "text": bool(chosen.text),
            "unknown_student": chosen.student_is_unknown,
        }.items()
        if value
    }


def _zone(request: HttpRequest) -> ZoneInfo:
    return ZoneInfo(people.staff(request).institution.time_zone)
