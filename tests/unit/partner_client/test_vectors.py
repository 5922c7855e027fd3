"""The published test vectors are what the protocol gives, and what the standard library says by itself."""

import base64
import hashlib
import hmac
import json

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from pratique.partner_client import protocol
from pratique.partners.types import Refusal
from tests.unit.partner_client import vectors

PUBLISHED = json.loads(vectors.FILE.read_text())
AUTHENTICATE, SESSION = PUBLISHED["authenticate"], PUBLISHED["session"]
KEY = bytes.fromhex(PUBLISHED["encryption_key_hex"])


def test_the_file_is_up_to_date():
    assert vectors.FILE.read_text() == vectors.file_content(), (
        "Write it again: python -m tests.unit.partner_client.vectors --write"
    )


def test_the_error_in_it_says_what_the_product_says():
    told = [json.loads(call["response"]["plaintext"]) for call in PUBLISHED["calls"] if call["status"] != 200]
    assert told == [Refusal("NONCE_REPEATED", field="nonce").to_data()]


# --- read without the product's own code ----------------------------------------------------------------------


def hkdf(key, salt, info):
    """RFC 5869 for one block of 32 bytes."""
    extracted = hmac.digest(salt or bytes(32), key, hashlib.sha256)
    return hmac.digest(extracted, info + b"\x01", hashlib.sha256)


def decoded(piece):
    return base64.urlsafe_b64decode(piece + "=" * (-len(piece) % 4))


def test_hkdf_here_is_that_of_the_rfc():
    # RFC 5869, A.1; its 42 bytes begin with the first block.
    made = hkdf(bytes([0x0B] * 22), bytes(range(13)), bytes.fromhex("f0f1f2f3f4f5f6f7f8f9"))
    assert made.hex() == "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf"


def test_the_derived_keys_are_right():
    assert decoded(PUBLISHED["encryption_key_base64url"]) == KEY
    assert hkdf(KEY, b"", AUTHENTICATE["info"].encode()).hex() == AUTHENTICATE["assertion_key_hex"]
    salt = bytes.fromhex(AUTHENTICATE["client_nonce_hex"] + SESSION["server_nonce_hex"])
    assert salt.hex() == SESSION["salt_hex"]
    for which in ("request", "response"):
        info = f"pratique partner v1 {which} {SESSION['session_id']}"
        assert SESSION[f"{which}_info"] == info
        assert hkdf(KEY, salt, info.encode()).hex() == SESSION[f"{which}_key_hex"]


def test_the_assertion_is_right():
    header, claims, signature = AUTHENTICATE["assertion"].split(".")
    signed = hmac.digest(
        bytes.fromhex(AUTHENTICATE["assertion_key_hex"]), f"{header}.{claims}".encode(), "sha256"
    )
    assert decoded(signature) == signed
    assert decoded(header).decode() == AUTHENTICATE["header"]
    assert decoded(claims).decode() == AUTHENTICATE["claims"]
    assert json.loads(AUTHENTICATE["claims"]) == {
        "iss": PUBLISHED["client_id"],
        "aud": "pratique-partner",
        "iat": AUTHENTICATE["now"],
        "exp": AUTHENTICATE["now"] + 300,
        "jti": AUTHENTICATE["client_nonce_base64url"],
    }
    assert json.loads(AUTHENTICATE["request"]) == {"assertion": AUTHENTICATE["assertion"]}


@pytest.mark.parametrize("which", ["request", "response"])
@pytest.mark.parametrize("call", PUBLISHED["calls"], ids=lambda call: call["name"])
def test_the_messages_are_right(call, which):
    message = call[which]
    header, encrypted_key, iv, ciphertext, tag = message["jwe"].split(".")
    assert encrypted_key == ""
    assert decoded(header).decode() == message["header"]
    assert decoded(iv).hex() == message["iv_hex"]
    key = AESGCM(bytes.fromhex(SESSION[f"{which}_key_hex"]))
    opened = key.decrypt(decoded(iv), decoded(ciphertext) + decoded(tag), header.encode())
    assert opened.decode() == message["plaintext"]
    assert json.loads(message["header"]) == {
        "alg": "dir",
        "enc": "A256GCM",
        "kid": SESSION["session_id"],
        "iat": message["iat"],
        "method": call["method"],
    }


# --- read with it ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("call", PUBLISHED["calls"], ids=lambda call: call["name"])
def test_the_product_opens_them(call):
    for which in ("request", "response"):
        key = bytes.fromhex(SESSION[f"{which}_key_hex"])
        header, plaintext = protocol.open_sealed(call[which]["jwe"], key)
        assert plaintext.decode() == call[which]["plaintext"]
        assert header == json.loads(call[which]["header"])


@pytest.mark.parametrize("refused", PUBLISHED["refused"], ids=lambda refused: refused["why"])
def test_what_is_a_little_wrong_is_refused(refused):
    read, key = {
        "assertion": (protocol.read_assertion, AUTHENTICATE["assertion_key_hex"]),
        "request": (protocol.open_sealed, SESSION["request_key_hex"]),
    }[refused["kind"]]
    with pytest.raises(protocol.ProtocolError):
        read(refused["token"], bytes.fromhex(key))


def test_no_initialization_vector_is_used_twice_under_a_key():
    for which in ("request", "response"):
        used = [call[which]["iv_hex"] for call in PUBLISHED["calls"]]
        assert len(set(used)) == len(used)
