"""What can go wrong in the vault. Messages name files and keys, and never hold what is in them."""


class VaultError(Exception):
    """Something that the vault keeps cannot be kept or given back."""


class SealBrokenError(VaultError):
    """A sealed file is not what was put there under this name; `name` is the file's logical name."""

    def __init__(self, name: str, what: str) -> None:
        self.name = name
        super().__init__(f"The stored file {name} cannot be opened: {what}.")


class KeyMissingError(VaultError):
    """A file names a data key that its institution does not have."""

    def __init__(self, name: str, version: int) -> None:
        self.name = name
        super().__init__(
            f"The stored file {name} was sealed with data key {version}, which this institution does not have. "
            "Restore files and database from the same backup."
        )


class KeyLockedError(VaultError):
    """A data key cannot be unwrapped: the provider's key is another one, or the wrapped bytes are damaged."""


class KeyProviderError(VaultError):
    """The key provider is not set up, or does not answer."""
