"""What is answered: which questions are shown, whether the answers will do, and what follows from them."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any, NamedTuple

from pratique.records.forms.conditions import holds, is_answered
from pratique.records.forms.countries import country_code, country_name
from pratique.records.forms.types import And, Condition, Form, Not, Or, Question, QuestionKind, Signer, Text
from pratique.rules.reading import parse_day

LONGEST = {QuestionKind.TEXT: 200, QuestionKind.LONG_TEXT: 5000}
_TICKED = (True, "true", "yes", "on", "1")
_NOT_TICKED = (False, "false", "no", "off", "0")
_FIRST_YEAR = 1900


class Checked(NamedTuple):
    """What became of the answers: cleaned ones of the questions shown, and what is wrong by question."""

    answers: dict[str, Any]
    problems: dict[str, str]

    @property
    def is_good(self) -> bool:
        """Whether the form can be handed in."""
        return not self.problems


def visible(form: Form, answers: Mapping[str, Any]) -> tuple[Question, ...]:
    """Return the questions that are shown for these answers, in order.

    Answers may be as a browser sends them. What a hidden question once was answered is not looked at.
    """
    return _walk(form, answers, None)[0]


def check(
    form: Form, answers: Mapping[str, Any], language: str = "en", *, today: date | None = None
) -> Checked:
    """Clean answers and say what is wrong with them, in the reader's language.

    Takes JSON values as well as what a browser sends ("yes", "on", one text for a list). Hidden questions and
    keys that the form does not have are dropped. Nothing raises, whatever comes in. Without `today`, dates are
    not compared with it.
    """
    shown, cleaned, faults = _walk(form, answers, today)
    problems = {key: fault.in_language(language) for key, fault in faults.items()}
    for question in shown:
        if question.key in faults or question.key in cleaned:
            continue
        if question.kind is QuestionKind.CONSENT:
            problems[question.key] = _CONSENT.in_language(language)
        elif question.required:
            problems[question.key] = _REQUIRED.get(question.kind, _ANSWER).in_language(language)
    in_order = {question.key: problems[question.key] for question in shown if question.key in problems}
    return Checked(cleaned, in_order)


def derive(form: Form, answers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the cleaned answers of the questions shown, with what follows from them.

    A derived answer is left out as long as a question that it looks at is shown, required and not answered:
    what nobody knows is not a no.
    """
    shown, cleaned, _ = _walk(form, answers, None)
    open_questions = frozenset(
        question.key for question in shown if question.required and question.key not in cleaned
    )
    derived: dict[str, Any] = {}
    for one in form.derived:
        truth = _truth(one.when, cleaned, form, open_questions)
        if truth is not None:
            derived[one.key] = truth
    return {**cleaned, **derived}


def missing_signers(form: Form, signed: Iterable[str]) -> tuple[Signer, ...]:
    """Return who still has to sign, in the order of the form. Two guardians are two different people."""
    left = Counter(str(signer) for signer in signed)
    missing = []
    for signer in form.signers:
        if left[signer] > 0:
            left[signer] -= 1
        else:
            missing.append(signer)
    return tuple(missing)


def answered(form: Form, answers: Mapping[str, Any], language: str = "en") -> list[tuple[str, str]]:
    """Return what was asked and answered, in words; a question without an answer has ""."""
    shown, cleaned, _ = _walk(form, answers, None)
    return [
        (question.label.in_language(language), in_words(question, cleaned.get(question.key), language))
        for question in shown
        if question.kind is not QuestionKind.INFORMATION
    ]


def in_words(question: Question, answer: Any, language: str = "en") -> str:
    """Return a cleaned answer in words, "" where there is none."""
    if not is_answered(answer):
        return ""
    if isinstance(answer, bool):
        return (_YES if answer else _NO).in_language(language)
    labels = {choice.key: choice.label.in_language(language) for choice in question.choices}
    if isinstance(answer, (list, tuple)):
        return ", ".join(labels.get(key, str(key)) for key in answer)
    if question.kind is QuestionKind.COUNTRY:
        return country_name(answer, language)
    return labels.get(answer, str(answer))


def _walk(
    form: Form, answers: Mapping[str, Any], today: date | None
) -> tuple[tuple[Question, ...], dict[str, Any], dict[str, Text]]:
    """Go through the questions in order: those shown, their cleaned answers, what is wrong with the others."""
    shown: list[Question] = []
    cleaned: dict[str, Any] = {}
    faults: dict[str, Text] = {}
    for question in form.questions:
        if question.show_if is not None and not holds(question.show_if, cleaned, form.lists):
            continue
        shown.append(question)
        raw = answers.get(question.key)
        if question.kind is QuestionKind.INFORMATION or not is_answered(raw):
            continue
        answer = _CLEAN[question.kind](question, raw, today)
        if isinstance(answer, Text):
            faults[question.key] = answer
        elif is_answered(answer) and not (question.kind is QuestionKind.CONSENT and answer is False):
            cleaned[question.key] = answer
    return tuple(shown), cleaned, faults


