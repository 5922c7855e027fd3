"""A person's own settings: language, how to be told, password, passkeys, signing out everywhere.

Students have all of them. Guardians are told by mail alone.
"""

from typing import Any

from allauth.account.internal.flows.reauthentication import raise_if_reauthentication_required
from allauth.core import ratelimit
from django.contrib import messages
from django.contrib.auth import update_session_auth_hash
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.actions import end_sessions, set_first_password
from pratique.foundation import clock
from pratique.interfaces.portal import entry_forms, passkeys, people, settings_forms
from pratique.interfaces.portal.people import Acting
from pratique.screens.permissions import Access, requires
from pratique.students import text_codes
from pratique.students.access import account_of
from pratique.students.actions import accounts
from pratique.students.models import StudentAccount

_PENDING = "text_code"


@requires(Access.STUDENT)
@require_safe
def settings(request: HttpRequest) -> HttpResponse:
    return _settings(request, people.acting(request))


def _settings(request: HttpRequest, acting: Acting, **more: Any) -> HttpResponse:
    user = people.person(request)
    pending = request.session.get(_PENDING)
    return render(
        request,
        "portal/settings/settings.html",
        {
            "acting": acting,
            "account": None if acting.is_guardian else account_of(user.id),
            "passkeys": passkeys.of(user),
            "has_password": user.has_usable_password(),
            "pending": pending,
            "telephone": settings_forms.Telephone(initial={"number": acting.student.telephone}),
            "code": settings_forms.Code(),
            "present": settings_forms.Present(),
        }
        | more,
    )


def _own_account(request: HttpRequest) -> tuple[Acting, StudentAccount]:
    acting = people.acting(request)
    account = None if acting.is_guardian else account_of(people.person(request).id)
    if account is None:
        raise Http404
    return acting, account


@requires(Access.STUDENT)
@require_POST
def mail(request: HttpRequest) -> HttpResponse:
    """Turn mails on or off."""
    acting, account = _own_account(request)
    wanted = request.POST.get("mail") == "1"
    accounts.choose_mail(account=account, wanted=wanted, by=acting.actor, now=clock.now())
    messages.success(request, _("We write you mails.") if wanted else _("We write you no more mails."))
    return redirect("portal_settings")


@requires(Access.STUDENT)
@require_POST
def text_number(request: HttpRequest) -> HttpResponse:
    """Send six digits to a number, or end texts."""
    acting, account = _own_account(request)
    if "stop" in request.POST:
        request.session.pop(_PENDING, None)
        accounts.choose_text(account=account, number="", by=acting.actor, now=clock.now())
        messages.success(request, _("We send you no texts."))
        return redirect("portal_settings")
    form = settings_forms.Telephone(request.POST)
    if not form.is_valid():
        return _settings(request, acting, telephone=form)
    if not ratelimit.consume(request, action="text_code", user=people.person(request)):
        form.add_error("number", _("We have sent many codes lately. Please try again in an hour."))
        return _settings(request, acting, telephone=form)
    institution = people.person(request).institution
    try:
        request.session[_PENDING] = text_codes.send_code(
            number=form.cleaned_data["number"],
            school=institution.name,
            institution_id=str(institution.id),
            now=clock.now(),
        )
    except text_codes.NotSentError:
        form.add_error("number", _("The text could not be sent to this number."))
        return _settings(request, acting, telephone=form)
    return redirect("portal_settings")


