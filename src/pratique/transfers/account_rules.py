"""What may be said of a transfer account: names, addresses, networks, limits. PURE: text in, what is kept out."""

import ipaddress
import re
import unicodedata
from collections.abc import Sequence

from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.utils.translation import gettext as _

from pratique.transfers.errors import TransferError

LONGEST_NAME = 120
LONGEST_LABEL = 120
LONGEST_REASON = 200
LONGEST_PART = 32
MOST_NETWORKS = 50
MOST_SESSIONS = 50
# No hyphen: the last one always ends the slug, so that no school's username can be made by another school.
_PART = re.compile(r"[a-z0-9](?:[a-z0-9._]*[a-z0-9])?")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u200b\ufeff\u202a-\u202e\u2066-\u2069]")


def username(slug: str, part: str) -> str:
    """Return the username of an institution's account. Raises TransferError with what is wrong with `part`."""
    text = part.strip()
    if not text:
        raise TransferError("username", _("Write what the username ends with, such as sis."), "username_part")
    if len(text) > LONGEST_PART:
        raise TransferError("username", _("Use at most 32 characters."), "username_part")
    if not _PART.fullmatch(text):
        raise TransferError(
            "username",
            _(
                "Use lower-case letters (a to z), digits, dots and underscores, but no hyphen. Begin and end with a "
                "letter or digit."
            ),
            "username_part",
        )
    return f"{slug}-{text}"


def account_name(text: str) -> str:
    """Return an account's name as it is kept. Raises TransferError."""
    return _needed(text, LONGEST_NAME, "name", _("Give the account a name."))


def label(text: str) -> str:
    """Return a key's label as it is kept. Raises TransferError."""
    return _needed(
        text, LONGEST_LABEL, "label", _("Say where the key is used, such as the name of the server.")
    )


def reason(text: str) -> str:
    """Return the reason for suspending or lifting as it is kept. Raises TransferError."""
    return _needed(text, LONGEST_REASON, "reason", _("Say why, for colleagues who look at this later."))


def address(text: str) -> str:
    """Return a contact's e-mail address, or nothing. Raises TransferError."""
    found = text.strip()
    if found:
        try:
            validate_email(found)
        except ValidationError:
            found = ""
        if not found or len(found) > 254:
            raise TransferError(
                "email", _("Write an e-mail address such as name@example.edu."), "contact_email"
            )
    return found


def networks(text: str) -> Sequence[str]:
    """Return the networks of a text, one in a line or with commas between; a single address is a network of one.

    Raises TransferError that names what cannot be read.
    """
    kept: list[str] = []
    for word in re.split(r"[\s,;]+", text.strip()):
        if not word:
            continue
        try:
            network = str(ipaddress.ip_network(word, strict=False))
        except ValueError:
            raise TransferError(
                "networks",
                _("“%(text)s” is no address or network. Write 203.0.113.7 or 203.0.113.0/24.")
                % {"text": _line(word)[:50]},
                "networks",
            ) from None
        if network not in kept:
            kept.append(network)
    if len(kept) > MOST_NETWORKS:
        raise TransferError("networks", _("Name at most 50 networks."), "networks")
    return kept


def most_sessions(number: int) -> int:
    """Return how many sessions an account may have at once. Raises TransferError."""
    if not 1 <= number <= MOST_SESSIONS:
        raise TransferError("sessions", _("Choose a number from 1 to 50."), "most_sessions")
    return number


def _needed(text: str, longest: int, field: str, missing: str) -> str:
    found = _line(text)
    if not found:
        raise TransferError(field, missing, field)
    if len(found) > longest:
        raise TransferError(field, _("Use at most %(number)s characters.") % {"number": longest}, field)
    return found


def _line(text: str) -> str:
    """Return text as it is kept: composed, trimmed, in one line, without what cannot be seen."""
    return _CONTROL.sub(" ", unicodedata.normalize("NFC", text)).strip()
