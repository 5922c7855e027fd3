"""A filter of system calls (seccomp(2), Linux on x86-64 and arm64): no process, program, socket or session.

Threads stay possible, because the HEIC decoder works in some; a process is a `clone` without CLONE_THREAD.
"""

import ctypes
import errno
import platform
import struct
import sys
from typing import NamedTuple

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2
_CLONE_THREAD = 0x00010000
# linux/bpf_common.h and linux/seccomp.h
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _FAIL = 0x7FFF0000, 0x00050000
_NUMBER, _ARCHITECTURE, _FIRST_ARGUMENT = 0, 4, 16  # offsets in struct seccomp_data
_CLONE3 = 435
_FOREIGN = 0x40000000  # x32 calls, which would get around the numbers of x86-64


class _Calls(NamedTuple):
    """An architecture: its mark, its `clone`, and the calls that fail."""

    mark: int
    clone: int
    refused: tuple[int, ...]


_CALLS = {
    # fork, vfork, execve, execveat, ptrace, socket, connect, setsid
    "x86_64": _Calls(0xC000003E, 56, (57, 58, 59, 322, 101, 41, 42, 112)),
    # execve, execveat, ptrace, socket, connect, setsid
    "aarch64": _Calls(0xC00000B7, 220, (221, 281, 117, 198, 203, 157)),
}


def filter_calls() -> None:
    """Filter this process's system calls for its life; nothing where we do not know the numbers.

    No new privileges must be possible already (PR_SET_NO_NEW_PRIVS).
    """
    calls = _CALLS.get(platform.machine())
    if sys.platform != "linux" or calls is None or sys.maxsize < 1 << 32:
        return
    program = _program(calls)
    code = ctypes.create_string_buffer(program, len(program))
    length = len(program) // 8
    header = ctypes.create_string_buffer(struct.pack("=HxxxxxxQ", length, ctypes.addressof(code)), 16)
    ctypes.CDLL(None, use_errno=True).prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.c_void_p(ctypes.addressof(header)), 0, 0
    )


def _program(calls: _Calls) -> bytes:
    refuse = _step(_RETURN, _FAIL | errno.EPERM)
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, calls.mark, then=1),
        refuse,
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, _FOREIGN, otherwise=1),
        refuse,
        # The C library asks for a thread by clone3, whose flags no filter can read, and then by clone.
        _step(_EQUAL, _CLONE3, otherwise=1),
        _step(_RETURN, _FAIL | errno.ENOSYS),
    ]
    for number in calls.refused:
        steps += [_step(_EQUAL, number, otherwise=1), refuse]
    steps += [
        _step(_EQUAL, calls.clone, otherwise=3),
        _step(_LOAD, _FIRST_ARGUMENT),
        _step(_ANY_BIT, _CLONE_THREAD, then=1),
        refuse,
        _step(_RETURN, _ALLOW),
    ]
    return b"".join(steps)


def _step(code: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    """Return one instruction; `then` and `otherwise` say how many to skip."""
    return struct.pack("=HBBI", code, then, otherwise, value)
