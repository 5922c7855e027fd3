"""A form as plain values in one language, for a template to lay out: no conditions, no lookups, no logic left."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from pratique.records.forms.answers import LONGEST, in_words, visible
from pratique.records.forms.conditions import condition_to_data, is_answered
from pratique.records.forms.countries import countries
from pratique.records.forms.types import CountryList, Form, Question, QuestionKind


class Option(NamedTuple):
    """One choice to offer: its value, its words, whether it is chosen."""

    value: str
    label: str
    is_chosen: bool


class Field(NamedTuple):
    """One question as it is shown.

    `value` is the text to put into an input ("" where nothing was answered); of yes_no, one_of, many_of and
    country `options` say what is chosen; a consent is ticked where `value` is "yes". `show_if` is for a script
    that shows and hides at once (None: always shown); without it the page is asked for again.
    """

    key: str
    kind: str
    label: str
    hint: str
    text: tuple[str, ...]
    required: bool
    options: tuple[Option, ...]
    value: str
    problem: str
    longest: int | None
    past_only: bool
    is_shown: bool
    show_if: dict[str, Any] | None
    listed_countries: tuple[str, ...]
    list_source: str
    list_to_confirm: bool


class PageSection(NamedTuple):
    """Fields under one heading."""

    title: str
    introduction: str
    fields: tuple[Field, ...]

    @property
    def is_shown(self) -> bool:
        """Whether any of its fields is."""
        return any(field.is_shown for field in self.fields)


class Page(NamedTuple):
    """A whole form in one language. `signers` are roles, for the caller to put into words.

    `lists` is what `show_if` conditions with "in_list" refer to: codes by the name of the list.
    """

    key: str
    version: int
    title: str
    introduction: str
    sections: tuple[PageSection, ...]
    signers: tuple[str, ...]
    lists: dict[str, list[str]]


def page(
    form: Form,
    answers: Mapping[str, Any],
    language: str = "en",
    problems: Mapping[str, str] | None = None,
) -> Page:
    """Lay out a form with answers (as stored, or as a browser sent them) and the problems of `check`."""
    shown = {question.key for question in visible(form, answers)}
    sections = tuple(
        PageSection(
            section.title.in_language(language),
            section.introduction.in_language(language) if section.introduction else "",
            tuple(
                _field(question, form, answers.get(question.key), language, problems or {}, shown)
                for question in section.questions
            ),
        )
        for section in form.sections
    )
    return Page(
        form.key,
        form.version,
        form.title.in_language(language),
        form.introduction.in_language(language),
        sections,
        tuple(signer.value for signer in form.signers),
        {name: sorted(one.countries) for name, one in form.lists.items()},
    )


def _field(
    question: Question,
    form: Form,
    answer: Any,
    language: str,
    problems: Mapping[str, str],
    shown: set[str],
) -> Field:
    listed = form.lists.get(question.shows_list)
    return Field(
        key=question.key,
        kind=question.kind.value,
        label=question.label.in_language(language),
        hint=question.hint.in_language(language) if question.hint else "",
        text=tuple(paragraph.in_language(language) for paragraph in question.text),
        required=question.required,
        options=_options(question, answer, language),
        value=_value(question, answer),
        problem=problems.get(question.key, ""),
        longest=LONGEST.get(question.kind),
        past_only=question.past_only,
        is_shown=question.key in shown,
        show_if=None if question.show_if is None else condition_to_data(question.show_if),
        listed_countries=_listed(listed, language),
        list_source="" if listed is None else f"{listed.source} ({listed.as_of.isoformat()})",
        list_to_confirm=listed is not None and listed.confirm,
    )


def _options(question: Question, answer: Any, language: str) -> tuple[Option, ...]:
    if question.kind is QuestionKind.YES_NO:
        value = _value(question, answer)
        return tuple(
            Option(key, in_words(question, key == "yes", language), value == key) for key in ("yes", "no")
        )
    if question.kind is QuestionKind.COUNTRY:
        chosen = _value(question, answer)
        return tuple(Option(code, name, code == chosen) for code, name in countries(language))
    several = answer if isinstance(answer, (list, tuple)) else (answer,)
    return tuple(
        Option(choice.key, choice.label.in_language(language), choice.key in several)
        for choice in question.choices
    )


def _value(question: Question, answer: Any) -> str:
    if question.kind in (QuestionKind.YES_NO, QuestionKind.CONSENT):
        if answer in (True, "yes", "on", "true"):
            return "yes"
        return "no" if answer in (False, "no", "off", "false") else ""
    return answer if isinstance(answer, str) and is_answered(answer) else ""


def _listed(listed: CountryList | None, language: str) -> tuple[str, ...]:
    if listed is None:
        return ()
    return tuple(name for code, name in countries(language) if code in listed.countries)
