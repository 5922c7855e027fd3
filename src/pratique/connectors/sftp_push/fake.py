"""A customer's server, played: `python -m pratique.connectors.sftp_push.fake --root /tmp/theirs --password secret`.

For trying deliveries by hand and in tests: it takes any user, and does to us what real servers do. `--fault` may be
given more than once, in the words of `Faults`.
"""

import argparse
import asyncio
import os
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

import asyncssh


@dataclass
class Faults:
    """What goes wrong. Bytes count over all files of one connection."""

    drop_after_bytes: int = 0  # the connection breaks once so much was written
    full_after_bytes: int = 0  # "no space left"
    slow_seconds: float = 0  # before each write is answered
    no_posix_rename: bool = False
    no_rename: bool = False
    no_stat: bool = False  # every stat by path: no such file, as drop-boxes do
    no_listing: bool = False
    no_writing: bool = False
    drop_before_rename: bool = False
    drop_after_rename: bool = False  # it is renamed, and we never hear of it
    takes_away: bool = False  # moves a file away the moment it has its final name
    refuses_sign_in: bool = False


class _Files(asyncssh.SFTPServer):
    """A folder, and the faults."""

    def __init__(self, channel: asyncssh.SSHServerChannel[bytes], root: Path, fake: "FakeServer") -> None:
        super().__init__(channel, chroot=os.fsencode(root))
        self._fake, self._written = fake, 0

    async def open(self, path: bytes, pflags: int, attrs: asyncssh.SFTPAttrs) -> Any:
        if self._fake.faults.no_writing and pflags & asyncssh.FXF_WRITE:
            raise asyncssh.SFTPPermissionDenied("You may not write here.")
        file = super().open(path, pflags, attrs)
        self._fake.open_files.append(file)
        return file

    async def write(self, file_obj: Any, offset: int, data: bytes) -> int:
        faults = self._fake.faults
        if faults.slow_seconds:
            await asyncio.sleep(faults.slow_seconds)
        if faults.full_after_bytes and self._written + len(data) > faults.full_after_bytes:
            raise asyncssh.SFTPFailure("No space left on device")
        if faults.drop_after_bytes and self._written + len(data) > faults.drop_after_bytes:
            self._drop()
        self._written += len(data)
        return int(super().write(file_obj, offset, data))  # type: ignore[arg-type]

    async def posix_rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._fake.faults.no_posix_rename or self._fake.faults.no_rename:
            raise asyncssh.SFTPOpUnsupported("There is no posix-rename@openssh.com here.")
        self._renaming(oldpath, newpath, super().posix_rename)

    async def rename(self, oldpath: bytes, newpath: bytes) -> None:
        if self._fake.faults.no_rename:
            if not Path(os.fsdecode(self.map_path(oldpath))).exists():
                raise asyncssh.SFTPNoSuchFile("No such file")
            raise asyncssh.SFTPPermissionDenied("Nothing can be renamed here.")
        self._renaming(oldpath, newpath, super().rename)

    async def stat(self, path: bytes) -> Any:
        if self._fake.faults.no_stat and Path(os.fsdecode(path)).suffix:
            raise asyncssh.SFTPNoSuchFile("No such file")
        return super().stat(path)

    async def scandir(self, path: bytes) -> Any:
        if self._fake.faults.no_listing:
            raise asyncssh.SFTPPermissionDenied("You may not look here.")
        async for one in super().scandir(path):
            yield one

    async def setstat(self, path: bytes, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("Times and rights are not yours to set.")

    async def fsetstat(self, file_obj: Any, attrs: asyncssh.SFTPAttrs) -> None:
        raise asyncssh.SFTPPermissionDenied("Times and rights are not yours to set.")

    def _renaming(self, old: bytes, new: bytes, rename: Any) -> None:
        if self._fake.faults.drop_before_rename:
            self._drop()
        rename(old, new)
        self._fake.arrived.append(os.fsdecode(new).rpartition("/")[2])
        if self._fake.faults.takes_away:
            path = Path(os.fsdecode(self.map_path(new)))
            path.rename(path.with_name(f"{path.name}.{len(self._fake.arrived)}.taken"))
        if self._fake.faults.drop_after_rename:
            self._drop()

    def _drop(self) -> None:
        self._fake.drops += 1
        self.channel.get_connection().abort()
        raise asyncssh.SFTPConnectionLost("The connection is gone.")


class _Guard(asyncssh.SSHServer):
    """Lets in whoever has the password or the key."""

    def __init__(self, fake: "FakeServer") -> None:
        self._fake = fake

    def begin_auth(self, username: str) -> bool:
        self._fake.signing_in += 1
        return True

    def password_auth_supported(self) -> bool:
        return bool(self._fake.password)

    def validate_password(self, username: str, password: str) -> bool:
        self._fake.passwords.append(password)
        return password == self._fake.password and not self._fake.faults.refuses_sign_in

    def public_key_auth_supported(self) -> bool:
        return bool(self._fake.public_key)

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        known = asyncssh.import_public_key(self._fake.public_key)
        return key == known and not self._fake.faults.refuses_sign_in


class FakeServer:
    """The server on a port of this machine, in a thread of its own; use it as a context manager."""

    def __init__(
        self, root: Path, *, port: int = 0, password: str = "", public_key: str = "", **faults: Any
    ) -> None:
        self.root, self.port, self.password, self.public_key = root, port, password, public_key
        self.faults = Faults(**faults)
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        # What tests ask: names that files got, sign-ins begun, passwords that came, connections broken.
        self.arrived: list[str] = []
        self.passwords: list[str] = []
        self.signing_in = self.drops = 0
        self.open_files: list[Any] = []
        self._ready, self._loop = threading.Event(), asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    @property
    def host_key_public(self) -> str:
        """The host key as it is pinned."""
        return self.host_key.export_public_key("openssh").decode().split()[1]

    def __enter__(self) -> Self:
        self._thread.start()
        if not self._ready.wait(30):
            raise RuntimeError("The played server does not start.")
        return self

    def __exit__(self, *_error: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(30)

    def change_host_key(self) -> None:
        """Answer with another host key from now on, as a server does that was set up anew, or somebody in its place."""
        self.host_key = asyncssh.generate_private_key("ssh-ed25519")
        self._acceptor.update(server_host_keys=[self.host_key])

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._acceptor = acceptor = self._loop.run_until_complete(self._listen())
        self.port = acceptor.get_port()
        self._ready.set()
        self._loop.run_forever()
        acceptor.close()
        self._loop.run_until_complete(acceptor.wait_closed())
        for task in asyncio.all_tasks(self._loop):
            task.cancel()
        self._loop.run_until_complete(asyncio.sleep(0))
        for file in self.open_files:
            file.close()
        self._loop.close()

    async def _listen(self) -> asyncssh.SSHAcceptor:
        return await asyncssh.listen(
            "127.0.0.1",
            self.port,
            server_factory=lambda: _Guard(self),
            server_host_keys=[self.host_key],
            sftp_factory=lambda channel: _Files(channel, self.root, self),
            config=None,
        )


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A customer's SFTP server, played, with faults.")
    parser.add_argument("--port", type=int, default=2022)
    parser.add_argument("--root", type=Path, required=True, help="The folder that is served.")
    parser.add_argument("--password", default="", help="Who has it is let in.")
    parser.add_argument("--public-key", type=Path, help="A file with the public key that is let in.")
    parser.add_argument(
        "--fault", action="append", default=[], metavar="NAME[=VALUE]",
        help=f"What goes wrong: {', '.join(asdict(Faults()))}.",
    )  # fmt: skip
    given = parser.parse_args()
    kinds = {name: type(value) for name, value in asdict(Faults()).items()}
    faults: dict[str, Any] = {}
    for one in given.fault:
        name, _, value = one.partition("=")
        if name not in kinds:
            parser.error(f"There is no fault “{name}”.")
        faults[name] = kinds[name](value) if value else True
    public_key = given.public_key.read_text() if given.public_key else ""
    given.root.mkdir(parents=True, exist_ok=True)
    with FakeServer(
        given.root, port=given.port, password=given.password, public_key=public_key, **faults
    ) as fake:
        sys.stdout.write(
            f"Serving {given.root} on 127.0.0.1 port {fake.port}; host key {fake.host_key.get_fingerprint()}"
            "\n"
        )
        sys.stdout.flush()
        try:
            while True:
                time.sleep(3600)
        except KeyboardInterrupt:
            pass


if __name__ == "__main__":
    main()
