"""Forms that allauth shows, made to find people under row-level security."""

from typing import Any

from allauth.account.forms import LoginForm, ResetPasswordForm, default_token_generator
from allauth.account.internal import flows
from allauth.mfa.webauthn.forms import AuthenticateWebAuthnForm, LoginWebAuthnForm, ReauthenticateWebAuthnForm
from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from pratique.accounts import queries
from pratique.accounts.models import User
from pratique.foundation.tenancy import current_institution, institution_scope


class SignIn(LoginForm):  # type: ignore[misc]  # allauth has no types
    """Asks for username or e-mail and password; a shared desk is the rule, so nothing is remembered."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["login"].label = _("Username or e-mail")
        # A password manager knows the account by its username.
        self.fields["login"].widget.attrs = {
            "autocomplete": "username",
            "autocapitalize": "none",
            "spellcheck": "false",
        }
        self.fields["password"].widget.attrs.pop("placeholder", None)
        self.fields["password"].help_text = ""
        self.fields.pop("remember", None)


class ResetPassword(ResetPasswordForm):  # type: ignore[misc]
    """Asks for an e-mail address, and writes to each account that has it, in whatever institution."""

    email = forms.EmailField(label=_("E-mail"), widget=forms.EmailInput(attrs={"autocomplete": "email"}))
    users: list[User]

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        self.users = [user for user in queries.find_sign_in(email) if user.email.lower() == email.lower()]
        return email

    def save(self, request: HttpRequest, **kwargs: Any) -> str:
        """Send the mails: none to an address that nobody has, and the page says the same in both cases."""
        email: str = self.cleaned_data["email"]
        tokens = kwargs.get("token_generator", default_token_generator)
        here = current_institution()
        for user in self.users:
            if here in (None, user.institution_id):
                with institution_scope(user.institution_id):
                    flows.password_reset.request_password_reset(request, email, [user], tokens)
        return email


class _Credential:
    """What a browser's authenticator sent, or anything else that somebody made up: that is a wrong code, no fault."""

    def clean_credential(self) -> Any:
        try:
            return super().clean_credential()  # type: ignore[misc]
        except (KeyError, TypeError, AttributeError, ValueError):
            raise forms.ValidationError(_("That key or passkey is not known here.")) from None


class PasskeySignIn(_Credential, LoginWebAuthnForm):  # type: ignore[misc]
    """Signing in by passkey alone."""


class SecurityKey(_Credential, AuthenticateWebAuthnForm):  # type: ignore[misc]
    """A security key as the second step."""


class PasskeyAgain(_Credential, ReauthenticateWebAuthnForm):  # type: ignore[misc]
    """A passkey or key, to confirm that it is still the same person."""
