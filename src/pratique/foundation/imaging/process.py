"""The helper processes of this process: started when first needed, used by one thread at a time, replaced when odd."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import structlog

from pratique.foundation.imaging import answer, types
from pratique.foundation.imaging.refusals import FileRefused
from pratique.foundation.imaging.sniff import judge
from pratique.foundation.imaging.types import Kind, Rendered

MOST_HELPERS = max(1, min(4, os.cpu_count() or 1))
_START_SECONDS = 30
_GRACE_SECONDS = 10  # the helper itself ends a child in time; only a helper that hangs lets this pass
_HELPER = "pratique.foundation.imaging.helper"
_TIMES_UP = {signal.SIGXCPU, signal.SIGKILL}
log = structlog.get_logger(__name__)


class RenderingUnavailableError(Exception):
    """No page images can be made just now; the file may be fine. Try again later."""


def render_page_images(content: bytes) -> Rendered:
    """Return `content`'s pages as safe pictures.

    Raises FileRefused if it is not a file that we take, RenderingUnavailableError if the machine is at fault. At
    most MOST_HELPERS files are drawn at once in this process; further callers wait for their turn.
    """
    kind = judge(content)
    with _places, _helper() as helper:
        told, ending = helper.run(kind, content)
    if ending == b"x\0":
        try:
            return answer.read(told, kind)
        except answer.WrongAnswerError as error:
            log.warning("imaging_answer_refused", reason=str(error))
            raise FileRefused(_broken(kind)) from None
    if ending[:1] == b"t" or (ending[:1] == b"s" and ending[1] in _TIMES_UP):
        raise FileRefused("took_too_long")
    if ending[:1] == b"f":
        raise RenderingUnavailableError("No process could be started to make page images.")
    raise FileRefused(_broken(kind))  # a decoder crashed on it


def _broken(kind: Kind) -> str:
    return "pdf_broken" if kind == Kind.PDF else "image_broken"


class _Helper:
    """One helper process, and the socket on which it takes commands."""

    def __init__(self) -> None:
        self._control, theirs = socket.socketpair()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-m", _HELPER, str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                env={},
                cwd="/",
                start_new_session=True,
            )
        except OSError as error:
            self._control.close()
            raise RenderingUnavailableError(f"The imaging process cannot start: {error.strerror}.") from None
        finally:
            theirs.close()
        self._control.settimeout(_START_SECONDS)
        try:
            ready = self._control.recv(1)
        except OSError:
            ready = b""
        if ready != b"r":
            self.end()
            raise RenderingUnavailableError("The imaging process does not start.")

    def run(self, kind: Kind, content: bytes) -> tuple[bytes, bytes]:
        """Return a child's answer to one file, and how it ended. Raises OSError if the helper is gone."""
        deadline = time.monotonic() + types.WALL_SECONDS + _GRACE_SECONDS
        ours, theirs = socket.socketpair()
        with ours:
            with theirs:
                command = types.WITH_THREADS if kind == Kind.HEIC else types.PLAIN
                socket.send_fds(self._control, [command], [theirs.fileno()])
            told = _talk(ours, kind, content, deadline)
        self._control.settimeout(max(0.01, deadline - time.monotonic()))
        ending = self._control.recv(2, socket.MSG_WAITALL)
        if len(ending) != 2:
            raise ConnectionResetError
        return told, ending

    def is_alive(self) -> bool:
        """Return whether the process still runs."""
        return self._process.poll() is None

    def end(self) -> None:
        """End it and what it started."""
        self._control.close()
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


def _talk(ours: socket.socket, kind: Kind, content: bytes, deadline: float) -> bytes:
    """Send the file, and return what comes back until the other end closes, in time and not too much of it."""
    blocks, size = [], 0
    # A child that ended early says why by its ending, not by a broken pipe.
    with suppress(ConnectionError, TimeoutError):
        ours.settimeout(max(0.01, deadline - time.monotonic()))
        ours.sendall(kind.value.encode() + b"\n")
        ours.sendall(content)
        ours.shutdown(socket.SHUT_WR)
        while size <= answer.MOST_BYTES:
            ours.settimeout(max(0.01, deadline - time.monotonic()))
            if not (block := ours.recv(1 << 20)):
                break
            blocks.append(block)
            size += len(block)
    return b"".join(blocks)


_places = threading.BoundedSemaphore(MOST_HELPERS)
_idle: list[_Helper] = []


@contextmanager
def _helper() -> Iterator[_Helper]:
    """Yield a helper that waits, or a fresh one; one that failed is ended and not used again."""
    helper = _waiting() or _Helper()
    try:
        yield helper
    except OSError:
        helper.end()
        raise RenderingUnavailableError("The imaging process ended unexpectedly.") from None
    except BaseException:
        helper.end()
        raise
    _idle.append(helper)


def _waiting() -> _Helper | None:
    while _idle:
        helper = _idle.pop()
        if helper.is_alive():
            return helper
        helper.end()
    return None


def end_helpers() -> None:
    """End the helpers that wait."""
    while _idle:
        _idle.pop().end()


def _forget_after_fork() -> None:
    # They are our parent's; their sockets must not be used by two.
    global _places
    _places = threading.BoundedSemaphore(MOST_HELPERS)
    _idle.clear()


atexit.register(end_helpers)
os.register_at_fork(after_in_child=_forget_after_fork)
