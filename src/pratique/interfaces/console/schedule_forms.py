"""The form of a schedule, but for what depends on its report: filters and columns are in `schedule_columns`.

It translates; what can be kept is decided by `delivery.actions.schedules`.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time
from typing import Any
from uuid import UUID

from django import forms
from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from pratique.delivery import encrypting, names
from pratique.delivery.timing import Calendar
from pratique.delivery.types import DeliveryError
from pratique.interfaces.console.transfer_forms import TextArea
from pratique.reports.types import Format

PREFIX = "s"
LAST_DAY = -1
OTHER = "other"
_PLAIN = {"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}

FORMATS: Mapping[str, str | Promise] = {
    Format.CSV.value: gettext_lazy("CSV: commas between"),
    Format.TSV.value: gettext_lazy("TSV: tabs between"),
    Format.PIPE.value: gettext_lazy("Pipe: | between"),
    Format.FIXED.value: gettext_lazy("Fixed width: each column has its characters"),
    Format.JSONL.value: gettext_lazy("JSON Lines: an object a line"),
    Format.XLSX.value: gettext_lazy("Excel"),
}
DATES: Mapping[str, str | Promise] = {
    "": gettext_lazy("2026-08-31 (ISO 8601)"),
    "%m/%d/%Y": "08/31/2026",
    "%d/%m/%Y": "31/08/2026",
    "%d.%m.%Y": "31.08.2026",
    "%Y%m%d": "20260831",
    OTHER: gettext_lazy("Another way"),
}
INSTANTS: Mapping[str, str | Promise] = {
    "": gettext_lazy("2026-08-31T14:05:00-04:00 (ISO 8601)"),
    "%Y-%m-%d %H:%M:%S": "2026-08-31 14:05:00",
    "%m/%d/%Y %H:%M": "08/31/2026 14:05",
    "%d/%m/%Y %H:%M": "31/08/2026 14:05",
    "%Y%m%d%H%M%S": "20260831140500",
    OTHER: gettext_lazy("Another way"),
}
WEEKDAYS: Sequence[tuple[str, str | Promise]] = (
    ("1", gettext_lazy("Monday")),
    ("2", gettext_lazy("Tuesday")),
    ("3", gettext_lazy("Wednesday")),
    ("4", gettext_lazy("Thursday")),
    ("5", gettext_lazy("Friday")),
    ("6", gettext_lazy("Saturday")),
    ("7", gettext_lazy("Sunday")),
)
_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


class ScheduleForm(forms.Form):
    """A schedule's name, contents, file, times and place."""

    name = forms.CharField(
        label=gettext_lazy("Name"),
        max_length=120,
        help_text=gettext_lazy("What you call it, such as “Housing, each morning”."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    report = forms.ChoiceField(label=gettext_lazy("Report"))
    sort = forms.ChoiceField(label=gettext_lazy("Order"), required=False)
    columns = forms.ChoiceField(
        label=gettext_lazy("Columns"),
        choices=[
            ("usual", gettext_lazy("Those of the report; of a saved one, as they are now")),
            ("own", gettext_lazy("These, with names and an order of their own")),
        ],
        initial="usual",
        widget=forms.RadioSelect,
    )
    contents = forms.ChoiceField(
        label=gettext_lazy("Contents"),
        choices=[
            ("whole", gettext_lazy("All rows, each time")),
            ("delta", gettext_lazy("Only what changed since the last delivered file")),
        ],
        initial="whole",
        widget=forms.RadioSelect,
    )
    begin = forms.ChoiceField(
        label=gettext_lazy("The first file holds"),
        choices=[
            ("everything", gettext_lazy("everything, so that the other side has all there is")),
            ("now", gettext_lazy("only what changes from now on")),
        ],
        initial="everything",
        required=False,
        widget=forms.RadioSelect,
    )
    send_empty = forms.ChoiceField(
        label=gettext_lazy("When nothing changed"),
        choices=[
            ("skip", gettext_lazy("send nothing")),
            ("send", gettext_lazy("send a file with the header alone")),
        ],
        initial="skip",
        required=False,
        widget=forms.RadioSelect,
    )
    format = forms.ChoiceField(
        label=gettext_lazy("Format"), choices=[*FORMATS.items()], initial=Format.CSV.value
    )
    template = forms.CharField(
        label=gettext_lazy("File name"),
        required=False,
        max_length=200,
        help_text=gettext_lazy(
            "With {date:%Y%m%d-%H%M} for the time, {report} for the report, {n} for a number. Empty: report and time."
        ),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    header = forms.BooleanField(
        label=gettext_lazy("The first line names the columns"), required=False, initial=True
    )
    dates = forms.ChoiceField(label=gettext_lazy("Dates"), choices=[*DATES.items()], required=False)
    own_dates = forms.CharField(
        label=gettext_lazy("Dates, written as"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Such as %d-%b-%Y: %Y year, %m month, %d day, %b the month’s name."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    instants = forms.ChoiceField(
        label=gettext_lazy("Dates with time"), choices=[*INSTANTS.items()], required=False
    )
    own_instants = forms.CharField(
        label=gettext_lazy("Dates with time, written as"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("Such as %Y%m%d %H%M: %H hour, %M minute, %S second."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    yes = forms.CharField(
        label=gettext_lazy("Word for yes, such as Y or 1"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    no = forms.CharField(
        label=gettext_lazy("Word for no, such as N or 0"),
        required=False,
        max_length=20,
        widget=forms.TextInput(attrs=_PLAIN),
    )
    cut = forms.BooleanField(
        label=gettext_lazy("Cut off what is longer than its column; else such a value stops the file"),
        required=False,
    )
    neutralise = forms.BooleanField(
        label=gettext_lazy("Disarm cells that a spreadsheet would run as a formula"),
        required=False,
        initial=True,
    )
    bom = forms.BooleanField(
        label=gettext_lazy("Begin with a byte order mark, so that Excel reads accents"), required=False
    )
    pgp_key = forms.CharField(
        label=gettext_lazy("Encrypt to this OpenPGP key"),
        required=False,
        strip=False,
        max_length=100_000,
        help_text=gettext_lazy(
            "The customer’s public key, from BEGIN to END PGP PUBLIC KEY BLOCK. Empty: it is not encrypted."
        ),
        widget=TextArea(attrs={"rows": 4, **_PLAIN}),
    )
    when = forms.ChoiceField(
        label=gettext_lazy("How often"),
        choices=[
            ("calendar", gettext_lazy("At times of the day")),
            ("minutes", gettext_lazy("Every few minutes")),
        ],
        initial="calendar",
        widget=forms.RadioSelect,
    )
    every_minutes = forms.IntegerField(
        label=gettext_lazy("Minutes between"),
        required=False,
        min_value=5,
        max_value=10_080,
        initial=15,
        help_text=gettext_lazy("5 at least."),
        error_messages=dict.fromkeys(
            ("min_value", "max_value", "invalid"), gettext_lazy("Choose a number from 5 to 10080, a week.")
        ),
        widget=forms.NumberInput(attrs={"inputmode": "numeric"}),
    )
    times = forms.CharField(
        label=gettext_lazy("Times"),
        required=False,
        max_length=400,
        initial="06:00",
        help_text=gettext_lazy("Such as 06:00, 18:30, by the school’s clock."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    on = forms.ChoiceField(
        label=gettext_lazy("On which days"),
        choices=[
            ("every", gettext_lazy("Every day")),
            ("weekdays", gettext_lazy("Some days of the week")),
            ("days", gettext_lazy("Some days of the month")),
        ],
        initial="every",
        required=False,
        widget=forms.RadioSelect,
    )
    weekdays = forms.MultipleChoiceField(
        label=gettext_lazy("Days of the week"),
        required=False,
        choices=WEEKDAYS,
        widget=forms.CheckboxSelectMultiple,
    )
    days = forms.CharField(
        label=gettext_lazy("Days of the month"),
        required=False,
        max_length=200,
        help_text=gettext_lazy("Such as 1, 15, last."),
        widget=forms.TextInput(attrs=_PLAIN),
    )
    place = forms.ChoiceField(
        label=gettext_lazy("Where to"),
        choices=[
            ("destination", gettext_lazy("To another server, by SFTP")),
            ("account", gettext_lazy("Into a folder here, for a system that fetches it")),
            ("staff", gettext_lazy("To colleagues, as a link by e-mail")),
        ],
        widget=forms.RadioSelect,
    )
    account = forms.ChoiceField(label=gettext_lazy("Account"), required=False)
    destination = forms.ChoiceField(label=gettext_lazy("Destination"), required=False)
    staff = forms.MultipleChoiceField(
        label=gettext_lazy("Colleagues"), required=False, widget=forms.CheckboxSelectMultiple
    )

    def clean_template(self) -> str:
        template = str(self.cleaned_data["template"])
        if template.strip():
            try:
                names.file_name(
                    template, report="report", local_now=datetime.now(UTC), is_taken=lambda _name: False
                )
            except DeliveryError as wrong:
                raise forms.ValidationError(str(wrong)) from None
        return template

    def clean_pgp_key(self) -> str:
        text = str(self.cleaned_data["pgp_key"])
        if text.strip() and (problems := encrypting.read_key(text).problems):
            if is_private(text) and isinstance(self.data, QueryDict):
                # It is not sent back: what is on a screen is read by others.
                shown = self.data.copy()
                shown[self.add_prefix("pgp_key")] = ""
                self.data = shown
            raise forms.ValidationError(problems[0])
        return text

    def clean_times(self) -> tuple[time, ...]:
        if self.data.get(self.add_prefix("when")) != "calendar":
            return ()
        return read_times(self.cleaned_data["times"])

    def clean_days(self) -> tuple[int, ...]:
        if not self._asks("calendar", "days"):
            return ()
        return read_days(self.cleaned_data["days"])

    def clean_weekdays(self) -> tuple[int, ...]:
        if not self._asks("calendar", "weekdays"):
            return ()
        chosen = tuple(sorted(int(one) for one in self.cleaned_data["weekdays"]))
        if not chosen:
            raise forms.ValidationError(_("Choose a day."))
        return chosen

    def clean_every_minutes(self) -> int | None:
        minutes: int | None = self.cleaned_data["every_minutes"]
        if self.data.get(self.add_prefix("when")) != "minutes":
            return None
        if minutes is None:
            raise forms.ValidationError(_("Choose a number from 5 to 10080, a week."))
        return minutes

    def clean(self) -> dict[str, Any]:
        """Say what the chosen place and the chosen ways of writing still need."""
        values = super().clean() or self.cleaned_data
        asks = {
            "destination": _("Choose a destination."),
            "account": _("Choose an account."),
            "staff": _("Choose somebody."),
        }
        place = values.get("place", "")
        if place in asks and not values.get(place) and place not in self.errors:
            self.add_error(place, asks[place])
        for choice, own in (("dates", "own_dates"), ("instants", "own_instants")):
            if values.get(choice) == OTHER and not values.get(own):
                self.add_error(own, _("Say how it is written."))
        if bool(values.get("yes")) != bool(values.get("no")):
            self.add_error("no" if values.get("yes") else "yes", _("Give both words, or neither."))
        return values

    def _asks(self, when: str, on: str) -> bool:
        return self.data.get(self.add_prefix("when")) == when and self.data.get(self.add_prefix("on")) == on


def is_private(text: str) -> bool:
    """Return whether somebody pasted the private half of an OpenPGP key."""
    return "PRIVATE KEY" in text


def typed(form: forms.Form, data: QueryDict) -> dict[str, Any]:
    """Return what was typed into a form so far, right or wrong, to show it again without complaint."""
    values = {
        name: field.widget.value_from_datadict(data, {}, form.add_prefix(name))
        for name, field in form.fields.items()
    }
    return values | ({"pgp_key": ""} if is_private(values["pgp_key"] or "") else {})


def read_times(text: str) -> tuple[time, ...]:
    """Return times of the day from what was typed, in order. Raises ValidationError."""
    found = set()
    for part in re.split(r"[,;\s]+", text.strip()):
        matched = _TIME.fullmatch(part)
        if not matched:
            raise forms.ValidationError(
                _("Write times as hour and minute with a colon, such as 06:00, 18:30.")
            )
        found.add(time(int(matched[1]), int(matched[2])))
    return tuple(sorted(found))


def read_days(text: str) -> tuple[int, ...]:
    """Return days of the month from what was typed; “last” is -1. Raises ValidationError."""
    last = {"last", _("last").casefold()}
    found = set()
    for part in re.split(r"[,;\s]+", text.strip().casefold()):
        if part in last:
            found.add(LAST_DAY)
        elif part.isascii() and part.isdigit() and 1 <= int(part) <= 31:
            found.add(int(part))
        else:
            raise forms.ValidationError(_("Write days of the month from 1 to 31, or “last”."))
    return tuple(sorted(found - {LAST_DAY})) + ((LAST_DAY,) if LAST_DAY in found else ())


def calendar_of(values: Mapping[str, Any]) -> Calendar | None:
    """Return the calendar that a valid form says, or None where it says minutes."""
    if values["when"] == "minutes":
        return None
    return Calendar(times=values["times"], weekdays=values["weekdays"], days=values["days"])


def keys(values: Sequence[str]) -> tuple[UUID, ...]:
    """Return chosen accounts as keys. They are choices of the form, so each is one."""
    return tuple(UUID(one) for one in values)
