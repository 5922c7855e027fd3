"""Sending a student a fresh sign-in link, when they ask the office for help."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people
from pratique.screens.permissions import requires
from pratique.students import queries
from pratique.students.actions.links import send_link


@requires(Permission.SEND_INVITATIONS)
@require_POST
def send(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """Mail a link to the address on file; who has an account already is told how to sign in instead."""
    student = queries.find(student_id)
    if student is None:
        raise Http404
    if send_link(student_id=student.id, by=people.actor(request), now=clock.now()):
        messages.success(
            request, _("A sign-in link is on its way to {address}.").format(address=student.email)
        )
    else:
        messages.error(request, _("There is no e-mail address on file for this student."))
    return redirect("student", student_id=student.id)
