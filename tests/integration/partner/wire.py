"""Speaking the partner API's wire format in tests, as a client does and as an attacker would."""

import hashlib
import hmac
import json
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from django.db import connection
from django.test import Client

from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.partner import methods
from pratique.partner_client import protocol
from pratique.partners.models import PartnerCall

AUTHENTICATE = "/partner/v1/authenticate"


@dataclass(frozen=True)
class Session:
    """An open session as its client keeps it."""

    id: str
    encryption_key: bytes
    client_nonce: bytes
    server_nonce: bytes

    @property
    def request_key(self) -> bytes:
        return protocol.request_key(self.encryption_key, self.client_nonce, self.server_nonce, self.id)

    @property
    def response_key(self) -> bytes:
        return protocol.response_key(self.encryption_key, self.client_nonce, self.server_nonce, self.id)

    def under(self, key: str) -> "Session":
        return replace(self, encryption_key=protocol.decode_key(key))


def seconds() -> int:
    return int(time.time())


def claims_of(client_id: str, **changed: Any) -> dict[str, Any]:
    now = seconds()
    claims = {
        "iss": client_id, "aud": "pratique-partner", "iat": now, "exp": now + 300,
        "jti": protocol.to_base64url(os.urandom(16)),
    } | changed  # fmt: skip
    return {name: value for name, value in claims.items() if value is not ...}


def signed(header: dict[str, Any], claims: Any, key: bytes) -> str:
    """Sign anything with HS256, whatever the header says: an attacker's library checks nothing."""
    content = claims if isinstance(claims, bytes) else json.dumps(claims).encode()
    text = f"{protocol.to_base64url(json.dumps(header).encode())}.{protocol.to_base64url(content)}"
    signature = hmac.new(key, text.encode(), hashlib.sha256).digest()
    return f"{text}.{protocol.to_base64url(signature)}"


def assertion(client_id: str, key: str, *, header: dict[str, Any] | None = None, **changed: Any) -> str:
    signing = protocol.assertion_key(protocol.decode_key(key))
    head = {"alg": "HS256", "typ": "JWT", "kid": client_id} | (header or {})
    return signed(head, claims_of(client_id, **changed), signing)


def authenticate(
    token: Any, *, client: Client | None = None, media_type: str = "application/json", **headers: Any
):
    body = json.dumps({"assertion": token})
    return (client or Client()).post(AUTHENTICATE, body, content_type=media_type, headers=headers or None)


def opened(client_id: str, key: str) -> Session:
    """Open a session, which must succeed."""
    nonce = os.urandom(16)
    answer = authenticate(assertion(client_id, key, jti=protocol.to_base64url(nonce)))
    assert answer.status_code == 200, answer.content
    told = answer.json()
    return Session(
        told["sessionId"], protocol.decode_key(key), nonce, protocol.from_base64url(told["serverNonce"])
    )


def a_nonce() -> str:
    return os.urandom(12).hex()


def sealed(session: Session, method: str, values: Any, **changed: Any) -> str:
    content = values if isinstance(values, bytes) else json.dumps(values).encode()
    given = {"session_id": session.id, "method": method, "now": seconds()} | changed
    return protocol.seal(content, session.request_key, **given)


def post(
    message: str | bytes,
    method: str,
    *,
    client: Client | None = None,
    media_type: str = "application/jose",
    **headers: Any,
):
    return (client or Client()).post(
        f"/partner/v1/{method}", message, content_type=media_type, headers=headers or None
    )


def call(session: Session, method: str, values: Any = None, *, nonce: Any = None, **options: Any):
    """Make a call that should open; return the status and what was answered."""
    given = values if isinstance(values, bytes) else (values or {}) | {"nonce": nonce or a_nonce()}
    answer = post(sealed(session, method, given), method, **options)
    return answer.status_code, told(session, answer)


def told(session: Session, answer: Any) -> Any:
    """Open a sealed answer, which it must be."""
    assert answer.headers["Content-Type"] == "application/jose", (answer.status_code, answer.content)
    header, content = protocol.open_sealed(answer.content, session.response_key)
    assert header["kid"] == session.id
    return json.loads(content)


def code(told: dict[str, Any]) -> str:
    return told["error"]["code"] if "error" in told else "OK"


def log_of(institution) -> list[PartnerCall]:
    with institution_scope(institution.id):
        return list(PartnerCall.objects.order_by("at", "id"))


def answers(monkeypatch, name: str, run: Any) -> None:
    """Put a method of the test's own beside the eight: run(values, caller, now) -> JSON bytes."""
    method = methods.Method(sentence="", fields=(), answers=(), run=run)
    monkeypatch.setitem(methods.METHODS, name, method)


def everything_of(table: str, institution) -> str:
    """Return every row of a table as text, as a dump shows it."""
    with institution_scope(institution.id), connection.cursor() as cursor:
        cursor.execute(f"select t::text from {table} t")
        return "\n".join(row for (row,) in cursor.fetchall())


def at_once(count: int, deed: Callable[[int], Any]) -> list[Any]:
    """Do a deed in as many threads as there are, all at the same time; return what came of each."""
    start = threading.Barrier(count)

    def one(number: int) -> Any:
        try:
            start.wait(60)
            return deed(number)
        finally:
            connection.close()

    with ThreadPoolExecutor(count) as threads:
        return list(threads.map(one, range(count)))


def key_ends(institution, key, at) -> None:
    """Have the time of a key end, as it does for the older one some days after a rotation."""
    with institution_scope(institution.id), connection.cursor() as cursor:
        cursor.execute("update partners_partnerkey set ends_at = %s where id = %s", [at, key.id])


def session_ends(institution, at) -> None:
    """Have every session of a school's partners end."""
    with institution_scope(institution.id), connection.cursor() as cursor:
        cursor.execute("update partners_partnersession set expires_at = %s", [at])
