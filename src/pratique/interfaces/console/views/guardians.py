"""Who helps a student: the school sees it, invites somebody for a minor, and may end any of it."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from pratique.accounts.roles import Permission
from pratique.foundation import audit, clock
from pratique.interfaces.console import people
from pratique.screens.guardian_forms import Invite
from pratique.screens.permissions import requires
from pratique.students import guardians as queries
from pratique.students.actions import guardians as actions
from pratique.students.actions.guardians import GuardianError
from pratique.students.guardians import GuardianshipState
from pratique.students.models import Guardianship, Student
from pratique.students.queries import find


@requires(Permission.INVITE_GUARDIANS)
@require_http_methods(["GET", "HEAD", "POST"])
def guardians(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """Show who helps a student, and invite somebody if the student is under 18."""
    student = _student(student_id)
    now = clock.now()
    today = clock.today(people.staff(request).institution.time_zone, at=now)
    is_minor = queries.is_minor(student, today)
    form = None
    if is_minor:
        form = Invite(
            request.POST if request.method == "POST" else None,
            usual=queries.usual_day(student, by_school=True, today=today),
            latest=queries.last_possible_day(student, by_school=True, today=today),
            today=today,
        )
    if request.method == "POST":
        if form is None:
            messages.warning(request, _("The school can invite somebody for students under 18 only."))
            return redirect("student_guardians", student_id=student.id)
        if form.is_valid():
            try:
                made = actions.invite(
                    student_id=student.id, by=people.actor(request), now=now, today=today, **form.cleaned_data
                )
            except GuardianError as wrong:
                form.add_error(wrong.field or None, wrong.sentence)
            else:
                messages.success(
                    request, _("A mail with a link is on its way to {name}.").format(name=made.name)
                )
                return redirect("student_guardians", student_id=student.id)
    else:
        audit.record(
            "console:guardianship:viewed", institution_id=student.institution_id, by=people.actor(request),
            now=now, subject_type="student", subject_id=student.id,
        )  # fmt: skip
    lines = queries.of_student(student, today)
    living = (GuardianshipState.INVITED, GuardianshipState.HELPING)
    return render(
        request,
        "console/guardians.html",
        {
            "student": student,
            "is_minor": is_minor,
            "adult_on": queries.adult_on(student.date_of_birth) if student.date_of_birth else None,
            "form": form,
            "present": [line for line in lines if line.state in living],
            "former": [line for line in lines if line.state not in living],
        },
        status=422 if form is not None and form.errors else 200,
    )


@requires(Permission.INVITE_GUARDIANS)
@require_POST
def send_again(request: HttpRequest, student_id: UUID, guardianship_id: UUID) -> HttpResponse:
    """Mail the link once more."""
    return _changed(
        request, student_id, guardianship_id, actions.send_again, _("Another mail is on its way.")
    )


@requires(Permission.INVITE_GUARDIANS)
@require_POST
def end(request: HttpRequest, student_id: UUID, guardianship_id: UUID) -> HttpResponse:
    """End somebody's help at once, whoever allowed it."""
    return _changed(
        request, student_id, guardianship_id, actions.revoke, _("This person has no access any more.")
    )


def _changed(
    request: HttpRequest, student_id: UUID, guardianship_id: UUID, deed: Callable[..., Any], sentence: str
) -> HttpResponse:
    now = clock.now()
    try:
        deed(
            guardianship_id=guardianship_id,
            student_id=student_id,
            by=people.actor(request),
            now=now,
            today=clock.today(people.staff(request).institution.time_zone, at=now),
        )
    except Guardianship.DoesNotExist:
        raise Http404 from None
    except GuardianError as wrong:
        messages.warning(request, wrong.sentence)
    else:
        messages.success(request, sentence)
    return redirect("student_guardians", student_id=student_id)


def _student(student_id: UUID) -> Student:
    found = find(student_id)
    if found is None:
        raise Http404
    return found
