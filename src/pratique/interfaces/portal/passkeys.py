"""Passkeys of students: made at the first sign-in or later, with what allauth offers for it."""

from typing import Any

from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.utils.translation import gettext_lazy as _

from pratique.accounts.models import User

NOT_MADE = _("The passkey could not be made. Please try again, or choose a password.")


def options(user: User) -> dict[str, Any]:
    """Return what the browser needs to make a passkey for `user`, who need not be stored yet."""
    made: dict[str, Any] = auth.begin_registration(user, passwordless=True)
    return {"creation_options": made}


class Credential(forms.Form):
    """What the browser sends back."""

    credential = forms.JSONField(
        widget=forms.HiddenInput, error_messages={"required": NOT_MADE, "invalid": NOT_MADE}
    )

    def clean_credential(self) -> Any:
        credential = self.cleaned_data["credential"]
        if not isinstance(credential, dict):
            raise forms.ValidationError(NOT_MADE)
        try:
            auth.parse_registration_response(credential)
            bound = auth.complete_registration(credential)
        except (ValueError, TypeError, KeyError, AttributeError):
            raise forms.ValidationError(NOT_MADE) from None
        if not bound.is_user_verified():
            raise forms.ValidationError(NOT_MADE)
        return credential


def add(user: User, credential: Any, name: str) -> None:
    """Keep a passkey that `Credential` has checked."""
    auth.WebAuthn.add(user, name, credential)


def of(user: User) -> list[Authenticator]:
    """Return a person's passkeys, the oldest first."""
    return list(
        Authenticator.objects.filter(user=user, type=Authenticator.Type.WEBAUTHN).order_by("created_at", "id")
    )
