"""Random letters: the whole alphabet, each letter as likely as any other."""

import os
import string
from collections import Counter

import pytest

from pratique.foundation import ids
from pratique.partners import tokens

ALPHABET = set(string.ascii_letters + string.digits)


def test_each_letter_comes_from_four_bytes_and_the_rest_is_thrown_away(monkeypatch):
    every_byte = bytes(range(256))
    monkeypatch.setattr(os, "urandom", lambda count: (every_byte * (count // 256 + 1))[:count])
    counted = Counter("".join(ids.new_account_tokens(62 * 4 * 22)))
    assert set(counted) == ALPHABET
    assert len(set(counted.values())) == 1


@pytest.mark.parametrize("length", [1, 22, 32, 1_000])
def test_a_text_is_as_long_as_asked(length):
    text = ids.random_letters(length)
    assert len(text) == length
    assert set(text) <= ALPHABET


def test_no_two_tokens_are_alike():
    made = [tokens.new_token() for _ in range(1_000)]
    assert len({one.token for one in made}) == len({one.token_hash for one in made}) == 1_000
    assert all(tokens.is_well_formed(one.token) for one in made)


@pytest.mark.parametrize(
    "text", ["", "a" * 31, "a" * 33, "a" * 31 + "-", "a" * 32 + "\n", "é" * 32, "a" * 31 + "٣"]
)
def test_what_cannot_be_a_token(text):
    assert not tokens.is_well_formed(text)


def test_a_token_does_not_show_in_a_traceback():
    made = tokens.new_token()
    assert made.token not in repr(made)
