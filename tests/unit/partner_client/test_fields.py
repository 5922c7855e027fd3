"""What a person types becomes what goes on the wire."""

import pytest

from pratique.partner_client.fields import LONGS, METHODS, typed


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("nonce", "267446780000", "267446780000"),
        ("phone", "9195992917", "9195992917"),
        ("vendorKey", "", ""),
        ("dateOfBirthString", "03/22/1978", "03/22/1978"),
        ("dateOfBirth", "259480800000", 259480800000),
        ("dateOfBirth", "-1", -1),
        ("dateOfBirth", "1978-03-23", 259480800000),
        ("expirationDate", "2026-07-01", 1782882000000),
        ("deltaStartDate", "2011-10-24T23:14:04.338Z", 1319498044338),
        ("deltaStartDate", "2011-10-24T18:14:04.338-05:00", 1319498044338),
    ],
)
def test_a_value(name, text, value):
    assert typed(name, text) == value


@pytest.mark.parametrize("text", ["", "soon", "03/22/1978", "1978-13-01", "1.5", "2026-07-01T12:00:00", "T"])
def test_what_is_no_long_is_told(text):
    with pytest.raises(ValueError, match="dateOfBirth is a number of milliseconds, a date such as"):
        typed("dateOfBirth", text)


def test_the_longs_are_fields_of_methods():
    assert {name.rstrip("?") for names in METHODS.values() for name in names} >= LONGS
