"""Giving up rights: what a child process can do to us once a file has taken it over.

`leave_root` is for the helper, once all is imported; `confine` for the child, before it reads its first byte. On
Linux a confined child can open no file, folder or socket, start no process, signal none, and gain no right; on
other systems the resource limits alone hold.
"""

import ctypes
import os
import resource
import signal
import struct
import sys
from contextlib import suppress

from pratique.foundation.imaging import types
from pratique.foundation.imaging.seccomp import filter_calls

_NOBODY = 65534
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
# landlock(7): one number for every architecture. All rights on files, TCP, and (from ABI 6) signals are handled,
# and no rule gives any back.
_LANDLOCK_CREATE, _LANDLOCK_RESTRICT = 444, 446
_LANDLOCK_VERSION = 1
_FILE_RIGHTS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}  # ABI: how many rights on files it knows
_ALL_TCP, _ALL_SCOPES = 3, 3


def leave_root() -> None:
    """Become nobody, if this is root: files that root alone can read are out of reach."""
    if os.geteuid() == 0:
        os.setgroups([])
        os.setgid(_NOBODY)
        os.setuid(_NOBODY)
    _prctl(_PR_SET_DUMPABLE, 0)  # whoever else is nobody cannot look into our memory


def confine(kept: int, *, threads: bool) -> None:
    """Keep one file descriptor, `kept`, and give up the rest for the life of this process.

    `threads`: the decoder needs some. A limit cannot tell a thread from a process; the filter of system calls can.
    """
    parent = os.getppid()
    os.setsid()
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        os._exit(1)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    os.closerange(3, kept)
    os.closerange(kept + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    _landlock()
    _limit(resource.RLIMIT_AS, types.MEMORY_BYTES)
    _limit(resource.RLIMIT_CPU, types.CPU_SECONDS)
    _limit(resource.RLIMIT_FSIZE, 0)
    _limit(resource.RLIMIT_CORE, 0)
    if not threads:
        _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, kept + 1)  # none above what is open: nothing more can be opened
    filter_calls()


def _limit(what: int, value: int) -> None:
    with suppress(ValueError, OSError):  # a system that does not know the limit, or set a lower one already
        resource.setrlimit(what, (value, value))


def landlock_version() -> int:
    """Return which Landlock the kernel has; below 1: none."""
    if sys.platform != "linux":
        return 0
    return int(ctypes.CDLL(None, use_errno=True).syscall(_LANDLOCK_CREATE, None, 0, _LANDLOCK_VERSION))


def _landlock() -> None:
    version = landlock_version()
    if version < 1:
        return  # an older kernel, or switched off: `pratique doctor` tells
    libc = ctypes.CDLL(None, use_errno=True)
    rights = (1 << _FILE_RIGHTS.get(version, max(_FILE_RIGHTS.values()))) - 1
    rules = struct.pack("=QQQ", rights, _ALL_TCP if version >= 4 else 0, _ALL_SCOPES if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = libc.syscall(_LANDLOCK_CREATE, rules, size, 0)
    if ruleset >= 0:
        libc.syscall(_LANDLOCK_RESTRICT, ruleset, 0)
        os.close(ruleset)


def _prctl(option: int, value: int) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)
