"""A school's forms in the portal: definition, answers, signature; from a form's fields to a piece and back."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.utils.translation import gettext as _

from pratique.records import forms
from pratique.records.queries import form_in_force

LONGEST_NAME = 200


@dataclass(frozen=True)
class FilledForm:
    """A form with what was answered so far. `page` is `records.forms.Page`; problems are by field."""

    definition: forms.Form
    page: forms.Page
    signed_as: str = ""
    agreed: bool = False
    problems: Mapping[str, str] = field(default_factory=dict)

    @property
    def student_signs(self) -> bool:
        return "student" in self.page.signers

    @property
    def guardians(self) -> int:
        return self.page.signers.count("guardian")


def definition_of(key: str) -> forms.Form | None:
    """Return the institution's form of this key as it is now, None if it has none."""
    return form_in_force(key)


def titles_of(keys: Iterable[str], language: str) -> dict[str, str]:
    """Return the titles of forms by key; a form that the institution does not have is left out."""
    found = {key: definition_of(key) for key in dict.fromkeys(keys)}
    return {key: form.title.in_language(language) for key, form in found.items() if form is not None}


def filled(
    definition: forms.Form, piece: Mapping[str, Any], language: str, problems: Mapping[str, str] | None = None
) -> FilledForm:
    """Return the form with the answers of a piece of the draft (empty: none yet)."""
    laid_out = forms.page(definition, piece.get("answers") or {}, language, problems or {})
    return FilledForm(
        definition, laid_out, piece.get("signed_as", ""), bool(piece.get("agreed")), problems or {}
    )


def read_piece(definition: forms.Form, posted: Any, piece_id: str) -> dict[str, Any]:
    """Read a form's fields into a piece; answers stay as the browser sent them until they are checked."""
    answers: dict[str, Any] = {}
    for question in definition.questions:
        name = f"answer-{question.key}"
        if question.kind is forms.QuestionKind.MANY_OF:
            answers[question.key] = posted.getlist(name)
        elif question.kind is forms.QuestionKind.DATE:
            answers[question.key] = _date(posted, name)
        elif name in posted:
            answers[question.key] = str(posted[name])[:20_000]
    checked = forms.check(definition, answers)
    kept = {**answers, **checked.answers}
    return {
        "id": piece_id, "kind": "form", "form": definition.key, "form_version": definition.version,
        "answers": {key: value for key, value in kept.items() if value not in ("", [], None)},
        "signed_as": " ".join(str(posted.get("signed_as", "")).split())[:2000],
        "agreed": posted.get("agreed") == "yes",
    }  # fmt: skip


def problems_of(
    definition: forms.Form, piece: Mapping[str, Any], language: str, today: Any
) -> dict[str, str]:
    """Return what keeps the form from being handed in, by question; signature and consent included."""
    found = dict(forms.check(definition, piece.get("answers") or {}, language, today=today).problems)
    if "student" in {signer.value for signer in definition.signers}:
        if not piece.get("signed_as"):
            found["signed_as"] = _("Sign by typing your full name.")
        elif len(piece["signed_as"]) > LONGEST_NAME:
            found["signed_as"] = _("Please write your name with at most 200 letters.")
        if not piece.get("agreed"):
            found["agreed"] = _("Tick the box to sign.")
    return found


def final_answers(definition: forms.Form, piece: Mapping[str, Any]) -> dict[str, Any]:
    """Return the answers as they are judged and stored: cleaned, with what follows from them."""
    return forms.derive(definition, piece.get("answers") or {})


def _date(posted: Any, name: str) -> str:
    from pratique.interfaces.portal import typed_dates

    typed = typed_dates.read(*(str(posted.get(f"{name}-{part}", "")) for part in ("day", "month", "year")))
    return typed.iso or " ".join(filter(None, (typed.day, typed.month, typed.year)))
