"""A schedule's form and its plan: one made into the other, and what the form shows before anything is kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db.models import Q
from django.http import QueryDict
from django.utils.translation import gettext as _

from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES, Permission, permissions_of
from pratique.delivery import encrypting, names, queries, timing
from pratique.delivery.models import Contents, Destination
from pratique.delivery.types import DeliveryError, Place, SchedulePlan
from pratique.foundation.ids import read_id
from pratique.interfaces.console import schedule_columns
from pratique.interfaces.console.schedule_columns import ReportPart
from pratique.interfaces.console.schedule_forms import (
    DATES,
    INSTANTS,
    LAST_DAY,
    OTHER,
    PREFIX,
    ScheduleForm,
    calendar_of,
    keys,
)
from pratique.reports import queries as report_queries
from pratique.reports.filters import of_delta
from pratique.reports.types import Format, Layout
from pratique.transfers.models import TransferAccount

_RUNS_SHOWN = 5
# Which field of the form mends what a refusal names.
_FIELDS = {
    "report_key": "report",
    "parameters": "report",
    "date_format": "own_dates",
    "instant_format": "own_instants",
    "booleans": "yes",
    "calendar": "times",
    "key": "pgp_key",
    "width": "columns",
    "title": "columns",
}


@dataclass(frozen=True)
class Preview:
    """What would come of a form as it stands. Each part is empty where the form does not say enough."""

    file_name: str = ""
    file_problem: str = ""
    runs: tuple[datetime, ...] = ()
    pgp_key: encrypting.PgpKey | None = None
    destination: Destination | None = None


def new_form(user: User, data: QueryDict | None = None, *, initial: Mapping[str, Any]) -> ScheduleForm:
    """Return the form with what the school has to choose from. The report's order is added by `offer`."""
    form = ScheduleForm(data, initial=dict(initial), prefix=PREFIX)
    saved, others = schedule_columns.reports_for(user)
    groups: list[Any] = [(_("Saved reports"), saved)] if saved else []
    form.fields["report"].choices = [("", _("Choose a report")), *groups, (_("Catalog"), others)]  # type: ignore[attr-defined]
    kept = form.initial
    accounts = TransferAccount.objects.filter(
        Q(closed_at__isnull=True) | Q(id=read_id(kept.get("account")))
    ).order_by("name", "id")
    destinations = Destination.objects.filter(
        Q(closed_at__isnull=True) | Q(id=read_id(kept.get("destination")))
    ).order_by("name", "id")
    form.fields["account"].choices = [  # type: ignore[attr-defined]
        ("", _("Choose an account")),
        *((str(one.id), one.name) for one in accounts),
    ]
    form.fields["destination"].choices = [  # type: ignore[attr-defined]
        ("", _("Choose a destination")),
        *((str(one.id), one.name) for one in destinations),
    ]
    return form


def offer(form: ScheduleForm, part: ReportPart) -> None:
    """Let the form choose from what its report has: an order, and colleagues who may download it."""
    needed = {Permission.DOWNLOAD_REPORTS} | ({part.definition.permission} if part.definition else set())
    colleagues = User.objects.filter(role__in=STAFF_ROLES, is_active=True).exclude(email="")
    form.fields["staff"].choices = [  # type: ignore[attr-defined]
        (str(one.id), one.name) for one in colleagues.order_by("name", "id") if needed <= permissions_of(one)
    ]
    form.fields["sort"].choices = [  # type: ignore[attr-defined]
        ("", _("As the report has it")),
        *part.sorts,
        *((f"-{key}", _("%(column)s, backwards") % {"column": title}) for key, title in part.sorts),
    ]


