"""Ladders: which groups have one, and the editor of each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.institutions.models import RequirementGroup, Tracker
from pratique.interfaces.console import people, reminder_words
from pratique.interfaces.console.reminder_forms import NEW, STEP_FIELDS, StepForm, step_of, typed, values_of
from pratique.reminders import planning, queries, steps
from pratique.reminders.actions import ladders as actions
from pratique.reminders.actions.plan import foresee
from pratique.reminders.types import LadderError, LadderView, Step
from pratique.screens.permissions import requires

_MOST_ROWS = steps.MOST_STEPS


@dataclass(frozen=True)
class Row:
    """A step as the editor shows it: its fields, what it says, and whether the cursor belongs there."""

    form: StepForm
    says: str
    is_new: bool = False

    @property
    def number(self) -> str:
        """The row's name in the form."""
        return str(self.form.prefix).removeprefix("s")


@requires(Permission.MANAGE_REMINDERS)
@require_safe
def reminder_ladders(request: HttpRequest) -> HttpResponse:
    """All ladders: the common one, and each group's."""
    common, *groups = queries.ladders()
    return render(
        request,
        "console/reminders/ladders.html",
        {
            "common": common,
            "groups": groups,
            "people": people.names(one.changed_by for one in (common, *groups) if one.changed_by),
        },
    )


@requires(Permission.MANAGE_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_ladder(request: HttpRequest, group_id: UUID | None = None) -> HttpResponse:
    """Edit a group's ladder, or the common one."""
    group, view = _find(group_id)
    due_on = _example(view, clock.today(people.staff(request).institution.time_zone))
    if request.method != "POST":
        return _shown(request, view, [values_of(step) for step in view.steps], view.is_on, due_on)
    data, deed = request.POST, request.POST.get("deed", "save")
    is_on, values = "is_on" in data, [typed(data, f"s{one}") for one in _numbers(data)]
    if deed not in ("save", "try"):
        focus = None
        if deed == "suggest":
            values, focus = [values_of(step) for step in steps.SUGGESTED], 0
        elif deed == "add" and len(values) < _MOST_ROWS:
            values, focus = [*values, NEW], len(values)
        elif deed.startswith("remove-"):
            values = [one for one, number in zip(values, _numbers(data), strict=True) if number != deed[7:]]
        return _shown(request, view, values, is_on, due_on, focus=focus)
    forms = [StepForm(data, prefix=f"s{number}") for number in _numbers(data)]
    problem, wanted = "", _wanted(forms)
    if wanted is not None:
        institution, by, now = people.staff(request).institution, people.actor(request), clock.now()
        try:
            if deed == "try":
                count = foresee(
                    institution=institution,
                    requirement_group_id=group_id,
                    steps=steps.checked(wanted),
                    now=now,
                )
                return _shown(request, view, values, is_on, due_on, foreseen=count)
            actions.set_ladder(
                institution=institution, requirement_group=group, steps=wanted, is_on=is_on, by=by, now=now
            )
        except LadderError as wrong:
            problem = _explain(forms, wrong)
        else:
            messages.success(
                request,
                _("The ladder is saved, and on.")
                if is_on
                else _("The ladder is saved. It is off: it reminds nobody."),
            )
            return redirect("reminder_ladders")
    return _shown(request, view, values, is_on, due_on, forms=forms, problem=problem)


@requires(Permission.MANAGE_REMINDERS)
@require_http_methods(["GET", "HEAD", "POST"])
def reminder_ladder_follow(request: HttpRequest, group_id: UUID) -> HttpResponse:
    """Say what is lost, and let a group follow the common ladder again."""
    group, view = _find(group_id)
    if group is None or not view.is_own:
        raise Http404
    if request.method == "POST":
        actions.remove_ladder(
            institution=people.staff(request).institution, requirement_group=group,
            by=people.actor(request), now=clock.now(),
        )  # fmt: skip
        messages.success(request, _("The group follows the common ladder."))
        return redirect("reminder_ladders")
    return render(
        request,
        "console/reminders/ladder_follow.html",
        {"ladder": view, "common": queries.ladders()[0]},
    )


def _find(group_id: UUID | None) -> tuple[RequirementGroup | None, LadderView]:
    group = RequirementGroup.objects.filter(id=group_id).first() if group_id else None
    view = next((one for one in queries.ladders() if one.requirement_group_id == group_id), None)
    if view is None:
        raise Http404
    return group, view


def _numbers(data: QueryDict) -> list[str]:
    """Return the rows' names in the form, as it has them."""
    return [one for one in data.getlist("row") if one.isascii() and one.isdigit() and len(one) < 4][
        :_MOST_ROWS
    ]


def _wanted(forms: Sequence[StepForm]) -> list[Step] | None:
    """Return the steps that valid forms say, or None if one of them is not valid. All of them are asked."""
    valid = [form.is_valid() for form in forms]
    found = [step_of(form.cleaned_data) for form in forms] if all(valid) else []
    return [one for one in found if one] if all(valid) else None


def _explain(forms: Sequence[StepForm], wrong: LadderError) -> str:
    """Put a refusal beside its field; return it where it is about none."""
    _steps, _dot, rest = wrong.field.partition(".")
    place, _dot, field = rest.partition(".")
    if place.isdigit() and int(place) < len(forms):
        forms[int(place)].add_error(STEP_FIELDS.get(field, field), str(wrong))
        return ""
    return str(wrong)


def _example(view: LadderView, today: date) -> date | None:
    """Return a due date to show steps by: the next one of the group, or of anybody."""
    trackers = Tracker.objects.all()
    if view.requirement_group_id:
        trackers = trackers.filter(requirement_group_id=view.requirement_group_id)
    dates = trackers.filter(due_on__gte=today).order_by("due_on")
    return dates.values_list("due_on", flat=True).first()


def _shown(
    request: HttpRequest,
    view: LadderView,
    values: Sequence[dict[str, Any]],
    is_on: bool,
    due_on: date | None,
    *,
    focus: int | None = None,
    forms: Sequence[StepForm] | None = None,
    problem: str = "",
    foreseen: int | None = None,
) -> HttpResponse:
    shown = forms or [StepForm(initial=one, prefix=f"s{place}") for place, one in enumerate(values)]
    rows = []
    for place, (form, one) in enumerate(zip(shown, values, strict=True)):
        step = step_of(one)
        rows.append(
            Row(
                form,
                reminder_words.sentence(step, due_on) if step else _("A new step"),
                place == focus,
            )
        )
    is_refused = bool(problem) or any(form.errors for form in shown)
    return render(
        request,
        "console/reminders/ladder.html",
        {
            "ladder": view,
            "rows": rows,
            "is_on": is_on,
            "problem": problem,
            "is_refused": is_refused,
            "foreseen": foreseen,
            "limit": queries.settings_of().approval_above,
            "next_plan": planning.next_plan(clock.now()),
            "may_add": len(rows) < _MOST_ROWS,
        },
        status=422 if is_refused else 200,
    )
