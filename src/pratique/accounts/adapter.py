"""What allauth asks of us."""

from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from django.http import HttpRequest

from pratique.accounts.middleware import SESSION_KEY
from pratique.accounts.models import User


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
