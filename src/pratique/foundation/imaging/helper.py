"""The helper process: `python -I -m pratique.foundation.imaging.helper FD`.

It loads the decoders once (0.1 s), then forks a fresh child for each file, which costs a few milliseconds. It
never sees the bytes of a file: over the socket FD come commands, each with a socket of its own for one file, and
that goes to the child alone. So nothing of one student's file can reach another's. It ends when FD does.

A command is one byte (PLAIN, or WITH_THREADS for the decoder of HEIC) with the file's socket attached; the answer,
when the child is gone, is two: how it ended (`x` by itself, `s` by a signal, `t` because its time was up, `f` it
could not be started), and the exit status or the signal.
"""

import json
import os
import signal
import socket
import sys
import time

from pratique.foundation.imaging import types
from pratique.foundation.imaging.confine import confine, leave_root
from pratique.foundation.imaging.drawing import CannotDraw, draw
from pratique.foundation.imaging.types import WITH_THREADS

_LOOK_EVERY = 0.002  # seconds, where the system cannot wait for a child with a limit


def serve(control: socket.socket) -> None:
    """Take commands until the other end closes."""
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not command:
            return
        control.sendall(_run(descriptors[0], threads=command == WITH_THREADS))


def _run(descriptor: int, *, threads: bool) -> bytes:
    try:
        child = os.fork()
    except OSError:
        os.close(descriptor)
        return b"f\0"
    if child == 0:
        status = 1
        try:
            os.dup2(descriptor, 3)  # in the place of the control socket, which is closed by this
            confine(3, threads=threads)
            _answer(socket.socket(fileno=3))
            status = 0
        finally:
            os._exit(status)
    os.close(descriptor)
    return _await(child)


def _await(child: int) -> bytes:
    deadline = time.monotonic() + types.WALL_SECONDS
    while (ended := os.waitpid(child, os.WNOHANG)) == (0, 0):
        left = deadline - time.monotonic()
        if left <= 0:
            _end(child)
            os.waitpid(child, 0)
            return b"t\0"
        _wait_for_a_child(left)
    _end(child)  # whatever it started, if it could
    status = ended[1]
    if os.WIFSIGNALED(status):
        return bytes([ord("s"), os.WTERMSIG(status)])
    return bytes([ord("x"), os.WEXITSTATUS(status)])


def _end(child: int) -> None:
    for end in (os.killpg, os.kill):
        try:
            end(child, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _wait_for_a_child(seconds: float) -> None:
    if hasattr(signal, "sigtimedwait"):
        signal.sigtimedwait({signal.SIGCHLD}, seconds)
    else:
        time.sleep(min(_LOOK_EVERY, seconds))


def _answer(file: socket.socket) -> None:
    """Read the kind, an end of line and the file; write a line of JSON, then the pictures it tells of."""
    blocks = []
    while block := file.recv(1 << 20):
        blocks.append(block)
    kind, _, content = b"".join(blocks).partition(b"\n")
    blocks.clear()
    try:
        pages, notes = draw(types.Kind(kind.decode()), content)
    except CannotDraw as cannot:
        file.sendall(json.dumps({"refused": cannot.code}).encode() + b"\n")
        return
    told = [[page.width, page.height, len(page.image), len(page.thumbnail), page.looks] for page in pages]
    file.sendall(json.dumps({"pages": told, "notes": notes}).encode() + b"\n")
    for page in pages:
        file.sendall(page.image)
        file.sendall(page.thumbnail)
        file.sendall(page.sketch)


def main() -> None:
    """Serve the socket whose number is the argument."""
    control = socket.socket(fileno=int(sys.argv[1]))
    if control.fileno() != 3:
        os.dup2(control.fileno(), 3)
        control.close()
        control = socket.socket(fileno=3)
    if hasattr(signal, "sigtimedwait"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGCHLD})
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started us closes the socket
    leave_root()
    control.sendall(b"r")
    serve(control)


if __name__ == "__main__":
    main()
