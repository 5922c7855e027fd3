"""The library of reasons: what students read when something comes back to them."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from pratique.accounts.roles import Permission
from pratique.foundation import clock
from pratique.interfaces.console import people
from pratique.reviews.actions.reasons import (
    LONGEST_NAME,
    LONGEST_WORDING,
    ReasonError,
    retire_reason,
    save_reason,
)
from pratique.reviews.errors import ReviewError
from pratique.reviews.reasons import OTHER, PLACES, library
from pratique.reviews.types import Reason
from pratique.screens.permissions import requires

_KEYS = [("", gettext_lazy("No key")), *((str(place), str(place)) for place in PLACES)]


class ReasonForm(forms.Form):
    """A reason's name among staff, its key, and the student's text in both languages."""

    name = forms.CharField(
        label=gettext_lazy("Name, for reviewers"), max_length=LONGEST_NAME, widget=forms.TextInput
    )
    place = forms.ChoiceField(
        label=gettext_lazy("Key"),
        choices=_KEYS,
        required=False,
        help_text=gettext_lazy("A reason that has this key now loses it."),
    )
    wording_en = forms.CharField(
        label=gettext_lazy("What the student reads, in English"),
        max_length=LONGEST_WORDING,
        widget=forms.Textarea(attrs={"rows": 4, "data-previews": "preview-en"}),
        help_text=gettext_lazy("Say what was wrong without blame, and what puts it right."),
    )
    wording_es = forms.CharField(
        label=gettext_lazy("What the student reads, in Spanish"),
        required=False,
        max_length=LONGEST_WORDING,
        widget=forms.Textarea(attrs={"rows": 4, "lang": "es", "data-previews": "preview-es"}),
        help_text=gettext_lazy("Without it, students who read Spanish see the English text."),
    )


@requires(Permission.MANAGE_REASONS)
@require_safe
def review_reasons(request: HttpRequest) -> HttpResponse:
    known = library(people.staff(request).institution_id, with_retired=True)
    return render(
        request,
        "console/review/reasons.html",
        {
            "reasons": [one for one in known if not one.retired],
            "retired": [one for one in known if one.retired],
            "other": OTHER,
        },
    )


@requires(Permission.MANAGE_REASONS)
@require_http_methods(["GET", "HEAD", "POST"])
def review_reason(request: HttpRequest, code: str | None = None) -> HttpResponse:
    """Change a reason, or add one (without a code)."""
    reason = _known(request, code) if code else None
    if request.method == "POST":
        form = ReasonForm(request.POST)
        if form.is_valid() and _saved(request, form, code):
            return redirect("review_reasons")
    else:
        form = ReasonForm(initial=_initial(reason))
    return render(request, "console/review/reason.html", {"form": form, "reason": reason, "other": OTHER})


@requires(Permission.MANAGE_REASONS)
@require_POST
def review_reason_retire(request: HttpRequest, code: str) -> HttpResponse:
    reason = _known(request, code)
    try:
        retire_reason(
            institution=people.staff(request).institution,
            code=code,
            by=people.actor(request),
            now=clock.now(),
        )
    except ReviewError as error:
        messages.error(request, error.sentence)
    else:
        messages.success(
            request,
            _("“%(name)s” is not offered any more. What was returned with it keeps its words.")
            % {"name": reason.name},
        )
    return redirect("review_reasons")


def _saved(request: HttpRequest, form: ReasonForm, code: str | None) -> bool:
    """Save what the form says; False, with the problems in the form, if it cannot be kept so."""
    given = form.cleaned_data
    try:
        save_reason(
            institution=people.staff(request).institution, code=code, name=given["name"],
            wording={"en": given["wording_en"], "es": given["wording_es"]},
            place=int(given["place"]) if given["place"] else None, by=people.actor(request), now=clock.now(),
        )  # fmt: skip
    except ReasonError as error:
        for field, sentence in error.problems:
            form.add_error(field if field in form.fields else None, sentence)
        return False
    messages.success(request, _("“%(name)s” is saved.") % {"name": given["name"]})
    return True


def _known(request: HttpRequest, code: str) -> Reason:
    for reason in library(people.staff(request).institution_id, with_retired=True):
        if reason.code == code:
            return reason
    raise Http404


def _initial(reason: Reason | None) -> dict[str, object]:
    if reason is None:
        return {}
    return {
        "name": reason.name,
        "place": str(reason.place or ""),
        "wording_en": reason.wording.get("en", ""),
        "wording_es": reason.wording.get("es", ""),
    }
