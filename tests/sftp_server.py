"""A real SFTP server for tests: `pratique sftp` as a process of its own over the tests' database.

    server = SftpServer.in_folder(tmp_path)
    server.start()          # returns when the banner came
    server.kill(); server.start()

One server serves all tests of a module (fixture `sftp` of tests/integration/sftp/conftest.py): each test has a school
and an account of its own.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import psutil
from django.db import connections
from procrastinate.contrib.django import app

from pratique.foundation.supervisor import PARENT
from tests.settings import CLUSTER, ROOT

HOST = "127.0.0.1"
SETTINGS = "tests.sftp_server_settings"
SETTLE_SECONDS = 0.3
_STARTED_WITHIN = 60
T = TypeVar("T")


@dataclass
class SftpServer:
    """One server: where it keeps its things, how it is reached, and ways to hurt it."""

    folder: Path
    port: int
    env: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[bytes] | None" = None

    @classmethod
    def in_folder(cls, folder: Path, **environment: str) -> "SftpServer":
        """Return a server that keeps its things in `folder`; `environment` overrides what it inherits."""
        from django.conf import settings

        port = free_port()
        env = {
            **os.environ,
            "PRATIQUE_VAR": str(folder / "var"),
            "PRATIQUE_TESTS_VAR": str(settings.VAR),
            "PRATIQUE_SFTP_PORT": str(port),
            "PRATIQUE_SFTP_SETTLE_SECONDS": str(SETTLE_SECONDS),
            "PRATIQUE_SFTP_PROCESSES": "1",
            "PRATIQUE_LOG_LEVEL": "INFO",
            "DJANGO_SETTINGS_MODULE": SETTINGS,
            "DATABASE_URL": CLUSTER.url("pratique", connections["default"].settings_dict["NAME"]),
            "PYTHONPATH": str(ROOT),
            # A run that is killed leaves no server behind.
            PARENT: str(os.getpid()),
            **environment,
        }
        return cls(folder, port, env)

    @property
    def log(self) -> Path:
        return self.folder / "sftp.log"

    @property
    def known_hosts(self) -> Path:
        """Return a known_hosts file with the server's host keys."""
        path = self.folder / "known_hosts"
        if not path.exists():
            done = subprocess.run(
                ["ssh-keyscan", "-p", str(self.port), "-t", "rsa,ed25519", HOST],
                capture_output=True, check=False,
            )  # fmt: skip
            lines = [line for line in done.stdout.splitlines() if not line.startswith(b"#")]
            assert lines, done.stderr
            path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    def start(self) -> None:
        """Start it and return when it answers; fails with what it said."""
        self.folder.mkdir(parents=True, exist_ok=True)
        command = [sys.executable, "-m", "pratique.config.command", "sftp", "--port", str(self.port)]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                command, env=self.env, cwd=ROOT, stdout=log, stderr=log, start_new_session=True
            )
        until = time.monotonic() + _STARTED_WITHIN
        while time.monotonic() < until:
            assert self.process.poll() is None, self.said()
            if self.answers():
                return
            time.sleep(0.05)
        raise AssertionError(f"The server did not start.\n{self.said()}")

    def answers(self) -> bool:
        """Return whether the server greets who connects."""
        with suppress(OSError), socket.create_connection((HOST, self.port), timeout=5) as connection:
            return connection.recv(4) == b"SSH-"
        return False

    def family(self) -> list[psutil.Process]:
        """Return its processes."""
        if self.process is None:
            return []
        with suppress(psutil.NoSuchProcess):
            first = psutil.Process(self.process.pid)
            return [first, *first.children(recursive=True)]
        return []

    def memory_mb(self) -> float:
        """Return the resident size of all its processes together."""
        return sum(one.memory_info().rss for one in self.family()) / 1e6

    def kill(self) -> None:
        """SIGKILL, which leaves it no time for anything."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """SIGTERM, as `pratique down` does; after 20 seconds SIGKILL."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self.process is None:
            return
        family = self.family()
        if how is signal.SIGKILL:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
        else:
            self.process.send_signal(how)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            for one in family:
                with suppress(psutil.NoSuchProcess):
                    one.kill()
            self.process.wait()
            raise AssertionError(f"The server did not stop.\n{self.said()}") from None
        finally:
            self.process = None

    def said(self) -> str:
        """Return the end of its log."""
        return self.log.read_text(errors="replace")[-8000:] if self.log.exists() else ""


def wait_until(condition: Callable[[], T], *, seconds: float = 20, told: Callable[[], str] = str) -> T:
    """Wait for `condition` to be true and return what it gave; `told` says how things are when it never is."""
    until = time.monotonic() + seconds
    while True:
        if found := condition():
            return found
        assert time.monotonic() < until, f"did not happen in time: {told()}"
        time.sleep(0.05)


def work() -> None:
    """Do what waits in the queue, as the worker would, and come back when it is done."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(_work())
        except BaseException as error:
            failures.append(error)
        finally:
            connections.close_all()

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _work() -> None:
    app.perform_import_paths()
    with app.replace_connector(app.connector.get_worker_connector()) as there:
        async with there.open_async():
            await there.run_worker_async(wait=False, install_signal_handlers=False, listen_notify=False)


def free_port() -> int:
    """Return a port that is free now."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def worker_process(server: SftpServer) -> "subprocess.Popen[Any]":
    """Start a real worker over the same database; whoever starts it ends it."""
    command = [sys.executable, "-m", "pratique.config.command", "worker"]
    with (server.folder / "worker.log").open("ab") as log:
        return subprocess.Popen(command, env=server.env, cwd=ROOT, stdout=log, stderr=log)
