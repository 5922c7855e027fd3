"""What a call brings is read strictly; a refusal names the field and what it must be, never what was sent."""

from datetime import UTC, date, datetime

import pytest

from pratique.interfaces.partner import fields
from pratique.partners.types import Refusal

TODAY = date(2026, 8, 3)
GOOD = {
    "username": "amagnus", "vendorKey": "Azy834Itlw0", "firstName": "Albert", "lastName": "Magnus",
    "phone": "919-599-2917", "email": "albert.magnus@example.edu", "registrationCode": "MHP123456",
}  # fmt: skip


def long(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp() * 1000)


def refused(read, *arguments, **options) -> Refusal:
    with pytest.raises(Refusal) as caught:
        read(*arguments, **options)
    return caught.value


def registration(**values):
    return fields.registration({**GOOD, **values}, today=TODAY)


def test_a_whole_registration_is_read():
    given = registration(dateOfBirthString="04/30/2001", expirationDate=long("2027-06-30T12:00:00+00:00"))
    assert given.code == "MHP123456"
    assert given.student._asdict() == {
        "username": "amagnus", "student_id": "Azy834Itlw0", "first_name": "Albert", "last_name": "Magnus",
        "telephone": "919-599-2917", "email": "albert.magnus@example.edu", "date_of_birth": date(2001, 4, 30),
        "expires_on": date(2027, 6, 30),
    }  # fmt: skip


def test_what_is_not_asked_for_is_ignored():
    assert registration(gender="x", nested={"a": [1]}) == registration()


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("absent", ["left-out", "null"])
def test_a_missing_field_is_named(name, absent):
    values = {**GOOD, name: None} if absent == "null" else {k: v for k, v in GOOD.items() if k != name}
    refusal = refused(fields.registration, values, today=TODAY)
    assert (refusal.code, refusal.field) == ("FIELD_MISSING", name)


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("value", [7, 7.5, True, [], {}, ["secret"], {"secret": 1}], ids=repr)
def test_what_is_no_string_is_refused(name, value):
    refusal = refused(registration, **{name: value})
    assert (refusal.code, refusal.field) == ("FIELD_INVALID", name)


@pytest.mark.parametrize("name", ["username", "vendorKey", "registrationCode"])
def test_what_names_somebody_may_not_be_empty(name):
    assert refused(registration, **{name: ""}).field == name
    if name != "registrationCode":
        assert refused(registration, **{name: " \t "}).field == name


def test_phone_email_and_one_of_the_names_may_be_empty():
    student = registration(phone="", email="", firstName="").student
    assert (student.telephone, student.email, student.first_name, student.last_name) == ("", "", "", "Magnus")
    assert registration(lastName=" ").student.last_name == ""
    assert refused(registration, firstName="", lastName="").field == "lastName"


@pytest.mark.parametrize(
    ("name", "most"),
    [("username", 254), ("vendorKey", 64), ("firstName", 150), ("lastName", 150), ("phone", 40)],
)
def test_text_has_the_lengths_of_the_roster(name, most):
    assert registration(**{name: "ü" * most})
    refusal = refused(registration, **{name: "ü" * (most + 1)})
    assert (refusal.code, refusal.field) == ("FIELD_INVALID", name)
    assert str(most) in refusal.message


def test_text_is_trimmed_and_composed_and_otherwise_kept():
    student = registration(firstName="  Zoe\u0308 ", lastName="O'Brien, <b>=1+1", vendorKey=" 00 7 ").student
    assert (student.first_name, student.last_name, student.student_id) == ("Zoë", "O'Brien, <b>=1+1", "00 7")


@pytest.mark.parametrize(
    ("name", "sign"),
    [
        (name, sign)
        for name in GOOD
        for sign in ("\0", "\x1b", "\ud800", "\udfff")
        # A code that no package has is simply unknown.
        if (name, sign) != ("registrationCode", "\x1b")
    ],
    ids=ascii,
)
def test_what_cannot_be_stored_is_refused(name, sign):
    refusal = refused(registration, **{name: f"secret{sign}x"})
    assert (refusal.code, refusal.field) == ("FIELD_INVALID", name)
    assert "secret" not in refusal.message


