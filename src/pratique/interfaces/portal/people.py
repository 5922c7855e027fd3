"""For whom a request acts: a student about themselves, or a guardian about the student they help."""

from dataclasses import dataclass

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import Http404, HttpRequest
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import audit, clock
from pratique.foundation.audit import Actor
from pratique.interfaces.portal.guardian_routes import GUARDIAN_ROUTES, LOOKED_AT, Needs
from pratique.records.models import Submission
from pratique.students import access, guardians
from pratique.students.access import AccessStanding
from pratique.students.guardians import Helping
from pratique.students.models import Student

# The routes that stay open when the portal is closed to a student: their own record, to take away.
RECORD_ROUTES = ("portal_record", "portal_original")
# Which student a guardian of several has chosen.
HELPING_KEY = "helping"


@dataclass(frozen=True)
class Acting:
    """Who acts for which student, and what they may do. Confidential matters are the student's alone."""

    student: Student
    actor: Actor
    may_upload: bool
    may_sign: bool
    sees_confidential: bool
    is_guardian: bool
    language: str
    may_see_status: bool = True
    is_one_of_several: bool = False

    def may_open(self, submission: Submission) -> bool:
        """Return whether a submission may be opened: a guardian opens what they began, unless it is confidential."""
        if not self.is_guardian:
            return True
        return not submission.confidential and submission.started_by == str(self.actor)


def person(request: HttpRequest) -> User:
    """Return the signed-in person. `screens.middleware` lets nobody else reach a view that asks."""
    user = request.user
    assert isinstance(user, User)
    return user


def acting(request: HttpRequest) -> Acting:
    """Return for whom the signed-in person acts; asked once a request.

    Raises Http404 for a person who is nobody's student or guardian, and answers with the page that explains a
    closed account where the student's registration has ended; routes named portal_record* stay open then.
    """
    known: Acting | None = getattr(request, "acting", None)
    if known is None:
        user = person(request)
        known = _helping(request, user) if user.role == Role.GUARDIAN else _oneself(user)
        _refuse_closed(request, user, known)
        request.acting = known  # type: ignore[attr-defined]  # kept for the rest of the request
    return known


def _oneself(user: User) -> Acting:
    account = access.account_of(user.id)
    if account is None:
        raise Http404
    return Acting(
        student=account.student,
        actor=Actor("student", str(user.id)),
        may_upload=True,
        may_sign=True,
        sees_confidential=True,
        is_guardian=False,
        language=translation.get_language() or "en",
    )


def _helping(request: HttpRequest, user: User) -> Acting:
    """Return for whom a guardian acts, if this route is open to them.

    What is allowed is read at every request, so that what was ended has ended. Of several students none is taken
    by guess: whoever lost the one they had chosen chooses again.
    """
    everyone = guardians.helped_by(user.id, clock.today(user.institution.time_zone))
    if not everyone:
        page = render(request, "portal/guardians/nobody.html", {"school": user.institution}, status=403)
        raise ImmediateHttpResponse(page)
    chosen = str(request.session.get(HELPING_KEY, ""))
    found = next((one for one in everyone if str(one.student.id) == chosen), None)
    if found is None and len(everyone) == 1 and not chosen:
        found = everyone[0]
    if found is None:
        raise ImmediateHttpResponse(redirect("portal_helping"))
    _refuse_unallowed(request, found)
    known = Acting(
        student=found.student,
        actor=Actor("guardian", str(user.id)),
        may_upload=found.may_upload,
        may_sign=found.may_sign,
        sees_confidential=False,
        is_guardian=True,
        language=translation.get_language() or "en",
        may_see_status=found.may_see_status,
        is_one_of_several=len(everyone) > 1,
    )
    _tell_the_student(request, known)
    return known


def _refuse_unallowed(request: HttpRequest, found: Helping) -> None:
    route = (request.resolver_match.url_name if request.resolver_match else "") or ""
    needs = GUARDIAN_ROUTES.get(route)
    allowed = {
        Needs.NOTHING: True,
        Needs.STATUS: found.may_see_status,
        Needs.UPLOAD: found.may_upload,
        Needs.SIGN: found.may_sign,
    }
    if needs is not None and allowed[needs]:
        return
    if route == "portal_home" and found.may_sign:
        # The first page of somebody who may sign and see nothing else.
        raise ImmediateHttpResponse(redirect("portal_signing"))
    raise Http404


def _tell_the_student(request: HttpRequest, known: Acting) -> None:
    """Leave an audit row, which the student reads, for what a guardian looks at."""
    route = (request.resolver_match.url_name if request.resolver_match else "") or ""
    if request.method != "GET" or route not in LOOKED_AT:
        return
    audit.record(
        LOOKED_AT[route],
        institution_id=known.student.institution_id,
        by=known.actor,
        now=clock.now(),
        subject_type="student",
        subject_id=known.student.id,
    )


def _refuse_closed(request: HttpRequest, user: User, who: Acting) -> None:
    closing = access.closing_of(who.student.id, clock.today(user.institution.time_zone))
    if closing.standing is AccessStanding.ACTIVE:
        return
    route = request.resolver_match.url_name if request.resolver_match else ""
    if (route or "").startswith(RECORD_ROUTES) and not who.is_guardian:
        return
    page = render(
        request,
        "portal/entry/closed.html",
        {
            "closing": closing,
            "school": user.institution,
            "may_take_record": not who.is_guardian,
            "record_links": [
                {"url": reverse("portal_record_pdf"), "name": _("Download as PDF")},
                {"url": reverse("portal_record_json"), "name": _("Download as data (JSON)")},
            ],
        },
        status=403,
    )
    raise ImmediateHttpResponse(page)
