"""Accepting an invitation to help a student: from the link in a mail, over the student's date of birth, to an account.

    /start/help/        asks what the link asks, or says kindly why it cannot
    /start/help/open/   chooses a password or a passkey, and opens the account

`entry.link` has put the token into the session. Whoever has a guardian's account already signs in with it and accepts
there (`guardians.accept`): one account for each address.
"""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.accounts.sessions import Method, sign_in
from pratique.foundation import clock
from pratique.institutions.models import Institution
from pratique.interfaces.portal import entry_forms, naming, passkeys
from pratique.interfaces.portal.people import HELPING_KEY
from pratique.interfaces.portal.views.entry import (
    START_KEY,
    is_confirmed,
    keep_confirmed,
    of_link,
    question,
)
from pratique.screens.permissions import Access, requires
from pratique.students import guardians
from pratique.students.actions import guardians as actions
from pratique.students.actions.links import Answer
from pratique.students.guardians import InvitationStanding, Invited
from pratique.students.links import LinkState, Opened


def _invited(institution: Institution, found: Opened) -> Invited | None:
    if found.link is None or found.state is not LinkState.GUARDIAN:
        return None
    now = clock.now()
    return guardians.invited_by(found.link, now=now, today=clock.today(institution.time_zone, at=now))


@requires(Access.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
@of_link
def start(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Ask for the student's date of birth (or student id), and count wrong answers."""
    invited = _invited(institution, found)
    if invited is None:
        return redirect("entry")
    if not invited.asks:
        return _page(request, institution, invited)
    if is_confirmed(request, invited.link):
        return redirect("entry_help_open")
    by_birth = invited.standing is InvitationStanding.BIRTH
    form = question(request, institution, by_birth=by_birth)
    if request.method == "POST" and form.is_valid():
        now = clock.now()
        answer = actions.confirm(
            link_id=invited.link.id,
            birth=form.cleaned_data.get("date"),
            student_id=form.cleaned_data.get("student_id"),
            now=now,
            today=clock.today(institution.time_zone, at=now),
        )
        if answer is Answer.RIGHT:
            keep_confirmed(request, invited.link)
            return redirect("entry_help_open")
        if answer is not Answer.WRONG:
            return redirect("entry_help")
        form.add_error(None, _("That is not what {school} has on file.").format(school=institution.name))
    return _page(request, institution, invited, form=form)


@requires(Access.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
@of_link
def open_account(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Choose a password or a passkey, which accepts; or go on to sign in with the account that is there."""
    invited = _invited(institution, found)
    if invited is None or not invited.asks or not is_confirmed(request, invited.link):
        return redirect("entry_help")
    if invited.has_account:
        return _page(request, institution, invited, sign_in=True)
    user = _user_to_be(request, institution, invited)
    by_passkey = "credential" in request.POST
    given = request.POST if request.method == "POST" else None
    form = entry_forms.Password(None if by_passkey else given, user=user)
    credential = passkeys.Credential(given if by_passkey else None)
    chosen: Any = credential if by_passkey else form
    if given is not None and chosen.is_valid():
        now = clock.now()
        try:
            opened = actions.open_account(
                link_id=invited.link.id,
                user_id=user.id,
                password=None if by_passkey else form.cleaned_data["password1"],
                language=translation.get_language() or "",
                now=now,
                today=clock.today(institution.time_zone, at=now),
            )
        except (actions.HasAccountError, actions.GuardianError):
            return redirect("entry_help")
        if by_passkey:
            passkeys.add(opened, credential.cleaned_data["credential"], _("This device"))
        sign_in(request, opened, method=Method.PASSKEY if by_passkey else Method.PASSWORD, now=now)
        request.session[HELPING_KEY] = str(invited.link.student_id)
        return redirect("portal_home")
    return render(
        request,
        "portal/entry/open.html",
        {
            "school": institution,
            "form": form,
            "credential": credential,
            "username": user.username,
            "js_data": passkeys.options(user),
        },
    )


def _user_to_be(request: HttpRequest, institution: Institution, invited: Invited) -> User:
    """Return the account as it will be: passkeys are made for its id, passwords compared with its names."""
    assert invited.guardianship is not None
    return User(
        id=UUID(request.session[START_KEY]["user"]),
        institution=institution,
        username=invited.guardianship.email,
        email=invited.guardianship.email,
        name=invited.guardianship.name,
        role=Role.GUARDIAN.value,
    )


def _page(request: HttpRequest, institution: Institution, invited: Invited, **more: Any) -> HttpResponse:
    student = invited.link.student
    return render(
        request,
        "portal/entry/invited.html",
        {
            "school": institution,
            "invited": invited,
            "guardianship": invited.guardianship,
            "student_name": student.first_name or naming.name_of(student),
            "locked_until": max(
                (one.locked_until for one in guardians.links_of(invited.guardianship) if one.locked_until),
                default=None,
            )
            if invited.guardianship
            else None,
            "time_zone": institution.time_zone,
        }
        | more,
    )
