"""A browser over loopback, as cheap as can be: it shares the two cores with what it measures.

http.client on a thread costs about a fifth of what a client library for people costs, so the load needs no dependency.
"""

import http.client
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

from evidence.book import Book

_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|/start/[\w-]{20,}")
_STATIC = re.compile(rb'(?:href|src)="(/static/[^"#]+)')
_GONE = (http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError)


@dataclass(frozen=True)
class Answer:
    """A whole answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    @property
    def location(self) -> str:
        return self.headers.get("location", "")

    def found(self, pattern: str) -> list[str]:
        """Return what the group of `pattern` matched in the page."""
        return re.findall(pattern, self.text)


@dataclass
class Browser:
    """One tab: a connection that is kept, cookies, an address that a proxy in front would pass on."""

    port: int
    address: str
    book: Book
    cookies: dict[str, str] = field(default_factory=dict)
    known: set[bytes] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def another_tab(self) -> "Browser":
        """Return a second tab of the same browser."""
        return Browser(self.port, self.address, self.book, self.cookies, self.known)

    def page(self, path: str, kind: str, **more: object) -> Answer:
        """Load a page, and what belongs to it if that is not here yet."""
        answer = self.ask("GET", path, kind, **more)  # type: ignore[arg-type]
        for found in sorted(set(_STATIC.findall(answer.body)) - self.known):
            self.known.add(found)
            self.ask("GET", found.decode(), "static file")
        return answer

    def post(self, path: str, kind: str, form: Mapping[str, str | list[str]], **more: object) -> Answer:
        """Send a form, as the page's button does."""
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(form, doseq=True).encode()
        return self.ask("POST", path, kind, body=body, headers=headers, **more)  # type: ignore[arg-type]

    def ask(
        self,
        method: str,
        path: str,
        kind: str,
        *,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        expect: tuple[int, ...] = (200, 302),
    ) -> Answer:
        """Send a request and read the answer; a status that is not expected is a fault."""
        sent = self._headers(method, headers)
        began = time.perf_counter()
        try:
            answer = self._exchange(method, path, body, sent)
        except (OSError, http.client.HTTPException) as error:
            self.book.fault(f"{kind}: {method} {_ID.sub('…', path)} ended with {type(error).__name__}")
            self.close()
            raise
        self.book.took(kind, time.perf_counter() - began)
        self.check(answer, method, path, kind, expect)
        return answer

    def check(self, answer: Answer, method: str, path: str, kind: str, expect: tuple[int, ...]) -> None:
        """Write down what came and was not expected."""
        self.book.count(f"answers {answer.status}")
        where = _ID.sub("…", answer.location)
        if answer.status not in expect:
            said = (
                answer.text[:160]
                if answer.headers.get("content-type", "").startswith("application/json")
                else ""
            )
            self.book.fault(
                f"{kind}: {method} {_ID.sub('…', path)} answered {answer.status} {where} {said}".strip()
            )
        elif answer.status == 302 and "/account/login/" in where:
            self.book.fault(f"{kind}: {method} {_ID.sub('…', path)} asked to sign in again")

    def begin_by_hand(self, method: str, path: str, headers: Mapping[str, str]) -> http.client.HTTPConnection:
        """Send the head of a request; whoever calls sends the body piece by piece, or cuts it off."""
        if self.connection.sock is None:
            self.connection.connect()
        self.connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in self._headers(method, headers).items():
            self.connection.putheader(name, value)
        self.connection.endheaders()
        return self.connection

    def end_by_hand(self) -> Answer:
        """Read the answer to what was sent by hand."""
        return self._read()

    def close(self) -> None:
        self.connection.close()

    def _headers(self, method: str, more: Mapping[str, str] | None) -> dict[str, str]:
        headers = {"X-Forwarded-For": self.address, "Accept-Language": "en"}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        if method not in ("GET", "HEAD") and "csrftoken" in self.cookies:
            headers["X-CSRFToken"] = self.cookies["csrftoken"]
        return headers | dict(more or {})

    def _exchange(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        kept = self.connection.sock is not None
        try:
            self.connection.request(method, path, body, dict(headers))
            return self._read()
        except _GONE:
            self.close()
            if not kept:
                raise
            # A kept connection may end at any time; browsers open another one and say nothing.
            self.book.count("connections opened again")
            self.connection.request(method, path, body, dict(headers))
            return self._read()

    def _read(self) -> Answer:
        response = self.connection.getresponse()
        body = response.read()
        for cookie in response.headers.get_all("Set-Cookie") or ():
            name, _equals, value = cookie.split(";", 1)[0].partition("=")
            if value.strip('"'):
                self.cookies[name] = value
            else:
                self.cookies.pop(name, None)
        return Answer(
            response.status, {name.lower(): value for name, value in response.headers.items()}, body
        )
