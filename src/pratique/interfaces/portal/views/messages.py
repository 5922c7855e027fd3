"""Messages with the reviewers: the list of threads, and one thread. Plain text only."""

from django.contrib import messages as notes
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.compliance.queries import standing
from pratique.foundation import clock
from pratique.interfaces.portal import people
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
            ],
            "general": GENERAL,
        },
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def thread(request: HttpRequest, key: str) -> HttpResponse:
    """Show a thread, which reads it; POST writes to it."""
    acting = people.acting(request)
    requirement = "" if key == GENERAL else key
    names = _names(request, acting)
    found = queries.thread(acting.student.id, requirement, sees_confidential=acting.sees_confidential)
    hidden = not acting.sees_confidential and requirement in queries.confidential_keys(acting.student.id)
    if hidden or (requirement and requirement not in names and not found):
        return redirect("portal_messages")
    problem, typed = "", ""
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
        },
        status=422 if problem else 200,
    )


def _names(request: HttpRequest, acting: Acting) -> dict[str, str]:
    today = clock.today(people.person(request).institution.time_zone)
    return {
        item.key: item.name for one in memberships_of(acting.student.id) for item in standing(one.id, today)
    }


def _name(key: str, names: dict[str, str]) -> str:
    return names.get(key, key) if key else _("Other questions")
