"""The published test vectors of the partner API: everything fixed, so that another implementation can compare bytes.

`python -m tests.unit.partner_client.vectors --write` writes the file again; a test says when that is due.
"""

import json
import sys
import zlib
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from joserfc import jws
from joserfc.jwk import OctKey

from pratique.partner_client import protocol

FILE = Path(__file__).resolve().parents[3] / "src/pratique/interfaces/partner/documentation/vectors.json"

KEY = bytes(range(32))
CLIENT_ID = "demo_7Qw2ZkT4nB9xYc3LmR8vHd"
CLIENT_NONCE = bytes.fromhex("101112131415161718191a1b1c1d1e1f")
SERVER_NONCE = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeaf")
SESSION_ID = f"{CLIENT_ID}.5hJ8sXq1VbN6wEr0TzKpGu"
# 2026-08-15 12:00:00 UTC
NOW = 1786795200
SECURE_TOKEN = "ea5FqaS0eZnoty62XYVmSUej0frTX0UP"
ACCOUNT_TOKEN = "MPh0vm2rva53Bv1pbdzz1Q"

# What is called, what it answers, and with which status. The plaintexts are exactly these bytes.
CALLS: list[tuple[str, str, str, int, str]] = [
    (
        "a student is created",
        "createUser",
        '{"username":"amagnus","vendorKey":"Azy834Itlw0","firstName":"Albert","lastName":"Magnus",'
        '"phone":"919-599-2917","email":"albert.magnus@magnushealthportal.com","dateOfBirthString":"03/22/1978",'
        '"registrationCode":"MHP123456","nonce":"267445405250"}',
        200,
        f'{{"secureToken":"{SECURE_TOKEN}","accountToken":"{ACCOUNT_TOKEN}","username":"amagnus1"}}',
    ),
    (
        "a nonce that was used before",
        "secureToken",
        f'{{"accountToken":"{ACCOUNT_TOKEN}","vendorKey":"Azy834Itlw0","nonce":"267445405250"}}',
        409,
        '{"error":{"code":"NONCE_REPEATED","message":"This nonce has been used before by this client; '
        'nothing was done.","field":"nonce"}}',
    ),
    (
        "letters beyond ASCII are UTF-8",
        "setTracker",
        f'{{"accountToken":"{ACCOUNT_TOKEN}","vendorKey":"Azy834Itlw0","code":"AB12MH",'
        '"trackerName":"Promoción 2031","nonce":"267446780001"}',
        200,
        '{"setSuccessfully":true}',
    ),
    (
        "escapes with a backslash as older clients send them",
        "createUser",
        '{"username":"bobrien","vendorKey":"Q7","firstName":"Brian\\, Jr.","lastName":"O\\\'Brien","phone":"",'
        '"email":"","dateOfBirth":259480800000,"registrationCode":"MHP123456","nonce":"267446780002"}',
        200,
        '{"secureToken":"Zq0vYt3sLk8mXc5bNh2gRd7fWj4pTe9A","accountToken":"b6Yc1nTqX0eRz8KfWm2JdA",'
        '"username":"bobrien"}',
    ),
    (
        "the counts of a package",
        "getPackageCountsSince",
        '{"code":"AB12MH","nonce":"266445505390","deltaStartDate":1319498044338}',
        200,
        '{"packageDetails":[{"vendorKey":"78222000","numComplete":6,"numItems":8,"complete":false,'
        '"trackerName":"Class of 2012","userComplete":false},{"vendorKey":"78222003","numComplete":0,'
        '"numItems":0,"complete":false,"trackerName":"None Selected","userComplete":false}]}',
    ),
]


def vectors() -> dict[str, Any]:
    """Return everything that is published, as plain data."""
    signing = protocol.assertion_key(KEY)
    assertion = protocol.make_assertion(CLIENT_ID, signing, now=NOW, nonce=CLIENT_NONCE)
    names = (CLIENT_NONCE, SERVER_NONCE, SESSION_ID)
    request_key, response_key = protocol.request_key(KEY, *names), protocol.response_key(KEY, *names)
    return {
        "about": "Test vectors of the Pratique partner API. Hexadecimal where a name ends in _hex, base64url "
        "without padding where it ends in _base64url; headers, claims and plaintexts are texts whose UTF-8 "
        "bytes count. All of it is made up: no such key, session or student exists.",
        "client_id": CLIENT_ID,
        "encryption_key_base64url": protocol.to_base64url(KEY),
        "encryption_key_hex": KEY.hex(),
        "authenticate": {
            "path": "/partner/v1/authenticate",
            "content_type": "application/json",
            "now": NOW,
            "client_nonce_hex": CLIENT_NONCE.hex(),
            "client_nonce_base64url": protocol.to_base64url(CLIENT_NONCE),
            "info": protocol.ASSERTION_INFO,
            "salt_hex": "",
            "assertion_key_hex": signing.hex(),
            "header": _text(assertion, 0),
            "claims": _text(assertion, 1),
            "assertion": assertion,
            "request": json.dumps({"assertion": assertion}, separators=(",", ":")),
            "response": json.dumps(
                {
                    "sessionId": SESSION_ID,
                    "serverNonce": protocol.to_base64url(SERVER_NONCE),
                    "expiresIn": 600,
                },
                separators=(",", ":"),
            ),
        },
        "session": {
            "session_id": SESSION_ID,
            "server_nonce_hex": SERVER_NONCE.hex(),
            "server_nonce_base64url": protocol.to_base64url(SERVER_NONCE),
            "salt_hex": (CLIENT_NONCE + SERVER_NONCE).hex(),
            "request_info": protocol.REQUEST_INFO + SESSION_ID,
            "request_key_hex": request_key.hex(),
            "response_info": protocol.RESPONSE_INFO + SESSION_ID,
            "response_key_hex": response_key.hex(),
        },
        "calls": [
            {
                "name": name,
                "path": f"/partner/v1/{method}",
                "content_type": "application/jose",
                "method": method,
                "request": _sealed(sent, request_key, method, now=NOW + 10 * number, iv=2 * number),
                "status": status,
                "response": _sealed(
                    answer, response_key, method, now=NOW + 10 * number + 1, iv=2 * number + 1
                ),
            }
            for number, (name, method, sent, status, answer) in enumerate(CALLS, start=1)
        ],
        "refused": _refused(signing, request_key),
        "secure_token": {"token": SECURE_TOKEN, "path": f"/sso/{SECURE_TOKEN}"},
    }


