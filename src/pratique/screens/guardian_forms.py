"""The form that invites somebody to help; students and their school fill in the same one."""

from datetime import date
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from pratique.students import guardians


class Invite(forms.Form):
    """Who may help, with what, until when. What is wrong is said by `students.actions.guardians`."""

    name = forms.CharField(
        label=_("Name"),
        max_length=150,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": _("Write this person’s name.")},
    )
    email = forms.CharField(
        label=_("E-mail address"),
        max_length=254,
        help_text=_("We mail them a link. They need it to accept."),
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off", "autocapitalize": "none"}),
        error_messages={"required": _("Write this person’s e-mail address.")},
    )
    relation = forms.ChoiceField(
        label=_("Who is this person?"), error_messages={"required": _("Choose who this person is.")}
    )
    until = forms.DateField(
        label=_("Until which day?"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        input_formats=["%Y-%m-%d"],
        error_messages={"required": _("Choose a day."), "invalid": _("Choose a day.")},
    )
    may_see_status = forms.BooleanField(required=False)
    may_upload = forms.BooleanField(required=False)
    may_sign = forms.BooleanField(required=False)

    def __init__(self, given: Any = None, *, usual: date, latest: date, today: date) -> None:
        super().__init__(given, initial={"until": usual, "may_see_status": True})
        self.fields["relation"].choices = [("", _("Choose")), *guardians.RELATIONS.items()]  # type: ignore[attr-defined]
        self.fields["until"].widget.attrs |= {"min": today.isoformat(), "max": latest.isoformat()}
