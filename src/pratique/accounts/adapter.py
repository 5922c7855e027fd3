"""What allauth asks of us."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.mfa.adapter import DefaultMFAAdapter
from allauth.mfa.models import Authenticator
from django.http import HttpRequest

from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES


class StaffAdapter(DefaultAccountAdapter):  # type: ignore[misc]  # allauth has no types
    """Staff accounts are made by an administrator or a command; nobody signs up."""

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return False

    def login(self, request: HttpRequest, user: User) -> None:
        super().login(request, user)
        # Signing in over another person's session starts an empty one.
        request.session[SESSION_KEY] = str(user.institution_id)

    def get_user_display(self, user: User) -> str:
        return user.name

    def populate_username(self, request: HttpRequest, user: Any) -> None:
        """Usernames are given, never made up."""

    def format_email_subject(self, subject: str) -> str:
        """The subject as written, without allauth's prefix."""
        return subject


class SecondStep(DefaultMFAAdapter):  # type: ignore[misc]
    """When a second step is asked for, and how passkeys are called."""

    def is_mfa_enabled(self, user: User, types: list[str] | None = None) -> bool:
        """Return whether `user` has a second step.

        For students and guardians a passkey is another way in, not a second step: whoever loses the phone still
        has the password. An authenticator app that they set up themselves is asked for.
        """
        both = {Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN}
        if types is not None and set(types) == both and getattr(user, "role", "") not in STAFF_ROLES:
            types = [Authenticator.Type.TOTP]
        enabled: bool = super().is_mfa_enabled(user, types)
        return enabled

    def get_public_key_credential_rp_entity(self) -> dict[str, str]:
        entity: dict[str, str] = super().get_public_key_credential_rp_entity()
        return entity | {"name": "Pratique"}
