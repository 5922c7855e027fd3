"""Take a request's body in before it gets its turn, so that a phone on a weak line keeps nobody waiting.

A request that is being worked on holds one of few turns, and with it a connection to the database. While its body is
still coming in it holds nothing but a waiting thread. Without this, four slow uploads stopped the whole site.
"""

import contextlib
import io
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environment = dict[str, Any]
Application = Callable[[Environment, Callable[..., Any]], Iterable[bytes]]

# A larger body (a roster, a form of photos without the script) is read in its turn: it must not fill the memory.
MOST_AHEAD = 1024 * 1024
# Machines that may send a body in pieces, without its length (accounts.middleware; that needs Django to be set up).
MACHINES = "/partner/"
# What came of an upload's part is kept when the rest does not come; half of a form means nothing.
_USEFUL_IN_PART = "application/offset+octet-stream"
_BLOCK = 64 * 1024


def at_once(cores: int) -> int:
    """Return how many requests are worked on at a time: most wait for the database, whose pool has 12 places."""
    return max(4, min(10, 2 * cores))


class BodyFirst:
    """A WSGI application around another one: body, then a turn, then the answer.

    Addresses that begin with one of `without_turn` need none: they ask no database.
    """

    def __init__(self, application: Application, *, turns: int, without_turn: tuple[str, ...]) -> None:
        self._application = application
        self._turns = threading.BoundedSemaphore(turns)
        self._without_turn = without_turn

    def __call__(self, environ: Environment, start_response: Callable[..., Any]) -> Iterable[bytes]:
        if str(environ.get("PATH_INFO", "")).startswith(self._without_turn):
            return self._application(environ, start_response)
        if "CONTENT_LENGTH" not in environ and str(environ.get("PATH_INFO", "")).startswith(MACHINES):
            _measure_body(environ)
        if not _take_body(environ):
            start_response("400 Bad Request", [("Content-Length", "0")])
            return [b""]
        self._turns.acquire()
        turn = _Turn(self._turns)
        try:
            response = self._application(environ, start_response)
            if getattr(response, "streaming", True):
                return _Streamed(response, turn)
            # Whole before the turn ends: how fast somebody reads is no concern of the database's.
            content = b"".join(response)
            _close(response)
        except BaseException:
            turn.end()
            raise
        turn.end()
        return [content]


class _Turn:
    """One place; it is given back once, however often and by whomever."""

    def __init__(self, turns: threading.BoundedSemaphore) -> None:
        self._turns: threading.BoundedSemaphore | None = turns

    def end(self) -> None:
        turns, self._turns = self._turns, None
        if turns is not None:
            turns.release()


class _Streamed:
    """An answer that is still being made while it is read, from the database too: it keeps its turn until closed."""

    def __init__(self, response: Iterable[bytes], turn: _Turn) -> None:
        self._response, self._turn = response, turn

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._response)

    def close(self) -> None:
        try:
            _close(self._response)
        finally:
            self._turn.end()

    def __del__(self) -> None:
        # A server that never closes an answer whose reader went away must not cost a turn for good.
        self._turn.end()


def _measure_body(environ: Environment) -> None:
    """Read a body of unknown length, so that it has one: Django takes it for empty, and no limit would know it.

    .NET and Java send JSON so. Of one that is too large just enough is read for it to be refused.
    """
    body = bytearray()
    with contextlib.suppress(OSError):
        while len(body) <= MOST_AHEAD and (
            block := environ["wsgi.input"].read(min(_BLOCK, MOST_AHEAD + 1 - len(body)))
        ):
            body += block
    environ["wsgi.input"] = io.BytesIO(bytes(body))
    environ["CONTENT_LENGTH"] = str(len(body))


def _take_body(environ: Environment) -> bool:
    """Read a body of a known, modest size into memory; False if its sender went away and the rest is no use."""
    try:
        size = int(environ.get("CONTENT_LENGTH") or 0)
    except ValueError:
        return True  # Django says what is wrong with it
    if not 0 < size <= MOST_AHEAD:
        return True
    body = bytearray()
    try:
        while len(body) < size and (block := environ["wsgi.input"].read(min(_BLOCK, size - len(body)))):
            body += block
    except OSError:
        pass
    environ["wsgi.input"] = io.BytesIO(bytes(body))
    return len(body) == size or str(environ.get("CONTENT_TYPE", "")).startswith(_USEFUL_IN_PART)


def _close(response: Iterable[bytes]) -> None:
    close = getattr(response, "close", None)
    if close is not None:
        close()