@pytest.mark.parametrize("name", ["username", "vendorKey"])
@pytest.mark.parametrize("sign", ["\u200b", "\u2060", "\u00ad", "\u202e", "\u200f", "\ufeff"], ids=ascii)
def test_a_new_student_is_not_named_by_what_cannot_be_seen(name, sign):
    """`nur<U+200B>se` would stand beside `nurse`, and a key copied with one make the same student twice."""
    for given in (f"nur{sign}se", f"nurse{sign}", f"{sign}nurse"):
        refusal = refused(registration, **{name: given})
        assert (refusal.code, refusal.field) == ("FIELD_INVALID", name)
        assert "cannot be seen" in refusal.message
        assert "nur" not in refusal.message
        assert fields.text({name: given}, name) == given, "who is known by it already is found"


def test_what_cannot_be_seen_is_kept_where_scripts_and_telephones_need_it():
    """Joiners belong to names in Persian and Hindi; telephones put direction marks around numbers that are copied."""
    student = registration(
        firstName="\u0645\u06cc\u200c\u0631\u0648\u062f", phone="\u202a919-599-2917\u202c"
    ).student
    assert (student.first_name, student.telephone) == (
        "\u0645\u06cc\u200c\u0631\u0648\u062f", "\u202a919-599-2917\u202c",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["username", "vendorKey", "phone", "email"])
@pytest.mark.parametrize("sign", ["\r", "\n", "\u2028"], ids=ascii)
def test_what_stands_in_one_line_has_no_line_break(name, sign):
    assert refused(registration, **{name: f"a{sign}b@example.edu"}).field == name


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("a@b.co", True),
        ("o'brien+x@mail.example.edu", True),
        ("jürgen@exämple.de", True),
        ("nobody", False),
        ("a@b", False),
        ("@example.edu", False),
        ("a@", False),
        ("a b@example.edu", False),
        ("a@example.edu, b@example.edu", False),
        ("Ann <a@example.edu>", False),
        ("a@b@example.edu", False),
        ("a" * 250 + "@b.co", False),
    ],
)
def test_an_address_looks_like_one(address, good):
    if good:
        assert registration(email=address).student.email == address
    else:
        refusal = refused(registration, email=address)
        assert (refusal.code, refusal.field) == ("FIELD_INVALID", "email")


