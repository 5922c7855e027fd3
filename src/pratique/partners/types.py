"""Plain data about partners that more than one module needs."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple
from uuid import UUID

if TYPE_CHECKING:  # the table of errors is also for a command that starts without Django
    from pratique.partners.models import Environment


class ErrorKind(NamedTuple):
    """A code of the partner API: its HTTP status, what it means, and what the integrator does about it."""

    status: int
    meaning: str
    remedy: str


# The whole list: the documentation's table is made of it, and nothing else may be answered.
ERRORS: dict[str, ErrorKind] = {
    "NOT_AUTHENTICATED": ErrorKind(
        401,
        "No session: the client id, the key, the assertion or the session is not one that we accept.",
        "Authenticate anew. The log of calls in the console says more, once the client id is right.",
    ),
    "CLOCK_SKEW": ErrorKind(
        400,
        "The call's issued-at time is more than five minutes away from ours.",
        "Set the clock by NTP. Our time stands in the header Date of every answer.",
    ),
    "METHOD_MISMATCH": ErrorKind(
        400,
        "The method in the protected header is not the one in the path.",
        "Seal each call for the method that it is sent to.",
    ),
    "METHOD_UNKNOWN": ErrorKind(404, "There is no such method.", "Compare its name, in this very case."),
    "UNSUPPORTED_MEDIA_TYPE": ErrorKind(
        415, "The body is not sent as what it is.", "Send Content-Type: application/jose."
    ),
    "BAD_JSON": ErrorKind(
        400,
        "What was sealed is not one JSON object in UTF-8.",
        "Let a JSON library write it. Besides JSON's own escapes only \\', \\, and \\; are accepted.",
    ),
    "FIELD_MISSING": ErrorKind(
        400, "A field that the method needs is not there.", "Send it; the error's field says which."
    ),
    "FIELD_INVALID": ErrorKind(400, "A field cannot be what was sent.", "The message says what it must be."),
    "NONCE_REPEATED": ErrorKind(
        409,
        "This nonce has been used before by this client; nothing was done.",
        "Send the call again with a fresh nonce, such as the time in nanoseconds and a random part.",
    ),
    "STUDENT_UNKNOWN": ErrorKind(
        404,
        "Account token and vendor key do not name a student of your institution.",
        "Call createUser with the vendor key; it returns the account token.",
    ),
    "PACKAGE_UNKNOWN": ErrorKind(
        404, "Your institution has no package with this code.", "Ask the school for its registration codes."
    ),
    "NOT_ON_PACKAGE": ErrorKind(
        404, "The student is not on this package.", "Compare the code with the one that createUser was given."
    ),
    "TRACKER_UNKNOWN": ErrorKind(
        404,
        "The package has no tracker of exactly this name.",
        "Use the name as it stands in the school's list, with its case and blanks.",
    ),
    "STAFF_ACCOUNT": ErrorKind(
        409,
        "The username is that of a member of staff.",
        "Staff sign in by themselves. Choose another username for a student.",
    ),
    "RATE_LIMITED": ErrorKind(
        429,
        "More calls in this minute than your client may make.",
        "Wait as long as Retry-After says. A school can raise the limit.",
    ),
    "TOO_LARGE": ErrorKind(413, "The request is larger than any call needs.", "Send one call a request."),
    "INTERNAL": ErrorKind(
        500, "Something broke on our side; nothing was done.", "Try again in a minute, with a fresh nonce."
    ),
    "UNAVAILABLE": ErrorKind(
        503, "We cannot work just now; nothing was done.", "Wait as long as Retry-After says."
    ),
}


class Refusal(Exception):
    """A call is refused. `message` is ours and never repeats what was sent: it may be somebody's name.

    Whoever raises it has written nothing yet.
    """

    def __init__(self, code: str, message: str = "", *, field: str = "") -> None:
        super().__init__(code)
        self.code = code
        self.kind = ERRORS[code]
        self.message = message or self.kind.meaning
        self.field = field

    def to_data(self) -> dict[str, Any]:
        """Return the one shape of every error (contracts/partner-api.md)."""
        told = {"code": self.code, "message": self.message}
        return {"error": told | ({"field": self.field} if self.field else {})}


@dataclass(frozen=True, repr=False)
class Caller:
    """Whoever is behind a session, known by one query. `institution_id` made the client; it acts for `acts_for`."""

    client: UUID
    identifier: str
    environment: "Environment"
    institution_id: UUID
    acts_for: UUID
    key: UUID
    fingerprint: str
    calls_per_minute: int
