"""What `pratique sftp host-key list` tells: lines for known_hosts with the port that schools really use."""

import os
from pathlib import Path

import pytest
from django.test import override_settings
from typer.testing import CliRunner

from pratique.foundation.processes import Identity
from pratique.foundation.run_state import RunFolder, RunState
from pratique.interfaces.sftp.command import app


@pytest.fixture
def installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.delenv("PRATIQUE_SFTP_PUBLIC_PORT", raising=False)
    return tmp_path


def ports(installation: Path) -> set[str]:
    """Return the hosts and ports of the lines for known_hosts."""
    keys = installation / "secrets" / "ssh"
    with override_settings(
        VAR=installation, SFTP_HOST_KEYS=keys, SFTP_PUBLIC_HOST="sftp.example", SFTP_PUBLIC_PORT=2222
    ):
        done = CliRunner().invoke(app, ["host-key", "list"])
    assert done.exit_code == 0, done.output
    lines = done.output.partition("For known_hosts:\n")[2].splitlines()
    assert {line.split()[1] for line in lines} == {"ssh-rsa", "ssh-ed25519"}
    return {line.split()[0] for line in lines}


def test_the_port_that_up_took_because_the_usual_one_was_taken(
    installation: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert ports(installation) == {"[sftp.example]:2222"}, "nothing runs"
    me = Identity.of(os.getpid())
    RunFolder(installation).write(
        RunState(
            pid=me.pid, created=me.created, url="http://127.0.0.1:8000", port=8000, sftp_port=2223,
            database="embedded", started_at="2026-11-22T12:00:00+00:00", version="1",
        )
    )  # fmt: skip
    assert ports(installation) == {"[sftp.example]:2223"}
    monkeypatch.setenv("PRATIQUE_SFTP_PUBLIC_PORT", "2222")
    assert ports(installation) == {"[sftp.example]:2222"}, "what somebody said counts"
