"""From reasons to sentences and to JSON. What is said stands in `sentences.py`; here it is only filled in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from pratique.rules.evidence import PartialDate, Precision
from pratique.rules.periods import Period, parse_period
from pratique.rules.sentences import (
    CVX_CODE,
    INEXACT_SENTENCES,
    INSTEAD,
    MONTH_OF_YEAR,
    MONTHS,
    PERIOD_UNITS,
    PROBLEM,
    PROBLEM_AGAIN,
    SENTENCES,
    TOGETHER,
    WORDS,
    Sentence,
)
from pratique.rules.types import ParamValue, Reason

Gettext = Callable[[str], str]
FormatDate = Callable[[date], str]

_PERIOD_PARAMS = frozenset({"age", "interval"})
_WORD_PARAMS = frozenset({"exemption", "fact", "result", "document", "form", "question", "antibody"})


def in_english(message: str) -> str:
    """Return a message as it is: the gettext of whoever has none."""
    return message


def format_date(day: date) -> str:
    """Write a date by month name: "April 3, 2024"."""
    return f"{MONTHS[day.month - 1]} {day.day}, {day.year}"


def explain(
    reason: Reason,
    gettext: Gettext = in_english,
    format_date: FormatDate = format_date,
    products: Mapping[str, str] | None = None,
) -> str:
    """Return the reason as one plain sentence.

    `gettext` translates the sentence and its fixed words, `format_date` writes dates for the reader,
    `products` names vaccines by their CVX codes (those it lacks are shown by code). A reason that was stored
    by a newer or older version and is not known here still gives a sentence, never an error.
    """
    sentence = SENTENCES.get(reason.code)
    if any(isinstance(value, PartialDate) for _, value in reason.params):
        sentence = INEXACT_SENTENCES.get(reason.code, sentence)
    if sentence is None:
        return gettext("Something else is needed; please ask your school ({code}).").format(code=reason.code)
    params = dict(reason.params)
    words = {name: _word(name, value, gettext, format_date, products or {}) for name, value in reason.params}
    text = gettext(_form(sentence, params)).format_map(_Words(words))
    if reason.code.startswith("or_"):
        return gettext(TOGETHER if "together" in params else INSTEAD).format(sentence=text)
    if text.endswith("."):
        return text
    if "needed_on" in words:
        return gettext(PROBLEM_AGAIN).format(sentence=text, needed_on=words["needed_on"])
    return gettext(PROBLEM).format(sentence=text)


def period_in_words(period: Period, gettext: Gettext = in_english) -> str:
    """Write a period in words: "12 months", "16 years"."""
    parts = [
        gettext(one) if amount == 1 else gettext(many).format(number=amount)
        for amount, (one, many) in zip(period, PERIOD_UNITS, strict=True)
        if amount
    ]
    return " ".join(parts) or gettext(PERIOD_UNITS[3][1]).format(number=0)


def partial_date_in_words(day: PartialDate, gettext: Gettext = in_english) -> str:
    """Write a month or a year: "March 2006", "2006"."""
    if day.precision == "month":
        month = gettext(MONTHS[day.first.month - 1])
        return gettext(MONTH_OF_YEAR).format(month=month, year=day.first.year)
    return str(day.first.year)


def word(name: str, gettext: Gettext = in_english) -> str:
    """Return a code ("physical_exam", "medical") in words: the table's, else its own letters with blanks."""
    known = WORDS.get(name)
    return name.replace("_", " ") if known is None else gettext(known)


def name_in_words(name: str, gettext: Gettext = in_english) -> str:
    """Return the name of a requirement or vaccine in the reader's language if it is one of the presets' names.

    A name that a school has given is its own, and stays as it is.
    """
    return gettext(WORDS[name]) if name in WORDS else name


def reason_to_data(reason: Reason) -> dict[str, Any]:
    """Return the reason as JSON values.

    A date becomes {"date": "2024-04-03"}, a month {"date": "2024-04"}, a year {"date": "2024"}, to come back
    as such.
    """
    return {"code": reason.code, "params": {name: _to_data(value) for name, value in reason.params}}


def reason_from_data(data: Mapping[str, Any]) -> Reason:
    """Read what `reason_to_data` wrote. Raises KeyError or ValueError for anything else."""
    return Reason(
        str(data["code"]),
        tuple(
            (name, _date_from_data(value["date"]) if isinstance(value, Mapping) else value)
            for name, value in data["params"].items()
        ),
    )


_LENGTHS = {Precision.YEAR: len("2024"), Precision.MONTH: len("2024-04")}


def _to_data(value: ParamValue) -> Any:
    if isinstance(value, PartialDate):
        return {"date": value.first.isoformat()[: _LENGTHS[Precision(value.precision)]]}
    return {"date": value.isoformat()} if isinstance(value, date) else value


def _date_from_data(text: str) -> date | PartialDate:
    for precision, length in _LENGTHS.items():
        if len(text) == length:
            return PartialDate(date.fromisoformat((text + "-01-01")[: len("2024-04-03")]), precision)
    return date.fromisoformat(text)


class _Words(dict[str, str]):
    """Words for a message; a name that a translation has wrong shows as an ellipsis, not as a placeholder."""

    def __missing__(self, name: str) -> str:
        return "…"


def _form(sentence: Sentence, params: Mapping[str, ParamValue]) -> str:
    number = params.get(sentence.number)
    if number == 1 and sentence.one:
        return sentence.one
    if number == 2 and sentence.two:
        return sentence.two
    return sentence.text


def _word(
    name: str, value: ParamValue, gettext: Gettext, format_date: FormatDate, products: Mapping[str, str]
) -> str:
    if isinstance(value, PartialDate):
        return partial_date_in_words(value, gettext)
    if isinstance(value, date):
        return format_date(value)
    if isinstance(value, int):
        return str(value)
    if name == "cvx":
        return products.get(value) or gettext(CVX_CODE).format(code=value)
    if name in _PERIOD_PARAMS:
        return period_in_words(parse_period(value), gettext)
    if name == "vaccine":
        return name_in_words(value, gettext)
    return word(value, gettext) if name in _WORD_PARAMS else value
