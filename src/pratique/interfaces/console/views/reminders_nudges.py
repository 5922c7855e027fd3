"""Reminding a list of students by hand: what it would do, and then doing it."""

from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_http_methods

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people, reminder_words, student_list
from pratique.reminders.actions import nudges
from pratique.reminders.models import BatchState
from pratique.reminders.queries import settings_of
from pratique.screens.permissions import requires
from pratique.students import queries
from pratique.students.models import Membership, MembershipState, Student


@requires(Permission.SEND_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_nudge(request: HttpRequest) -> HttpResponse:
    """Remind all students that an address of the students' list asks for, not only those of its page."""
    today = clock.today(people.staff(request).institution.time_zone)
    chosen = student_list.read_filter(request.GET, today=today)
    ids = list(queries.filtered(chosen).values_list("id", flat=True))
    query = request.GET.urlencode()
    back = reverse("students") + (f"?{query}" if query else "")
    return _nudge(request, ids, told=reminder_words.told(request.GET), back=back)


@requires(Permission.SEND_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_student(request: HttpRequest, student_id: UUID) -> HttpResponse:
    """Remind one student."""
    student = queries.find(student_id)
    if student is None:
        raise Http404
    ids = list(
        Membership.objects.filter(student_id=student.id, state=MembershipState.ACTIVE).values_list(
            "id", flat=True
        )
    )
    return _nudge(
        request, ids, told=_("One student"), back=reverse("student", args=[student.id]), student=student
    )


def _nudge(
    request: HttpRequest, ids: list[UUID], *, told: str, back: str, student: Student | None = None
) -> HttpResponse:
    institution = people.staff(request).institution
    has_grown = False
    if request.method == "POST":
        seen = request.POST.get("list", "")
        # Whoever came onto the list since the page was shown was not agreed to; whoever left it does not matter.
        has_grown = not (seen.isascii() and seen.isdigit()) or len(ids) > int(seen[:9])
        if not has_grown:
            batch = nudges.nudge(
                institution=institution,
                membership_ids=ids,
                told=told,
                by=people.actor(request),
                now=clock.now(),
            )
            if batch.state == BatchState.WAITING:
                messages.success(request, _("It waits for approval. Nothing has been sent yet."))
            elif batch.students:
                said = ngettext(
                    "{count} student is reminded.", "{count} students are reminded.", batch.students
                )
                messages.success(request, said.format(count=f"{batch.students:,}"))
            else:
                messages.warning(request, _("Nobody was reminded."))
            return redirect("reminder_batch", batch_id=batch.id)
    now = clock.now()
    preview = nudges.preview(institution=institution, membership_ids=ids, now=now) if ids else None
    left_out = list(reminder_words.left_out(preview.left_out)) if preview else []
    return render(
        request,
        "console/reminders/nudge.html",
        {
            "preview": preview,
            "all": len(ids),
            "left_out": left_out,
            "left_out_count": sum(count for _reason, count in left_out),
            "told": told,
            "back": back,
            "student": student,
            "at_once": bool(preview and preview.send_at <= now),
            "limit": settings_of().approval_above,
            "has_grown": has_grown,
        },
        status=409 if has_grown else 200,
    )
