"""What is said of a key that a client offers, before any signature is looked at."""

import base64
import struct
from uuid import UUID

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from pratique.interfaces.sftp.offers import key_of, why_not
from pratique.transfers.types import Login, LoginKey


def packed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">I", len(part)) + part for part in parts)


def rsa(bits: int, last: int = 1) -> bytes:
    """An RSA key's form on the wire with a modulus of so many bits (nobody computes with it here)."""
    modulus = (1 << (bits - 1)) | last
    return packed(b"ssh-rsa", b"\x01\x00\x01", modulus.to_bytes(bits // 8 + 1, "big"))


def wire(key: object) -> bytes:
    line = key.public_key().public_bytes(Encoding.OpenSSH, PublicFormat.OpenSSH)  # type: ignore[attr-defined]
    return base64.b64decode(line.split()[1])


ED25519 = wire(ed25519.Ed25519PrivateKey.generate())
ECDSA = wire(ec.generate_private_key(ec.SECP256R1()))
GOOD, REVOKED, SHORT = rsa(2048), rsa(3072, 3), rsa(2047)
LOGIN = Login(
    UUID(int=1), UUID(int=2), "school-sis", "", False, (), 10,
    [
        LoginKey(UUID(int=number), data, f"SHA256:{number}", revoked)
        for number, (data, revoked) in enumerate(
            [(GOOD, False), (REVOKED, True), (SHORT, False), (ED25519, False), (ECDSA, False)]
        )
    ],
)  # fmt: skip


@pytest.mark.parametrize(
    ("key", "signature", "reason"),
    [
        pytest.param(GOOD, b"", "", id="RSA of 2048 bits, asked about"),
        pytest.param(GOOD, packed(b"rsa-sha2-256", b"x"), "", id="signed with rsa-sha2-256"),
        pytest.param(GOOD, packed(b"rsa-sha2-512", b"x"), "", id="signed with rsa-sha2-512"),
        pytest.param(GOOD, packed(b"ssh-rsa", b"x"), "signature_sha1", id="signed with SHA-1"),
        pytest.param(
            GOOD, packed(b"ssh-rsa-sha512@ssh.com", b"x"), "signature_sha1", id="another vendor's name"
        ),
        pytest.param(GOOD, b"\xff\xff\xff\xff", "signature_sha1", id="a signature that is cut"),
        pytest.param(rsa(2048, 5), b"", "key_unknown", id="not a key of this account"),
        pytest.param(REVOKED, b"", "key_revoked", id="a key that was revoked"),
        pytest.param(SHORT, b"", "key_too_short", id="2047 bits, even if it was added somehow"),
        pytest.param(rsa(1024), b"", "key_too_short", id="1024 bits"),
        pytest.param(rsa(16_385), b"", "key_type", id="so large that it only costs time"),
        pytest.param(ED25519, b"", "key_type", id="Ed25519 while it is off"),
        pytest.param(ECDSA, b"", "key_type", id="ECDSA"),
        pytest.param(packed(b"ssh-dss", b"1", b"2", b"3", b"4"), b"", "key_type", id="DSA"),
        pytest.param(
            packed(b"ssh-rsa-cert-v01@openssh.com", b"n", GOOD), b"", "key_type", id="a certificate"
        ),
        pytest.param(packed(b"sk-ssh-ed25519@openssh.com", b"n"), b"", "key_type", id="a security key"),
        pytest.param(packed(b"ssh-rsa"), b"", "key_too_short", id="a key without numbers"),
        pytest.param(b"", b"", "key_type", id="nothing"),
        pytest.param(b"\x00\x00\x00\xff", b"", "key_type", id="a key that is cut"),
    ],
)
def test_what_is_said_of_a_key(key: bytes, signature: bytes, reason: str) -> None:
    assert why_not(LOGIN, key, signature, ed25519=False) == reason


def test_ed25519_signs_in_where_the_installation_lets_it() -> None:
    assert why_not(LOGIN, ED25519, packed(b"ssh-ed25519", b"x"), ed25519=True) == ""
    assert why_not(LOGIN, ED25519, packed(b"rsa-sha2-512", b"x"), ed25519=True) == "key_type"
    assert why_not(LOGIN, ECDSA, b"", ed25519=True) == "key_type"


def test_nobody_has_no_key() -> None:
    assert why_not(None, GOOD, b"", ed25519=False) == "key_unknown"
    assert key_of(None, GOOD) is None


def test_a_key_that_was_revoked_and_added_again_signs_in() -> None:
    twice = [LoginKey(UUID(int=7), GOOD, "x", True), LoginKey(UUID(int=8), GOOD, "x", False)]
    login = Login(UUID(int=1), UUID(int=2), "school-sis", "", False, (), 10, twice)
    found = key_of(login, GOOD)
    assert found
    assert found.id == UUID(int=8)
    assert why_not(login, GOOD, b"", ed25519=False) == ""
