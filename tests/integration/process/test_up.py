"""Starting, asking, stopping."""

import json
import socket
import subprocess
import urllib.request
from pathlib import Path

import psutil
import pytest

from pratique.foundation.processes import Identity
from pratique.foundation.run_state import RunFolder, RunState
from tests.integration.process.running import Running, alive

pytestmark = pytest.mark.kill


def test_up_status_doctor_second_up_down(running: Running) -> None:
    status = running.run("status", "--json")
    assert status.returncode == 0
    found = running.status()
    assert (found["web"], found["database"]) == (running.url, "embedded")
    assert found["sftp"] == f"127.0.0.1:{running.env['PRATIQUE_SFTP_PORT']}"
    assert found["healthy"] is True
    assert found["workers"] == 2
    with urllib.request.urlopen(f"{running.url}/healthz") as answer:
        assert answer.status == 200

    doctor = running.run("doctor", "--json")
    assert doctor.returncode == 0, doctor.stdout
    states = {finding["name"]: finding["state"] for finding in json.loads(doctor.stdout)}
    assert "fail" not in states.values()
    assert {"role", "row security", "migrations", "jobs"} <= {name for name in states if states[name] == "ok"}

    again = running.run("up", "--background")
    assert again.returncode == 0
    assert f"already runs at {running.url}" in again.stdout

    processes = [*running.family(), psutil.Process(running.cluster.pid())]
    assert len(processes) >= 6  # web and the process that Granian forked, two workers, SFTP, the database
    assert running.run("down").returncode == 0
    assert not alive(processes)
    assert running.run("down").returncode == 0
    stopped = running.run("status", "--json")
    assert stopped.returncode == 1
    assert '"web":null' in stopped.stdout
    assert '"healthy":false' in stopped.stdout


def test_a_chosen_port_that_is_taken_is_an_error_that_names_its_holder(installation: Running) -> None:
    with socket.socket() as holder:
        holder.bind(("127.0.0.1", installation.port))
        holder.listen()
        done = installation.run("up", "--background", "--no-demo")
    assert done.returncode == 1
    assert f"Port {installation.port} is taken by" in done.stdout
    assert "--port" in done.stdout
    assert not installation.cluster.data.exists(), "nothing may be made before the port is known to be free"


def test_ctrl_c_in_the_foreground_stops_everything(installation: Running) -> None:
    with subprocess.Popen(
        installation.command("up", "--no-demo"), env=installation.env, stdout=subprocess.PIPE, text=True
    ) as up:
        assert up.stdout
        lines = []
        for line in up.stdout:
            lines.append(line)
            if line.startswith("Pratique is ready"):
                break
        family = installation.family()
        up.send_signal(2)
        rest = up.stdout.read()
        assert up.wait(30) == 0, "".join(lines) + rest
    assert "Stopping" in rest
    assert not alive(family)
    assert not installation.cluster.is_running()


def test_a_stale_state_file_of_a_reused_pid_does_not_count(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    me = Identity.of(psutil.Process().pid)
    state = RunState(
        pid=me.pid, created=me.created, url="http://127.0.0.1:1", port=1, database="embedded",
        started_at="", version="",
    )  # fmt: skip
    folder.write(state)
    assert folder.running() == state
    folder.write(RunState(**{**vars(state), "created": me.created - 3600}))
    assert folder.running() is None
    assert folder.left_behind() is not None
