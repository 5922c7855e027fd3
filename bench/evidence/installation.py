"""An installation in a folder of its own: started, watched and stopped by the ids of its own state file."""

import json
import os
import re
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import psycopg

ROOT = Path(__file__).resolve().parents[2]
# Said empty, so that neither the caller's shell nor a .env file leads to another database or a mail server.
_OURS_ALONE = (
    "DATABASE_URL",
    "DATABASE_OWNER_URL",
    "PRATIQUE_SMTP_HOST",
    "PRATIQUE_SMS_URL",
    "CLAMD",
    "PRATIQUE_SECRET_KEY",
)
_WAITING_JOBS = """
    select count(*) from procrastinate_jobs
    where status = 'doing' or status = 'todo' and (scheduled_at is null or scheduled_at < now() + interval '30 seconds')
"""
# A session that waits for its turn at a queueing lock is told so by a broken unique index; the caller expects it.
_EXPECTED_IN_SERVER_LOG = ("procrastinate_jobs_queueing_lock_idx",)


@dataclass
class Installation:
    """One installation under `folder`, on a free port. Its environment becomes this process's own."""

    folder: Path
    port: int = 0
    marks: dict[Path, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.port = self.port or _free_port()
        self.var = self.folder / "var"
        self.var.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name in ("PRATIQUE_BASE_URL", "PRATIQUE_PARENT"):
            os.environ.pop(name, None)
        os.environ.update(dict.fromkeys(_OURS_ALONE, ""))
        os.environ.update(
            PRATIQUE_VAR=str(self.var), PRATIQUE_PORT=str(self.port), PRATIQUE_LOG_LEVEL="INFO",
            PRATIQUE_LOG_FORMAT="json", DJANGO_SETTINGS_MODULE="pratique.config.settings",
            # Every client says its own address, as a proxy in front would: limits are by address.
            PRATIQUE_PROXIES="1",
        )  # fmt: skip

    def start(self) -> None:
        """Start it in the background and load Django here, on the same database."""
        done = self._pratique("up", "--background", "--no-demo", "--port", str(self.port))
        if done.returncode:
            raise SystemExit(f"The installation did not start:\n{done.stdout}\n{done.stderr}")
        sys.path[:0] = [path for path in (str(ROOT), str(ROOT / "src")) if path not in sys.path]
        import django

        django.setup()

    def stop(self) -> None:
        from django.db import connections

        for alias in connections:
            connections[alias].close()
            with suppress(Exception):
                connections[alias].close_pool()
        self._pratique("down")

    def trees(self) -> dict[str, list[psutil.Process]]:
        """Return the processes of web, workers and database, each with its children."""
        found: dict[str, list[psutil.Process]] = {"web": [], "workers": [], "database": []}
        state = json.loads((self.var / "run" / "pratique.json").read_text())
        pids = {name: int(pid) for name, pid in state["processes"].items()}
        with suppress(OSError, ValueError):
            pids["database"] = int((self.var / "postgres/data/postmaster.pid").read_text().split("\n", 1)[0])
        for name, pid in pids.items():
            group = "workers" if name.startswith("worker") else name
            with suppress(psutil.NoSuchProcess):
                process = psutil.Process(pid)
                found.setdefault(group, []).extend([process, *process.children(recursive=True)])
        return found

    def sql(self, query: str) -> list[tuple[object, ...]]:
        """Run one statement as the database's owner."""
        from django.conf import settings

        with psycopg.connect(settings.EMBEDDED_POSTGRES.url("postgres"), autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    def wait_for_jobs(self, seconds: float) -> bool:
        """Wait until no job runs or is about to; False if some still do after `seconds`."""
        deadline = time.monotonic() + seconds
        quiet = 0
        while time.monotonic() < deadline:
            quiet = quiet + 1 if self.sql(_WAITING_JOBS) == [(0,)] else 0
            if quiet == 3:
                return True
            time.sleep(0.5)
        return False

    def mark_logs(self) -> None:
        """Remember where the logs end now: what was said before is not the load's."""
        self.marks = {path: path.stat().st_size for path in self._logs()}

    def bad_lines(self) -> Counter[str]:
        """Return what the logs say since then that is an error or a warning, without ids and times."""
        found: Counter[str] = Counter()
        for path in self._logs():
            with path.open(errors="replace") as file:
                file.seek(self.marks.get(path, 0))
                for line in file:
                    if bad := (_server_line(line) if path.name == "server.log" else _line(line)):
                        found[f"{path.name}: {bad}"] += 1
        return found

    def _logs(self) -> list[Path]:
        logs = [path for path in (self.var / "log").glob("*.log") if path.name != "up.log"]
        return [path for path in (*logs, self.var / "postgres" / "server.log") if path.exists()]

    def _pratique(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "pratique.config.command", *arguments]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)


class Watch:
    """Processor time and memory of an installation while a load runs."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.peak_mb: dict[str, float] = {}
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Watch":
        self._began = time.monotonic()
        self._cpu = self._seconds()
        self._machine = psutil.cpu_times()
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._over.set()
        self._thread.join()
        wall = (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        after, machine = self._seconds(), psutil.cpu_times()
        self.cpu_percent = {
            name: round(100 * (after.get(name, 0.0) - before) / wall, 1) for name, before in self._cpu.items()
        }
        idle = machine.idle - self._machine.idle + machine.iowait - self._machine.iowait
        self.cpu_percent["whole machine"] = round(100 * (1 - idle / wall), 1)

    def _look(self) -> None:
        while not self._over.wait(0.5):
            with suppress(OSError, ValueError, psutil.Error):
                for name, processes in self.installation.trees().items():
                    resident = sum(_resident(process) for process in processes) / 1024 / 1024
                    self.peak_mb[name] = max(self.peak_mb.get(name, 0.0), resident)

    def _seconds(self) -> dict[str, float]:
        trees = self.installation.trees() | {"load script": [psutil.Process()]}
        return {name: sum(_spent(process) for process in processes) for name, processes in trees.items()}


def _resident(process: psutil.Process) -> int:
    try:
        memory = process.memory_info()
        # Each session of the database maps the same shared buffers.
        return int(memory.rss - memory.shared if process.name() == "postgres" else memory.rss)
    except psutil.Error:
        return 0


def _spent(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    return float(times.user + times.system + times.children_user + times.children_system)


def _line(line: str) -> str:
    try:
        said = json.loads(line)
    except ValueError:
        return _plain(line) if re.search(r"error|traceback|exception|panic", line, re.IGNORECASE) else ""
    if not isinstance(said, dict) or said.get("level") not in ("warning", "error", "critical"):
        return ""
    # Refusals of this kind are part of the load; the clients know which of them were asked for.
    if str(said.get("event", "")).startswith("Conflict: "):
        return ""
    last = str(said.get("exception", "")).strip().rsplit("\n", 1)[-1]
    return _plain(f"{said['level']}: {said.get('event', '')} {last}")


def _server_line(line: str) -> str:
    if not re.search(r"\b(ERROR|FATAL|PANIC|WARNING):", line) or any(
        one in line for one in _EXPECTED_IN_SERVER_LOG
    ):
        return ""
    return _plain(line.split("] ", 1)[-1])


def _plain(line: str) -> str:
    return re.sub(r"[0-9a-f]{8}-[0-9a-f-]{27}|\d+", "…", line).strip()[:240]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
