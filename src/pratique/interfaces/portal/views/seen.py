"""Who looked at or changed the student's record: the part of the trail that is theirs to know."""

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from pratique.interfaces.portal import people
from pratique.screens.permissions import Access, requires
from pratique.students import history


@requires(Access.STUDENT)
@require_safe
def seen(request: HttpRequest) -> HttpResponse:
    acting = people.acting(request)
    if acting.is_guardian:
        raise Http404
    number = request.GET.get("page", "1")
    page = history.for_student(
        acting.student.id, page=int(number) if number.isdecimal() and len(number) < 6 else 1
    )
    return render(request, "portal/seen.html", {"acting": acting, "history": page})
