"""Beginning a session for somebody who has just proved who they are, other than by allauth's own forms."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from allauth.account.internal.flows.login import record_authentication
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY
from django.contrib.auth import SESSION_KEY as USER_KEY
from django.http import HttpRequest
from django.middleware.csrf import rotate_token

from pratique.accounts.actions import note_sign_in
from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User


class Method(StrEnum):
    """How somebody proved who they are."""

    PASSWORD = "password"  # noqa: S105  (the name of a way, no password)
    PASSKEY = "passkey"
    PARTNER = "partner"  # a system of their school vouches for them


# As allauth notes it. What a partner vouches for does not confirm that it is still the same person at the keyboard:
# whoever has a password or a passkey is asked for it before they change how they sign in.
_RECORDED: Mapping[Method, tuple[str, dict[str, Any]]] = {
    Method.PASSWORD: ("password", {"reauthenticated": True}),
    Method.PASSKEY: ("mfa", {"type": "webauthn", "passwordless": True, "reauthenticated": True}),
    Method.PARTNER: ("partner", {}),
}


def sign_in(request: HttpRequest, user: User, *, method: Method, now: datetime) -> None:
    """Sign `user` in, in an empty session under a fresh key; whatever session this browser held before has ended.

    Django's own `login` keeps what the session of a stranger held, and writes the new row twice.
    """
    session = request.session
    session.flush()
    session[USER_KEY] = str(user.id)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session[SESSION_KEY] = str(user.institution_id)
    request.user = user
    if settings.CSRF_COOKIE_NAME in request.COOKIES:
        # Whoever set it before must not know the one that this person's forms will carry.
        rotate_token(request)
    name, more = _RECORDED[method]
    record_authentication(request, user, name, **more)
    if method is not Method.PARTNER:
        # Whom a partner vouches for may come ten times a day, and used nothing of their own to do so.
        note_sign_in(user=user, now=now)
