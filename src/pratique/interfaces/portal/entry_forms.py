"""The forms of a first sign-in."""

from datetime import date
from typing import Any

from django import forms
from django.contrib.auth import password_validation
from django.utils.dates import MONTHS
from django.utils.functional import lazy
from django.utils.translation import gettext_lazy as _

from pratique.accounts.models import User

_OLDEST = 1900


def _months() -> list[tuple[str, Any]]:
    return [("", _("Choose")), *((str(number), name) for number, name in MONTHS.items())]


class Birth(forms.Form):
    """A date of birth in three parts, the month by its name: nobody can mistake a day for a month."""

    month = forms.ChoiceField(
        label=_("Month"),
        choices=lazy(_months, list),
        widget=forms.Select(attrs={"autocomplete": "bday-month"}),
        error_messages={"required": _("Choose the month.")},
    )
    day = forms.IntegerField(
        label=_("Day"),
        min_value=1,
        max_value=31,
        widget=forms.TextInput(attrs={"autocomplete": "bday-day", "inputmode": "numeric", "maxlength": "2"}),
        error_messages={
            "required": _("Write the day."),
            "invalid": _("Write the day as a number."),
            "min_value": _("A day is between 1 and 31."),
            "max_value": _("A day is between 1 and 31."),
        },
    )
    year = forms.IntegerField(
        label=_("Year"),
        widget=forms.TextInput(attrs={"autocomplete": "bday-year", "inputmode": "numeric", "maxlength": "4"}),
        error_messages={
            "required": _("Write the year."),
            "invalid": _("Write the year as four digits, such as 2006."),
        },
    )

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._today = today

    def clean_year(self) -> int:
        year: int = self.cleaned_data["year"]
        if not _OLDEST <= year <= self._today.year:
            raise forms.ValidationError(_("Write the year as four digits, such as 2006."))
        return year

    def clean(self) -> dict[str, Any]:
        """Put the parts together as `date`; a day that the month does not have is no try."""
        cleaned: dict[str, Any] = super().clean() or {}
        parts = [cleaned.get(name) for name in ("year", "month", "day")]
        if all(parts):
            try:
                cleaned["date"] = date(*(int(part) for part in parts if part))
            except ValueError:
                self.add_error("day", _("That month does not have this day."))
            else:
                if cleaned["date"] > self._today:
                    self.add_error("year", _("This date has not come yet."))
        return cleaned


class StudentId(forms.Form):
    """The school's own id of a student, where it has told us no date of birth."""

    student_id = forms.CharField(
        label=_("Student ID"),
        max_length=64,
        help_text=_("It is on your student card and in the letters of your school."),
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "autocapitalize": "characters", "spellcheck": "false"}
        ),
        error_messages={"required": _("Write your student ID.")},
    )


class Password(forms.Form):
    """A new password, twice."""

    password1 = forms.CharField(
        label=_("Password"),
        strip=False,
        max_length=256,
        help_text=_("At least 12 characters. Three or four words that only you would put together are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Write a password.")},
    )
    password2 = forms.CharField(
        label=_("The same password again"),
        strip=False,
        max_length=256,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
        error_messages={"required": _("Write the password a second time.")},
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._user = user

    def clean_password1(self) -> str:
        password: str = self.cleaned_data["password1"]
        password_validation.validate_password(password, self._user)
        return password

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or {}
        one, two = cleaned.get("password1"), cleaned.get("password2")
        if one and two and one != two:
            self.add_error("password2", _("The two passwords are not the same."))
        return cleaned


class Ask(forms.Form):
    """Who somebody is, to have a link sent to the address that the school has."""

    login = forms.CharField(
        label=_("Username or e-mail"),
        max_length=254,
        widget=forms.TextInput(
            attrs={"autocomplete": "username", "autocapitalize": "none", "spellcheck": "false"}
        ),
        error_messages={"required": _("Write your username or your e-mail address.")},
    )
