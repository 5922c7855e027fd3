"""For whom a request acts: a student about themselves, or a guardian about the student they help."""

from dataclasses import dataclass
from uuid import UUID

from allauth.core.exceptions import ImmediateHttpResponse
from django.http import Http404, HttpRequest
from django.shortcuts import render
from django.utils import translation

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.students import access
from pratique.students.access import AccessStanding
from pratique.students.models import Guardianship, Student

# The routes that stay open when the portal is closed to a student: their own record, to take away.
RECORD_ROUTES = "portal_record"
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
    today = clock.today(user.institution.time_zone)
    held = Guardianship.objects.filter(
        user=user, accepted_at__isnull=False, revoked_at__isnull=True, expires_on__gte=today
    ).select_related("student")
    chosen = request.session.get(HELPING_KEY)
    everyone = list(held.order_by("granted_at", "id"))
    found = next((one for one in everyone if chosen and one.id == UUID(chosen)), None)
    found = found or next(iter(everyone), None)
    if found is None:
        raise Http404
    return Acting(
        student=found.student,
        actor=Actor("guardian", str(user.id)),
        may_upload=found.may_upload,
        may_sign=found.may_sign,
        sees_confidential=False,
        is_guardian=True,
        language=translation.get_language() or "en",
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
        {"closing": closing, "school": user.institution, "may_take_record": not who.is_guardian},
        status=403,
    )
    raise ImmediateHttpResponse(page)
