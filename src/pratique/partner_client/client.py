"""A partner's side of the API: authenticate, keep the session, make calls.

with PartnerClient("https://health.example.edu", client_id, encryption_key) as partner:
    created = partner.create_user(username="amagnus", vendor_key="A1", first_name="Albert", ...)
    redirect_to(partner.sign_in_address(created.secure_token))
"""

import json
import secrets
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import httpx

from pratique.partner_client import answers, protocol
from pratique.partner_client.answers import CreatedUser, MembershipStatus, PackageRow, UserDetails
from pratique.partner_client.dates import to_birth_string, to_long
from pratique.partner_client.errors import NotAuthenticated, PartnerError, Unreachable, refused

# A session is not used in its last seconds: a call must arrive before the server thinks that it is over.
_SPARE_SECONDS = 30

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Session:
    """An open session; its keys stay out of every log."""

    id: str = field(repr=False)
    request_key: bytes = field(repr=False)
    response_key: bytes = field(repr=False)
    use_until: float


class PartnerClient:
    """Calls the partner API as one client. May be shared by threads; they share one session.

    Authenticates with the first call, anew shortly before the session ends, and once more in the middle of a call when
    the server no longer knows the session. Repeats nothing else by itself. Every method raises PartnerError or one of
    its kinds (see `errors`).

    `encryption_key` is the key as the school was shown it, `http` an httpx.Client of your own (then `timeout`, seconds,
    is yours to set), `trace` is told each step in words that hold no secret and no personal data.
    """

    def __init__(
        self,
        base_url: str,
        client_id: str,
        encryption_key: str,
        *,
        timeout: float = 30.0,
        http: httpx.Client | None = None,
        trace: Callable[[str], None] | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        if not base_url.startswith(("https://", "http://")):
            raise ValueError("The base address begins with https://")
        self.base_url = base_url.rstrip("/")
        self.client_id = client_id
        self._key = protocol.decode_key(encryption_key)
        self._own_http = http is None
        self._http = http or httpx.Client(timeout=timeout, headers={"User-Agent": "pratique-partner-client"})
        self._trace = trace or (lambda _step: None)
        self._now = now
        self._lock = threading.Lock()
        self._session: Session | None = None

    def __repr__(self) -> str:
        return f"PartnerClient({self.base_url!r}, {self.client_id!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections, if they are this client's own."""
        if self._own_http:
            self._http.close()

    # --- the eight methods ------------------------------------------------------------------------------------

    def create_user(
        self,
        *,
        username: str,
        vendor_key: str,
        first_name: str,
        last_name: str,
        phone: str,
        email: str,
        registration_code: str,
        date_of_birth: date | None = None,
        expiration_date: date | None = None,
        nonce: str | None = None,
    ) -> CreatedUser:
        """Make a student, or find the one of this vendor key, and return tokens to sign in and to call with.

        Without `expiration_date` the school's default counts. `username` is a suggestion: the answer says which it is.
        """
        fields = {
            "username": username,
            "vendorKey": vendor_key,
            "firstName": first_name,
            "lastName": last_name,
            "phone": phone,
            "email": email,
            "registrationCode": registration_code,
        }
        if date_of_birth is not None:
            fields["dateOfBirthString"] = to_birth_string(date_of_birth)
        longs = {} if expiration_date is None else {"expirationDate": to_long(expiration_date)}
        return self._ask("createUser", {**fields, **longs}, nonce, answers.created_user)

    def secure_token(self, *, account_token: str, vendor_key: str, nonce: str | None = None) -> str:
        """Return a new secure token: sign_in_address(...) makes the link of it. Good once, for minutes."""
        fields = {"accountToken": account_token, "vendorKey": vendor_key}
        return self._ask("secureToken", fields, nonce, lambda told: str(told["secureToken"]))

    def set_tracker(
        self, *, account_token: str, vendor_key: str, tracker_name: str, code: str, nonce: str | None = None
    ) -> bool:
        """Put the student on the tracker of exactly this name; return whether it was set."""
        fields = _student(account_token, vendor_key, code) | {"trackerName": tracker_name}
        return self._ask("setTracker", fields, nonce, lambda told: told["setSuccessfully"] is True)

    def set_membership_status(
        self,
        *,
        account_token: str,
        vendor_key: str,
        code: str,
        status: MembershipStatus,
        nonce: str | None = None,
    ) -> MembershipStatus:
        """Archive the student on this package, or make them active again; return the status that they have now."""
        fields = _student(account_token, vendor_key, code) | {"status": status}
        return self._ask("setMembershipStatus", fields, nonce, lambda told: told["membershipStatus"])

    def get_membership_status(
        self, *, account_token: str, vendor_key: str, code: str, nonce: str | None = None
    ) -> MembershipStatus:
        """Return `active` or `archive`."""
        fields = _student(account_token, vendor_key, code)
        return self._ask("getMembershipStatus", fields, nonce, lambda told: told["status"])

    def get_package_counts(self, *, code: str, nonce: str | None = None) -> list[PackageRow]:
        """Return a row for each student of the package who is not archived."""
        return self._ask("getPackageCounts", {"code": code}, nonce, answers.package_rows)

    def get_package_counts_since(
        self, *, code: str, delta_start_date: date | datetime, nonce: str | None = None
    ) -> list[PackageRow]:
        """Return the rows whose status changed at or after an instant; a plain date is its midnight, US Central."""
        fields = {"code": code, "deltaStartDate": to_long(delta_start_date)}
        return self._ask("getPackageCountsSince", fields, nonce, answers.package_rows)

    def get_user(
        self, *, account_token: str, vendor_key: str, code: str, nonce: str | None = None
    ) -> UserDetails:
        """Return a student's items on a package, with their status and dates."""
        return self._ask("getUser", _student(account_token, vendor_key, code), nonce, answers.user_details)

    def sign_in_address(self, secure_token: str) -> str:
        """Return where to send the student's browser. Never log it: whoever opens it first is signed in."""
        return f"{self.base_url}/sso/{quote(secure_token, safe='')}"

    # --- any method -------------------------------------------------------------------------------------------

    def call(self, method: str, /, **fields: Any) -> dict[str, Any]:
        """Make any call by the names on the wire; a `nonce` is made unless there is one."""
        content = json.dumps({"nonce": fresh_nonce(), **fields}).encode()
        session = self._open_session()
        try:
            return self._send(method, content, session)
        except NotAuthenticated:
            # The same content, so the same nonce: had the first been done after all, this one would be refused.
            return self._send(method, content, self._open_session(instead_of=session))

    def _ask(
        self,
        method: str,
        fields: Mapping[str, Any],
        nonce: str | None,
        read: Callable[[dict[str, Any]], Answer],
    ) -> Answer:
        told = self.call(method, **fields, **({} if nonce is None else {"nonce": nonce}))
        try:
            return read(told)
        except (KeyError, TypeError, AttributeError):
            raise _unreadable("The answer lacks what this method answers.") from None

    def _send(self, method: str, content: bytes, session: Session) -> dict[str, Any]:
        sealed = protocol.seal(
            content, session.request_key, session_id=session.id, method=method, now=int(self._now())
        )
        answer = self._post(method, sealed.encode(), "application/jose")
        if _media_type(answer) != "application/jose":
            # Only an error may come unsealed: anybody on the way could have written it.
            raise _refusal(answer, _plain(answer))
        told = _opened(answer, session, method)
        # What was sealed decides, not the status around it, which anybody on the way could have changed.
        if "error" in told or answer.status_code != httpx.codes.OK:
            raise _refusal(answer, told)
        return told

    # --- the session ------------------------------------------------------------------------------------------

    def _open_session(self, *, instead_of: Session | None = None) -> Session:
        """Return the session of all threads; open one if there is none, it is about to end, or it is `instead_of`."""
        with self._lock:
            kept = self._session
            if kept is None or kept is instead_of or self._now() >= kept.use_until:
                self._session = None  # so that a refusal here leaves none
                self._session = kept = self._authenticate()
            return kept

    def _authenticate(self) -> Session:
        nonce, now = secrets.token_bytes(protocol.NONCE_BYTES), self._now()
        assertion = protocol.make_assertion(
            self.client_id, protocol.assertion_key(self._key), now=int(now), nonce=nonce
        )
        answer = self._post("authenticate", json.dumps({"assertion": assertion}).encode(), "application/json")
        told = _plain(answer)
        if answer.status_code != httpx.codes.OK:
            raise _refusal(answer, told)
        try:
            session_id, seconds = str(told["sessionId"]), int(told["expiresIn"])
            server_nonce = protocol.from_base64url(told["serverNonce"])
        except (KeyError, TypeError, ValueError):
            raise _unreadable("What answered `authenticate` is not the partner API.", answer) from None
        self._trace(f"session opened, good for {seconds} s")
        names = (nonce, server_nonce, session_id)
        return Session(
            id=session_id,
            request_key=protocol.request_key(self._key, *names),
            response_key=protocol.response_key(self._key, *names),
            use_until=now + max(seconds - _SPARE_SECONDS, seconds / 2),
        )

    def _post(self, method: str, content: bytes, media_type: str) -> httpx.Response:
        address = f"{self.base_url}/partner/v1/{quote(method, safe='')}"
        self._trace(f"POST {address} ({len(content):,} bytes)")
        began = time.perf_counter()
        try:
            answer = self._http.post(address, content=content, headers={"Content-Type": media_type})
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            # The kind alone: the library's own text may hold the address of a proxy with its password.
            raise Unreachable(
                "UNREACHABLE", f"{self.base_url} does not answer ({type(error).__name__})."
            ) from None
        took = (time.perf_counter() - began) * 1000
        self._trace(f"{method}: HTTP {answer.status_code} in {took:.0f} ms ({len(answer.content):,} bytes)")
        return answer


def fresh_nonce() -> str:
    """Return a nonce that nobody used before: the time in nanoseconds, and 64 random bits."""
    return f"{time.time_ns()}-{secrets.token_hex(8)}"


def _student(account_token: str, vendor_key: str, code: str) -> dict[str, Any]:
    return {"accountToken": account_token, "vendorKey": vendor_key, "code": code}


def _opened(answer: httpx.Response, session: Session, method: str) -> dict[str, Any]:
    """Open an answer, and see that it is this session's and this method's."""
    try:
        header, plaintext = protocol.open_sealed(answer.content, session.response_key)
    except protocol.ProtocolError:
        raise _unreadable("The answer was not sealed for this session.", answer) from None
    if header["kid"] != session.id or header["method"] != method:
        raise _unreadable("The answer belongs to another call.", answer)
    try:
        return _json_object(plaintext)
    except ValueError:
        raise _unreadable("The answer is not a JSON object.", answer) from None


def _plain(answer: httpx.Response) -> dict[str, Any]:
    try:
        return _json_object(answer.content)
    except ValueError:
        raise _unreadable(
            f"What answers here is not the partner API (HTTP {answer.status_code}).", answer
        ) from None


def _json_object(content: bytes) -> dict[str, Any]:
    told = json.loads(content.decode())
    if not isinstance(told, dict):
        raise ValueError("not an object")
    return told


def _refusal(answer: httpx.Response, told: Mapping[str, Any]) -> PartnerError:
    error = told.get("error")
    if not isinstance(error, dict) or not isinstance(error.get("code"), str):
        return _unreadable(f"What answers here is not the partner API (HTTP {answer.status_code}).", answer)
    seconds = answer.headers.get("Retry-After", "")
    return refused(
        error["code"],
        str(error.get("message", "")),
        str(error.get("field", "")),
        status=answer.status_code,
        retry_after=int(seconds) if seconds.isascii() and seconds.isdigit() else None,
    )


def _unreadable(message: str, answer: httpx.Response | None = None) -> Unreachable:
    return Unreachable("UNREADABLE_ANSWER", message, status=answer.status_code if answer is not None else 0)


def _media_type(answer: httpx.Response) -> str:
    return str(answer.headers.get("Content-Type", "")).partition(";")[0].strip().lower()
