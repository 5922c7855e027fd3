"""The student's whole record: to look at, and to take away as PDF or JSON. For ever, also after they have left."""

from typing import Any

import orjson
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.compliance.queries import standing
from pratique.foundation import audit, clock
from pratique.foundation.storage import FileMissingError
from pratique.foundation.vault import VaultError
from pratique.interfaces.portal import naming, people, typed_dates
from pratique.interfaces.portal.people import Acting
from pratique.records import images, queries
from pratique.records.models import Page
from pratique.records.record import data, pdf
from pratique.records.record.data import Registration, Requirement
from pratique.screens.permissions import Access, requires
from pratique.students.models import MembershipState
from pratique.students.queries import memberships_of


@requires(Access.STUDENT)
@require_safe
def record(request: HttpRequest) -> HttpResponse:
    acting = _oneself(request)
    found = queries.record_of(acting.student.id)
    return render(
        request,
        "portal/record.html",
        {
            "acting": acting,
            "student": acting.student,
            "student_name": naming.name_of(acting.student),
            "record": found,
            "papers": data.papers(found),
            "registrations": _registrations(request, acting),
        },
    )


@requires(Access.STUDENT)
@require_safe
def record_pdf(request: HttpRequest) -> HttpResponse:
    acting = _oneself(request)
    content = pdf.make(
        acting.student,
        queries.record_of(acting.student.id),
        _registrations(request, acting),
        school=people.person(request).institution.name,
        made_at=clock.now(),
        read_picture=_picture,
        say_date=typed_dates.in_words,
    )
    return _file(request, acting, content, "application/pdf", "pdf")


@requires(Access.STUDENT)
@require_safe
def record_json(request: HttpRequest) -> HttpResponse:
    acting = _oneself(request)
    values = data.as_values(
        acting.student,
        queries.record_of(acting.student.id),
        _registrations(request, acting),
        school=people.person(request).institution.name,
        made_at=clock.now(),
    )
    return _file(
        request, acting, orjson.dumps(values, option=orjson.OPT_INDENT_2), "application/json", "json"
    )


def _oneself(request: HttpRequest) -> Acting:
    """Return the student; a helper does not take the record away, which may hold what is confidential."""
    acting = people.acting(request)
    if acting.is_guardian:
        raise Http404
    return acting


def _registrations(request: HttpRequest, acting: Acting) -> list[Registration]:
    today = clock.today(people.person(request).institution.time_zone)
    return [
        Registration(
            package=one.package.name,
            tracker=one.tracker.name if one.tracker else "",
            due_on=one.tracker.due_on if one.tracker else None,
            state=one.state,
            expires_on=one.expires_on,
            requirements=[
                Requirement(item.name, item.status, item.reasons) for item in standing(one.id, today)
            ]
            if one.state == MembershipState.ACTIVE
            else (),
        )
        for one in memberships_of(acting.student.id)
    ]


def _picture(page: Page) -> bytes:
    try:
        return images.page_image(page)
    except (FileMissingError, VaultError) as lost:
        raise OSError("The picture of a page cannot be read.") from lost


def _file(
    request: HttpRequest, acting: Acting, content: bytes, content_type: str, ending: str
) -> HttpResponse:
    """Send the record as a file; the trail says that it was taken, which the student sees too."""
    now = clock.now()
    detail: dict[str, Any] = {"format": ending}
    audit.record(
        "portal:record:exported",
        institution_id=acting.student.institution_id,
        by=acting.actor,
        now=now,
        subject_type="student",
        subject_id=acting.student.id,
        detail=detail,
    )
    name = f"health-record-{now:%Y-%m-%d}.{ending}"
    return HttpResponse(
        content,
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="{name}"'},
    )
