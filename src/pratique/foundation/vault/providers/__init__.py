"""Key providers wrap and unwrap data keys; the key that wraps never leaves its provider.

`PROVIDERS` is the list. A data key remembers which provider wrapped it, so several can be in use while a school
moves from one to the other.
"""

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from django.conf import settings

from pratique.foundation.vault.errors import KeyProviderError
from pratique.foundation.vault.providers.contract import KeyProvider, Wrapped
from pratique.foundation.vault.providers.local import LocalProvider

__all__ = ["PROVIDERS", "KeyProvider", "LocalProvider", "Wrapped", "context_of", "provider"]

_local = lru_cache(maxsize=8)(LocalProvider)


def _pkcs11() -> KeyProvider:
    # Imported when it is needed, as boto3 below: the two cost 30 MB and a third of a second.
    from pratique.foundation.vault.providers.pkcs11 import token

    return token(settings.PKCS11_MODULE, settings.PKCS11_TOKEN, settings.PKCS11_PIN_FILE, settings.PKCS11_KEY)


@lru_cache(maxsize=8)
def _kms_of(key: str, region: str, endpoint: str) -> KeyProvider:
    from pratique.foundation.vault.providers.kms import KmsProvider

    return KmsProvider(key, region, endpoint)


PROVIDERS: Mapping[str, Callable[[], KeyProvider]] = {
    "local": lambda: _local(Path(settings.VAULT_MASTER_KEY)),
    "pkcs11": _pkcs11,
    "kms": lambda: _kms_of(settings.KMS_KEY, settings.AWS_REGION, settings.KMS_ENDPOINT),
}


def context_of(institution_id: UUID, owner_id: UUID, version: int) -> bytes:
    """Return what binds a wrapped data key to its place: institution, owner (if it is another) and version."""
    owner = b"" if owner_id == institution_id else owner_id.bytes
    return institution_id.bytes + owner + version.to_bytes(4, "big")


def provider(name: str) -> KeyProvider:
    """Return the provider called `name`. Raises KeyProviderError if there is none or it is not set up."""
    if name not in PROVIDERS:
        raise KeyProviderError(f"There is no key provider {name!r}. Known: {', '.join(PROVIDERS)}.")
    return PROVIDERS[name]()
