"""The methods with their fields, by their names on the wire: for help, and for reading what a person typed."""

from collections.abc import Mapping
from datetime import date, datetime

from pratique.partner_client.dates import to_long

_STUDENT = ("accountToken", "vendorKey")

# Optional ones end with a question mark. Every method has a nonce too.
METHODS: Mapping[str, tuple[str, ...]] = {
    "createUser": (
        "username", "vendorKey", "firstName", "lastName", "phone", "email", "dateOfBirth?",
        "dateOfBirthString?", "expirationDate?", "registrationCode",
    ),
    "secureToken": _STUDENT,
    "setTracker": (*_STUDENT, "trackerName", "code"),
    "setMembershipStatus": (*_STUDENT, "code", "status"),
    "getMembershipStatus": (*_STUDENT, "code"),
    "getPackageCounts": ("code",),
    "getPackageCountsSince": ("code", "deltaStartDate"),
    "getUser": (*_STUDENT, "code"),
}  # fmt: skip

LONGS = frozenset({"dateOfBirth", "expirationDate", "deltaStartDate"})


def typed(name: str, text: str) -> str | int:
    """Return the value of a field as it goes on the wire.

    For a long: its number, or a date such as 2027-06-30 (midnight in US Central time), or an instant with its zone.
    Everything else is the text. Raises ValueError with a sentence for a long that is neither.
    """
    if name not in LONGS:
        return text
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return to_long(datetime.fromisoformat(text) if "T" in text else date.fromisoformat(text))
    except ValueError:
        raise ValueError(
            f"{name} is a number of milliseconds, a date such as 2027-06-30, "
            "or an instant such as 2027-06-30T12:00:00Z."
        ) from None
