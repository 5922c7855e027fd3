"""Forms about partners. They translate; what can be kept is decided by `partners.actions`."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.partners.actions.clients import LONGEST_NAME, LONGEST_REASON, MOST_CALLS_PER_MINUTE
from pratique.partners.actions.settings import LONGEST_MEMBERSHIP_MONTHS, LONGEST_TOKEN_MINUTES

AT_ONCE = "0"
# How long systems that still use the older keys have to change: days, as the form sends them.
OVERLAPS: Mapping[str, str | Promise] = {
    "7": _("In 7 days"),
    "30": _("In 30 days"),
    "1": _("In 1 day"),
    AT_ONCE: _("At once"),
}


def ends_previous_at(overlap: str, now: datetime) -> datetime:
    """Return when the older keys end, for a key of `OVERLAPS`."""
    return now + timedelta(days=int(overlap))


class PartnerForm(forms.Form):
    """Who the partner is."""

    name = forms.CharField(
        label=_("Name"),
        max_length=LONGEST_NAME,
        help_text=_("The system or the company, such as “Student portal”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    contact_email = forms.CharField(
        label=_("E-mail of the people who run it"),
        required=False,
        max_length=254,
        help_text=_("For you and your colleagues. Pratique sends nothing there. May stay empty."),
        widget=forms.TextInput(attrs={"type": "email", "autocomplete": "off", "autocapitalize": "none"}),
    )


class KeyForm(forms.Form):
    """When the older keys end; `seen` is the newest key that the page showed, so that a form works once."""

    overlap = forms.ChoiceField(
        label=_("When do the older keys stop?"),
        choices=list(OVERLAPS.items()),
        help_text=_("From then on, a system that still uses them is refused."),
    )
    seen = forms.CharField(required=False, max_length=36, widget=forms.HiddenInput)


class SuspendForm(forms.Form):
    """Why a client is stopped."""

    reason = forms.CharField(
        label=_("Why"),
        max_length=LONGEST_REASON,
        help_text=_("Your colleagues read it here. The partner’s system is not told."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class LimitForm(forms.Form):
    """How many calls a minute are let through."""

    calls_per_minute = forms.IntegerField(
        label=_("Calls a minute"),
        min_value=0,
        max_value=MOST_CALLS_PER_MINUTE,
        help_text=_(
            "With 0, no call is let through. What is over the limit is refused and can be sent again."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


class SettingsForm(forms.Form):
    """What holds for all partners of the school."""

    secure_token_minutes = forms.IntegerField(
        label=_("Minutes that a link from a partner works"),
        min_value=1,
        max_value=LONGEST_TOKEN_MINUTES,
        help_text=_("From 1 to 60. A link signs a student in once; a short time protects them."),
    )
    membership_months = forms.IntegerField(
        label=_("Months that a registration lasts"),
        required=False,
        min_value=1,
        max_value=LONGEST_MEMBERSHIP_MONTHS,
        help_text=_(
            "For students whom a partner registers without saying when it ends. Empty: it has no end."
        ),
    )
