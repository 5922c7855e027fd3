"""What runs from one data folder: a lock that only the living hold, and a file that says who they are."""

import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import fasteners
import orjson

from pratique.foundation.processes import Identity


@dataclass(frozen=True)
class RunState:
    """What `pratique up` wrote about itself."""

    pid: int
    created: float
    url: str
    port: int
    database: str
    started_at: str
    version: str
    sftp_port: int = 0
    ready: bool = False
    processes: dict[str, int] = field(default_factory=dict)

    @property
    def supervisor(self) -> Identity:
        return Identity(self.pid, self.created)


class RunFolder:
    """`var/run`: the state file, and the lock that makes a second `up` notice the first."""

    def __init__(self, var: Path) -> None:
        self.path = var / "run"
        self._state = self.path / "pratique.json"
        self._lock = fasteners.InterProcessLock(self.path / "up.lock")

    def claim(self) -> bool:
        """Take the lock until this process ends; return False if another one has it."""
        self.path.mkdir(parents=True, exist_ok=True)
        return bool(self._lock.acquire(blocking=False))

    def write(self, state: RunState) -> None:
        """Replace the state file in one step, so that a reader sees the old one or the new one."""
        self.path.mkdir(parents=True, exist_ok=True)
        fresh = self._state.with_suffix(f".{os.getpid()}")
        fresh.write_bytes(orjson.dumps(asdict(state)))
        fresh.replace(self._state)

    def update(self, **changes: object) -> None:
        """Change some values of the state file."""
        if state := self._read():
            self.write(replace(state, **changes))  # type: ignore[arg-type]

    def running(self) -> RunState | None:
        """Return the state of the supervisor that runs, or None; what a dead one left does not count."""
        state = self._read()
        return state if state and state.supervisor.is_alive() else None

    def left_behind(self) -> RunState | None:
        """Return the state that a supervisor left which did not end by itself, or None."""
        state = self._read()
        return state if state and not state.supervisor.is_alive() else None

    def clear(self) -> None:
        """Remove the state file."""
        with suppress(FileNotFoundError):
            self._state.unlink()

    def _read(self) -> RunState | None:
        try:
            return RunState(**orjson.loads(self._state.read_bytes()))
        except (FileNotFoundError, orjson.JSONDecodeError, TypeError):
            return None
