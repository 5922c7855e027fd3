"""A complete client of the Pratique partner API, in one file to copy from.

Needs Python 3.9 or newer and `pip install cryptography`.

    export PRATIQUE_URL=https://health.example.edu
    export PRATIQUE_CLIENT_ID=demo_...  PRATIQUE_KEY=...  PRATIQUE_PACKAGE=...  PRATIQUE_TRACKER='Class of 2030'
    python partner.py                                   # signs one example student in, and reads back
    python partner.py --check-vectors vectors.json      # compares every byte with the published test vectors

The key belongs on your server, in its store of secrets: never in a browser, an app or a repository.
"""

import base64
import hashlib
import hmac
import json
import os
import secrets
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

# --- what stands on the wire ----------------------------------------------------------------------------------


def encode(content: bytes) -> str:
    """Return base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def compact_json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode("utf-8")


def derive(encryption_key: bytes, info: str, salt: bytes = b"") -> bytes:
    """Return 32 bytes of HKDF-SHA256 (RFC 5869)."""
    return HKDF(SHA256(), 32, salt or None, info.encode()).derive(encryption_key)


def assertion(client_id: str, encryption_key: bytes, now: int, client_nonce: bytes) -> str:
    """Return the JWT (HS256) that opens a session."""
    header = {"alg": "HS256", "typ": "JWT", "kid": client_id}
    claims = {
        "iss": client_id,
        "aud": "pratique-partner",
        "iat": now,
        "exp": now + 300,
        "jti": encode(client_nonce),
    }
    signed = f"{encode(compact_json(header))}.{encode(compact_json(claims))}"
    key = derive(encryption_key, "pratique partner v1 authenticate")
    return f"{signed}.{encode(hmac.new(key, signed.encode(), hashlib.sha256).digest())}"


def seal(plaintext: bytes, key: bytes, session_id: str, method: str, now: int, iv: bytes) -> str:
    """Return a compact JWE (alg dir, enc A256GCM). Never use an IV twice: 12 fresh random bytes a message."""
    header = {"alg": "dir", "enc": "A256GCM", "kid": session_id, "iat": now, "method": method}
    protected = encode(compact_json(header))
    sealed = AESGCM(key).encrypt(iv, plaintext, protected.encode())
    return f"{protected}..{encode(iv)}.{encode(sealed[:-16])}.{encode(sealed[-16:])}"


def open_sealed(compact: str, key: bytes, session_id: str, method: str) -> bytes:
    """Return what a JWE holds. Refuses everything that is not exactly what this session and call expect."""
    pieces = compact.split(".")
    if len(pieces) != 5 or pieces[1]:
        raise ValueError("This is no JWE of the partner API.")
    header, iv, ciphertext, tag = (decode(pieces[i]) for i in (0, 2, 3, 4))
    told = json.loads(header)
    expected = {"alg": "dir", "enc": "A256GCM", "kid": session_id, "method": method, "iat": told.get("iat")}
    if told != expected or len(iv) != 12 or len(tag) != 16:
        raise ValueError("The JWE is not of this call.")
    try:
        return AESGCM(key).decrypt(iv, ciphertext + tag, pieces[0].encode())
    except InvalidTag:
        raise ValueError("The JWE was not sealed with this session's key.") from None


# --- the client -----------------------------------------------------------------------------------------------


class PartnerError(Exception):
    """The server refused; `code` is one of the documented table."""

    def __init__(self, status: int, code: str, message: str, field: str = "") -> None:
        super().__init__(f"{code}: {message}" + (f" (field {field})" if field else ""))
        self.status, self.code, self.field = status, code, field


class Partner:
    """One client id. It opens a session when it needs one and opens another when that one has ended."""

    def __init__(self, url: str, client_id: str, key: str) -> None:
        self.url, self.client_id = url.rstrip("/"), client_id
        self.encryption_key = decode(key)
        if len(self.encryption_key) != 32:
            raise ValueError("The key must be 32 bytes: 43 characters of base64url.")
        self.session_id, self.session_ends = "", 0.0
        self.request_key = self.response_key = b""

    def call(self, method: str, **fields: object) -> dict[str, Any]:
        """Make one call with a fresh nonce and return its answer."""
        if time.monotonic() > self.session_ends:
            self.authenticate()
        try:
            return self._call(method, fields)
        except PartnerError as error:
            if error.code != "NOT_AUTHENTICATED":
                raise
            self.authenticate()  # the session has ended, or the key was rotated: once more
            return self._call(method, fields)

    def authenticate(self) -> None:
        """Open a session and derive its two keys."""
        client_nonce = secrets.token_bytes(16)
        told = assertion(self.client_id, self.encryption_key, int(time.time()), client_nonce)
        status, _, body = self._post("authenticate", "application/json", compact_json({"assertion": told}))
        if status != 200:
            raise _plain_error(status, body)
        answer = json.loads(body)
        self.session_id = answer["sessionId"]
        self.session_ends = time.monotonic() + answer["expiresIn"] - 30
        salt = client_nonce + decode(answer["serverNonce"])
        self.request_key = derive(self.encryption_key, f"pratique partner v1 request {self.session_id}", salt)
        self.response_key = derive(
            self.encryption_key, f"pratique partner v1 response {self.session_id}", salt
        )

    def _call(self, method: str, fields: dict[str, Any]) -> dict[str, Any]:
        nonce = f"{time.time_ns()}-{secrets.token_hex(8)}"
        plaintext = compact_json({**fields, "nonce": nonce})
        sealed = seal(
            plaintext, self.request_key, self.session_id, method, int(time.time()), secrets.token_bytes(12)
        )
        status, kind, body = self._post(method, "application/jose", sealed.encode())
        if kind != "application/jose":
            raise _plain_error(status, body)
        opened = open_sealed(body.decode(), self.response_key, self.session_id, method)
        answer: dict[str, Any] = json.loads(opened)
        if status != 200:
            raise PartnerError(status, **answer["error"])
        return answer

    def _post(self, name: str, kind: str, body: bytes) -> tuple[int, str, bytes]:
        request = urllib.request.Request(
            f"{self.url}/partner/v1/{name}", data=body, headers={"Content-Type": kind}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=30) as answer:
                return answer.status, answer.headers.get_content_type(), answer.read()
        except urllib.error.HTTPError as answer:
            return answer.code, answer.headers.get_content_type(), answer.read()


def _plain_error(status: int, body: bytes) -> PartnerError:
    """Return the error of an answer that is not sealed: there was no session, or a proxy answered."""
    try:
        return PartnerError(status, **json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return PartnerError(status, f"HTTP_{status}", "The answer did not come from the partner API.")


# --- two things to do with it ---------------------------------------------------------------------------------


def show() -> None:
    """Create an example student, sign them in, set their tracker, and read back."""
    partner = Partner(*(os.environ[f"PRATIQUE_{name}"] for name in ("URL", "CLIENT_ID", "KEY")))
    package, tracker = os.environ["PRATIQUE_PACKAGE"], os.environ.get("PRATIQUE_TRACKER")
    vendor_key = os.environ.get("PRATIQUE_VENDOR_KEY", "example-python-1")

    created = partner.call(
        "createUser",
        username="amagnus",
        vendorKey=vendor_key,
        firstName="Albert",
        lastName="Magnus",
        phone="919-555-0117",
        email="albert.magnus@example.edu",
        dateOfBirthString="03/22/2008",
        registrationCode=package,
    )
    print("createUser: username", created["username"])

    # From now on these two name the student. Keep the account token beside the student in your system.
    student = {"accountToken": created["accountToken"], "vendorKey": vendor_key}
    token = partner.call("secureToken", **student)["secureToken"]
    if tracker:
        partner.call("setTracker", **student, code=package, trackerName=tracker)
        print("setTracker:", tracker)
    user = partner.call("getUser", **student, code=package)
    print(f"getUser: {user['trackerName']}, {user['numComplete']} of {user['numItems']} complete")
    rows = partner.call("getPackageCounts", code=package)["packageDetails"]
    print("getPackageCounts:", len(rows), "students")
    print("Send the student's browser here, once, within minutes:", f"{partner.url}/sso/{token}")


def check(path: str) -> None:
    """Recompute every published vector; the first difference ends the program with status 1."""
    with open(path, encoding="utf-8") as file:
        vectors = json.load(file)
    key, phase1, phase2 = (
        decode(vectors["encryption_key_base64url"]),
        vectors["authenticate"],
        vectors["session"],
    )
    session_id, salt = phase2["session_id"], bytes.fromhex(phase2["salt_hex"])
    request_key = derive(key, phase2["request_info"], salt)
    response_key = derive(key, phase2["response_info"], salt)
    same("assertion key", derive(key, phase1["info"]).hex(), phase1["assertion_key_hex"])
    made = assertion(vectors["client_id"], key, phase1["now"], bytes.fromhex(phase1["client_nonce_hex"]))
    same("assertion", made, phase1["assertion"])
    same("request key", request_key.hex(), phase2["request_key_hex"])
    same("response key", response_key.hex(), phase2["response_key_hex"])
    for call in vectors["calls"]:
        sent, got, method = call["request"], call["response"], call["method"]
        iv = bytes.fromhex(sent["iv_hex"])
        made = seal(sent["plaintext"].encode("utf-8"), request_key, session_id, method, sent["iat"], iv)
        same(f"{method}, request", made, sent["jwe"])
        opened = open_sealed(got["jwe"], response_key, session_id, method).decode("utf-8")
        same(f"{method}, response", opened, got["plaintext"])
    for wrong in vectors["refused"]:
        if wrong["kind"] == "request":
            try:
                open_sealed(wrong["token"], request_key, session_id, "secureToken")
            except ValueError:
                continue
            sys.exit(f"DIFFERS: opened, though {wrong['why']}")
    print("All vectors agree.")


def same(name: str, made: str, published: str) -> None:
    if made != published:
        sys.exit(f"DIFFERS: {name}\n  made      {made}\n  published {published}")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--check-vectors"]:
        check(sys.argv[2])
    else:
        try:
            show()
        except KeyError as missing:
            sys.exit(f"Set {missing.args[0]} in the environment.")
        except (PartnerError, ValueError, OSError) as error:  # refused; a key that is none; nobody answered
            sys.exit(str(error))