@pytest.mark.parametrize(
    ("values", "born"),
    [
        pytest.param({}, None, id="neither"),
        pytest.param({"dateOfBirth": None, "dateOfBirthString": None}, None, id="both-null"),
        pytest.param({"dateOfBirthString": "02/29/2004"}, date(2004, 2, 29), id="a-leap-day"),
        pytest.param({"dateOfBirthString": " 01/01/1900 "}, date(1900, 1, 1), id="the-first-day-there-is"),
        pytest.param({"dateOfBirthString": "08/03/2026"}, TODAY, id="today"),
        pytest.param({"dateOfBirth": long("2001-12-05T05:59:59Z")}, date(2001, 12, 4), id="before-winter-midnight"),
        pytest.param({"dateOfBirth": long("2001-12-05T06:00:00+00:00")}, date(2001, 12, 5), id="winter-midnight"),
        pytest.param({"dateOfBirth": long("2001-05-05T04:59:59+00:00")}, date(2001, 5, 4), id="before-summer-midnight"),
        pytest.param({"dateOfBirth": long("2001-05-05T05:00:00+00:00")}, date(2001, 5, 5), id="summer-midnight"),
        pytest.param({"dateOfBirth": long("2001-04-01T06:00:00+00:00")}, date(2001, 4, 1), id="clocks-go-forward"),
        pytest.param({"dateOfBirth": long("2001-10-28T05:00:00+00:00")}, date(2001, 10, 28), id="clocks-go-back"),
        pytest.param({"dateOfBirth": long("2001-10-29T05:59:59+00:00")}, date(2001, 10, 28), id="still-that-long-day"),
        pytest.param({"dateOfBirth": 0}, date(1969, 12, 31), id="zero-is-an-instant-like-any-other"),
        pytest.param({"dateOfBirth": 259445405250}, date(1978, 3, 22), id="the-example-of-the-reference"),
        pytest.param({"dateOfBirth": 0, "dateOfBirthString": "04/30/2001"}, date(2001, 4, 30), id="the-string-wins"),
        pytest.param(
            {"dateOfBirth": "rubbish", "dateOfBirthString": "04/30/2001"}, date(2001, 4, 30), id="whatever-the-long-is"
        ),
        pytest.param({"dateOfBirth": 0, "dateOfBirthString": " "}, date(1969, 12, 31), id="an-empty-string-does-not"),
    ],
)  # fmt: skip
def test_a_date_of_birth_is_read(values, born):
    assert registration(**values).student.date_of_birth == born


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"dateOfBirthString": "13/45/2001"}, "month from 01 to 12"),
        ({"dateOfBirthString": "30/09/2004"}, "month from 01 to 12"),
        ({"dateOfBirthString": "02/30/2001"}, "day that the month has"),
        ({"dateOfBirthString": "02/29/2001"}, "day that the month has"),
        ({"dateOfBirthString": "00/10/2001"}, "month from 01 to 12"),
        ({"dateOfBirthString": "2/3/2001"}, "mm/dd/yyyy"),
        ({"dateOfBirthString": "02/03/01"}, "mm/dd/yyyy"),
        ({"dateOfBirthString": "2001-02-03"}, "mm/dd/yyyy"),
        ({"dateOfBirthString": "٠٢/٠٣/٢٠٠١"}, "mm/dd/yyyy"),
        ({"dateOfBirthString": 2001}, "string"),
        ({"dateOfBirthString": "08/04/2026"}, "future"),
        ({"dateOfBirthString": "12/31/1899"}, "1900"),
        ({"dateOfBirth": long("2026-08-04T05:00:00+00:00")}, "future"),
        ({"dateOfBirth": long("1899-12-31T12:00:00+00:00")}, "1900"),
        ({"dateOfBirth": long("0900-12-31T12:00:00+00:00")}, "1900"),
        ({"dateOfBirth": "259445405250"}, "whole number"),
        ({"dateOfBirth": 259445405250.0}, "whole number"),
        ({"dateOfBirth": True}, "whole number"),
        ({"dateOfBirth": 10**30}, "years 1 to 9999"),
    ],
    ids=str,
)
def test_an_impossible_date_of_birth_is_refused(values, says):
    refusal = refused(registration, **values)
    (name, sent), *_rest = values.items()
    assert (refusal.code, refusal.field) == ("FIELD_INVALID", name)
    assert says in refusal.message
    assert str(sent) not in refusal.message


@pytest.mark.parametrize(
    ("value", "day"),
    [
        (None, None),
        (long("2020-01-01T06:00:00+00:00"), date(2020, 1, 1)),
        (long("2027-07-01T04:59:59+00:00"), date(2027, 6, 30)),
    ],
    ids=["absent", "may-lie-in-the-past", "by-central-time"],
)
def test_an_expiration_date_is_a_day(value, day):
    assert registration(expirationDate=value).student.expires_on == day


def test_an_instant_is_asked_for_and_exact():
    assert fields.instant({"deltaStartDate": 1319498044338}, "deltaStartDate") == datetime(
        2011, 10, 24, 23, 14, 4, 338_000, tzinfo=UTC
    )
    assert refused(fields.instant, {}, "deltaStartDate").code == "FIELD_MISSING"
    for value in ("1319498044338", 1.5, False, [], 10**30, -(10**30)):
        assert refused(fields.instant, {"deltaStartDate": value}, "deltaStartDate").code == "FIELD_INVALID"


@pytest.mark.parametrize("value", ["Archive", "archived", " active", "", "delete"])
def test_one_of_two_words_is_exactly_one_of_them(value):
    refusal = refused(fields.one_of, {"status": value}, "status", ("active", "archive"))
    assert refusal.message == "status must be active or archive."
    assert fields.one_of({"status": "archive"}, "status", ("active", "archive")) == "archive"


def test_exact_text_is_kept_to_the_letter():
    assert fields.exact({"trackerName": " Class  of 2012 "}, "trackerName") == " Class  of 2012 "


def test_a_field_that_is_not_good_names_nothing_in_a_look_up():
    for value in (None, 7, "", "a\0b", "x" * 300, "\ud800"):
        assert fields.as_far_as_good({"username": value}, "username") == ""
    assert fields.as_far_as_good({"username": " Zoe "}, "username") == "Zoe"
    assert fields.as_far_as_good({"registrationCode": "AB"}, "registrationCode") == "AB"
