"""The vault: files encrypted at rest, each bound to its institution and to its name.

    sealed = vault.seal(institution_id=..., name="<file id>/original", content=b"...")
    content = vault.open(institution_id=..., name="<file id>/original", sealed=sealed)

A data key per institution (`keys`), wrapped by a key provider (`providers`), seals files in authenticated chunks
(`sealing`, the format). What comes out is what was put in, or an error that names the file: a flipped byte, a
cut tail, exchanged chunks, another name or another institution never give wrong data. Where sealed bytes are
kept is not decided here: that is `foundation.storage`.
"""

from pratique.foundation.vault.errors import (
    KeyLockedError,
    KeyMissingError,
    KeyProviderError,
    SealBrokenError,
    VaultError,
)
from pratique.foundation.vault.files import key_version_of, open_stream, reseal_stream, seal, seal_stream
from pratique.foundation.vault.files import open_sealed as open
from pratique.foundation.vault.keys import forget_keys, remember_keys, remembers_keys
from pratique.foundation.vault.reading import Opened, Reader, ReplacedError
from pratique.foundation.vault.sealing import HEADER_BYTES

__all__ = [
    "HEADER_BYTES",
    "KeyLockedError",
    "KeyMissingError",
    "KeyProviderError",
    "Opened",
    "Reader",
    "ReplacedError",
    "SealBrokenError",
    "VaultError",
    "forget_keys",
    "key_version_of",
    "open",
    "open_stream",
    "remember_keys",
    "remembers_keys",
    "reseal_stream",
    "seal",
    "seal_stream",
]
