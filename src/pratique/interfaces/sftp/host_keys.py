"""The keys by which schools' clients know this server: made at the first start, changed without anybody's alarm.

`keys.json` lists their names by kind; the first of a kind signs key exchanges, the others are only made known to
clients that ask for updates (hostkeys-00@openssh.com). So a new key is added, learned for some weeks, promoted, and the
old one retired when nobody needs it any more. Running servers look at the file with each new connection.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import asyncssh
import fasteners
import orjson

KINDS = ("rsa", "ed25519")
_RSA_BITS = 3072


class HostKeyError(Exception):
    """What was asked for cannot be done; the text is a sentence that says why."""


@dataclass(frozen=True)
class HostKey:
    """A host key: whether it is the one of its kind that signs, and how clients write it down."""

    name: str
    kind: str
    signs: bool
    fingerprint: str
    public_line: str

    def known_hosts(self, host: str, port: int) -> str:
        """Return the line that a client's known_hosts needs."""
        return f"{host if port == 22 else f'[{host}]:{port}'} {self.public_line}"


class HostKeys:
    """The host keys of an installation, in a folder that only its own user can read."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._index = folder, folder / "keys.json"

    def ensure(self) -> None:
        """Make one key of each kind where there is none."""
        with self._changing() as names:
            for kind in KINDS:
                if not names.get(kind):
                    names[kind] = [self._make(kind, names)]

    def stamp(self) -> int:
        """Return a number that changes with the list."""
        return self._index.stat().st_mtime_ns

    def load(self) -> Sequence[asyncssh.SSHKey]:
        """Return the private keys: of each kind first the one that signs."""
        return [
            asyncssh.read_private_key(self._folder / name)
            for kind, names in self._names().items()
            for name in names
        ]

    def listed(self) -> Sequence[HostKey]:
        """Return what clients may know of the keys."""
        found = []
        for kind, names in self._names().items():
            for place, name in enumerate(names):
                key = asyncssh.read_private_key(self._folder / name)
                line = " ".join(key.export_public_key().decode().split()[:2])
                found.append(HostKey(name, kind, place == 0, key.get_fingerprint(), line))
        return found

    def add(self, kind: str) -> str:
        """Make another key of a kind, offered beside the one that signs; return its name."""
        with self._changing() as names:
            name = self._make(kind, names)
            names.setdefault(kind, []).append(name)
        return name

    def promote(self, name: str) -> None:
        """Let a key sign from now on; the one that did is still made known. Raises HostKeyError."""
        with self._changing() as names:
            of_kind = self._of_kind(names, name)
            of_kind.remove(name)
            of_kind.insert(0, name)

    def retire(self, name: str) -> None:
        """Forget a key for good. Raises HostKeyError for one that signs."""
        with self._changing() as names:
            of_kind = self._of_kind(names, name)
            if of_kind[0] == name:
                raise HostKeyError(f"{name} is in use. Promote another one first.")
            of_kind.remove(name)
        (self._folder / name).unlink(missing_ok=True)

    def _of_kind(self, names: dict[str, list[str]], name: str) -> list[str]:
        for of_kind in names.values():
            if name in of_kind:
                return of_kind
        raise HostKeyError(f"There is no host key {name}. `pratique sftp host-key list` shows them.")

    def _make(self, kind: str, names: dict[str, list[str]]) -> str:
        number = 1
        while (self._folder / f"{kind}-{number}").exists():
            number += 1
        name = f"{kind}-{number}"
        key = (
            asyncssh.generate_private_key("ssh-rsa", key_size=_RSA_BITS)
            if kind == "rsa"
            else asyncssh.generate_private_key(f"ssh-{kind}")
        )
        self._write(self._folder / name, key.export_private_key())
        return name

    def _names(self) -> dict[str, list[str]]:
        return dict(orjson.loads(self._index.read_bytes())) if self._index.exists() else {}

    @contextmanager
    def _changing(self) -> Iterator[dict[str, list[str]]]:
        """Yield the list and keep what was made of it; two processes take turns."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = self._folder / ".lock"
        lock.touch(mode=0o600)
        with fasteners.InterProcessLock(lock):
            before = self._names()
            names = {kind: list(of_kind) for kind, of_kind in before.items()}
            yield names
            if names != before:
                self._write(self._index, orjson.dumps(names))

    def _write(self, path: Path, content: bytes) -> None:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.unlink(missing_ok=True)
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
