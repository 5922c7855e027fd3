"""Strict readers of what a call brings. Each returns a clean value or raises the Refusal that names the field.

A message says what the field must be and never repeats what was sent: it may be somebody's name. Fields that nobody
reads are ignored, because existing clients send more. A field that is null counts as not sent.
"""

import re
from collections.abc import Collection, Mapping
from datetime import date, datetime
from typing import Any

from pratique.interfaces.partner import dates
from pratique.partners.actions.students import Registration
from pratique.partners.types import Refusal
from pratique.rosters.cells import FIRST_YEAR, TEXT_LIMITS, DateOfBirthRule, TextRule
from pratique.students.actions.provision import NewStudent

Values = Mapping[str, Any]

# Text is cleaned by the rules of roster columns: what the school sends both ways must name the same student.
_RULES = {column: TextRule(column, column) for column in TEXT_LIMITS}
_COLUMNS = {
    "username": "username", "vendorKey": "student_id", "firstName": "first_name", "lastName": "last_name",
    "phone": "telephone", "email": "username",
}  # fmt: skip
_ADDRESS = re.compile(r"[^\s@,;<>]+@[^\s@,;<>]+\.[^\s@,;<>]+")
_LONG = "must be a whole number without quotation marks: milliseconds since 1970-01-01, UTC"
# What DateOfBirthRule finds wrong, said without the date itself.
_WRONG_BIRTH = {
    "date_format": "must be written mm/dd/yyyy with all its digits, such as 09/30/2004",
    "date_month": "must have a month from 01 to 12 before the day: mm/dd/yyyy, such as 09/30/2004",
    "date_day": "must be a day that the month has: mm/dd/yyyy, such as 09/30/2004",
    "date_too_early": f"must not lie before {FIRST_YEAR}",
    "date_in_future": "must not lie in the future",
}


def text(values: Values, name: str, *, may_be_empty: bool = False, is_new: bool = False) -> str:
    """Return a text field as the roster keeps it: trimmed, NFC, within its length, without control characters.

    `is_new`: a name for a student that there will be. It may not hold what the roster warns a person about, characters
    that cannot be seen: here is nobody to warn, and two that look alike would be two students, or a student and a
    member of staff. Whoever the school has under such a key is found all the same.
    """
    given = _string(values, name)
    rule = _RULES[_COLUMNS[name]]
    cleaned, errors, warnings = rule.read(given)
    for error in errors:
        if error.code == "too_long":
            raise _invalid(name, f"must have at most {rule.limit} characters")
        raise _invalid(name, "must not contain control characters")
    if is_new and warnings:
        raise _invalid(name, "must not contain characters that cannot be seen, such as U+200B")
    if not cleaned and not may_be_empty:
        raise _invalid(name, "must not be empty")
    return cleaned or ""


def exact(values: Values, name: str) -> str:
    """Return a text field letter by letter as it was sent: an account token, a package's code, a tracker's name."""
    given = _string(values, name)
    if not given:
        raise _invalid(name, "must not be empty")
    if "\0" in given:
        raise _invalid(name, "must not contain control characters")
    return given


def as_far_as_good(values: Values, name: str) -> str:
    """Return a text field, or "" if it is missing or not good: for a look-up that comes before it is judged."""
    try:
        return text(values, name) if name in _COLUMNS else exact(values, name)
    except Refusal:
        return ""


def one_of(values: Values, name: str, choices: Collection[str]) -> str:
    """Return a text field that is exactly one of `choices`."""
    given = _string(values, name)
    if given not in choices:
        raise _invalid(name, f"must be {' or '.join(choices)}")
    return given


def instant(values: Values, name: str) -> datetime:
    """Return a long as the instant that it is."""
    if values.get(name) is None:
        raise _missing(name)
    try:
        return dates.long_to_instant(_long(values, name))
    except OverflowError:
        raise _invalid(name, "must lie in the years 1 to 9999") from None


def optional_day(values: Values, name: str) -> date | None:
    """Return a long as the day that it falls on in US Central time, or None if it was not sent."""
    if values.get(name) is None:
        return None
    try:
        return dates.long_to_day(_long(values, name))
    except OverflowError:
        raise _invalid(name, "must lie in the years 1 to 9999") from None


def registration(values: Values, *, today: date) -> Registration:
    """Return all that createUser says of a new student. `today`: nobody was born after it."""
    student = NewStudent(
        username=text(values, "username", is_new=True),
        student_id=text(values, "vendorKey", is_new=True),
        **_names(values),
        telephone=text(values, "phone", may_be_empty=True),
        email=_email(values, "email"),
        date_of_birth=date_of_birth(values, today=today),
        expires_on=optional_day(values, "expirationDate"),
    )
    return Registration(student, exact(values, "registrationCode"))


def date_of_birth(values: Values, *, today: date) -> date | None:
    """Return the date of birth: `dateOfBirthString` if there is one, and then the long is not looked at."""
    name, rule = "dateOfBirthString", DateOfBirthRule("dateOfBirthString", today)
    written = _string(values, name).strip() if values.get(name) is not None else ""
    if not written:
        name = "dateOfBirth"
        born = optional_day(values, name)
        # A day outside of four digits is certainly too early or to come: the rule then says which.
        written = f"{born.month:02}/{born.day:02}/{born.year:04}" if born else ""
    found, errors, _warnings = rule.read(written)
    if errors:
        raise _invalid(name, _WRONG_BIRTH[errors[0].code])
    return found


def _names(values: Values) -> dict[str, str]:
    """Return first and last name. Some people have one name only, so one of the two may be empty."""
    first = text(values, "firstName", may_be_empty=True)
    last = text(values, "lastName", may_be_empty=True)
    if not first and not last:
        raise _invalid("lastName", "must not be empty where firstName is empty too")
    return {"first_name": first, "last_name": last}


def _email(values: Values, name: str) -> str:
    address = text(values, name, may_be_empty=True)
    if address and not _ADDRESS.fullmatch(address):
        raise _invalid(name, "must be one e-mail address such as name@example.edu, or empty")
    return address


def _string(values: Values, name: str) -> str:
    given = values.get(name)
    if given is None:
        raise _missing(name)
    if not isinstance(given, str):
        raise _invalid(name, "must be a string")
    try:
        given.encode()
    except UnicodeEncodeError:
        # Half of a pair of \u escapes is a Python text all the same, but nothing that can be stored.
        raise _invalid(name, "must be Unicode text without lone surrogates") from None
    return given


def _long(values: Values, name: str) -> int:
    given = values[name]
    if not isinstance(given, int) or isinstance(given, bool):
        raise _invalid(name, _LONG)
    return given


def _missing(name: str) -> Refusal:
    return Refusal("FIELD_MISSING", f"{name} is missing.", field=name)


def _invalid(name: str, must: str) -> Refusal:
    return Refusal("FIELD_INVALID", f"{name} {must}.", field=name)
