"""What a log-in costs the server in CPU, and an idle connection in memory, against OpenSSH's.

Two lines: `sftp-log-in` (CPU seconds of one log-in of OpenSSH's client with an RSA key, which opens SFTP and
leaves) and `sftp-idle` (kB of one idle connection with SFTP open).
"""

import asyncio
import json
import subprocess
import sys

import asyncssh
import psutil

import measure
import sftp_sides as sides

_IDLE = 100
_WARM = 10


def setup(n: int) -> sides.Sides:
    """Start both."""
    return sides.started(n)


def ours(n: int) -> measure.Measured:
    """Log in `n` times to ours."""
    return _log_in("ours", n)


def floor(n: int) -> measure.Measured:
    """Log in `n` times to OpenSSH's."""
    return _log_in("floor", n)


def _log_in(side: str, n: int) -> measure.Measured:
    sides.sftp(side, "pwd")  # what only the first one costs
    pid = sides.started(0).of(side).pid
    before = _cpu(pid)
    for _ in range(n):
        sides.sftp(side, "pwd")
    return measure.Measured((_cpu(pid) - before) / n, sides.peak_mb(side))


def _cpu(pid: int) -> float:
    """Return the CPU seconds of a process, its children and those that have ended."""
    total = 0.0
    for number, one in enumerate(sides.family(pid)):
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:  # it has just ended, and is counted with its parent's children
            continue
        total += times.user + times.system
        total += times.children_user + times.children_system if number == 0 else 0
    return total


async def _idle(side: str) -> float:
    """Return kB of memory that each of `_IDLE` idle connections takes (what is shared with others is not counted)."""
    there = sides.started(0).of(side)
    asyncssh.set_log_level("ERROR")

    async def connect() -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
        connection = await asyncssh.connect(
            sides.HOST, there.port, username=there.username, config=None, agent_path=None, known_hosts=None,
            client_keys=[str(sides.FOLDER / "keys" / "client")], encryption_algs=[sides.CIPHER],
        )  # fmt: skip
        return connection, await connection.start_sftp_client()

    held = [await connect() for _ in range(_WARM)]
    before = _memory(there.pid)
    held += [await connect() for _ in range(_IDLE)]
    await asyncio.sleep(1)
    taken = _memory(there.pid) - before
    for connection, _sftp in held:
        connection.abort()
    return taken / 1024 / _IDLE


def _memory(pid: int) -> int:
    total = 0
    for one in sides.family(pid):
        try:
            total += one.memory_full_info().uss
        except psutil.NoSuchProcess:
            continue
    return total


def _print_idle() -> None:
    kilobytes = {}
    for side in ("ours", "floor"):
        done = subprocess.run([sys.executable, __file__, "--idle", side], stdout=subprocess.PIPE, check=True)
        kilobytes[side] = round(float(done.stdout), 1)
    line = {
        "name": "sftp-idle", "ours_kb": kilobytes["ours"], "floor_kb": kilobytes["floor"],
        "ratio": round(kilobytes["ours"] / kilobytes["floor"], 3), "n": _IDLE,
    }  # fmt: skip
    print(json.dumps(line), flush=True)


def _ended(started: sides.Sides) -> None:
    try:
        _print_idle()
    finally:
        sides.ended(started)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--idle"]:
        print(asyncio.run(_idle(sys.argv[2])))
    else:
        measure.compare("sftp-log-in", ours=ours, floor=floor, setup=setup, cleanup=_ended, n=20, repeats=7)
