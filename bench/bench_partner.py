"""createUser and redeem, over HTTP with 16 clients at once, against a view with one indexed select of the same server.

One unit of ours is a whole visit: the sealed createUser (half of them for students who are new, half for ones who have
been here before), the sealed answer opened, and its secure token redeemed, which signs the student in. One unit of the
floor is one request. Requests are sealed before the clock starts; both sides speak HTTP/1.1 over connections that stay
open.
"""

import json
import os
import socket
import sys
import threading
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

import measure
import partner_of_bench
import population
import serving

_CLIENTS = 16
_ANSWER_ENDS = b"\r\n\r\n"


def ours(n: int) -> measure.Measured:
    """Let `n` students in."""
    school = population.prepared(n)
    with serving.web(school) as server:
        session = _Session(server.port)
        visits = [session.visit(number, n) for number in range(n)]
        seconds = _share_out(server.port, visits)
        return measure.Measured(seconds, server.peak_mb())


def floor(n: int) -> float:
    """Ask for one row `n` times."""
    school = population.prepared(n)
    with serving.web(school) as server:

        def ask(number: int) -> Callable[["_Connection"], None]:
            student_id = f"{1 + number % n:09d}"
            return lambda connection: _expect(200, connection.send("GET", f"/bench/one/{student_id}/"))

        return _share_out(server.port, [ask(number) for number in range(n)])


class _Session:
    """A session of the bench's partner, and visits sealed under it."""

    def __init__(self, port: int) -> None:
        from pratique.partner_client import protocol

        self._protocol = protocol
        identifier, text = partner_of_bench.credentials()
        key, nonce = protocol.decode_key(text), os.urandom(16)
        now = int(time.time())
        assertion = protocol.make_assertion(identifier, protocol.assertion_key(key), now=now, nonce=nonce)
        body = json.dumps({"assertion": assertion}).encode()
        status, answer = _Connection(port).send(
            "POST", "/partner/v1/authenticate", body, "application/json"
        )  # fmt: skip
        _expect(200, (status, answer))
        told = json.loads(answer)
        server_nonce = protocol.from_base64url(told["serverNonce"])
        self._id = told["sessionId"]
        self._request = protocol.request_key(key, nonce, server_nonce, self._id)
        self._cipher = AESGCM(protocol.response_key(key, nonce, server_nonce, self._id))
        self._run = os.urandom(4).hex()

    def visit(self, number: int, n: int) -> Callable[["_Connection"], None]:
        """Return the deed of one student's visit; every second student is known already."""
        known = number % 2
        vendor_key = f"{1 + number % n:09d}" if known else f"new-{self._run}-{number}"
        fields = {
            "username": f"visitor{self._run}{number}", "vendorKey": vendor_key, "firstName": "Ana",
            "lastName": "O'Neill", "phone": "919-555-2917", "email": f"v{number}@bench.example",
            "dateOfBirthString": "03/22/2004", "registrationCode": population.PACKAGE_CODE,
            "nonce": f"{self._run}-{number}",
        }  # fmt: skip
        body = self._protocol.seal(
            json.dumps(fields).encode(), self._request, session_id=self._id, method="createUser",
            now=int(time.time()),
        ).encode()  # fmt: skip

        def go(connection: "_Connection") -> None:
            status, answer = connection.send("POST", "/partner/v1/createUser", body, "application/jose")
            _expect(200, (status, answer))
            token = json.loads(self._opened(answer))["secureToken"]
            form = f"token={token}".encode()
            _expect(303, connection.send("POST", "/sso/", form, "application/x-www-form-urlencoded"))

        return go

    def _opened(self, answer: bytes) -> bytes:
        """Open an answer with as little work as can be: the clients' share of the machine is not the subject."""
        header, _, iv, content, tag = answer.split(b".")
        iv, content, tag = (urlsafe_b64decode(part + b"==") for part in (iv, content, tag))
        return self._cipher.decrypt(iv, content + tag, header)


class _Connection:
    """One connection that stays open. It does just enough HTTP, so that the clients leave the machine to the server."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port))
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"Host: 127.0.0.1:{port}\r\n"

    def send(self, method: str, path: str, body: bytes = b"", kind: str = "") -> tuple[int, bytes]:
        """Return the status and the body of the answer."""
        head = f"{method} {path} HTTP/1.1\r\n{self._host}"
        if body:
            head += f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n"
        self._socket.sendall(head.encode() + b"\r\n" + body)
        received = b""
        while _ANSWER_ENDS not in received:
            received += self._more()
        head_bytes, _, rest = received.partition(_ANSWER_ENDS)
        length = int(head_bytes.lower().partition(b"content-length:")[2].partition(b"\r\n")[0] or 0)
        while len(rest) < length:
            rest += self._more()
        return int(head_bytes.split(b" ", 2)[1]), rest

    def _more(self) -> bytes:
        received = self._socket.recv(65536)
        if not received:
            raise SystemExit("The server closed the connection.")
        return received


def _expect(status: int, answer: tuple[int, bytes]) -> None:
    if answer[0] != status:
        raise SystemExit(f"Expected {status}, got {answer[0]}: {answer[1][:300]!r}")


def _share_out(port: int, deeds: list[Callable[[_Connection], None]]) -> float:
    """Let the clients do all deeds, each its share, and return the seconds; the first few of each are warm-up."""
    warm, shares = 4, [deeds[number::_CLIENTS] for number in range(_CLIENTS)]
    ready, failed = threading.Barrier(_CLIENTS + 1), []

    def work(share: list[Callable[[_Connection], None]]) -> None:
        try:
            connection = _Connection(port)
            for deed in share[:warm]:
                deed(connection)
            ready.wait()
            for deed in share[warm:]:
                deed(connection)
        except BaseException as error:  # told by the main thread: a thread's own exit would be lost
            failed.append(error)
            ready.abort()

    threads = [threading.Thread(target=work, args=[share], daemon=True) for share in shares]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
    except threading.BrokenBarrierError:
        raise SystemExit(f"A client failed: {failed}") from None
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    seconds = time.perf_counter() - began
    if failed:
        raise SystemExit(f"A client failed: {failed}")
    print(f"{(len(deeds) - warm * _CLIENTS) / seconds:.0f} a second", file=sys.stderr)
    return seconds


if __name__ == "__main__":
    measure.compare(
        "partner",
        ours=ours,
        floor=floor,
        setup=partner_of_bench.prepared,
        cleanup=population.throw_away,
        n=2_000,
    )
