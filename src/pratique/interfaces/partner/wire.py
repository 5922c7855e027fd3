"""What both phases demand of what was sent, beyond cryptography (contracts/partner-api.md). PURE.

`partner_client.protocol` reads and verifies; here is judged who a verified assertion is from, for whom and when, and
whether an opened message fits its address. What is wrong is a Refusal; its words may only reach somebody who has
proved to hold the key.
"""

from typing import Any, NamedTuple

from pratique.interfaces.partner.parsing import NotJsonError, read_object
from pratique.partner_client import protocol
from pratique.partner_client.protocol import ProtocolError, SealedHeader
from pratique.partners.types import Refusal

SKEW_SECONDS = 300
LONGEST_NONCE = 128
JTI_BYTES = range(16, 65)

_CLAIMS = ("iss", "aud", "iat", "exp", "jti")


class Sent(NamedTuple):
    """An assertion as it came, and the client id that it names: not verified yet."""

    assertion: str
    client_id: str


class Whole(NamedTuple):
    """A call that may be worked on: its values, and its nonce as it is remembered."""

    values: dict[str, Any]
    nonce: str


def read_assertion_body(body: bytes) -> Sent | None:
    """Return the assertion of a request to authenticate; None if there is nothing that could be one."""
    try:
        assertion = read_object(body).get("assertion")
        if not isinstance(assertion, str):
            return None
        return Sent(assertion, str(protocol.assertion_header(assertion)["kid"]))
    except (NotJsonError, ProtocolError):
        return None


def client_nonce_of(claims: dict[str, Any], *, client_id: str, now: int, media_type: str) -> bytes:
    """Return the client nonce of an assertion whose signature is right. Raises Refusal (NOT_AUTHENTICATED)."""
    if media_type != "application/json":
        raise _unauthenticated("Send the assertion as Content-Type: application/json.", "Content-Type")
    if claims.get("aud") == [protocol.AUDIENCE]:
        # RFC 7519, 4.1.3: one audience may stand alone or in a list, and some libraries write nothing but lists.
        claims = {**claims, "aud": protocol.AUDIENCE}
    for name in _CLAIMS:
        if name not in claims:
            raise _unauthenticated(f"The assertion has no {name}.", name)
        wanted = int if name in ("iat", "exp") else str
        if type(claims[name]) is not wanted:
            what = "a whole number of seconds" if wanted is int else "a text"
            raise _unauthenticated(f"{name} must be {what}.", name)
    if claims["iss"] != client_id:
        raise _unauthenticated("iss must be the client id, as kid is.", "iss")
    if claims["aud"] != protocol.AUDIENCE:
        raise _unauthenticated(f"aud must be {protocol.AUDIENCE}.", "aud")
    issued, ends = claims["iat"], claims["exp"]
    if abs(now - issued) > SKEW_SECONDS:
        raise _unauthenticated(f"The assertion's clock is {_apart(now - issued)} ours.", "iat")
    if ends <= issued:
        raise _unauthenticated("exp must be later than iat.", "exp")
    if ends - issued > protocol.LONGEST_LIFETIME:
        raise _unauthenticated(f"exp must be at most {protocol.LONGEST_LIFETIME} seconds after iat.", "exp")
    if ends <= now:
        raise _unauthenticated("The assertion's time is over: make a new one for each session.", "exp")
    return _jti(claims["jti"])


def _jti(text: str) -> bytes:
    try:
        nonce = protocol.from_base64url(text)
    except ProtocolError:
        raise _unauthenticated("jti must be base64url without padding.", "jti") from None
    if len(nonce) not in JTI_BYTES:
        raise _unauthenticated(f"jti must be {JTI_BYTES[0]} to {JTI_BYTES[-1]} random bytes.", "jti")
    return nonce


def used_before() -> Refusal:
    """Return what an assertion is told that has opened a session already."""
    return _unauthenticated(
        "This assertion was used before: make a new one, with a new jti, each time.", "jti"
    )


def read_header(body: bytes) -> SealedHeader | None:
    """Return the protected header of a call, unverified; None if there is nothing that could be a call."""
    try:
        return protocol.sealed_header(body)
    except ProtocolError:
        return None


def read_call(
    header: SealedHeader, plaintext: bytes, *, method: str, known: bool, media_type: str, now: int
) -> Whole:
    """Return what an opened message asks of `method`, the one in the path. Raises Refusal."""
    if media_type != "application/jose":
        raise Refusal("UNSUPPORTED_MEDIA_TYPE", "Send Content-Type: application/jose.", field="Content-Type")
    if abs(now - header["iat"]) > SKEW_SECONDS:
        raise Refusal("CLOCK_SKEW", f"The call's clock is {_apart(now - header['iat'])} ours.", field="iat")
    if not known:
        raise Refusal("METHOD_UNKNOWN", "There is no method of the name in the path.")
    if header["method"] != method:
        raise Refusal("METHOD_MISMATCH", field="method")
    try:
        values = read_object(plaintext)
    except NotJsonError as error:
        raise Refusal("BAD_JSON", str(error)) from None
    return Whole(values, _nonce(values.get("nonce")))


def _nonce(given: object) -> str:
    if given is None:
        raise Refusal("FIELD_MISSING", "nonce is missing.", field="nonce")
    if type(given) is int:
        given = str(given)
    if not isinstance(given, str) or not 1 <= len(given) <= LONGEST_NONCE:
        raise Refusal(
            "FIELD_INVALID",
            f"nonce must be a text of 1 to {LONGEST_NONCE} characters, or an integer.",
            field="nonce",
        )
    return given


def _apart(seconds: int) -> str:
    """Return how far a clock is away: "6 minutes behind". What was sent may be any integer: no division of floats."""
    minutes = (abs(seconds) + 30) // 60
    far = f"{minutes} minutes" if minutes <= 120 else "more than two hours"
    return f"{far} {'behind' if seconds > 0 else 'ahead of'}"


def _unauthenticated(message: str, field: str) -> Refusal:
    return Refusal("NOT_AUTHENTICATED", message, field=field)