def _sealed(plaintext: str, key: bytes, method: str, *, now: int, iv: int) -> dict[str, Any]:
    vector = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9ca") + bytes([iv])
    compact = protocol.seal(plaintext.encode(), key, session_id=SESSION_ID, method=method, now=now, iv=vector)
    return {
        "iat": now,
        "iv_hex": vector.hex(),
        "header": _text(compact, 0),
        "plaintext": plaintext,
        "jwe": compact,
    }


def _refused(signing: bytes, request_key: bytes) -> list[dict[str, str]]:
    """Return messages that nobody may accept, though each of them is only a little wrong."""
    good = protocol.make_assertion(CLIENT_ID, signing, now=NOW, nonce=CLIENT_NONCE)
    claims = good.split(".")[1]
    unsigned = protocol.to_base64url(f'{{"alg":"none","kid":"{CLIENT_ID}"}}'.encode())
    longer = jws.serialize_compact(
        {"alg": "HS512", "kid": CLIENT_ID},
        protocol.from_base64url(claims),
        OctKey.import_key(signing),
        algorithms=["HS512"],
    )
    right = protocol.seal(
        b'{"nonce":"1"}',
        request_key,
        session_id=SESSION_ID,
        method="secureToken",
        now=NOW,
        iv=bytes(12),
    )
    head, _, iv, body, tag = right.split(".")
    other = "B" if body[0] == "A" else "A"
    assertions = {
        "alg none": f"{unsigned}.{claims}.",
        "alg HS512": longer,
        "the signature is cut off": good.rsplit(".", 1)[0] + ".",
    }
    requests = {
        "one letter of the ciphertext is another": _join(head, "", iv, other + body[1:], tag),
        "the tag is short": _join(head, "", iv, body, tag[:16]),
        "there is an encrypted key": _join(head, "AAAA", iv, body, tag),
        "zip in the header": _odd({"zip": "DEF"}, request_key, _stored(b'{"nonce":"1"}')),
        "crit in the header": _odd({"crit": ["iat"]}, request_key),
        "enc A128CBC-HS256 in the header": _join(_head({"enc": "A128CBC-HS256"}), "", iv, body, tag),
    }
    return [
        {"kind": kind, "why": why, "token": token}
        for kind, tokens in (("assertion", assertions), ("request", requests))
        for why, token in tokens.items()
    ]


def _odd(more: dict[str, Any], key: bytes, plaintext: bytes = b'{"nonce":"1"}') -> str:
    """Return a message that is sealed rightly, with more in its header than there may be."""
    header, iv = _head(more), bytes(12)
    sealed = AESGCM(key).encrypt(iv, plaintext, header.encode())
    return _join(header, "", *map(protocol.to_base64url, (iv, sealed[:-16], sealed[-16:])))


def _stored(plaintext: bytes) -> bytes:
    """Return DEFLATE of level 0: the bytes are the same whichever zlib there is."""
    made = zlib.compressobj(level=0, wbits=-15)
    return made.compress(plaintext) + made.flush()


def _head(more: dict[str, Any]) -> str:
    return protocol.to_base64url(json.dumps(_header(more), separators=(",", ":")).encode())


def _header(more: dict[str, Any]) -> dict[str, Any]:
    header = {"alg": "dir", "enc": "A256GCM", "kid": SESSION_ID, "iat": NOW, "method": "secureToken"}
    return header | more


def _text(compact: str, piece: int) -> str:
    return protocol.from_base64url(compact.split(".")[piece]).decode()


def _join(*pieces: str) -> str:
    return ".".join(pieces)


def file_content() -> str:
    """Return what stands in the file."""
    return json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    if sys.argv[1:] == ["--write"]:
        FILE.write_text(file_content())
    else:
        print(file_content(), end="")
