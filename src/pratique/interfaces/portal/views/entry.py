"""The first sign-in: from the link in a mail, over the date of birth, to a password or passkey.

    /start/<token>/  moves the token into the session, so that it stands in no address that is seen or sent on
    /start/          asks what the link asks, or says kindly why it cannot
    /start/open/     chooses a password or a passkey, and opens the account

Looking at a link uses nothing up: programs that scan mails open every one. These addresses belong to no institution
(`accounts.middleware`); each view enters that of the link.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any
from uuid import UUID

from allauth.core import ratelimit
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import translation
from django.utils.dateparse import parse_datetime
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_http_methods, require_POST

from pratique.accounts.models import User
from pratique.accounts.roles import Role
from pratique.accounts.sessions import Method, sign_in
from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.interfaces.portal import entry_forms, passkeys
from pratique.screens.permissions import Access, requires
from pratique.students import links
from pratique.students.actions import links as actions
from pratique.students.actions.accounts import AlreadyActivatedError, activate, full_name
from pratique.students.links import LinkState, Opened
from pratique.students.models import SignInLink

START_KEY = "start"
_LONGEST_TOKEN = 100
# An answer holds for so long: at a shared desk the next person must not find the page open.
_CONFIRMED_FOR = timedelta(minutes=30)


@requires(Access.PUBLIC)
@csrf_exempt  # it changes nothing but this browser's own session
def link(request: HttpRequest, token: str) -> HttpResponse:
    """Keep the token in the session and go on without it. A scanner's HEAD leaves nothing behind."""
    if request.method == "HEAD":
        return HttpResponse()
    if len(token) <= _LONGEST_TOKEN:
        request.session[START_KEY] = {"token": token}
    response = redirect("entry")
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


