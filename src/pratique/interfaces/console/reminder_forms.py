"""Forms about reminders: a step of a ladder, and the settings.

They translate; what can be kept is decided by `reminders.actions.ladders`.
"""

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.interfaces.console.schedule_forms import WEEKDAYS
from pratique.reminders.steps import LATEST
from pratique.reminders.types import CHANNELS, KINDS, Rules, Step, StepKind

_BEFORE, _ON, _AFTER = "before", "on", "after"
_WHEN: Mapping[str, str | Promise] = {
    _BEFORE: gettext_lazy("days before"),
    _ON: gettext_lazy("on the due date"),
    _AFTER: gettext_lazy("days after"),
}
# Which field mends what a refusal names.
STEP_FIELDS = {"channels": "mail"}
_NUMBER = dict.fromkeys(
    ("min_value", "max_value", "invalid"),
    gettext_lazy("Write a number of days from 1 to 365."),
)


class StepForm(forms.Form):
    """One rung of a ladder."""

    days = forms.IntegerField(
        label=gettext_lazy("Days"),
        required=False,
        min_value=0,
        max_value=LATEST,
        error_messages=_NUMBER,
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    when = forms.ChoiceField(label=gettext_lazy("When"), choices=[*_WHEN.items()])
    kind = forms.ChoiceField(label=gettext_lazy("What"), choices=[*KINDS.items()])
    mail = forms.BooleanField(label=gettext_lazy("E-mail"), required=False)
    text = forms.BooleanField(label=gettext_lazy("Text message"), required=False)
    contact = forms.CharField(
        label=gettext_lazy("E-mail address of the office"),
        required=False,
        max_length=254,
        widget=forms.EmailInput(attrs={"autocomplete": "off", "spellcheck": "false"}),
    )
    needs_approval = forms.BooleanField(label=gettext_lazy("Waits until somebody approves"), required=False)

    def clean(self) -> dict[str, Any]:
        """Say where a number of days is needed."""
        values = super().clean() or self.cleaned_data
        if values.get("when") in (_BEFORE, _AFTER) and not values.get("days") and "days" not in self.errors:
            self.add_error("days", _("Write how many days, 1 or more."))
        return values


def values_of(step: Step) -> dict[str, Any]:
    """Return a step as the fields of its form."""
    return {
        "days": abs(step.days) or None,
        "when": _ON if not step.days else _BEFORE if step.days < 0 else _AFTER,
        "kind": step.kind,
        "mail": "mail" in step.channels or step.kind != StepKind.REMINDER,
        "text": "text" in step.channels or step.kind != StepKind.REMINDER,
        "contact": step.contact,
        "needs_approval": step.needs_approval,
    }


# What a row that was just added begins with.
NEW = {**values_of(Step(7)), "days": None}


def typed(data: QueryDict, prefix: str) -> dict[str, Any]:
    """Return what was typed into the fields of a step, right or wrong."""
    form = StepForm(prefix=prefix)
    return {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name))
        for name, field in form.fields.items()
    }


def step_of(values: Mapping[str, Any]) -> Step | None:
    """Return the step that fields say, typed ones or cleaned ones; None if they say none yet."""
    text, when, kind = str(values.get("days") or ""), values.get("when"), str(values.get("kind"))
    if when not in _WHEN or kind not in KINDS or not (when == _ON or (text.isascii() and text.isdigit())):
        return None
    days = 0 if when == _ON else int(text[:4]) * (-1 if when == _BEFORE else 1)
    channels = tuple(one for one in CHANNELS if values.get(one)) if kind == StepKind.REMINDER else ()
    return Step(
        days, kind, channels, str(values.get("contact") or "").strip(), bool(values.get("needs_approval"))
    )


class SettingsForm(forms.Form):
    """How the school reminds."""

    quiet_from = forms.TimeField(
        label=gettext_lazy("Quiet from"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    quiet_until = forms.TimeField(
        label=gettext_lazy("Quiet until"), widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M")
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days on which students may be told"),
        choices=WEEKDAYS,
        error_messages={"required": gettext_lazy("Choose at least one day.")},
        widget=forms.CheckboxSelectMultiple,
    )
    most_a_week = forms.IntegerField(
        label=gettext_lazy("Reminders for a student in seven days, at most"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    days_between = forms.IntegerField(
        label=gettext_lazy("Days between two reminders, at least"),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    approval_above = forms.IntegerField(
        label=gettext_lazy("Students in a day who are reminded without approval"),
        help_text=gettext_lazy(
            "More than these wait for somebody: nothing goes out by mistake to everybody."
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )


def settings_of(rules: Rules) -> dict[str, Any]:
    """Return the settings as the fields of their form. No day named means every day."""
    return {
        "quiet_from": rules.quiet_from,
        "quiet_until": rules.quiet_until,
        "weekdays": [str(one) for one in rules.weekdays or range(1, 8)],
        "most_a_week": rules.most_a_week,
        "days_between": rules.days_between,
        "approval_above": rules.approval_above,
    }
