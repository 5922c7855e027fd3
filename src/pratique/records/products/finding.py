"""Finding products by whatever somebody types: names, brands, abbreviations, parts of words, typing mistakes.

What is searched is folded first: no accents, no case, no punctuation; letters with dashes between them are one
word, so that "M-M-R II" is "mmr ii". Every word typed must begin a word of the product (a single letter must be
one); where nothing fits, words are taken for the nearest known ones.
"""

from __future__ import annotations

import re
import unicodedata
from difflib import get_close_matches
from functools import cache, lru_cache
from typing import NamedTuple

from pratique.records.products.catalog import Product, all_products

_SAID_OF_ANY = frozenset(
    {
        *("vaccine", "vaccines", "vaccination", "vaccin", "vacuna", "vacunas", "vacina", "impfung"),
        *("dose", "doses", "dosis", "the", "of", "de", "la", "el", "for", "contra", "anti"),
    }
)
_LONGEST = 100  # letters looked at; nobody types more, but some paste
_NEAR = 0.75
_LETTER_BY_LETTER = re.compile(r"(?<!\w)(\w)[-.](?=\w(?:\W|$))")  # the M- of M-M-R


_SPREAD = 5  # the worst fit: the words are found, but not in one name


class _Phrase(NamedTuple):
    """One thing that a product goes by. `weight`: 0 for what people say, 1 for CDC's own description."""

    words: tuple[str, ...]
    joined: str
    shown: str
    weight: int


class _Entry(NamedTuple):
    """A product, what it goes by, and all its words with a blank before each, for a quick first look.

    `all_joined` has each phrase as one word.
    """

    product: Product
    phrases: tuple[_Phrase, ...]
    all_words: str
    all_joined: str


def search(text: str, limit: int = 8) -> list[Product]:
    """Return the products that fit a text, the likeliest first; none for a text without letters or digits.

    The order: the text is all of a name, in whatever order; begins it; its words are words of one name; begin
    words of one name; are spread over several ("tdap boostrix"). Then what is met most often among students,
    then what is in use.
    `matched` and, where the brand tells it, `mvx` of each product are those of what fitted.
    """
    words = fold(text[:_LONGEST])
    wanted = tuple(word for word in words if word not in _SAID_OF_ANY) or words
    if not wanted or limit < 1:
        return []
    found = _find(wanted)
    if not found:
        nearest = tuple(_nearest(word) for word in wanted)
        found = _find(nearest) if nearest != wanted else ()
    return list(found[:limit])


def fold(text: str) -> tuple[str, ...]:
    """Return the words of a text as they are compared."""
    decomposed = unicodedata.normalize("NFKD", _LETTER_BY_LETTER.sub(r"\1", text.casefold()))
    return tuple(
        "".join(
            letter if letter.isalnum() else " " for letter in decomposed if not unicodedata.combining(letter)
        ).split()
    )


@lru_cache(maxsize=2048)
def _find(wanted: tuple[str, ...]) -> tuple[Product, ...]:
    starts = [f" {word} " if len(word) == 1 and word.isascii() else f" {word}" for word in wanted]
    joined = "".join(wanted)
    ranked = []
    has_whole_name = False
    for entry in _index():
        spread = all(start in entry.all_words for start in starts)
        if not spread and f" {joined}" not in entry.all_joined:
            continue
        best = min(
            (
                (fit, phrase.weight, place, phrase.shown)
                for place, phrase in enumerate(entry.phrases)
                if (fit := _fit(phrase, wanted, joined)) is not None
            ),
            default=(_SPREAD, 0, 0, _matched_brand(entry, wanted)) if spread else None,
        )
        if best is not None:
            fit, weight, _, shown = best
            one = entry.product
            has_whole_name = has_whole_name or fit == 0
            key = (weight if fit > 0 else 0, fit, one.rank, not one.has_current_us_use, int(one.cvx))
            ranked.append((key, one, shown))
    ranked.sort(key=lambda item: item[0])
    return tuple(
        _as_matched(one, shown)
        for (_, fit, *_), one, shown in ranked
        if not (has_whole_name and fit == _SPREAD)
    )


def _fit(phrase: _Phrase, wanted: tuple[str, ...], joined: str) -> int | None:
    """Say how well a phrase fits; 0 is best, None not at all."""
    if phrase.joined == joined or set(phrase.words) == set(wanted):
        return 0
    if phrase.words[: len(wanted)] == wanted:
        return 1
    if len(joined) > 2 and phrase.joined.startswith(joined):
        return 2
    if all(word in phrase.words for word in wanted):
        return 3
    begun = all(
        any(word == other or (len(word) > 1 and other.startswith(word)) for other in phrase.words)
        for word in wanted
    )
    return 4 if begun else None


def _matched_brand(entry: _Entry, wanted: tuple[str, ...]) -> str:
    """Return the brand that one of the words begins, where the words are spread over several names."""
    for brand in entry.product.brands:
        if any(len(word) > 2 and part.startswith(word) for word in wanted for part in fold(brand)):
            return brand
    return ""


def _as_matched(one: Product, shown: str) -> Product:
    """Return a product with what fitted, and with the maker where that is a brand."""
    return one._replace(matched=shown, mvx=one.makers.get(shown, ""))


@cache
def _index() -> tuple[_Entry, ...]:
    return tuple(_entry(one) for one in all_products())


def _entry(one: Product) -> _Entry:
    said = [*one.also_called, *one.brands, *(name for name, _ in one.names_abroad), one.name, one.name_es]
    phrases = [_phrase(name, name, 0) for name in said]
    phrases += [_phrase(part, "", 1) for part in one.description.split("; ")]
    phrases += [_phrase(one.cvx, "", 0), _phrase(f"cvx {one.cvx}", "", 0)]
    unique = {phrase.words: phrase for phrase in reversed(phrases) if phrase.words}
    kept = tuple(phrase for phrase in phrases if unique.get(phrase.words) is phrase)
    words = dict.fromkeys(word for phrase in kept for word in phrase.words)
    all_joined = " ".join(phrase.joined for phrase in kept)
    return _Entry(one, kept, f" {' '.join(words)} ", f" {all_joined}")


def _phrase(text: str, shown: str, weight: int) -> _Phrase:
    words = fold(text)
    return _Phrase(words, "".join(words), shown, weight)


@cache
def _vocabulary() -> tuple[str, ...]:
    words = {word for entry in _index() for phrase in entry.phrases for word in phrase.words}
    return tuple(sorted(word for word in words if len(word) > 3 and word.isascii()))


@lru_cache(maxsize=512)
def _nearest(word: str) -> str:
    """Return the known word that one with a typing mistake most likely stands for, else the word itself."""
    if len(word) < 4:
        return word
    near = get_close_matches(word, _vocabulary(), n=1, cutoff=_NEAR)
    return near[0] if near else word
