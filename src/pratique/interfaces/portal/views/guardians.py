"""People who help: the student's page about them; and for a guardian, whom they look at and accepting."""

from collections.abc import Callable
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Role
from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.interfaces.portal import naming, people
from pratique.interfaces.portal.people import HELPING_KEY, Acting
from pratique.interfaces.portal.views.entry import START_KEY, is_confirmed
from pratique.screens.guardian_forms import Invite
from pratique.screens.permissions import Access, requires
from pratique.students import guardians, links
from pratique.students.actions import guardians as actions
from pratique.students.actions.guardians import GuardianError
from pratique.students.guardians import GuardianshipState, Invited
from pratique.students.models import Guardianship


@requires(Access.STUDENT)
@require_safe
def people_who_help(request: HttpRequest) -> HttpResponse:
    """Show the student who helps them, what each may do, and what they did."""
    acting, today = _oneself(request), _today(request)
    held = guardians.of_student(acting.student, today)
    living = (GuardianshipState.INVITED, GuardianshipState.HELPING)
    return render(
        request,
        "portal/guardians/people.html",
        {
            "acting": acting,
            "present": [line for line in held if line.state in living],
            "former": [line for line in held if line.state not in living],
            "deeds": guardians.deeds_of_guardians(acting.student.id),
        },
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def invite(request: HttpRequest) -> HttpResponse:
    """Ask somebody to help. `?sign=1` comes from a form that waits for a guardian's signature."""
    acting, today = _oneself(request), _today(request)
    latest = guardians.last_possible_day(acting.student, by_school=False, today=today)
    usual = guardians.usual_day(acting.student, by_school=False, today=today)
    form = Invite(request.POST if request.method == "POST" else None, usual=usual, latest=latest, today=today)
    if request.method == "POST" and form.is_valid():
        try:
            made = actions.invite(
                student_id=acting.student.id,
                by=acting.actor,
                now=clock.now(),
                today=today,
                **form.cleaned_data,
            )
        except GuardianError as wrong:
            form.add_error(wrong.field or None, wrong.sentence)
        else:
            messages.success(request, _("A mail with a link is on its way to {name}.").format(name=made.name))
            return redirect("portal_guardians")
    return render(
        request,
        "portal/guardians/invite.html",
        {"acting": acting, "form": form, "latest": latest, "to_sign": "sign" in request.GET},
        status=422 if form.errors else 200,
    )


@requires(Access.STUDENT)
@require_POST
def send_again(request: HttpRequest, guardianship_id: UUID) -> HttpResponse:
    """Mail the link once more."""
    return _changed(request, guardianship_id, actions.send_again, _("Another mail is on its way."))


@requires(Access.STUDENT)
@require_POST
def end(request: HttpRequest, guardianship_id: UUID) -> HttpResponse:
    """End somebody's help: what they open next is closed to them."""
    return _changed(request, guardianship_id, actions.revoke, _("This person has no access any more."))


def _changed(
    request: HttpRequest, guardianship_id: UUID, deed: Callable[..., Any], sentence: str
) -> HttpResponse:
    acting = _oneself(request)
    try:
        deed(
            guardianship_id=guardianship_id, student_id=acting.student.id, by=acting.actor, now=clock.now(),
            today=_today(request),
        )  # fmt: skip
    except Guardianship.DoesNotExist:
        raise Http404 from None
    except GuardianError as wrong:
        messages.warning(request, wrong.sentence)
    else:
        messages.success(request, sentence)
    return redirect("portal_guardians")


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def choose(request: HttpRequest) -> HttpResponse:
    """Ask a guardian of several whom they look at; kept until they sign out."""
    user = people.person(request)
    if user.role != Role.GUARDIAN:
        raise Http404
    everyone = guardians.helped_by(user.id, _today(request))
    if request.method == "POST":
        chosen = next((one for one in everyone if str(one.student.id) == request.POST.get("student")), None)
        if chosen is None:
            raise Http404
        request.session[HELPING_KEY] = str(chosen.student.id)
        return redirect("portal_home")
    return render(
        request,
        "portal/guardians/choose.html",
        {
            "everyone": [{"helping": one, "name": naming.name_of(one.student)} for one in everyone],
            "chosen": request.session.get(HELPING_KEY, ""),
            "school": user.institution,
        },
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def accept(request: HttpRequest) -> HttpResponse:
    """Accept a further invitation with the account that one has."""
    user, today = people.person(request), _today(request)
    invited = _invited(request, today)
    if invited is None or invited.guardianship is None or not is_confirmed(request, invited.link):
        return redirect("entry_help")
    fits = user.role == Role.GUARDIAN and user.email.casefold() == invited.guardianship.email.casefold()
    if request.method == "POST" and fits:
        try:
            actions.accept(
                link_id=invited.link.id,
                user=user,
                by=Actor("guardian", str(user.id)),
                now=clock.now(),
                today=today,
            )
        except GuardianError:
            return redirect("entry_help")
        request.session.pop(START_KEY, None)
        request.session[HELPING_KEY] = str(invited.link.student_id)
        return redirect("portal_home")
    return render(
        request,
        "portal/guardians/accept.html",
        {
            "invited": invited,
            "fits": fits,
            "student_name": naming.name_of(invited.link.student),
            "school": user.institution,
        },
        status=200 if fits else 403,
    )


def _invited(request: HttpRequest, today: date) -> Invited | None:
    """Return what the link in this session opens, if it is of the signed-in person's school."""
    link = links.find(request.session.get(START_KEY, {}).get("token", ""))
    return guardians.invited_by(link, now=clock.now(), today=today) if link else None


def _oneself(request: HttpRequest) -> Acting:
    acting = people.acting(request)
    if acting.is_guardian:
        raise Http404
    return acting


def _today(request: HttpRequest) -> date:
    return clock.today(people.person(request).institution.time_zone)
