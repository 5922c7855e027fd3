"""Forms from JSON, with every problem named by its place and what to do about it.

    {"key": "tb_questionnaire", "version": 1, "title": {"en": "...", "es": "..."}, "introduction": {...},
     "sections": [{"title": {...}, "introduction": {...}, "questions": [
        {"key": "born_in", "kind": "country", "label": {...}, "hint": {...}, "required": true},
        {"key": "why", "kind": "one_of", "label": {...}, "choices": [{"key": "a", "label": {...}}],
         "show_if": {"question": "born_in", "in_list": "tb_high_incidence"}}]}],
     "derived": [{"key": "tb_risk", "when": {"or": [...]}}],
     "signers": ["student", "guardian"],
     "lists": {"tb_high_incidence": {"countries": ["AF", ...], "source": "...", "as_of": "2024-10-29"}}}

Conditions are `conditions.py`'s. "text" (a list of paragraphs) belongs to information and consent, "choices" to
one_of and many_of, "shows_list" to information and yes_no, "past_only" to date.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from pratique.records.forms.conditions import asked, read_condition
from pratique.records.forms.countries import ALL_CODES
from pratique.records.forms.types import (
    Choice,
    Condition,
    CountryList,
    Derived,
    Equals,
    Form,
    Has,
    InList,
    IsIn,
    Question,
    QuestionKind,
    Section,
    Signer,
    Text,
)
from pratique.rules.reading import Fields, Problem

_KEY = re.compile(r"[a-z][a-z0-9_]{0,59}")
_EMPTY = Text("", "")
_WITH_CHOICES = (QuestionKind.ONE_OF, QuestionKind.MANY_OF)
_WITH_TEXT = (QuestionKind.INFORMATION, QuestionKind.CONSENT)
_WITH_LIST = (QuestionKind.INFORMATION, QuestionKind.YES_NO)
_NEVER_REQUIRED = QuestionKind.INFORMATION
MOST_SIGNERS = 4
MOST_QUESTIONS = 200


class FormDataError(ValueError):
    """A form cannot be read. `problems` names every one of them: path (a JSON pointer), message, remedy."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        super().__init__(
            "\n".join(f"{path or '/'}: {message}. {remedy}" for path, message, remedy in self.problems)
        )


def read(data: Mapping[str, Any]) -> Form:
    """Read a form. Raises FormDataError with every problem found."""
    problems: list[Problem] = []
    form = _read_form(data, problems)
    if form is not None and not problems:
        _check_references(form, problems)
    if form is None or problems:
        raise FormDataError(problems)
    return form


def _read_form(data: Any, problems: list[Problem]) -> Form | None:
    read = Fields(data, "", problems)
    if not read.is_object:
        return None
    form = Form(
        key=_key(read),
        version=read.integer("version", low=1, high=100_000),
        title=_text(read, "title"),
        introduction=_text(read, "introduction"),
        sections=tuple(_read_section(item) for item in _objects(read, "sections")),
        derived=tuple(
            one for item in _objects(read, "derived", required=False) if (one := _read_derived(item))
        ),
        signers=_signers(read),
        lists=_lists(read),
    )
    read.close()
    if len(form.questions) > MOST_QUESTIONS:
        read.refuse("sections", "there are too many questions", f"Ask at most {MOST_QUESTIONS}.")
    return form


def _read_section(read: Fields) -> Section:
    introduction = _text(read, "introduction") if read.has("introduction") else None
    questions = tuple(_read_question(item) for item in _objects(read, "questions"))
    section = Section(_text(read, "title"), questions, introduction)
    read.close()
    return section


