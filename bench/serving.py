"""A web server over the bench population: the product's own, as `pratique web` starts it, with one more address.

    with serving.web(school) as server:
        server.port, server.peak_mb()

The additional address answers with one indexed select inside a school's scope, through every layer that other pages
go through: the floor of `bench-partner`.
"""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

import measure
import population

HERE = Path(__file__).resolve().parent
_STARTED_WITHIN = 60


@dataclass
class Server:
    """The running server."""

    process: psutil.Process
    port: int

    def peak_mb(self) -> float:
        """Return the largest resident size of any of its processes so far."""
        processes = [self.process, *self.process.children(recursive=True)]
        return max(measure.peak_mb(one.pid) for one in processes)


@contextmanager
def web(school: population.School) -> Iterator[Server]:
    """Serve the school's database until the block ends."""
    port = _free_port()
    environment = os.environ | {
        "DATABASE_URL": school.url("pratique"),
        "DJANGO_SETTINGS_MODULE": "serving_settings",
        "PYTHONPATH": os.pathsep.join([str(HERE), str(population.ROOT / "src")]),
        "PRATIQUE_PORT": str(port),
        "PRATIQUE_LOG_LEVEL": "ERROR",
    }
    command = [sys.executable, "-m", "pratique.config.command", "web", "--port", str(port)]
    process = psutil.Popen(command, env=environment, start_new_session=True)
    try:
        _wait(process, port)
        yield Server(psutil.Process(process.pid), port)
    finally:
        for one in [*process.children(recursive=True), process]:
            one.kill()
        process.wait()


def _wait(process: "subprocess.Popen[bytes]", port: int) -> None:
    until = time.monotonic() + _STARTED_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.1)
    raise SystemExit("The web server of the benchmark did not start.")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
