"""What a key provider does."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol


class Wrapped(NamedTuple):
    """A wrapped data key, and the wrapping key that was used."""

    data: bytes
    key_id: str


class KeyProvider(Protocol):
    """Who holds the keys that wrap. `context` binds a wrapped key to its owner: unwrapping needs the same.

    All raise KeyProviderError, with the remedy, when the provider is not set up or does not answer. Threads may share
    a provider, and a process that was forked may go on with it.
    """

    # Whether `make_key` and `forget` work. Where they do not, wrapping keys are made and removed with the provider's
    # own tools.
    makes_keys: bool

    @property
    def key_id(self) -> str:
        """Return the name of the wrapping key in use, safe to show and to store."""

    def wrap(self, data_key: bytes, *, context: bytes) -> Wrapped:
        """Return `data_key` wrapped by the key in use."""

    def unwrap(self, wrapped: bytes, *, key_id: str, context: bytes) -> bytes:
        """Return the data key. Raises KeyLockedError if `key_id` is not held, or the wrapped bytes are not its own."""

    def make_key(self) -> str:
        """Make a wrapping key, in use from now on by every process, and return its name. The older ones stay."""

    def held(self) -> Sequence[str]:
        """Return the names of the wrapping keys that it can unwrap with, as far as it can tell."""

    def forget(self, key_id: str) -> None:
        """Destroy a wrapping key that is not in use. What is wrapped by it is lost."""
