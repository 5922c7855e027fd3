"""Keeping programs alive: starts them as children, starts again what dies, stops all in the end.

It knows nothing of what it runs. Children write straight into their log files: no pipe of ours can fill up or
break, and what they said survives us. Children must call `processes.die_with_parent` themselves.
"""

import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from pratique.foundation import processes

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
_GRACE = 15.0
_STEADY = 30.0  # a child that lived this long starts again without the pauses of earlier failures
_LOG_LIMIT, _LOGS_KEPT = 10 * 1024 * 1024, 3
_TEND_EVERY = 0.5

PARENT = "PRATIQUE_PARENT"


@dataclass(frozen=True)
class Program:
    """What to run, under which name, and where its output goes."""

    name: str
    command: Sequence[str]
    log: Path


@dataclass
class _Backoff:
    pause: float = 0.0
    not_before: float = 0.0

    def failed(self, *, lived: float) -> None:
        steady = lived > _STEADY or not self.pause
        self.pause = FIRST_PAUSE if steady else min(self.pause * 2, LONGEST_PAUSE)
        self.not_before = time.monotonic() + self.pause

    def due(self) -> bool:
        return time.monotonic() >= self.not_before


@dataclass
class _Child:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    backoff: _Backoff = field(default_factory=_Backoff)


class Supervisor:
    """Runs programs until `stop`. `tend`, called twice a second, sees to what is no child (a database).

    `on_change` hears the pids after each start; `say` gets one sentence for each event. Call everything
    from the main thread: the kernel ties a child to the thread that started it.
    """

    def __init__(
        self,
        programs: Sequence[Program],
        *,
        environment: Mapping[str, str],
        say: Callable[[str], None],
        tend: Callable[[], None] = lambda: None,
        on_change: Callable[[dict[str, int]], None] = lambda pids: None,
    ) -> None:
        self._children = [_Child(program) for program in programs]
        self._environment = {**environment, PARENT: str(os.getpid())}
        self._say, self._tend, self._on_change = say, tend, on_change
        self._tending = _Backoff()

    def start(self) -> None:
        """Start every program."""
        for child in self._children:
            self._start(child)
        self._changed()

    def step(self) -> None:
        """Look once after everything; call it several times a second."""
        if self._tending.due():
            self._see_to_the_rest()
        for child in self._children:
            self._look_after(child)

    def stop(self) -> None:
        """End all children: SIGTERM, and SIGKILL for who is still there 15 seconds later."""
        running = [
            child.process for child in self._children if child.process and child.process.poll() is None
        ]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + _GRACE
        for process in running:
            try:
                process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def pids(self) -> dict[str, int]:
        """Return the process id of each running program by name."""
        return {child.program.name: child.process.pid for child in self._children if child.process}

    def _start(self, child: _Child) -> None:
        rotate(child.program.log)
        with child.program.log.open("ab") as output:
            child.process = subprocess.Popen(
                list(child.program.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment,
                # Ctrl-C in a terminal goes to the whole group: children wait for our SIGTERM instead.
                process_group=0,
            )
        child.started = time.monotonic()

    def _look_after(self, child: _Child) -> None:
        if child.process is not None:
            code = child.process.poll()
            if code is None:
                return
            child.backoff.failed(lived=time.monotonic() - child.started)
            child.process = None
            how = signal.Signals(-code).name if code < 0 else f"status {code}"
            self._say(f"{child.program.name} ended ({how}); starting it again in {child.backoff.pause:.1f} s")
            self._changed()
        if child.backoff.due():
            self._start(child)
            self._changed()

    def _see_to_the_rest(self) -> None:
        processes.reap(self.pids().values())
        try:
            self._tend()
        except Exception as error:  # whatever it is, the children must still be looked after
            self._tending.failed(lived=0)
            self._say(f"{error} (next try in {self._tending.pause:.1f} s)")
        else:
            self._tending.pause = 0.0
            self._tending.not_before = time.monotonic() + _TEND_EVERY

    def _changed(self) -> None:
        self._on_change(self.pids())


class Follower:
    """Reads what was added to log files, as `tail -f` does, with the name of each in front of its lines."""

    def __init__(self, logs: Mapping[str, Path]) -> None:
        self._logs = dict(logs)
        self._open: dict[str, BinaryIO] = {}

    def skip(self) -> None:
        """Forget what the files hold so far."""
        for name in self._logs:
            if file := self._file(name):
                file.seek(0, os.SEEK_END)

    def lines(self) -> list[str]:
        """Return whole lines added since the last call."""
        return [f"{name:<18} {line}" for name in self._logs for line in self._lines(name)]

    def _lines(self, name: str) -> list[str]:
        found = []
        if (file := self._file(name)) is not None:
            while (line := file.readline()).endswith(b"\n"):
                found.append(line.decode(errors="replace").rstrip("\n"))
            file.seek(-len(line), os.SEEK_CUR)
        return found

    def _file(self, name: str) -> BinaryIO | None:
        file = self._open.get(name)
        with suppress(FileNotFoundError):
            if file is None or os.fstat(file.fileno()).st_ino != self._logs[name].stat().st_ino:
                # Rotated: the old file was read to its end at the last call, or nearly so.
                file = self._open[name] = self._logs[name].open("rb")
        return file


def rotate(log: Path) -> None:
    """Move a log that has grown too long aside, and forget the oldest of those moved."""
    log.parent.mkdir(parents=True, exist_ok=True)
    log.parent.chmod(0o700)
    if not log.exists() or log.stat().st_size < _LOG_LIMIT:
        return
    for number in range(_LOGS_KEPT - 1, 0, -1):
        with suppress(FileNotFoundError):
            log.with_name(f"{log.name}.{number}").replace(log.with_name(f"{log.name}.{number + 1}"))
    log.replace(log.with_name(f"{log.name}.1"))


def last_lines(log: Path, *, count: int = 15) -> str:
    """Return the end of a log, for an error message."""
    if not log.exists():
        return ""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 20_000))
        return "\n".join(file.read().decode(errors="replace").splitlines()[-count:])