def _read_question(read: Fields) -> Question:
    kind = QuestionKind(read.choice("kind", list(QuestionKind)))
    question = Question(
        key=_key(read),
        kind=kind,
        label=_text(read, "label"),
        hint=_text(read, "hint") if read.has("hint") else None,
        text=_paragraphs(read) if kind in _WITH_TEXT else (),
        required=kind is not _NEVER_REQUIRED and read.flag("required", default=kind is QuestionKind.CONSENT),
        choices=_choices(read) if kind in _WITH_CHOICES else (),
        shows_list=read.text("shows_list", default="") if kind in _WITH_LIST else "",
        past_only=kind is QuestionKind.DATE and read.flag("past_only", default=False),
        show_if=_condition(read, "show_if") if read.has("show_if") else None,
    )
    if kind is QuestionKind.CONSENT and not question.required:
        read.refuse("required", "a consent must be ticked", "Leave this out, or ask with yes_no.")
    read.close()
    return question


def _read_derived(read: Fields) -> Derived | None:
    key, when = _key(read), _condition(read, "when")
    read.close()
    return None if when is None else Derived(key, when)


def _choices(read: Fields) -> tuple[Choice, ...]:
    choices = []
    for item in _objects(read, "choices"):
        choices.append(Choice(_key(item), _text(item, "label")))
        item.close()
    if len({choice.key for choice in choices}) < len(choices):
        read.refuse("choices", "a key is used twice", "Give each choice its own key.")
    if len(choices) == 1 and read.value("kind") == QuestionKind.ONE_OF:
        read.refuse("choices", "there is only one choice", "Give at least two, or ask for a consent.")
    return tuple(choices)


def _signers(read: Fields) -> tuple[Signer, ...]:
    values = read.value("signers")
    known = [signer.value for signer in Signer]
    if not isinstance(values, (list, tuple)) or any(value not in known for value in values):
        read.refuse(
            "signers",
            "this must be a list of who signs",
            f"Use these words: {', '.join(known)}; [] for nobody.",
        )
        return ()
    if len(values) > MOST_SIGNERS:
        read.refuse("signers", "too many people sign", f"Ask for at most {MOST_SIGNERS}.")
    return tuple(Signer(value) for value in values)


def _lists(read: Fields) -> dict[str, CountryList]:
    value = read.value("lists")
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        read.refuse("lists", "this must be an object", 'Write it as {"name": {"countries": [...]}}.')
        return {}
    lists = {}
    for name in value:
        inner = Fields(value[name], f"/lists/{name}", read.problems)
        if not isinstance(name, str) or not _KEY.fullmatch(name):
            inner.refuse("", f"{name!r} is not a name", "Use small letters, digits and _.")
        codes = inner.words("countries") if inner.is_object else ()
        if unknown := sorted(set(codes) - ALL_CODES):
            inner.refuse(
                "countries", f"unknown: {', '.join(unknown)}", "Use ISO 3166 codes of two letters such as MX."
            )
        as_of = inner.day("as_of")
        if as_of is None and inner.is_object:
            inner.refuse("as_of", "the date of the list is missing", "Say when its source was read.")
        lists[str(name)] = CountryList(
            str(name),
            frozenset(codes),
            inner.text("source") if inner.is_object else "",
            as_of or date.min,
            inner.flag("confirm", default=True),
        )
        inner.close()
    return lists


def _objects(read: Fields, name: str, *, required: bool = True) -> list[Fields]:
    """Read a list of objects."""
    if not read.is_object:
        return []  # which is noted already
    values = read.value(name)
    if values is None and not required:
        return []
    if not isinstance(values, (list, tuple)) or (required and not values):
        read.refuse(name, "this must be a list of objects, not empty", "Write it as [{...}, {...}].")
        return []
    return [Fields(value, f"{read.path}/{name}/{place}", read.problems) for place, value in enumerate(values)]


def _key(read: Fields) -> str:
    if not read.is_object:
        return ""
    key = read.text("key")
    if key and not _KEY.fullmatch(key):
        read.refuse("key", f"{key!r} is not a key", "Use small letters, digits and _, a letter first.")
    return key


def _text(read: Fields, name: str) -> Text:
    if not read.is_object:
        return _EMPTY
    return _as_text(Fields(read.value(name), f"{read.path}/{name}", read.problems))


def _as_text(inner: Fields) -> Text:
    if not inner.is_object:
        return _EMPTY
    text = Text(inner.text("en"), inner.text("es"))
    inner.close()
    return text


