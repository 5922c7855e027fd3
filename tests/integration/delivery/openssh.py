"""A customer's server that is a real one: OpenSSH's sshd, as whoever runs the tests."""

import getpass
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from pratique.connectors.sftp_push.types import Server

SSHD = shutil.which("sshd") or "/usr/sbin/sshd"


@dataclass
class OpenSsh:
    """sshd on a port of this machine. Its folder is `root`; `authorized` is the file of keys that may sign in."""

    port: int
    root: Path
    authorized: Path
    configuration: Path
    key: Path
    process: "subprocess.Popen[bytes] | None" = field(default=None, repr=False)

    @property
    def host_key(self) -> str:
        """The host key as it is pinned."""
        return self.key.with_suffix(".pub").read_text().split()[1]

    def server(self, private_key: str, **changes) -> Server:
        values = {
            "host": "127.0.0.1", "port": self.port, "username": getpass.getuser(), "private_key": private_key,
            "folder": str(self.root), "host_keys": [self.host_key], **changes,
        }  # fmt: skip
        return Server(**values)

    def start(self) -> None:
        with (self.configuration.parent / "log").open("ab") as log:
            self.process = subprocess.Popen([SSHD, "-D", "-e", "-f", self.configuration], stderr=log)
        _wait_for(self.port, self.process)

    def stop(self) -> None:
        if self.process is not None:
            self.process.terminate()
            self.process.wait(20)
            self.process = None

    def change_host_key(self) -> None:
        """Answer with another host key from now on, as a server does that was set up anew, or somebody in its place."""
        self.stop()
        make_host_key(self.key)
        self.start()


def make_host_key(path: Path) -> None:
    path.unlink(missing_ok=True)
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", path], check=True)


@contextmanager
def openssh(folder: Path, *more: str, internal: str = "") -> Iterator[OpenSsh]:
    """Run sshd with its files in `folder`; `more` are lines of its configuration."""
    root, authorized, key = folder / "theirs", folder / "authorized", folder / "host_key"
    root.mkdir(exist_ok=True)
    authorized.touch(mode=0o600)
    make_host_key(key)
    if os.getuid() == 0:
        Path("/run/sshd").mkdir(exist_ok=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    configuration = folder / "sshd_config"
    lines = [
        f"Port {port}", "ListenAddress 127.0.0.1", f"HostKey {key}", "PidFile none", "UsePAM no",
        "PasswordAuthentication no", "StrictModes no", f"AuthorizedKeysFile {authorized}", "PermitRootLogin yes",
        f"Subsystem sftp internal-sftp {internal}", *more,
    ]  # fmt: skip
    configuration.write_text("\n".join(lines) + "\n")
    server = OpenSsh(port, root, authorized, configuration, key)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + 30
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), timeout=5) as there:
                if there.recv(4) == b"SSH-":
                    return
        except OSError:
            time.sleep(0.02)
    raise RuntimeError("sshd does not start.")
