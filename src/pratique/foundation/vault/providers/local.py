"""`local`: a master key in a file that its owner alone can read.

The key in use is the file `settings.VAULT_MASTER_KEY`. Older ones lie beside it, named `<file>-<key id>`, until
nothing is wrapped by them. Files are looked at each time, so a running process notices a new one at once.
"""

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from pratique.foundation.vault.errors import KeyLockedError, KeyProviderError
from pratique.foundation.vault.providers.contract import Wrapped

_NONCE = 12
_LEAST_SECRET = 32
_KEY_ID = re.compile(r"[0-9a-f]{16}")


class _MasterKey:
    """A master key as its file has it."""

    def __init__(self, path: Path) -> None:
        try:
            secret = path.read_bytes().strip()
        except OSError as error:
            raise KeyProviderError(
                f"The vault's master key {path} cannot be read ({error.strerror}). Put it back from your backup."
            ) from None
        if len(secret) < _LEAST_SECRET:
            raise KeyProviderError(
                f"The vault's master key {path} is too short: it is not the one we made. "
                "Put it back from your backup."
            )
        self.cipher = AESGCM(_derive(secret, b"pratique vault wrap", 32))
        self.id = _derive(secret, b"pratique vault key id", 8).hex()


class LocalProvider:
    """The master key in `path`, and older ones beside it."""

    makes_keys = True

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read: dict[Path, tuple[tuple[int, int, int], _MasterKey]] = {}

    @property
    def key_id(self) -> str:
        return self._key(self._path).id

    def wrap(self, data_key: bytes, *, context: bytes) -> Wrapped:
        key, nonce = self._key(self._path), os.urandom(_NONCE)
        return Wrapped(nonce + key.cipher.encrypt(nonce, data_key, context), key.id)

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        key = self._key(self._path)
        if key_id != key.id:
            key = self._older(key_id, key.id)
        try:
            return key.cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError):
            raise KeyLockedError(
                "A wrapped data key is damaged, or belongs to another institution or account. "
                "Restore it from a backup."
            ) from None

    def make_key(self) -> str:
        beside = self._path.with_name(f".{self._path.name}.new")
        with self._one_at_a_time():
            before = self._key(self._path).id
            beside.unlink(missing_ok=True)
            with open(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
                file.write(secrets.token_urlsafe(48))
                file.flush()
                os.fsync(file.fileno())
            made = _MasterKey(beside).id
            # First the second name for the old key, then the new key in its place: no moment is without either.
            with suppress(FileExistsError):
                os.link(self._path, self._beside(before))
            _sync(self._path.parent)
            os.replace(beside, self._path)
            _sync(self._path.parent)
        return made

    def held(self) -> Sequence[str]:
        prefix = f"{self._path.name}-"
        older = sorted(path.name.removeprefix(prefix) for path in self._path.parent.glob(f"{prefix}*"))
        return [self.key_id, *older]

    def forget(self, key_id: str) -> None:
        with self._one_at_a_time():
            if key_id == self._key(self._path).id:
                raise KeyProviderError(f"Master key {key_id} is in use. Rotate it first.")
            self._beside(key_id).unlink(missing_ok=True)
            _sync(self._path.parent)

    @contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        handle = os.open(self._path.parent, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _older(self, key_id: str, present: str) -> _MasterKey:
        if not _KEY_ID.fullmatch(key_id):
            raise KeyLockedError("A data key names a master key as none is named. Restore the database.")
        path = self._beside(key_id)
        if not path.exists():
            raise KeyLockedError(
                f"A data key was wrapped by master key {key_id}, but {self._path} is {present}. "
                "Put back the master key from the backup that fits the database, "
                f"or put that key beside it as {path}."
            )
        key = self._key(path)
        if key.id != key_id:
            raise KeyLockedError(
                f"The file {path} holds master key {key.id}. Put back the one that it names."
            )
        return key

    def _beside(self, key_id: str) -> Path:
        return self._path.with_name(f"{self._path.name}-{key_id}")

    def _key(self, path: Path) -> _MasterKey:
        try:
            about = path.stat()
        except OSError:
            return _MasterKey(path)  # which says what is wrong
        seen = (about.st_ino, about.st_mtime_ns, about.st_size)
        known = self._read.get(path)
        if known is None or known[0] != seen:
            known = self._read[path] = (seen, _MasterKey(path))
        return known[1]


def _derive(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, None, info).derive(secret)


def _sync(folder: Path) -> None:
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
