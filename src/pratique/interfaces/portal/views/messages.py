"""Messages with the reviewers: the list of threads, and one thread. Plain text only."""

from django.contrib import messages as notes
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.foundation import clock
from pratique.interfaces.portal import naming, people, standings
from pratique.interfaces.portal.people import Acting
from pratique.reviews.actions import messages as actions
from pratique.reviews.models import MessageSide
from pratique.reviews.queries import messages as queries
from pratique.screens.permissions import Access, requires
from pratique.students.queries import memberships_of

GENERAL = "general"  # the thread about no requirement in particular, as an address


@requires(Access.STUDENT)
@require_safe
def threads(request: HttpRequest) -> HttpResponse:
    acting = people.acting(request)
    found = queries.threads(
        acting.student.id, side=MessageSide.STUDENT, sees_confidential=acting.sees_confidential
    )
    names = _names(request, acting)
    return render(
        request,
        "portal/messages.html",
        {
            "acting": acting,
            "threads": [
                {
                    "line": line,
                    "name": _name(line.requirement_key, names),
                    "key": line.requirement_key or GENERAL,
                }
                for line in found
                if not acting.is_guardian or line.requirement_key in names
            ],
            "general": GENERAL,
        },
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, key: str) -> HttpResponse:
    """Show a thread, which reads it; POST writes to it."""
    acting = people.acting(request)
    requirement = _requirement(key)
    tz = people.person(request).institution.time_zone
    names = _names(request, acting)
    found = queries.thread(acting.student.id, requirement, sees_confidential=acting.sees_confidential)
    # A guardian sees the threads of the items that they see; what is about none of them is between the student and
    # the school.
    hidden = acting.is_guardian and requirement not in names
    if hidden or (requirement and requirement not in names and not found):
        return redirect("portal_messages")
    problem, typed = "", ""
    if request.method == "POST" and not acting.may_upload:
        raise PermissionDenied
    if request.method == "POST":
        typed = request.POST.get("body", "")
        try:
            actions.write(
                student_id=acting.student.id,
                requirement_key=requirement,
                body=typed,
                side=MessageSide.STUDENT,
                by=acting.actor,
                now=clock.now(),
            )
        except actions.MessageError as wrong:
            problem = wrong.sentence
        else:
            notes.success(request, _("Your message is sent. The answer comes here."))
            return redirect("portal_thread", key)
    elif not acting.is_guardian:
        actions.mark_read(
            student_id=acting.student.id, requirement_key=requirement, side=MessageSide.STUDENT,
            by=acting.actor, now=clock.now(),
        )  # fmt: skip
    return render(
        request,
        "portal/thread.html",
        {
            "acting": acting,
            "name": _name(requirement, names),
            "messages_in_thread": found,
            "longest": actions.LONGEST,
            "problem": problem,
            "typed": typed,
            "key": key,
            "is_confidential": any(one.confidential for one in found),
            "has_helpers": bool(requirement) and naming.has_helpers(acting.student.id, clock.today(tz)),
        },
        status=422 if problem else 200,
    )


@requires(Access.STUDENT)
@require_POST
def thread_confidential(request: HttpRequest, key: str) -> HttpResponse:
    """Keep a thread from those who help the student, or no longer."""
    acting = people.acting(request)
    requirement, wanted = _requirement(key), request.POST.get("confidential") == "yes"
    actions.set_thread_confidential(
        student_id=acting.student.id, requirement_key=requirement, confidential=wanted, by=acting.actor,
        now=clock.now(),
    )  # fmt: skip
    notes.success(
        request,
        _("Those who help you do not see these messages.")
        if wanted
        else _("Those who help you see these messages."),
    )
    return redirect("portal_thread", key)


def _requirement(key: str) -> str:
    """Return the requirement that an address names, empty for none in particular; a 404 for what names nothing."""
    if "\0" in key:
        raise Http404
    return "" if key == GENERAL else key


def _names(request: HttpRequest, acting: Acting) -> dict[str, str]:
    today = clock.today(people.person(request).institution.time_zone)
    return {
        item.key: item.name
        for one in memberships_of(acting.student.id)
        for item in standings.of(acting, one.id, today)
    }


def _name(key: str, names: dict[str, str]) -> str:
    return names.get(key, key) if key else _("Other questions")
