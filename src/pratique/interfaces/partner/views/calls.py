"""The two phases of the partner API over HTTP: opening a session, and calls under it.

What is refused before a session is proved gets one answer, whoever asks, for the same work: a look-up, the opening of
keys (dummies, where there are none), and a count of the failure. Once a message has opened, every answer is sealed.
"""

import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import wraps

import orjson
import structlog
from allauth.account.adapter import get_adapter
from django.core.exceptions import ImproperlyConfigured, PermissionDenied
from django.db import InterfaceError, OperationalError, transaction
from django.http import HttpRequest, HttpResponse
from django.http.request import UnreadablePostError
from django.views.decorators.csrf import csrf_exempt

from pratique.foundation import clock
from pratique.foundation.tenancy import in_batches, settle
from pratique.interfaces.partner import methods, wire
from pratique.partner_client import protocol
from pratique.partners import sessions
from pratique.partners.actions import calls
from pratique.partners.actions.sessions import open_session
from pratique.partners.sessions import Found
from pratique.partners.types import Caller, Refusal
from pratique.screens.machine_answers import plain_refusal
from pratique.screens.permissions import Access, requires

log = structlog.get_logger()

OK = "OK"
AUTHENTICATE = "authenticate"
# Of a client that calls on and on after its limit, so many refusals a minute are logged.
_MOST_LIMITED_LOGGED = 20


@dataclass(frozen=True, repr=False)
class _Request:
    """What of an HTTP request both phases need, and when it began."""

    method: str
    body: bytes
    media_type: str
    address: str | None
    now: datetime
    started: float = field(default_factory=time.perf_counter)

    @property
    def seconds(self) -> int:
        return int(self.now.timestamp())

    def entry(self, code: str, status: int, *, size: int, detail: str = "") -> calls.Entry:
        return calls.Entry(
            at=self.now, method=self.method, code=code, status=status,
            duration_ms=int((time.perf_counter() - self.started) * 1000), bytes_in=len(self.body), bytes_out=size,
            address=self.address, detail=detail[:300],
        )  # fmt: skip


@dataclass(frozen=True, repr=False)
class _Session:
    """A session that has proved itself: who calls, and the key that answers are sealed under."""

    caller: Caller
    session_id: str
    response_key: bytes

    def sealed(
        self, request: _Request, content: bytes, *, method: str, status: int = 200, retry_after: int = 0
    ) -> HttpResponse:
        """Return an answer as a JWE. `method` is the one in the call's header, whatever the path says."""
        compact = protocol.seal(
            content, self.response_key, session_id=self.session_id, method=method, now=request.seconds
        )
        headers = {"Retry-After": str(retry_after)} if retry_after else {}
        return HttpResponse(compact, status=status, content_type="application/jose", headers=headers)

    def refused(self, request: _Request, refusal: Refusal, *, method: str) -> HttpResponse:
        retry_after = {"RATE_LIMITED": 60 - request.now.second, "UNAVAILABLE": 5}.get(refusal.code, 0)
        return self.sealed(
            request, orjson.dumps(refusal.to_data()), method=method, status=refusal.kind.status,
            retry_after=retry_after,
        )  # fmt: skip


View = Callable[..., HttpResponse]


def _for_machines(view: View) -> View:
    """Let POST through, and turn whatever breaks into JSON: a machine never gets a page."""

    @csrf_exempt
    @requires(Access.PUBLIC)
    @wraps(view)
    def answer(request: HttpRequest, **named: str) -> HttpResponse:
        if request.method != "POST":
            refusal = Refusal("METHOD_UNKNOWN", "Every call is a POST.")
            return plain_refusal(refusal, status=405, headers={"Allow": "POST"})
        try:
            return view(request, **named)
        except Exception as error:
            return plain_refusal(_fault(error))

    return answer


