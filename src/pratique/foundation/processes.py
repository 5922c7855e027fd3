"""Processes by more than their number: a pid is reused, a pid and its time of birth is not.

`supervisor` starts and restarts children; this file only knows how to name one, end one, and end with a
parent.
"""

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass

import psutil

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Identity:
    """One process, for as long as the machine is up."""

    pid: int
    created: float

    @classmethod
    def of(cls, pid: int) -> "Identity":
        return cls(pid, psutil.Process(pid).create_time())

    def is_alive(self) -> bool:
        """Return whether this very process still runs (a zombie does not)."""
        with suppress(psutil.Error):
            process = psutil.Process(self.pid)
            same = bool(abs(process.create_time() - self.created) < 1)
            return same and process.status() != psutil.STATUS_ZOMBIE
        return False

    def terminate(self, *, seconds: float) -> bool:
        """Ask the process to end, wait, then end it by force; return whether it ended by itself."""
        if not self.is_alive():
            return True
        os.kill(self.pid, signal.SIGTERM)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if not self.is_alive():
                return True
            time.sleep(0.05)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)
        return False


def die_with_parent(expected: int) -> None:
    """End this process when its parent `expected` ends, even by SIGKILL: no orphan keeps a port or a job.

    On Linux the kernel does it; elsewhere a thread looks every second. What a killed process leaves half
    done is safe by design: transactions roll back, jobs are run again.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    else:
        threading.Thread(target=_watch_parent, args=[expected], daemon=True).start()
    if os.getppid() != expected:  # it ended before we asked
        os._exit(1)


def adopt_orphans() -> None:
    """Become the parent of grandchildren whose own parent ends (Linux; elsewhere init stays it).

    In a container without an init nobody else would reap a database server that died, and a zombie looks
    alive to the one that should replace it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap(known: Iterable[int]) -> None:
    """Reap adopted children that ended; those in `known` are somebody's Popen and left to it."""
    with suppress(psutil.Error):
        for child in psutil.Process().children():
            if child.pid not in known:
                with suppress(ChildProcessError):
                    os.waitpid(child.pid, os.WNOHANG)


def _watch_parent(expected: int) -> None:
    while os.getppid() == expected:
        time.sleep(1)
    os._exit(1)