@requires(Access.STUDENT)
@require_POST
def text_code(request: HttpRequest) -> HttpResponse:
    """Confirm a number by the digits that were sent to it."""
    acting, account = _own_account(request)
    pending = request.session.get(_PENDING)
    if pending is None:
        return redirect("portal_settings")
    form = settings_forms.Code(request.POST)
    if not form.is_valid():
        return _settings(request, acting, code=form)
    if text_codes.is_right(pending, form.cleaned_data["code"], now=clock.now()):
        del request.session[_PENDING]
        accounts.choose_text(account=account, number=pending["number"], by=acting.actor, now=clock.now())
        messages.success(request, _("Your number is confirmed. We send you a text when there is news."))
        return redirect("portal_settings")
    pending["tries"] += 1
    request.session[_PENDING] = pending
    if pending["tries"] >= text_codes.TRIES:
        del request.session[_PENDING]
        messages.error(request, _("That was not the code. Please have another one sent."))
        return redirect("portal_settings")
    form.add_error("code", _("That is not the code, or it is older than ten minutes."))
    return _settings(request, acting, code=form)


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def password(request: HttpRequest) -> HttpResponse:
    """Set a first password, for somebody who came by a passkey or from their school's own portal.

    Nobody is asked for a password that they never had; whoever has a passkey is asked for that.
    """
    acting = people.acting(request)
    user = people.person(request)
    if user.has_usable_password():
        return redirect("account_change_password")
    raise_if_reauthentication_required(request, app="allauth.mfa")
    form = entry_forms.Password(request.POST if request.method == "POST" else None, user=user)
    if request.method == "POST" and form.is_valid():
        set_first_password(
            user=user, password=form.cleaned_data["password1"], by=acting.actor, now=clock.now()
        )
        update_session_auth_hash(request, user)
        messages.success(request, _("From now on you can sign in with your username and this password."))
        return redirect("portal_settings")
    return render(request, "portal/settings/password.html", {"acting": acting, "form": form})


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_add(request: HttpRequest) -> HttpResponse:
    """Make a passkey for this device."""
    acting = people.acting(request)
    raise_if_reauthentication_required(request, app="allauth.mfa")
    user = people.person(request)
    given = request.POST if request.method == "POST" else None
    credential, name = passkeys.Credential(given), settings_forms.PasskeyName(given)
    if given is not None and name.is_valid() and credential.is_valid():
        passkeys.add(user, credential.cleaned_data["credential"], name.cleaned_data["name"])
        messages.success(request, _("From now on you can sign in with this passkey."))
        return redirect("portal_settings")
    return render(
        request,
        "portal/settings/passkey_add.html",
        {"acting": acting, "credential": credential, "form": name, "js_data": passkeys.options(user)},
    )


@requires(Access.STUDENT)
@require_http_methods(["GET", "HEAD", "POST"])
def passkey_remove(request: HttpRequest, passkey_id: int) -> HttpResponse:
    """Take a passkey away, unless it is the only way in."""
    acting = people.acting(request)
    user = people.person(request)
    held = passkeys.of(user)
    passkey = next((one for one in held if one.pk == passkey_id), None)
    if passkey is None:
        raise Http404
    last = len(held) == 1 and not user.has_usable_password()
    if request.method == "POST" and not last:
        raise_if_reauthentication_required(request, app="allauth.mfa")
        passkey.delete()
        messages.success(request, _("The passkey is taken away. Delete it on your device too."))
        return redirect("portal_settings")
    return render(
        request,
        "portal/settings/passkey_remove.html",
        {"acting": acting, "passkey": passkey, "last": last},
    )


@requires(Access.STUDENT)
@require_POST
def sign_out_everywhere(request: HttpRequest) -> HttpResponse:
    """End every other session of this person; this one stays."""
    acting = people.acting(request)
    user = people.person(request)
    form = settings_forms.Present(request.POST)
    password = form.cleaned_data["password"] if form.is_valid() else None
    if not ratelimit.consume(request, action="login_failed", key=f"everywhere-{user.id}"):
        messages.error(request, _("Too many failed attempts. Please try again in a few minutes."))
        return redirect("portal_settings")
    if not end_sessions(user=user, password=password, by=acting.actor, now=clock.now()):
        if form.is_valid():
            form.add_error("password", _("That is not your password."))
        return _settings(request, acting, present=form)
    update_session_auth_hash(request, user)
    messages.success(request, _("Everywhere else you are signed out."))
    return redirect("portal_settings")
