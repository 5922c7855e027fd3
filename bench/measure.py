"""Measuring ours against its floor: alternately, several times, each in a process of its own, in one process
group.

A benchmark file names two functions and calls `compare`. A function gets the number `n`, does the work, and
is timed from its first line to its last: imports and set-up are not the subject. It may return the seconds
itself instead, or the seconds and the largest size in MB of whatever process did the work for it (`Measured`).

    def ours(n: int) -> None: ...
    def floor(n: int) -> None: ...

    if __name__ == "__main__":
        measure.compare("report-csv", ours=ours, floor=floor, setup=population.prepared, n=50_000)

The last line of output is one object of JSON with medians; what happens on the way goes to standard error.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple


class Measured(NamedTuple):
    """What a side measured by itself."""

    seconds: float
    peak_mb: float


Work = Callable[[int], float | Measured | None]


def compare(
    name: str,
    *,
    ours: Work,
    floor: Work,
    n: int,
    setup: Callable[[int], Any] | None = None,
    cleanup: Callable[[Any], None] | None = None,
    repeats: int = 5,
) -> None:
    """Measure, and print `{"name", "ours_s", "floor_s", "ratio", "n", "peak_mb"}` as the last line.

    `setup` runs before each side in its process, untimed, and once before all in the parent, where it may
    prepare what the children share; `cleanup` gets what that first call returned. `peak_mb` is the largest
    resident size of any process of ours.
    """
    arguments = _arguments(n, repeats)
    if arguments.side:
        _run_side({"ours": ours, "floor": floor}[arguments.side], arguments.n, setup)
        return
    prepared = setup(arguments.n) if setup else None
    try:
        _measure(name, arguments.n, arguments.repeats)
    finally:
        if cleanup:
            cleanup(prepared)


def _arguments(n: int, repeats: int) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n", type=int, default=n)
    parser.add_argument("--repeats", type=int, default=repeats)
    parser.add_argument("--side", choices=["ours", "floor"], help=argparse.SUPPRESS)
    return parser.parse_args()


def _run_side(work: Work, n: int, setup: Callable[[int], Any] | None) -> None:
    if setup:
        setup(n)
    began = time.perf_counter()
    own = work(n)
    taken = time.perf_counter() - began
    measured = own if isinstance(own, Measured) else Measured(taken if own is None else own, peak_mb())
    print(json.dumps(measured._asdict()))


def peak_mb(pid: int | str = "self") -> float:
    """Return the largest resident size of this process, or (on Linux) of another one."""
    # `ru_maxrss` of a child begins with its parent's, so Linux is asked for what came after exec.
    status = Path(f"/proc/{pid}/status")
    if status.exists():
        return int(status.read_text().split("VmHWM:")[1].split()[0]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (1024 * 1024)


def _measure(name: str, n: int, repeats: int) -> None:
    seconds: dict[str, list[float]] = {"ours": [], "floor": []}
    peak = 0.0
    for turn in range(repeats):
        # Whoever goes first meets the colder caches, so the two take turns.
        for side in ("ours", "floor") if turn % 2 == 0 else ("floor", "ours"):
            taken, resident = _child(side, n)
            seconds[side].append(taken)
            print(f"{name} {side}: {taken:.3f} s, {resident:.0f} MB", file=sys.stderr)
            if side == "ours":
                peak = max(peak, resident)
    ours_s, floor_s = (statistics.median(seconds[side]) for side in ("ours", "floor"))
    line = {
        "name": name,
        "ours_s": round(ours_s, 4),
        "floor_s": round(floor_s, 4),
        "ratio": round(ours_s / floor_s, 3),
        "n": n,
        "peak_mb": round(peak, 1),
    }
    print(json.dumps(line), flush=True)


def _child(side: str, n: int) -> tuple[float, float]:
    """Run one side in a child of this process group; return its seconds and its largest resident size in
    MB.
    """
    command = [sys.executable, sys.argv[0], "--side", side, "--n", str(n)]
    done = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        raise SystemExit(f"{side} of {sys.argv[0]} failed with exit status {done.returncode}.")
    told = json.loads(done.stdout.splitlines()[-1])
    return told["seconds"], told["peak_mb"]
