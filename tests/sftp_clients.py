"""SFTP clients as schools use them, each called as its manual says, with an account's key and a known host key.

    sftp = Clients(server, username, key, folder)
    done = sftp.openssh("put roster.csv inbound/")
    assert done.status == 0, done.said

Every wrapper returns the exit status and everything that the client said.
"""

import shlex
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import paramiko
import pytest

from tests.sftp_server import HOST, SftpServer
from tests.transfers import public_line

PATIENCE = 60


def needs(program: str) -> pytest.MarkDecorator:
    """Skip, by name, where the machine lacks a client."""
    return pytest.mark.skipif(shutil.which(program) is None, reason=f"this machine has no {program}")


@dataclass(frozen=True)
class Done:
    """What a client said, and how it ended."""

    status: int
    said: str


@dataclass(frozen=True)
class Clients:
    """All clients of one account at one server."""

    server: SftpServer
    username: str
    key: Path
    folder: Path  # where they work, and where their own settings are looked for

    def ssh_options(self) -> list[str]:
        """Return what OpenSSH's programs must be told, and nothing of the tester's own settings."""
        return [
            "-F", "none", "-i", str(self.key), "-o", f"UserKnownHostsFile={self.server.known_hosts}",
            "-o", "StrictHostKeyChecking=yes", "-o", "IdentitiesOnly=yes", "-o", "IdentityAgent=none",
            "-o", "BatchMode=yes",
        ]  # fmt: skip

    def sftp_command(self, *options: str) -> list[str]:
        """Return the command line of OpenSSH's sftp that reads its commands from standard input."""
        return [
            "sftp", "-b", "-", *self.ssh_options(), *options, "-P", str(self.server.port),
            f"{self.username}@{HOST}",
        ]  # fmt: skip

    def openssh(self, *lines: str, options: Sequence[str] = ()) -> Done:
        """Run a batch of OpenSSH's sftp, which ends at the first line that fails."""
        return self.run(self.sftp_command(*options), "\n".join(lines) + "\n")

    def scp(self, *names: str, options: Sequence[str] = ()) -> Done:
        """Run OpenSSH's scp in its SFTP mode; a name that begins with `:` is on the server."""
        there = [f"{self.username}@{HOST}{name}" if name.startswith(":") else name for name in names]
        return self.run(
            ["scp", "-s", "-q", *self.ssh_options(), *options, "-P", str(self.server.port), *there]
        )

    def ssh(self, *words: str, options: Sequence[str] = ()) -> Done:
        """Run OpenSSH's ssh."""
        return self.run(
            [
                "ssh",
                *self.ssh_options(),
                *options,
                "-p",
                str(self.server.port),
                f"{self.username}@{HOST}",
                *words,
            ]
        )

    def lftp(self, *lines: str) -> Done:
        """Run commands of lftp, which ends at the first that fails."""
        program = shlex.join(["ssh", "-a", "-x", *self.ssh_options()])
        script = [
            "set cmd:fail-exit yes", "set net:max-retries 1", "set net:timeout 20",
            f'set sftp:connect-program "{program}"',
            f"open --user {self.username} --password none sftp://{HOST}:{self.server.port}",
            *lines,
        ]  # fmt: skip
        return self.run(["lftp", "--norc", "-c", "; ".join(script)])

    def rclone(self, *words: str) -> Done:
        """Run rclone; in its words `THERE:` is the account's root."""
        remote = (
            f":sftp,host={HOST},port={self.server.port},user={self.username},key_file={self.key},"
            f"known_hosts_file={self.server.known_hosts},shell_type=none,disable_hashcheck=true:"
        )
        command = ["rclone", "--config", "/dev/null", "--retries", "1", "--low-level-retries", "1"]
        return self.run(command + [word.replace("THERE:", remote) for word in words])

    def psftp(self, *lines: str) -> Done:
        """Run a batch of PuTTY's psftp, with the key in PuTTY's own format."""
        batch = self.folder / "psftp.txt"
        batch.write_text("\n".join(lines) + "\n")
        return self.run(
            [
                "psftp", "-batch", "-b", str(batch), "-i", str(self._putty_key()), "-P", str(self.server.port),
                *self._putty_host_keys(), f"{self.username}@{HOST}",
            ]
        )  # fmt: skip

    def curl(self, *words: str) -> Done:
        """Run curl; in its words `THERE/` is the account's root."""
        place = f"sftp://{self.username}@{HOST}:{self.server.port}/"
        public = self.folder / "key.pub"
        public.write_text(public_line(self.key.read_text()))
        command = ["curl", "-sS", "--key", str(self.key), "--pubkey", str(public), "--insecure"]
        return self.run(command + [word.replace("THERE/", place) for word in words])

    @contextmanager
    def transport(self) -> Iterator[paramiko.Transport]:
        """Connect and sign in by paramiko."""
        with paramiko.SSHClient() as client:
            client.load_host_keys(str(self.server.known_hosts))
            client.connect(
                HOST, self.server.port, self.username, pkey=paramiko.PKey.from_path(self.key),
                allow_agent=False, look_for_keys=False, timeout=20, banner_timeout=20, auth_timeout=20,
            )  # fmt: skip
            transport = client.get_transport()
            assert transport
            yield transport

    @contextmanager
    def paramiko(self) -> Iterator[paramiko.SFTPClient]:
        """Open paramiko's SFTP."""
        with self.transport() as transport:
            client = paramiko.SFTPClient.from_transport(transport)
            assert client
            client.get_channel().settimeout(30)  # type: ignore[union-attr]
            with client:
                yield client

    def asyncssh(self) -> "asyncssh.connection._SSHConnectionManager":
        """Return asyncssh's connection, for `async with`."""
        return asyncssh.connect(
            HOST, self.server.port, username=self.username, client_keys=[str(self.key)], config=None,
            known_hosts=str(self.server.known_hosts), agent_path=None,
        )  # fmt: skip

    def run(self, command: Sequence[str], said: str = "") -> Done:
        """Run a client in its folder, with no settings of whoever runs the tests."""
        done = subprocess.run(
            command, input=said, capture_output=True, text=True, errors="replace", cwd=self.folder, timeout=PATIENCE,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin:/usr/local/bin", "LC_ALL": "C.UTF-8"}, check=False,
        )  # fmt: skip
        return Done(done.returncode, done.stdout + done.stderr)

    def _putty_key(self) -> Path:
        path = self.folder / "key.ppk"
        if not path.exists():
            subprocess.run(
                ["puttygen", str(self.key), "-O", "private", "-o", str(path)], check=True, capture_output=True
            )
        return path

    def _putty_host_keys(self) -> list[str]:
        options: list[str] = []
        for line in self.server.known_hosts.read_text().splitlines():
            key = asyncssh.import_public_key(line.split(" ", 1)[1])
            options += ["-hostkey", key.get_fingerprint()]
        return options
