"""What stands on the wire of the partner API: keys, assertions and sealed messages (contracts/partner-api.md).

Both ends use these functions. Pure: the time, nonces and (in test vectors) the initialization vector come from the
caller. Keys are derived with HKDF-SHA256 (RFC 5869); an assertion is a JWT signed with HS256 (RFC 7515, 7519); a
message is a compact JWE with alg `dir` and enc `A256GCM` (RFC 7516, 7518). The cryptography is that of `joserfc` and
`cryptography`; what is done here is to refuse everything that is not exactly that, before any of it is decrypted.

Everything that cannot be read raises ProtocolError; its text says what is wrong and repeats nothing of what was sent.
"""

import copy
import json
import re
from collections.abc import Callable
from typing import Any, NoReturn, TypedDict

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from joserfc import jwe, jws
from joserfc.errors import JoseError
from joserfc.jwk import OctKey
from joserfc.registry import HeaderParameter
from joserfc.util import urlsafe_b64decode, urlsafe_b64encode

AUDIENCE = "pratique-partner"
ASSERTION_INFO = "pratique partner v1 authenticate"
REQUEST_INFO = "pratique partner v1 request "
RESPONSE_INFO = "pratique partner v1 response "

KEY_BYTES = 32
NONCE_BYTES = 16
LONGEST_LIFETIME = 300
LONGEST_ASSERTION = 4096
# Bounds of what is read, not of what is lawful: counts of 50,000 students are some 6 MB.
LONGEST_SEALED = 64 * 1024 * 1024
LONGEST_HEADER = 1024

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*\Z")
# The largest integer that every JSON library reads exactly.
_LARGEST = 2**53 - 1


class ProtocolError(ValueError):
    """What came is not what the protocol says, or was not made with this key."""


class SealedHeader(TypedDict):
    """The protected header of a sealed message; `kid` is the session id."""

    alg: str
    enc: str
    kid: str
    iat: int
    method: str


# --- keys -----------------------------------------------------------------------------------------------------


def derive(encryption_key: bytes, info: str, salt: bytes = b"") -> bytes:
    """Return the 32 bytes that HKDF-SHA256 makes of the encryption key. No salt is the same as one of 32 zeros."""
    if len(encryption_key) != KEY_BYTES:
        raise ProtocolError("An encryption key is 32 bytes.")
    return HKDF(SHA256(), KEY_BYTES, salt or None, info.encode()).derive(encryption_key)


def assertion_key(encryption_key: bytes) -> bytes:
    """Return the key that signs assertions."""
    return derive(encryption_key, ASSERTION_INFO)


def request_key(encryption_key: bytes, client_nonce: bytes, server_nonce: bytes, session_id: str) -> bytes:
    """Return the key that seals what the client sends in this session."""
    return derive(encryption_key, REQUEST_INFO + session_id, client_nonce + server_nonce)


def response_key(encryption_key: bytes, client_nonce: bytes, server_nonce: bytes, session_id: str) -> bytes:
    """Return the key that seals what the server answers in this session."""
    return derive(encryption_key, RESPONSE_INFO + session_id, client_nonce + server_nonce)


def decode_key(text: str) -> bytes:
    """Return the 32 bytes of an encryption key as the school was shown it (base64url)."""
    try:
        key = from_base64url(text.strip().rstrip("="))
    except ProtocolError:
        key = b""
    if len(key) != KEY_BYTES:
        raise ProtocolError("An encryption key is 32 bytes as base64url: 43 characters.")
    return key


