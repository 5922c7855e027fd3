"""What is to be said of a key that a client offers. PURE: values in, a code of `transfers.types.REFUSALS` out."""

import base64
import hashlib
import struct

from pratique.transfers.types import Login, LoginKey

SHORTEST_RSA, LONGEST_RSA = 2048, 16_384
_RSA, _ED25519 = b"ssh-rsa", b"ssh-ed25519"
_SIGNATURES = {_RSA: (b"rsa-sha2-512", b"rsa-sha2-256"), _ED25519: (_ED25519,)}


def why_not(login: Login | None, public_data: bytes, signature: bytes, *, ed25519: bool) -> str:
    """Return why this key cannot sign in, or "". `signature` is empty while the client only asks about the key.

    Whether the signature is right is not looked at; of what algorithm it is, is.
    """
    kind = first_string(public_data)
    if kind != _RSA and not (kind == _ED25519 and ed25519):
        return "key_type"
    if kind == _RSA:
        bits = _rsa_bits(public_data)
        if bits < SHORTEST_RSA:
            return "key_too_short"
        if bits > LONGEST_RSA:
            return "key_type"
    if signature and first_string(signature) not in _SIGNATURES[kind]:
        return "signature_sha1" if kind == _RSA else "key_type"
    key = key_of(login, public_data)
    if login is None or key is None:
        return "key_unknown"
    # Closing an account revokes its keys; whoever held one then hears that it is closed.
    return "key_revoked" if key.revoked and not login.closed else ""


def key_of(login: Login | None, public_data: bytes) -> LoginKey | None:
    """Return the account's key with this public half: one that works before one that was revoked."""
    found = [key for key in login.keys if key.public_data == public_data] if login else []
    return min(found, key=lambda key: key.revoked, default=None)


def fingerprint_of(public_data: bytes) -> str:
    """Return a key's fingerprint as OpenSSH shows it."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(public_data).digest()).decode().rstrip("=")


def first_string(data: bytes) -> bytes:
    """Return the string that a key or a signature begins with, which names its algorithm; empty where it is cut."""
    if len(data) < 4:
        return b""
    (length,) = struct.unpack_from(">I", data)
    return data[4 : 4 + length] if length <= len(data) - 4 else b""


def _rsa_bits(data: bytes) -> int:
    """Return the size of an RSA key's modulus, the third string of its form on the wire (RFC 4253, section 6.6)."""
    at = 0
    for _ in range(2):
        at += 4 + len(first_string(data[at:]))
    return int.from_bytes(first_string(data[at:]), "big").bit_length()
