"""The forms of the settings page."""

import re
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

_INTERNATIONAL = re.compile(r"\+[1-9]\d{7,14}")
_NORTH_AMERICAN = re.compile(r"1?([2-9]\d{2}[2-9]\d{6})")


class Telephone(forms.Form):
    """A number for texts, read as people write it: ten digits are a number of North America."""

    number = forms.CharField(
        label=_("Mobile number"),
        max_length=40,
        help_text=_("Outside the United States and Canada, begin with + and the country’s code."),
        widget=forms.TextInput(attrs={"autocomplete": "tel", "inputmode": "tel", "type": "tel"}),
        error_messages={"required": _("Write your mobile number.")},
    )

    def clean_number(self) -> str:
        """Return the number in international form."""
        typed: str = self.cleaned_data["number"].strip()
        digits = re.sub(r"[\s().\-/]", "", typed)
        if digits.startswith("+") and _INTERNATIONAL.fullmatch(digits) and digits.isascii():
            return digits
        found = _NORTH_AMERICAN.fullmatch(digits) if digits.isascii() else None
        if found is None:
            raise forms.ValidationError(_("That is not a telephone number that we understand."))
        return f"+1{found[1]}"


class Code(forms.Form):
    """The six digits that were sent to a number."""

    code = forms.CharField(
        label=_("Code"),
        max_length=12,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
        error_messages={"required": _("Write the six digits that we sent.")},
    )

    def clean_code(self) -> str:
        return re.sub(r"\s", "", self.cleaned_data["code"])


class Present(forms.Form):
    """The present password, to confirm."""

    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        error_messages={"required": _("Write your password.")},
    )


class PasskeyName(forms.Form):
    """What a passkey is called."""

    name = forms.CharField(label=_("Name"), max_length=60, required=False)

    def clean_name(self) -> Any:
        return self.cleaned_data["name"].strip() or str(_("This device"))