def of_link(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give a view what the link of this session opens, inside the link's institution."""

    @wraps(view)
    def opened(request: HttpRequest) -> HttpResponse:
        token = request.session.get(START_KEY, {}).get("token", "")
        institution_id = links.institution_of_link(token) if token else None
        if institution_id is None:
            form = entry_forms.Ask()
            return render(request, "portal/entry/unknown.html", {"form": form, "had_link": bool(token)})
        with institution_scope(institution_id):
            institution = Institution.objects.get(id=institution_id)
            now = clock.now()
            found = links.opened(token, now=now, today=clock.today(institution.time_zone, at=now))
            return view(request, institution, found)

    return opened


@requires(Access.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
@of_link
def start(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Ask for the date of birth (or the student id), and count wrong answers."""
    if found.state is LinkState.GUARDIAN:
        return redirect("entry_help")
    if found.state not in (LinkState.BIRTH, LinkState.STUDENT_ID):
        return _instead(request, institution, found)
    assert found.link is not None
    form = question(request, institution, by_birth=found.state is LinkState.BIRTH)
    if request.method == "POST" and form.is_valid():
        answer = actions.confirm(
            link_id=found.link.id,
            birth=form.cleaned_data.get("date"),
            student_id=form.cleaned_data.get("student_id"),
            now=clock.now(),
        )
        if answer is actions.Answer.RIGHT:
            keep_confirmed(request, found.link)
            return redirect("entry_open")
        if answer is not actions.Answer.WRONG:
            return redirect("entry")
        form.add_error(None, _("That is not what {school} has on file.").format(school=institution.name))
    return _page(request, "ask.html", institution, found, form=form)


def question(request: HttpRequest, institution: Institution, *, by_birth: bool) -> Any:
    """Return the form that asks for the date of birth, or for the student id."""
    given = request.POST if request.method == "POST" else None
    if by_birth:
        return entry_forms.Birth(given, today=clock.today(institution.time_zone))
    return entry_forms.StudentId(given)


_PAGES = {
    LinkState.UNKNOWN: "unknown.html",
    LinkState.ACCOUNT: "account.html",
    LinkState.CLOSED: "closed.html",
    LinkState.EXPIRED: "expired.html",
    LinkState.LOCKED: "locked.html",
    LinkState.SCHOOL: "school.html",
}


def _instead(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Show the page that says why there is nothing to ask."""
    return _page(request, _PAGES[found.state], institution, found)


def _page(
    request: HttpRequest, template: str, institution: Institution, found: Opened, **more: Any
) -> HttpResponse:
    student = found.link.student if found.link else None
    return render(
        request,
        f"portal/entry/{template}",
        {
            "school": institution,
            "found": found,
            "closing": found.closing,
            "student": student,
            "address": links.masked(student.email) if student else "",
            "time_zone": institution.time_zone,
        }
        | more,
    )


@requires(Access.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
@of_link
def open_account(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Choose a password or a passkey; then the account is open and the person signed in."""
    asks = found.state in (LinkState.BIRTH, LinkState.STUDENT_ID)
    if not asks or not is_confirmed(request, found.link):
        return redirect("entry")
    assert found.link is not None
    user = _user_to_be(request, institution, found.link)
    by_passkey = "credential" in request.POST
    given = request.POST if request.method == "POST" else None
    form = entry_forms.Password(None if by_passkey else given, user=user)
    credential = passkeys.Credential(given if by_passkey else None)
    chosen: Any = credential if by_passkey else form
    if given is not None and chosen.is_valid():
        try:
            opened = activate(
                student_id=found.link.student_id,
                user_id=user.id,
                password=None if by_passkey else form.cleaned_data["password1"],
                language=translation.get_language() or "",
                by=Actor("student", str(user.id)),
                now=clock.now(),
            )
        except AlreadyActivatedError:
            return redirect("entry")
        if by_passkey:
            passkeys.add(opened, credential.cleaned_data["credential"], _("This device"))
        way = Method.PASSKEY if by_passkey else Method.PASSWORD
        sign_in(request, opened, method=way, now=clock.now())
        return redirect("portal_home")
    return _page(
        request, "open.html", institution, found, form=form, credential=credential,
        username=user.username, js_data=passkeys.options(user),
    )  # fmt: skip


def keep_confirmed(request: HttpRequest, held: SignInLink) -> None:
    """Note that this browser has answered what the link asks, and the key of the account that it may make."""
    request.session[START_KEY] |= {
        "confirmed": str(held.id),
        "at": clock.now().isoformat(),
        "user": str(new_id()),
    }
    request.session.modified = True


def is_confirmed(request: HttpRequest, held: SignInLink | None) -> bool:
    """Return whether this browser has answered what the link asks, lately."""
    state = request.session.get(START_KEY, {})
    at = parse_datetime(state.get("at", ""))
    return (
        held is not None
        and state.get("confirmed") == str(held.id)
        and at is not None
        and clock.now() - at < _CONFIRMED_FOR
    )


def _user_to_be(request: HttpRequest, institution: Institution, held: SignInLink) -> User:
    """Return the account as it will be: passkeys are made for its id, passwords compared with its names."""
    return User(
        id=UUID(request.session[START_KEY]["user"]),
        institution=institution,
        username=held.student.username,
        email=held.student.email,
        name=full_name(held.student),
        role=Role.STUDENT.value,
    )


@requires(Access.PUBLIC)
@require_POST
@of_link
def fresh(request: HttpRequest, institution: Institution, found: Opened) -> HttpResponse:
    """Mail a fresh link to the address on file, or say that one is on its way."""
    if found.link is None or found.state in (LinkState.CLOSED, LinkState.GUARDIAN):
        return redirect("entry")
    if ratelimit.consume(request, action="ask_link"):
        actions.ask_again(institution_id=institution.id, student_id=found.link.student_id, now=clock.now())
    return _page(request, "sent.html", institution, found)


@requires(Access.PUBLIC)
@require_http_methods(["GET", "HEAD", "POST"])
def ask(request: HttpRequest) -> HttpResponse:
    """Mail a link to whoever a username or e-mail names; the answer is the same if it names nobody."""
    form = entry_forms.Ask(request.POST if request.method == "POST" else None)
    if not form.is_valid():
        return render(request, "portal/entry/link.html", {"form": form})
    if ratelimit.consume(request, action="ask_link"):
        for named in links.named_by(form.cleaned_data["login"]):
            actions.ask_again(
                institution_id=named.institution_id, student_id=named.student_id, now=clock.now()
            )
    return render(request, "portal/entry/sent.html", {"address": ""})
