"""The students list and one student's page."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.interfaces.console import activity, people, student_list, student_page
from pratique.reviews.actions import messages as message_actions
from pratique.reviews.errors import ReviewError
from pratique.reviews.models import MessageSide
from pratique.screens.paging import Page, page_number, page_size
from pratique.screens.permissions import granted, requires
from pratique.students import queries

_EVENTS = 20  # of the trail, on a student's page


@requires(Permission.VIEW_STUDENTS)
@require_safe
def students(request: HttpRequest) -> HttpResponse:
    today = clock.today(people.staff(request).institution.time_zone)
    chosen = student_list.read_filter(request.GET, today=today)
    sort = student_list.read_sort(request.GET)
    size = page_size(request.GET, queries.PAGE_SIZES)
    total = queries.count(chosen)
    number = page_number(request.GET, total=total, size=size)
    rows = queries.page(chosen, sort=sort, offset=(number - 1) * size, limit=size, total=total)
    choices = student_list.choices(request.GET)
    columns = student_list.read_columns(request.COOKIES.get(student_list.COLUMNS_COOKIE, ""))
    return render(
        request,
        "console/students.html",
        {
            "page": Page(rows, number, size, total),
            "sizes": queries.PAGE_SIZES,
            "search": chosen.search,
            "choices": choices,
            "chips": [choice for choice in choices if choice.label],
            "sort": sort,
            "columns": columns,
            "all_columns": student_list.COLUMNS,
            "today": today,
        },
    )


@requires(Permission.VIEW_STUDENTS)
@require_POST
def student_columns(request: HttpRequest) -> HttpResponse:
    """Keep the chosen columns in this browser, and go back to the list."""
    known = [column.key for column in student_list.COLUMNS]
    chosen = [key for key in known if key in request.POST.getlist("column")]
    query = request.POST.get("query", "")
    response = HttpResponseRedirect(f"{reverse('students')}?{query}" if query else reverse("students"))
    response.set_cookie(
        student_list.COLUMNS_COOKIE,
        ".".join(chosen),
        max_age=365 * 24 * 3600,
        httponly=True,
        samesite="Lax",
        secure=request.is_secure(),
    )
    return response


@requires(Permission.VIEW_STUDENTS)
@require_safe
def student(request: HttpRequest, student_id: UUID) -> HttpResponse:
    found = queries.find(student_id)
    if found is None:
        raise Http404
    today = clock.today(people.staff(request).institution.time_zone)
    audit.record(
        "console:student:viewed",
        institution_id=found.institution_id,
        by=people.actor(request),
        now=clock.now(),
        subject_type="student",
        subject_id=found.id,
    )
    seen = (
        activity.rows(activity.about_student(found.id)[:_EVENTS])
        if Permission.VIEW_AUDIT in granted(request)
        else []
    )
    return render(
        request,
        "console/student.html",
        {
            **(student_page.reminded(found.id) if Permission.SEND_REMINDERS in granted(request) else {}),
            "student": found,
            "standings": student_page.standings(found.id, today),
            "today": today,
            **student_page.handed_in(found.id, today),
            "events": seen,
            "people": people.names(row.event.by for row in seen),
        },
    )


@requires(Permission.REVIEW)
@require_POST
def student_message(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """Write to a student; what they wrote counts as read with the answer."""
    if queries.find(student_id) is None:
        raise Http404
    by, now = people.actor(request), clock.now()
    try:
        message_actions.write(
            student_id=student_id, requirement_key=request.POST.get("requirement", "").replace("\0", ""),
            body=request.POST.get("body", ""), side=MessageSide.STAFF, by=by, now=now,
        )  # fmt: skip
    except ReviewError as error:
        messages.error(request, error.sentence)
    else:
        message_actions.mark_read(
            student_id=student_id, requirement_key=None, side=MessageSide.STAFF, by=by, now=now
        )
        messages.success(request, _("The message is sent. The student is told that one waits."))
    return redirect(f"{reverse('student', args=[student_id])}#messages")
