"""Forms that allauth shows, made to find people under row-level security."""

from allauth.account.forms import ResetPasswordForm

from pratique.accounts import queries
from pratique.foundation.tenancy import current_institution, enter_institution


class ResetPassword(ResetPasswordForm):
    """Asks for an e-mail address, and looks in the institution that knows it."""

    def clean_email(self) -> str:
        if current_institution() is None:
            institutions = {user.institution_id for user in queries.find_sign_in(self.cleaned_data["email"])}
            if len(institutions) == 1:
                enter_institution(institutions.pop())
        return super().clean_email()
