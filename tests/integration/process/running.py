"""A whole installation in a folder of its own, for tests that kill parts of it.

    running = Running.in_folder(tmp_path)
    running.start()
    running.kill_worker("bulk")
    running.wait_until(running.is_healthy)

Processes are ended by the ids that this installation's own state file names, never by a pattern.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.types.json import Jsonb

from pratique.foundation.embedded_postgres import EmbeddedPostgres

ROOT = Path(__file__).resolve().parents[3]
SETTINGS = "tests.integration.process.settings"
# What a test inherits from the tests' own settings must not reach the installation under test.
_FOREIGN = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "PRATIQUE_BASE_URL",
    "PRATIQUE_PORT",
    "PRATIQUE_SFTP_PORT",
    "PRATIQUE_PARENT",
)


@dataclass
class Running:
    """One installation: its environment, its commands, and ways to hurt it."""

    var: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)

    @classmethod
    def in_folder(cls, folder: Path, **environment: str) -> "Running":
        """Return an installation under `folder` on a free port; `environment` overrides what it inherits."""
        inherited = {key: value for key, value in os.environ.items() if key not in _FOREIGN}
        port = free_port()
        env = {
            **inherited,
            "PRATIQUE_VAR": str(folder / "var"),
            "PRATIQUE_PORT": str(port),
            "PRATIQUE_SFTP_PORT": str(free_port()),
            "PRATIQUE_LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "PYTHONPATH": str(ROOT),
            **environment,
        }
        return cls(folder / "var", port, env)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def cluster(self) -> EmbeddedPostgres:
        return EmbeddedPostgres(self.var / "postgres")

    def run(
        self, *arguments: str, timeout: float = 120, **environment: str
    ) -> subprocess.CompletedProcess[str]:
        """Run `pratique ARGUMENTS` and return what it said."""
        return subprocess.run(
            self.command(*arguments), env={**self.env, **environment}, cwd=ROOT,
            capture_output=True, text=True, timeout=timeout, check=False,
        )  # fmt: skip

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "pratique.config.command", *arguments]

    def start(self, *options: str) -> None:
        """`pratique up --background --no-demo`; fails with everything it said."""
        done = self.run("up", "--background", "--no-demo", *options)
        assert done.returncode == 0, f"{done.stdout}\n{done.stderr}\n{self.logs()}"

    def stop(self) -> None:
        """`pratique down`, which also ends an embedded database."""
        self.run("down")

    def status(self) -> dict[str, Any]:
        return json.loads(self.run("status", "--json").stdout)

    def is_healthy(self) -> bool:
        return bool(self.status()["healthy"])

    def state(self) -> dict[str, Any]:
        """Return the supervisor's state file."""
        return json.loads((self.var / "run" / "pratique.json").read_text())

    def pid(self, name: str) -> int:
        """Return the process id of "web", "worker-quick" or "worker-bulk", once it runs."""
        self.wait_until(lambda: name in self.state()["processes"])
        return int(self.state()["processes"][name])

    def family(self) -> list[psutil.Process]:
        """Return the supervisor's children and grandchildren, without the database's."""
        found = []
        for pid in self.state()["processes"].values():
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found += [process, *process.children(recursive=True)]
        return found

    def kill_worker(self, which: str = "bulk") -> int:
        """SIGKILL the worker of the queue "bulk" (or "quick": all other queues); return its id."""
        return self.kill(f"worker-{which}")

    def kill_web(self) -> int:
        return self.kill("web")

    def kill(self, name: str) -> int:
        pid = self.pid(name)
        os.kill(pid, signal.SIGKILL)
        return pid

    def kill_supervisor(self) -> None:
        os.kill(self.state()["pid"], signal.SIGKILL)

    def kill_database(self) -> None:
        """SIGKILL the embedded server's first process."""
        pid = self.cluster.pid()
        assert pid
        os.kill(pid, signal.SIGKILL)

    def stop_database(self) -> None:
        """Stop the embedded server in good order; the supervisor, where one runs, starts it again."""
        self.cluster.stop()

    def start_database(self) -> None:
        self.cluster.start()

    def sql(self, query: str, parameters: list[Any] | None = None) -> list[tuple[Any, ...]]:
        """Run one statement as the embedded database's owner."""
        with psycopg.connect(self.cluster.url("postgres"), autocommit=True) as connection:
            cursor = connection.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else []

    def enqueue(self, task: str, *, lock: str | None = None, **arguments: Any) -> None:
        """Put a job of `slow_tasks` into the queue "bulk"."""
        self.sql(
            "select procrastinate_defer_jobs_v1(array[row('bulk', %s, 0, %s, null, %s, null)]"
            "::procrastinate_job_to_defer_v1[])",
            [task, lock, Jsonb(arguments)],
        )

    def wait_until(self, condition: Callable[[], object], *, seconds: float = 40) -> float:
        """Wait for `condition` and return how long it took; fails with the logs after `seconds`."""
        begun = time.monotonic()
        while time.monotonic() - begun < seconds:
            # While a database comes back, asking it may fail.
            with suppress(psycopg.OperationalError, FileNotFoundError, json.JSONDecodeError):
                if condition():
                    return time.monotonic() - begun
            time.sleep(0.1)
        raise AssertionError(f"did not happen within {seconds} s\n{self.logs()}")

    def logs(self) -> str:
        """Return the end of every log file, for a failure's message."""
        files = [*sorted((self.var / "log").glob("*.log")), self.cluster.log]
        ends = {path: path.read_text(errors="replace")[-3000:] for path in files if path.exists()}
        return "\n".join(f"--- {path}\n{text}" for path, text in ends.items())


def alive(processes: Iterable[psutil.Process]) -> list[psutil.Process]:
    """Return those that still run; a zombie only waits for its parent to look."""
    found = []
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            if process.is_running() and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def free_port() -> int:
    """Return a port that is free now, outside the range that `up` walks through by itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def words(trace: Path) -> Mapping[str, int]:
    """Return how often each word is in a trace of `slow_tasks`."""
    lines = trace.read_text().split() if trace.exists() else []
    return {word: lines.count(word) for word in ("begun", "done")}
