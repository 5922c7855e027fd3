"""Key providers wrap and unwrap data keys; the key that wraps never leaves its provider.

`PROVIDERS` is the list. A data key remembers which provider wrapped it, so several can be in use while a school
moves from one to the other.
"""

import os
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Protocol
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

from pratique.foundation.vault.errors import KeyLockedError, KeyProviderError

_NONCE = 12
_LEAST_SECRET = 32


class KeyProvider(Protocol):
    """Who holds the key that wraps. `context` binds a wrapped key to its owner: unwrapping needs the same."""

    @property
    def key_id(self) -> str:
        """Return the name of the wrapping key in use, safe to show and to store."""

    def wrap(self, data_key: bytes, *, context: bytes) -> bytes:
        """Return `data_key` wrapped. Raises KeyProviderError."""

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """Return the data key. Raises KeyLockedError, KeyProviderError."""


class LocalProvider:
    """A master key in a file that its owner alone can read."""

    def __init__(self, path: Path) -> None:
        try:
            secret = path.read_bytes().strip()
        except OSError as error:
            raise KeyProviderError(
                f"The vault's master key {path} cannot be read ({error.strerror}). Put it back from your backup."
            ) from None
        if len(secret) < _LEAST_SECRET:
            raise KeyProviderError(f"The vault's master key {path} is too short: it is not the one we made.")
        self._path = path
        self._cipher = AESGCM(_derive(secret, b"pratique vault wrap", 32))
        self.key_id = _derive(secret, b"pratique vault key id", 8).hex()

    def wrap(self, data_key: bytes, *, context: bytes) -> bytes:
        nonce = os.urandom(_NONCE)
        return nonce + self._cipher.encrypt(nonce, data_key, context)

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        if key_id != self.key_id:
            raise KeyLockedError(
                f"A data key was wrapped by master key {key_id}, but {self._path} is {self.key_id}. "
                "Put back the master key from the backup that fits the database."
            )
        try:
            return self._cipher.decrypt(wrapped[:_NONCE], wrapped[_NONCE:], context)
        except (InvalidTag, ValueError):
            raise KeyLockedError(
                "A wrapped data key is damaged, or belongs to another institution. Restore it from a backup."
            ) from None


def _derive(secret: bytes, info: bytes, length: int) -> bytes:
    return HKDF(SHA256(), length, None, info).derive(secret)


@lru_cache(maxsize=8)
def _local(path: Path) -> LocalProvider:
    return LocalProvider(path)


PROVIDERS: Mapping[str, Callable[[], KeyProvider]] = {
    "local": lambda: _local(Path(settings.VAULT_MASTER_KEY)),
}


def context_of(institution_id: UUID, owner_id: UUID, version: int) -> bytes:
    """Return what binds a wrapped data key to its place: institution, owner (if it is another) and version."""
    owner = b"" if owner_id == institution_id else owner_id.bytes
    return institution_id.bytes + owner + version.to_bytes(4, "big")


def provider(name: str) -> KeyProvider:
    """Return the provider called `name`, ready. Raises KeyProviderError if there is none or it is not set up."""
    if name not in PROVIDERS:
        raise KeyProviderError(f"There is no key provider {name!r}. Known: {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]()