def to_base64url(content: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return urlsafe_b64encode(content).decode()


def from_base64url(text: str) -> bytes:
    """Return the bytes. Refuses padding, other characters and bits that no encoder would have set."""
    try:
        if not isinstance(text, str) or not _ALPHABET.match(text):
            _refuse("This is not base64url.")
        return urlsafe_b64decode(text.encode())
    except (ValueError, IndexError):
        raise ProtocolError("This is not base64url without padding.") from None


# --- assertions: phase one ------------------------------------------------------------------------------------


def make_assertion(client_id: str, key: bytes, *, now: int, nonce: bytes, lifetime: int = 300) -> str:
    """Return the JWT that opens a session. `key` is assertion_key(...), `now` seconds since the epoch.

    `nonce` is the client nonce: 16 or more random bytes that were never used before.
    """
    header = {"alg": "HS256", "typ": "JWT", "kid": client_id}
    claims = {
        "iss": client_id,
        "aud": AUDIENCE,
        "iat": now,
        "exp": now + lifetime,
        "jti": to_base64url(nonce),
    }
    return jws.serialize_compact(header, _compact_json(claims), _oct(key), registry=_SIGNED)


def assertion_header(token: str) -> dict[str, Any]:
    """Return an assertion's header, unverified: its `kid` says whose key to try. Nothing else may be believed.

    Refuses another alg than HS256 and members other than alg, typ and kid (so also crit, jwk and b64).
    """
    pieces = _pieces(token, LONGEST_ASSERTION, 3)
    header = _object(_piece(pieces[0]))
    if header.get("alg") != "HS256" or not header.keys() <= {"alg", "typ", "kid"}:
        _refuse("The assertion's header is not the one of this protocol.")
    if str(header.get("typ", "JWT")).upper() != "JWT" or not _is_name(header.get("kid")):
        _refuse("The assertion's header is not the one of this protocol.")
    return header


def read_assertion(token: str, key: bytes) -> dict[str, Any]:
    """Return the claims of an assertion whose signature is right under `key` (assertion_key(...)).

    Only signature and form are looked at: who it is from, for whom, when and whether it is a repeat is the
    server's to judge.
    """
    assertion_header(token)
    try:
        signed = jws.deserialize_compact(token, _oct(key), registry=_SIGNED)
    except (JoseError, ValueError, TypeError):
        raise ProtocolError("The assertion's signature is not right.") from None
    return _object(signed.payload or b"")


# --- sealed messages: phase two -------------------------------------------------------------------------------


def seal(
    plaintext: bytes, key: bytes, *, session_id: str, method: str, now: int, iv: bytes | None = None
) -> str:
    """Return `plaintext` as a compact JWE under `key` (request_key or response_key).

    `iv` is for test vectors alone: twice the same one under a key gives the key away. Left out, it is random.
    """
    header = {"alg": "dir", "enc": "A256GCM", "kid": session_id, "iat": now, "method": method}
    registry = _SEALED if iv is None else _Registry(iv)
    return jwe.encrypt_compact(header, plaintext, _oct(key), registry=registry)


def sealed_header(compact: str | bytes) -> SealedHeader:
    """Return a sealed message's header, unverified: its `kid` says whose session to look up.

    Refuses everything but dir with A256GCM and exactly the five members, so also zip and crit.
    """
    return _header_of(_pieces(compact, LONGEST_SEALED, 5))


def open_sealed(compact: str | bytes, key: bytes) -> tuple[SealedHeader, bytes]:
    """Return header and plaintext of a message that was sealed under `key` (request_key or response_key).

    Both are then known to come from a holder of the key, unchanged.
    """
    content = compact.encode() if isinstance(compact, str) and compact.isascii() else compact
    header = _header_of(_pieces(content, LONGEST_SEALED, 5))
    try:
        opened = jwe.decrypt_compact(content, _oct(key), registry=_SEALED)
    except (JoseError, ValueError, TypeError):
        raise ProtocolError("The message does not open with this key.") from None
    return header, opened.plaintext or b""


def _header_of(pieces: list[bytes]) -> SealedHeader:
    header_piece, encrypted_key, iv, _ciphertext, tag = pieces
    # With dir there is no encrypted key; A256GCM has an IV of 96 and a tag of 128 bits (RFC 7518, 4.5 and 5.3).
    if encrypted_key or len(iv) != 16 or len(tag) != 22:
        _refuse("The message is not sealed with dir and A256GCM.")
    if len(header_piece) > LONGEST_HEADER:
        _refuse("The message's header is too long.")
    header = _object(_piece(header_piece))
    if header.keys() != SealedHeader.__required_keys__:
        _refuse("The message's header has other members than alg, enc, kid, iat and method.")
    if header["alg"] != "dir" or header["enc"] != "A256GCM":
        _refuse("The message is not sealed with dir and A256GCM.")
    iat = header["iat"]
    if type(iat) is not int or not 0 <= iat <= _LARGEST:
        _refuse("The message's time is not whole seconds.")
    if not _is_name(header["kid"]) or not _is_name(header["method"]):
        _refuse("The message's session or method is not a short text.")
    return SealedHeader(alg="dir", enc="A256GCM", kid=header["kid"], iat=iat, method=header["method"])


class _Registry(jwe.JWERegistry):
    """dir and A256GCM alone, with the two header members of this protocol and room for long answers."""

    max_ciphertext_length = LONGEST_SEALED

    def __init__(self, iv: bytes | None = None) -> None:
        super().__init__(
            {"iat": HeaderParameter("Issued at", "int"), "method": HeaderParameter("Method", "str")},
            algorithms=["dir", "A256GCM"],
        )
        self._iv = iv

    def get_enc(self, name: str) -> Any:
        found = super().get_enc(name)
        if self._iv is not None:
            given = self._iv
            found = copy.copy(found)
            generate: Callable[[], bytes] = lambda: given  # noqa: E731
            found.generate_iv = generate  # type: ignore[method-assign]
        return found


_SEALED = _Registry()
_SIGNED = jws.JWSRegistry(algorithms=["HS256"])


# --- pieces ---------------------------------------------------------------------------------------------------


def _oct(key: bytes) -> OctKey:
    """Return the key for joserfc, which would take a shorter one for HS256 without a word.

    Not OctKey.import_key: that tries four times whether the bytes are some public key, on every call.
    """
    if len(key) != KEY_BYTES:
        raise ProtocolError("A derived key is 32 bytes.")
    return OctKey(key, key)


def _pieces(text: str | bytes, longest: int, count: int) -> list[bytes]:
    if not isinstance(text, str | bytes) or len(text) > longest:
        _refuse("The message is too long.")
    if isinstance(text, str):
        if not text.isascii():
            _refuse("The message is not in compact form.")
        text = text.encode()
    # One more than needed, so that a message of nothing but dots is not cut into millions.
    pieces = text.split(b".", count)
    if len(pieces) != count:
        _refuse("The message is not in compact form.")
    return pieces


def _piece(piece: bytes) -> bytes:
    return from_base64url(piece.decode("ascii", "replace"))


def _object(content: bytes) -> dict[str, Any]:
    """Return a JSON object in UTF-8 that names no member twice: two readers must not see two different ones."""
    try:
        found = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_refuse)
    except (ValueError, RecursionError):
        raise ProtocolError("A part of the message is not a JSON object.") from None
    if not isinstance(found, dict):
        _refuse("A part of the message is not a JSON object.")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        _refuse("A member is named twice.")
    return members


def _compact_json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 1 <= len(value) <= 128 and value.isascii() and value.isprintable()


def _refuse(message: str) -> NoReturn:
    raise ProtocolError(message)