@_for_machines
def authenticate(http: HttpRequest) -> HttpResponse:
    """Phase one: exchange an assertion for a session."""
    request = _read(http, AUTHENTICATE)
    sent = wire.read_assertion_body(request.body)
    if sent is None:
        return plain_refusal(Refusal("NOT_AUTHENTICATED"))
    found = sessions.find_client(sent.client_id, now=request.now)
    claims, caller = None, None
    # All of them, also after one fits: which key it was is nobody's business.
    for key in sessions.open_keys(found):
        try:
            read = protocol.read_assertion(sent.assertion, protocol.assertion_key(key.encryption_key))
        except protocol.ProtocolError:
            continue
        if key.stored is not None:
            claims, caller = read, found.caller(key.stored)
    if claims is None or caller is None:
        return _unknown(
            request, found, found.closed or "The assertion is not signed with a key of this client."
        )
    try:
        opened = _open(request, caller, claims)
    except Refusal as refusal:
        headers = {"Retry-After": str(60 - request.now.second)} if refusal.code == "RATE_LIMITED" else {}
        response = plain_refusal(refusal, headers=headers)
        if not isinstance(refusal, _OverAndOver):
            _record(request, caller, response, refusal)
        return response
    response = HttpResponse(orjson.dumps(opened), content_type="application/json")
    _record(request, caller, response)
    return response


@_for_machines
def call(http: HttpRequest, method: str) -> HttpResponse:
    """Phase two: open the message, let the method answer, seal what it says."""
    known = method in methods.METHODS
    request = _read(http, method if known else "")
    header = wire.read_header(request.body)
    if header is None:
        return plain_refusal(Refusal("NOT_AUTHENTICATED"))
    found = sessions.find_session(header["kid"], now=request.now)
    (key,) = sessions.open_keys(found, count=1)
    of_session = (key.encryption_key, found.client_nonce, found.server_nonce, header["kid"])
    try:
        _header, plaintext = protocol.open_sealed(request.body, protocol.request_key(*of_session))
    except protocol.ProtocolError:
        return _unknown(
            request, found, found.closed or "The message does not open with the key of its session."
        )
    if key.stored is None:
        # Whoever sealed this would have guessed a dummy key; the same answer, whatever that was.
        return _unknown(request, found, found.closed)
    session = _Session(found.caller(key.stored), header["kid"], protocol.response_key(*of_session))
    try:
        return _answer(request, session, header, plaintext, path_method=method, known=known)
    except Exception as error:
        refusal = _fault(error)
        response = session.refused(request, refusal, method=header["method"])
        if refusal.code != "UNAVAILABLE":
            _record_after(request, session.caller, response, refusal)
        return response


@_for_machines
def elsewhere(http: HttpRequest) -> HttpResponse:
    """Answer for an address where there is nothing."""
    return plain_refusal(Refusal("METHOD_UNKNOWN"))


class _OverAndOver(Refusal):
    """A refusal that the log has often enough."""


def _read(http: HttpRequest, method: str) -> _Request:
    try:
        body = http.body
    except UnreadablePostError:
        body = b""  # whoever sent half of it is gone
    try:
        address = get_adapter(http).get_client_ip(http)
    except (ImproperlyConfigured, PermissionDenied):
        # Fewer proxies than PRATIQUE_PROXIES says: somebody came by another way. The call is none the worse.
        address = None
    return _Request(method, body, http.content_type or "", address, clock.now())


def _open(request: _Request, caller: Caller, claims: dict[str, object]) -> dict[str, object]:
    """Judge a verified assertion and open a session; return what its client is told. Raises Refusal."""
    _count(request, caller)
    client_nonce = wire.client_nonce_of(
        claims, client_id=caller.identifier, now=request.seconds, media_type=request.media_type
    )
    opened = open_session(caller=caller, client_nonce=client_nonce, now=request.now)
    if opened is None:
        raise wire.used_before()
    return {
        "sessionId": opened.session_id,
        "serverNonce": protocol.to_base64url(opened.server_nonce),
        "expiresIn": sessions.SESSION_SECONDS,
    }


