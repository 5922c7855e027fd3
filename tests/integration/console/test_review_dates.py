"""Dates as reviewers type them: every shape that is read, and what is asked back."""

import pytest

from pratique.interfaces.console.review_dates import read

READ = [
    ("2006-03-04", "2006-03-04"),
    ("2006-3-4", "2006-03-04"),
    ("2006-03", "2006-03"),
    ("2006", "2006"),
    ("3 Mar 2006", "2006-03-03"),
    ("3rd March, 2006", "2006-03-03"),
    ("Mar 3, 2006", "2006-03-03"),
    ("march 2006", "2006-03"),
    ("3 de marzo de 2006", "2006-03-03"),
    ("ene 2006", "2006-01"),
    ("3-Mar-2006", "2006-03-03"),
    ("13/02/2006", "2006-02-13"),
    ("02/13/2006", "2006-02-13"),
    ("3.3.2006", "2006-03-03"),
    ("  ", ""),
]
ASKED_BACK = [
    ("04/03/2006", "This can be 4 March 2006 or 3 April 2006."),
    ("04/03/06", "Write the date like"),
    ("30 Feb 2006", "Write the date like"),
    ("2006-13", "Write the date like"),
    ("13/13/2006", "Write the date like"),
    ("3 Foo 2006", "Write the date like"),
    ("yesterday", "Write the date like"),
    ("0000", "Write the date like"),
]


@pytest.mark.parametrize(("text", "iso"), READ, ids=[text.strip() or "empty" for text, _ in READ])
def test_what_is_read(text, iso):
    assert read(text) == (iso, "")


@pytest.mark.parametrize(("text", "sentence"), ASKED_BACK, ids=[text for text, _ in ASKED_BACK])
def test_what_is_asked_back(text, sentence):
    typed = read(text)
    assert typed.iso == ""
    assert sentence in typed.problem