def _paragraphs(read: Fields) -> tuple[Text, ...]:
    required = read.value("kind") == QuestionKind.INFORMATION and not read.has("shows_list")
    return tuple(_as_text(item) for item in _objects(read, "text", required=required))


def _condition(read: Fields, name: str) -> Condition | None:
    return read_condition(read.value(name), f"{read.path}/{name}", read.problems)


# --- what refers to what ----------------------------------------------------------------------------------


def _check_references(form: Form, problems: list[Problem]) -> None:
    """Check that keys are unique and that conditions ask earlier questions for answers they can have."""
    earlier: dict[str, Question] = {}
    for place, section in enumerate(form.sections):
        for number, question in enumerate(section.questions):
            path = f"/sections/{place}/questions/{number}"
            if question.show_if is not None:
                _check_condition(question.show_if, f"{path}/show_if", earlier, form, problems)
            if question.shows_list and question.shows_list not in form.lists:
                problems.append(_no_list(f"{path}/shows_list", question.shows_list))
            if question.key in earlier:
                problems.append(
                    Problem(
                        f"{path}/key", f"{question.key!r} is used twice", "Give each question its own key."
                    )
                )
            earlier[question.key] = question
    for place, one in enumerate(form.derived):
        path = f"/derived/{place}"
        if one.key in earlier:
            problems.append(
                Problem(f"{path}/key", f"{one.key!r} is a question already", "Give it a key of its own.")
            )
        if one.key in [other.key for other in form.derived[:place]]:
            problems.append(Problem(f"{path}/key", f"{one.key!r} is derived twice", "Join the conditions."))
        _check_condition(one.when, f"{path}/when", earlier, form, problems)
        for part in asked(one.when):
            source = earlier.get(part.question)  # type: ignore[union-attr]
            if isinstance(part, (Equals, IsIn, InList, Has)) and source and not source.required:
                problems.append(
                    Problem(
                        f"{path}/when",
                        f"{source.key!r} may be left empty, which would count as no",
                        "Make the question required.",
                    )
                )


def _check_condition(
    condition: Condition, path: str, known: Mapping[str, Question], form: Form, problems: list[Problem]
) -> None:
    for part in asked(condition):
        key: str = part.question  # type: ignore[union-attr]
        question = known.get(key)
        if question is None:
            problems.append(Problem(path, f"there is no earlier question {key!r}", "Name one asked before."))
        elif question.kind is QuestionKind.INFORMATION:
            problems.append(Problem(path, f"{key!r} has no answer", "Name a question."))
        elif isinstance(part, InList):
            if part.name not in form.lists:
                problems.append(_no_list(path, part.name))
            elif question.kind is not QuestionKind.COUNTRY:
                problems.append(
                    Problem(path, f"{key!r} does not ask for a country", "Use in_list for those.")
                )
        elif wrong := _impossible(part, question):
            problems.append(
                Problem(path, f"{key!r} is never answered {wrong!r}", "Correct the answer or the comparison.")
            )


def _impossible(part: Condition, question: Question) -> Any:
    """Return an answer that a condition asks for and the question cannot have, "" where there is none."""
    many = question.kind is QuestionKind.MANY_OF
    match part:
        case Equals(_, value):
            values: tuple[Any, ...] = (value,)
        case IsIn(_, values):
            pass
        case Has(_, value):
            return "" if many and value in {choice.key for choice in question.choices} else value
        case _:
            return ""
    if many:
        return values[0]
    if question.kind in (QuestionKind.YES_NO, QuestionKind.CONSENT):
        possible: Any = (True, False)
        return next((value for value in values if type(value) is not bool), "")
    if question.kind is QuestionKind.ONE_OF:
        possible = {choice.key for choice in question.choices}
    elif question.kind is QuestionKind.COUNTRY:
        possible = ALL_CODES
    else:
        return next((value for value in values if type(value) is bool), "")
    return next((value for value in values if value not in possible), "")


def _no_list(path: str, name: str) -> Problem:
    return Problem(path, f"there is no list {name!r}", 'Add it to "lists".')