def _answer(
    request: _Request,
    session: _Session,
    header: protocol.SealedHeader,
    plaintext: bytes,
    *,
    path_method: str,
    known: bool,
) -> HttpResponse:
    """Work on a call that has opened: method, nonce and the log's line in one transaction, where they can be."""
    caller, named = session.caller, header["method"]
    try:
        _count(request, caller)
        whole = wire.read_call(
            header,
            plaintext,
            method=path_method,
            known=known,
            media_type=request.media_type,
            now=request.seconds,
        )
    except Refusal as refusal:
        response = session.refused(request, refusal, method=named)
        if not isinstance(refusal, _OverAndOver):
            _record(request, caller, response, refusal)
        return response
    with transaction.atomic(), in_batches():
        refused = None
        try:
            content = _of_method(path_method, whole, caller, request.now)
            response = session.sealed(request, content, method=named)
        except Refusal as refusal:
            # Nothing was written but the nonce, which stays used.
            refused = refusal
            response = session.refused(request, refusal, method=named)
        own_log = caller.acts_for == caller.institution_id
        if own_log:
            _record(request, caller, response, refused, in_its_scope=True)
    if not own_log:
        _record_after(request, caller, response, refused)
    return response


def _of_method(method: str, whole: wire.Whole, caller: Caller, now: datetime) -> bytes:
    """Use up the nonce and let the method answer. Raises Refusal: a repeated nonce is told before all else."""
    calls.take_nonce(caller=caller, nonce=whole.nonce, now=now)
    if method not in methods.LOOKS_UP_FIRST:
        settle()
    try:
        return methods.answer(method, whole.values, caller=caller, now=now)
    except Refusal:
        settle()
        raise


def _count(request: _Request, caller: Caller) -> None:
    """Count the call against the client's limit. Raises Refusal (RATE_LIMITED)."""
    refused = calls.count_call(caller=caller, now=request.now)
    if refused:
        kind = Refusal if refused <= _MOST_LIMITED_LOGGED else _OverAndOver
        raise kind("RATE_LIMITED", f"More than {caller.calls_per_minute} calls in this minute.")


def _unknown(request: _Request, found: Found, why: str) -> HttpResponse:
    """Answer whoever has not proved to be somebody, always alike; `why` is for the log of a known client alone."""
    response = plain_refusal(Refusal("NOT_AUTHENTICATED"))
    entry = request.entry("NOT_AUTHENTICATED", response.status_code, size=len(response.content), detail=why)
    calls.record_failure(found=found, entry=entry)
    return response


def _record(
    request: _Request,
    caller: Caller,
    response: HttpResponse,
    refusal: Refusal | None = None,
    *,
    in_its_scope: bool = False,
) -> None:
    entry = request.entry(
        refusal.code if refusal else OK, response.status_code, size=len(response.content),
        detail=refusal.message if refusal else "",
    )  # fmt: skip
    calls.record_call(caller=caller, entry=entry, in_its_scope=in_its_scope)


def _record_after(request: _Request, caller: Caller, response: HttpResponse, refusal: Refusal | None) -> None:
    """Write the line of a call that is over: what fails here does not change what the call has done."""
    try:
        _record(request, caller, response, refusal)
    except Exception as error:
        _fault(error)


def _fault(error: Exception) -> Refusal:
    """Say in our own log what broke and where, and return what the caller is told.

    Neither holds the exception's text: a database's names values, and they are somebody's.
    """
    where = [
        f"{frame.filename}:{frame.lineno} {frame.name}" for frame in traceback.extract_tb(error.__traceback__)
    ]
    if isinstance(error, OperationalError | InterfaceError):
        log.warning("partner.call.no_database", kind=type(error).__name__, where=where[-3:])
        return Refusal("UNAVAILABLE")
    log.error("partner.call.fault", kind=type(error).__name__, where=where[-6:])
    return Refusal("INTERNAL")