def initial_of(plan: SchedulePlan) -> dict[str, Any]:
    """Return a schedule's plan as the form's fields."""
    layout, calendar = plan.layout, plan.calendar
    place = plan.place
    dates = layout.date_format if layout.date_format in DATES else OTHER
    instants = layout.instant_format if layout.instant_format in INSTANTS else OTHER
    values: dict[str, Any] = {
        "name": plan.name,
        "report": plan.report_key,
        "sort": plan.sort,
        "columns": "own" if layout.columns else "usual",
        "contents": str(plan.contents),
        "send_empty": "send" if plan.send_empty else "skip",
        "format": str(plan.format),
        "template": plan.template,
        "header": layout.header,
        "dates": dates,
        "own_dates": layout.date_format if dates == OTHER else "",
        "instants": instants,
        "own_instants": layout.instant_format if instants == OTHER else "",
        "yes": layout.booleans[0] if layout.booleans else "",
        "no": layout.booleans[1] if layout.booleans else "",
        "cut": layout.cut,
        "neutralise": plan.neutralise,
        "bom": plan.bom,
        "pgp_key": plan.pgp_key,
        "when": "minutes" if calendar is None else "calendar",
        "place": "account" if place.account_id else "destination" if place.destination_id else "staff",
        "account": str(place.account_id or ""),
        "destination": str(place.destination_id or ""),
        "staff": [str(one) for one in place.staff],
    }
    if plan.every_minutes:
        values["every_minutes"] = plan.every_minutes
    if calendar is not None:
        values["times"] = ", ".join(f"{one:%H:%M}" for one in calendar.times)
        values["on"] = "weekdays" if calendar.weekdays else "days" if calendar.days else "every"
        values["weekdays"] = [str(one) for one in calendar.weekdays]
        values["days"] = ", ".join(_("last") if one == LAST_DAY else str(one) for one in calendar.days)
    return values


def plan_of(form: ScheduleForm, part: ReportPart) -> SchedulePlan:
    """Return the plan that a valid form and its report's part say."""
    values = form.cleaned_data
    place = values["place"]
    contents = Contents.DELTA if values["contents"] == "delta" and part.has_delta else Contents.WHOLE
    parameters = part.parameters
    if contents == Contents.DELTA and part.definition:
        chosen = {name: value for name, value in parameters.items() if name not in part.left_open}
        parameters = of_delta(part.definition.filters, chosen)
    return SchedulePlan(
        name=values["name"],
        report_key=part.key,
        parameters=parameters,
        layout=Layout(
            columns=part.layout_columns if values["columns"] == "own" else (),
            date_format=values["own_dates"] if values["dates"] == OTHER else values["dates"],
            instant_format=values["own_instants"] if values["instants"] == OTHER else values["instants"],
            booleans=(values["yes"], values["no"]) if values["yes"] else None,
            header=values["header"],
            cut=values["cut"],
        ),
        sort=values["sort"],
        format=Format(values["format"]),
        neutralise=values["neutralise"],
        bom=values["bom"],
        template=values["template"],
        pgp_key=values["pgp_key"].strip(),
        contents=contents,
        send_empty=values["send_empty"] == "send",
        every_minutes=values["every_minutes"],
        calendar=calendar_of(values),
        place=Place(
            UUID(values["account"]) if place == "account" else None,
            UUID(values["destination"]) if place == "destination" else None,
            keys(values["staff"]) if place == "staff" else (),
        ),
    )


def explain(form: ScheduleForm, wrong: Exception) -> None:
    """Put what was wrong beside its field, or above the form."""
    field = getattr(wrong, "field", "")
    field = _FIELDS.get(field, field)
    if field == "place":
        # Beside what was chosen there, rather than beside the choice.
        field = form.cleaned_data.get("place", field)
    form.add_error(field if field in form.fields else None, str(wrong))


def preview(
    form: ScheduleForm, part: ReportPart, *, zone: ZoneInfo, now: datetime, is_refused: bool = False
) -> Preview:
    """Return what would come of the form as it stands, which is bound, and what is wrong with a name or a key in it.

    Where it `is_refused`, that stands beside the fields.
    """
    pasted = str(form["pgp_key"].value() or "")
    form.is_valid()
    values = form.cleaned_data
    shown: dict[str, Any] = {}
    if not is_refused and part.definition and "template" in form.errors:
        shown["file_problem"] = " ".join(map(str, form.errors["template"]))
    if part.definition and "template" in values and "format" in values:
        file_format = Format(values["format"])
        template = values["template"] or names.default_template(file_format.extension)
        try:
            name = names.file_name(
                template,
                report=report_queries.short_name(part.key),
                local_now=now.astimezone(zone),
                is_taken=lambda _name: False,
            )
            shown["file_name"] = (name or "") + (encrypting.EXTENSION if pasted.strip() else "")
        except DeliveryError as wrong:
            shown["file_problem"] = str(wrong)
    if {"when", "every_minutes", "times", "weekdays", "days"} <= values.keys():
        shown["runs"] = timing.upcoming(
            values["every_minutes"], calendar_of(values), after=now, zone=zone, count=_RUNS_SHOWN
        )
    if pasted.strip() and (not is_refused or "pgp_key" in values):
        shown["pgp_key"] = encrypting.read_key(pasted)
    if values.get("place") == "destination" and values.get("destination"):
        shown["destination"] = queries.destination_by_id(UUID(values["destination"]))
    return Preview(**shown)
