"""How names are compared."""

import pytest

from pratique.students.folding import plain, search_text, username_key


@pytest.mark.parametrize(
    ("one", "other"),
    [
        pytest.param("Ana@X.edu", "ana@x.EDU", id="case"),
        pytest.param("jos\u00e9@x.edu", "jose\u0301@x.edu", id="composed and decomposed"),
        pytest.param("STRASSE@x.de", "stra\u00dfe@x.de", id="sharp s"),
        pytest.param("\u0130pek@x.tr", "i\u0307pek@x.tr", id="dotted capital I"),
    ],
)
def test_usernames_that_are_one(one, other):
    assert username_key(one) == username_key(other)


def test_an_accent_makes_another_username():
    assert username_key("jose@x.edu") != username_key("jos\u00e9@x.edu")


@pytest.mark.parametrize(
    ("name", "typed"),
    [
        ("N\u00fa\u00f1ez", "nunez"),
        ("Wi\u015bniewski", "wisniewski"),
        ("D\u2019Angelo", "d\u2019angelo"),
        ("\u91d1", "\u91d1"),
    ],
)
def test_what_people_type_in_a_hurry(name, typed):
    assert plain(name) == typed


def a_text(first, last):
    return search_text(
        first_name=first, last_name=last, username="u@x.edu", student_id="007", email="u@x.edu"
    )


def test_search_finds_the_name_in_both_orders():
    assert a_text("Ana", "Nu\u00f1ez") == "nunez ana nunez u@x.edu 007"


@pytest.mark.parametrize(
    "people",
    [
        [
            ("Minjun", "Aaron"),
            ("\ubbfc\uc900", "Abel"),
            ("Stra\u00dfe", "Adams"),
            ("", "Agnes"),
            ("Zo\u00eb", "\u00c1lvarez"),
            ("Bo", "Alvarez-Z"),
        ],
    ],
    ids=["letters that fold to more letters, single names and accents"],
)
def test_the_text_gives_the_order_of_lists(people):
    assert sorted(people, key=lambda person: a_text(*person)) == people
