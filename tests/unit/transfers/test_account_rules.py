"""What may be said of a transfer account."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pratique.transfers import account_rules as rules
from pratique.transfers.errors import TransferError

PARTS = {
    "letters": ("sis", "harbor-sis"),
    "one letter": ("a", "harbor-a"),
    "digits, dots and underscores": ("sis.2.x_y", "harbor-sis.2.x_y"),
    "blanks around it": (" sis ", "harbor-sis"),
    "32 characters": ("a" * 32, "harbor-" + "a" * 32),
    "33 characters": ("a" * 33, None),
    "nothing": ("  ", None),
    "capitals": ("SIS", None),
    "a blank inside": ("s is", None),
    "a hyphen first": ("-sis", None),
    "a hyphen inside, for only the last one ends the slug": ("b-c", None),
    "a dot last": ("sis.", None),
    "two dots": ("..", None),
    "a slash": ("a/b", None),
    "an at sign": ("a@b", None),
    "another alphabet": ("сис", None),
    "digits of another alphabet": ("٣", None),
    "a line break": ("a\nb", None),
    "a NUL": ("a\0b", None),
}


@pytest.mark.parametrize(("part", "username"), PARTS.values(), ids=PARTS)
def test_the_end_of_a_username(part, username):
    if username:
        assert rules.username("harbor", part) == username
        return
    with pytest.raises(TransferError) as wrong:
        rules.username("harbor", part)
    assert wrong.value.field == "username_part"


NETWORKS = {
    "none": ("", []),
    "an address": ("203.0.113.7", ["203.0.113.7/32"]),
    "a network, and one with host bits": (
        "203.0.113.0/24\n198.51.100.9/24",
        ["203.0.113.0/24", "198.51.100.0/24"],
    ),
    "commas, and one twice": ("203.0.113.7, 203.0.113.7/32;", ["203.0.113.7/32"]),
    "version 6": ("2001:DB8::/32", ["2001:db8::/32"]),
    "a name": ("sis.example.edu", None),
    "a mask that cannot be": ("203.0.113.0/33", None),
    "51 networks": ("\n".join(f"10.0.{number}.0/24" for number in range(51)), None),
}


@pytest.mark.parametrize(("text", "kept"), NETWORKS.values(), ids=NETWORKS)
def test_networks(text, kept):
    if kept is not None:
        assert list(rules.networks(text)) == kept
        return
    with pytest.raises(TransferError):
        rules.networks(text)


@pytest.mark.parametrize("number", [1, 50])
def test_a_number_of_sessions(number):
    assert rules.most_sessions(number) == number


@pytest.mark.parametrize("number", [0, -1, 51])
def test_a_number_of_sessions_that_cannot_be(number):
    with pytest.raises(TransferError):
        rules.most_sessions(number)


@given(st.text(max_size=300))
def test_any_text_is_kept_in_one_line_or_gets_a_sentence(text):
    for read in (rules.account_name, rules.label, rules.reason):
        with suppress(TransferError):
            kept = read(text)
            assert 0 < len(kept) <= 200
            assert not set(kept) & set("\n\r\0")
