"""200 idle sessions and 20 busy ones for a minute, on a server of its own: errors, memory, and how long deeds took.

    python bench/load_sftp.py --idle 200 --busy 20 --seconds 60

A busy session uploads 256 KB under a temporary name, renames it, looks for it by path, takes a report of 1 MB and
removes what it brought, again and again. At the end every idle session is asked something: it must have been kept.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections import Counter

import asyncssh

import sftp_sides as sides

_BROUGHT = os.urandom(256 * 1024)
_TAKEN = os.urandom(1024 * 1024)


async def connect() -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
    """Open a session of the bench's account."""
    there = sides.started(0).ours
    connection = await asyncssh.connect(
        sides.HOST, there.port, username=there.username, config=None, agent_path=None, known_hosts=None,
        client_keys=[str(sides.FOLDER / "keys" / "client")], encryption_algs=[sides.CIPHER],
    )  # fmt: skip
    return connection, await connection.start_sftp_client()


async def busy(number: int, until: float, taken: list[float], errors: Counter[str]) -> None:
    """Bring and take until the time is over; a session that breaks is counted and opened again."""
    while time.monotonic() < until:
        try:
            connection, sftp = await connect()
            async with connection:
                while time.monotonic() < until:
                    began = time.monotonic()
                    await _one_round(sftp, f"/inbound/busy-{number}.csv")
                    taken.append(time.monotonic() - began)
        except Exception as error:
            errors[f"{type(error).__name__}: {error}"] += 1
            await asyncio.sleep(0.1)


async def _one_round(sftp: asyncssh.SFTPClient, name: str) -> None:
    async with sftp.open(f"{name}.filepart", "wb") as file:
        await file.write(_BROUGHT)
    await sftp.rename(f"{name}.filepart", name)
    assert (await sftp.stat(name)).size == len(_BROUGHT)
    async with sftp.open("/outbound/report.csv", "rb") as file:
        assert await file.read() == _TAKEN
    await sftp.remove(name)


async def load(idle: int, many: int, seconds: float) -> dict[str, object]:
    """Do it, and return the figures."""
    pid = sides.started(0).ours.pid
    before = _memory_mb(pid)
    errors: Counter[str] = Counter()
    held = [await connect() for _ in range(idle)]
    with_idle = _memory_mb(pid)
    taken: list[float] = []
    until = time.monotonic() + seconds
    await asyncio.gather(*(busy(number, until, taken, errors) for number in range(many)))
    at_end = _memory_mb(pid)
    for connection, sftp in held:
        try:
            await sftp.stat("/inbound")
        except Exception as error:
            errors[f"idle: {type(error).__name__}: {error}"] += 1
        connection.close()
    taken.sort()
    return {
        "name": "sftp-load", "idle": idle, "busy": many, "seconds": seconds, "rounds": len(taken),
        "errors": sum(errors.values()), "kinds": dict(errors),
        "median_s": round(statistics.median(taken), 3), "slowest_s": round(taken[-1], 3),
        "mb_before": round(before, 1), "mb_with_idle": round(with_idle, 1), "mb_at_end": round(at_end, 1),
    }  # fmt: skip


def _memory_mb(pid: int) -> float:
    return sum(one.memory_info().rss for one in sides.family(pid)) / 1e6


def main() -> None:
    """Start a server, load it, print one line; the exit status says whether there were errors."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--idle", type=int, default=200)
    parser.add_argument("--busy", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    arguments = parser.parse_args()
    asyncssh.set_log_level("ERROR")
    started = sides.started(0)
    try:
        sides.put_outbound("report.csv", _TAKEN)
        told = asyncio.run(load(arguments.idle, arguments.busy, arguments.seconds))
    finally:
        sides.ended(started)
    print(json.dumps(told))
    sys.exit(1 if told["errors"] else 0)


if __name__ == "__main__":
    main()