def _truth(
    condition: Condition, answers: Mapping[str, Any], form: Form, unknown: frozenset[str]
) -> bool | None:
    """Say whether a condition holds; None where an open question could still turn the answer."""
    best = _with_open_questions(condition, answers, form, unknown, True)
    worst = _with_open_questions(condition, answers, form, unknown, False)
    return best if best is worst else None


def _with_open_questions(
    condition: Condition, answers: Mapping[str, Any], form: Form, unknown: frozenset[str], hope: bool
) -> bool:
    """Judge a condition with every comparison of an open question taken as met, or as not met."""
    match condition:
        case And(parts):
            return all(_with_open_questions(part, answers, form, unknown, hope) for part in parts)
        case Or(parts):
            return any(_with_open_questions(part, answers, form, unknown, hope) for part in parts)
        case Not(part):
            return not _with_open_questions(part, answers, form, unknown, not hope)
        case _:
            return hope if condition.question in unknown else holds(condition, answers, form.lists)


# --- cleaning one answer: the value, or what is wrong with it ---------------------------------------------


def _clean_yes_no(question: Question, raw: Any, today: date | None) -> Any:
    value = raw.strip().lower() if isinstance(raw, str) else raw
    if isinstance(value, (bool, str)):
        if value in _TICKED:
            return True
        if value in _NOT_TICKED:
            return False
    return _REQUIRED[QuestionKind.YES_NO]


def _clean_consent(question: Question, raw: Any, today: date | None) -> Any:
    answer = _clean_yes_no(question, raw, today)
    return _CONSENT if isinstance(answer, Text) else answer


def _clean_one_of(question: Question, raw: Any, today: date | None) -> Any:
    known = isinstance(raw, str) and any(choice.key == raw for choice in question.choices)
    return raw if known else _REQUIRED[QuestionKind.ONE_OF]


def _clean_many_of(question: Question, raw: Any, today: date | None) -> Any:
    values = [raw] if isinstance(raw, str) else raw
    if not isinstance(values, (list, tuple)) or not all(isinstance(value, str) for value in values):
        return _REQUIRED[QuestionKind.MANY_OF]
    chosen = {value for value in values if value}
    if chosen - {choice.key for choice in question.choices}:
        return _REQUIRED[QuestionKind.MANY_OF]
    return [choice.key for choice in question.choices if choice.key in chosen]


def _clean_text(question: Question, raw: Any, today: date | None) -> Any:
    if not isinstance(raw, str):
        return _ANSWER
    keep = "\n" if question.kind is QuestionKind.LONG_TEXT else ""
    text = "".join(
        character if character in keep or unicodedata.category(character)[0] != "C" else " "
        for character in raw.replace("\r\n", "\n").replace("\r", "\n")
    ).strip()
    longest = LONGEST[question.kind]
    if len(text) > longest:
        return Text(_TOO_LONG.en.format(longest=longest), _TOO_LONG.es.format(longest=longest))
    return text


def _clean_date(question: Question, raw: Any, today: date | None) -> Any:
    try:
        day = raw if type(raw) is date else parse_day(raw.strip())
    except (AttributeError, TypeError, ValueError):
        return _REQUIRED[QuestionKind.DATE]
    if day.year < _FIRST_YEAR:
        return _LONG_AGO
    if question.past_only and today is not None and day > today:
        return _IN_FUTURE
    return day.isoformat()


def _clean_country(question: Question, raw: Any, today: date | None) -> Any:
    code = country_code(raw) if isinstance(raw, str) else ""
    return code or _REQUIRED[QuestionKind.COUNTRY]


_CLEAN: dict[QuestionKind, Callable[[Question, Any, date | None], Any]] = {
    QuestionKind.YES_NO: _clean_yes_no,
    QuestionKind.CONSENT: _clean_consent,
    QuestionKind.ONE_OF: _clean_one_of,
    QuestionKind.MANY_OF: _clean_many_of,
    QuestionKind.TEXT: _clean_text,
    QuestionKind.LONG_TEXT: _clean_text,
    QuestionKind.DATE: _clean_date,
    QuestionKind.COUNTRY: _clean_country,
}

_YES, _NO = Text("Yes", "Sí"), Text("No", "No")
_ANSWER = Text("Answer this question.", "Responda esta pregunta.")
_CONSENT = Text("Tick this box to go on.", "Marque esta casilla para continuar.")
_REQUIRED = {
    QuestionKind.YES_NO: Text("Choose yes or no.", "Elija sí o no."),
    QuestionKind.ONE_OF: Text("Choose one of these answers.", "Elija una de estas respuestas."),
    QuestionKind.MANY_OF: Text(
        "Choose at least one of these answers.", "Elija al menos una de estas respuestas."
    ),
    QuestionKind.DATE: Text(
        "Give the date with day, month and year.", "Escriba la fecha con día, mes y año."
    ),
    QuestionKind.COUNTRY: Text("Choose a country from the list.", "Elija un país de la lista."),
}
_TOO_LONG = Text(
    "This is too long: use at most {longest} characters.",
    "Es demasiado largo: use como máximo {longest} caracteres.",
)
_LONG_AGO = Text(
    "This date is too long ago. Check the year.", "Esta fecha es demasiado antigua. Revise el año."
)
_IN_FUTURE = Text("This date is in the future.", "Esta fecha está en el futuro.")
