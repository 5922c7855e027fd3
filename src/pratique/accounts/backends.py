"""Signing staff in by username or e-mail, before their institution is known."""

from typing import Any
from uuid import UUID

from django.contrib.auth.backends import BaseBackend
from django.contrib.auth.hashers import make_password
from django.http import HttpRequest

from pratique.accounts import queries
from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User
from pratique.foundation.tenancy import current_institution, enter_institution


class StaffBackend(BaseBackend):
    """Compare the password with each account that answers to the login; the first that fits signs in."""

    def authenticate(
        self, request: HttpRequest | None, password: str | None = None, **credentials: Any
    ) -> User | None:
        login = credentials.get("username") or credentials.get("email")
        if not login or password is None:
            return None
        here = current_institution()
        # Someone who confirms their password again does so inside their institution: no other account will do.
        candidates = [user for user in queries.find_sign_in(login) if here in (None, user.institution_id)]
        if not candidates:
            make_password(password)  # an unknown login takes as long as a wrong password
        for user in candidates:
            if user.check_password(password):
                enter_institution(user.institution_id)
                if request is not None:
                    # Kept from here on, because a second factor is asked for in a request of its own.
                    request.session[SESSION_KEY] = str(user.institution_id)
                return user
        return None

    def get_user(self, user_id: UUID) -> User | None:
        """Return the account of the session; row security hides it where the institution is not set."""
        return User.objects.select_related("institution").filter(pk=user_id, is_active=True).first()
