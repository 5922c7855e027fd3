"""Countries by their ISO 3166 codes, with English and Spanish names.

The codes and English names are from the time zone database (iso3166.tab, public domain) with some written out as
people say them; the Spanish names are ours. `countries.tsv` is the table.
"""

from __future__ import annotations

import unicodedata
from functools import cache
from importlib.resources import files


def _rows() -> dict[str, tuple[str, str]]:
    lines = files(__package__).joinpath("countries.tsv").read_text(encoding="utf-8").splitlines()
    fields = (line.split("\t") for line in lines if line and not line.startswith("#"))
    return {code: (english, spanish) for code, english, spanish in fields}


_NAMES = _rows()
ALL_CODES = frozenset(_NAMES)


def country_name(code: str, language: str = "en") -> str:
    """Return the name of a country; the code itself where there is none of that code."""
    names = _NAMES.get(code)
    return code if names is None else names[language.lower().startswith("es")]


@cache
def countries(language: str = "en") -> tuple[tuple[str, str], ...]:
    """Return all countries as (code, name), sorted by name as a reader of the language expects."""
    named = ((code, country_name(code, language)) for code in _NAMES)
    return tuple(sorted(named, key=lambda item: _plain(item[1])))


def country_code(text: str) -> str:
    """Return the code that a code or a name in either language stands for, "" where there is none."""
    text = text.strip()
    return text.upper() if text.upper() in _NAMES else _codes().get(_plain(text), "")


@cache
def _codes() -> dict[str, str]:
    return {_plain(name): code for code, names in _NAMES.items() for name in names}


def _plain(text: str) -> str:
    """Fold case and accents."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(character for character in decomposed if not unicodedata.combining(character))
