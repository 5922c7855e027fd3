"""What a form is. No behaviour lives here: `reading.py` makes forms, `answers.py` checks what is answered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import NamedTuple

LANGUAGES = ("en", "es")


class Text(NamedTuple):
    """Words in each language that students read."""

    en: str
    es: str

    def in_language(self, language: str) -> str:
        """Return the words in a language such as "es" or "es-mx"; English where there is no other."""
        return self.es if language.lower().startswith("es") else self.en


class QuestionKind(StrEnum):
    """What a question asks for, and what its answer is in JSON."""

    YES_NO = "yes_no"  # true or false
    ONE_OF = "one_of"  # the key of a choice
    MANY_OF = "many_of"  # a list of keys of choices, in the order of the choices
    TEXT = "text"  # one line
    LONG_TEXT = "long_text"  # several lines
    DATE = "date"  # "2026-08-20"
    COUNTRY = "country"  # an ISO 3166 code such as "MX"
    INFORMATION = "information"  # something to read; no answer
    CONSENT = "consent"  # true; a box that must be ticked


class Signer(StrEnum):
    """Who signs."""

    STUDENT = "student"
    GUARDIAN = "guardian"


class Choice(NamedTuple):
    """One possible answer."""

    key: str
    label: Text


# --- conditions over answers ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Equals:
    """The answer is this value."""

    question: str
    value: str | bool


@dataclass(frozen=True, slots=True)
class IsIn:
    """The answer is one of these values."""

    question: str
    values: tuple[str | bool, ...]


@dataclass(frozen=True, slots=True)
class InList:
    """The answer is a country of a list of the form."""

    question: str
    name: str


@dataclass(frozen=True, slots=True)
class Has:
    """The answer, a list, has this value."""

    question: str
    value: str


@dataclass(frozen=True, slots=True)
class Answered:
    """There is an answer, whatever it is."""

    question: str


@dataclass(frozen=True, slots=True)
class And:
    """Every part is so."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Or:
    """At least one part is so."""

    parts: tuple[Condition, ...]


@dataclass(frozen=True, slots=True)
class Not:
    """The part is not so."""

    part: Condition


Condition = Equals | IsIn | InList | Has | Answered | And | Or | Not

# --- forms ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Question:
    """One question, consent or piece of information.

    `show_if` looks at earlier answers; the answer of a hidden question is dropped. `text` is what is to be
    read, in paragraphs; `shows_list` names a list of countries to be shown with it. `past_only` refuses dates
    after today.
    """

    key: str
    kind: QuestionKind
    label: Text
    hint: Text | None = None
    text: tuple[Text, ...] = ()
    required: bool = False
    choices: tuple[Choice, ...] = ()
    shows_list: str = ""
    past_only: bool = False
    show_if: Condition | None = None


@dataclass(frozen=True, slots=True)
class Section:
    """Questions under one heading."""

    title: Text
    questions: tuple[Question, ...]
    introduction: Text | None = None


@dataclass(frozen=True, slots=True)
class Derived:
    """An answer that nobody gives: true where the condition holds, else false."""

    key: str
    when: Condition


@dataclass(frozen=True, slots=True)
class CountryList:
    """Countries that questions or derived answers refer to, with where the list comes from.

    `confirm`: nobody of the institution has confirmed the list yet, and screens should say so to staff.
    """

    name: str
    countries: frozenset[str]
    source: str
    as_of: date
    confirm: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """A definition of a form, one version of it."""

    key: str
    version: int
    title: Text
    introduction: Text
    sections: tuple[Section, ...]
    derived: tuple[Derived, ...]
    signers: tuple[Signer, ...]
    lists: Mapping[str, CountryList]

    @property
    def questions(self) -> tuple[Question, ...]:
        """All questions in order."""
        return tuple(question for section in self.sections for question in section.questions)
