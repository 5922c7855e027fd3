"""The data keys of institutions: found, unwrapped, and remembered by this process for a while.

Making one is a write and lives in `actions`.
"""

import threading
import time
from collections import OrderedDict
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from pratique.foundation.models import DataKey
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault.actions.making import make_data_key
from pratique.foundation.vault.errors import KeyMissingError
from pratique.foundation.vault.providers import context_of, provider

# How long an unwrapped key stays in memory, and how many do: a key that was retired is forgotten in time, and a
# provider at the other end of a network is asked once in a while.
REMEMBERED_SECONDS = 300
REMEMBERED_KEYS = 2000
ACCOUNT = "account-"


class OpenKey(NamedTuple):
    """A data key, unwrapped."""

    version: int
    key: bytes


_remembered: OrderedDict[tuple[UUID, UUID, int | None], tuple[float, OpenKey]] = OrderedDict()
_lock = threading.Lock()


def newest_key(institution_id: UUID, owner_id: UUID) -> OpenKey:
    """Return the key that the owner's new files are sealed with, made if there is none."""
    if found := _recall(institution_id, owner_id, None):
        return found
    with institution_scope(institution_id):
        row = _newest(institution_id, owner_id)
    if row is None:
        # Committed by itself: a file that was sealed outlives the transaction around it, and so must its key.
        make_data_key(
            institution_id=institution_id, owner_id=owner_id, version=1, provider_name=settings.VAULT_PROVIDER
        )
        with institution_scope(institution_id):
            row = _newest(institution_id, owner_id)
            assert row is not None, "the row was committed before"
    return _remember(institution_id, owner_id, None, _unwrapped(row))


def key_of(institution_id: UUID, owner_id: UUID, version: int, *, name: str) -> OpenKey:
    """Return the owner's data key `version`, for the file `name`. Raises KeyMissingError, KeyLockedError."""
    if found := _recall(institution_id, owner_id, version):
        return found
    with institution_scope(institution_id):
        row = DataKey.objects.filter(
            institution_id=institution_id, owner_id=owner_id, version=version
        ).first()
    if row is None:
        raise KeyMissingError(name, version)
    return _remember(institution_id, owner_id, version, _unwrapped(row))


def owner_of(institution_id: UUID, name: str) -> UUID:
    """Return whose data key seals the file `name`: a transfer account's, if it is named `account-<id>/...`.

    The name says it, so that whoever knows a file's name (a sweep, `vault verify`) knows its owner too.
    """
    first = name.partition("/")[0]
    return UUID(first.removeprefix(ACCOUNT)) if first.startswith(ACCOUNT) else institution_id


def forget_keys() -> None:
    """Forget every unwrapped key at once; the next use asks the provider again."""
    with _lock:
        _remembered.clear()


def _newest(institution_id: UUID, owner_id: UUID) -> DataKey | None:
    rows = DataKey.objects.filter(institution_id=institution_id, owner_id=owner_id, retired_at=None)
    return rows.order_by("-version").first()


def _unwrapped(row: DataKey) -> OpenKey:
    key = provider(row.provider).unwrap(
        bytes(row.wrapped),
        key_id=row.provider_key_id,
        context=context_of(row.institution_id, row.owner_id, row.version),
    )
    return OpenKey(row.version, key)


def remember_keys(institution_id: UUID, owner_id: UUID) -> None:
    """Have every data key of the owner in memory. Raises KeyMissingError, KeyLockedError, KeyProviderError."""
    newest = newest_key(institution_id, owner_id)
    for version in range(1, newest.version):
        key_of(institution_id, owner_id, version, name="data key")


def remembers_keys(institution_id: UUID, owner_id: UUID) -> bool:
    """Return whether every data key of the owner is in memory: sealing and opening then ask nobody."""
    newest = _recall(institution_id, owner_id, None)
    return newest is not None and all(
        _recall(institution_id, owner_id, version) for version in range(1, newest.version + 1)
    )


def _recall(institution_id: UUID, owner_id: UUID, version: int | None) -> OpenKey | None:
    with _lock:
        found = _remembered.get((institution_id, owner_id, version))
        if found is None or found[0] < time.monotonic():
            return None
        return found[1]


def _remember(institution_id: UUID, owner_id: UUID, version: int | None, key: OpenKey) -> OpenKey:
    until = time.monotonic() + REMEMBERED_SECONDS
    with _lock:
        for place in ((institution_id, owner_id, version), (institution_id, owner_id, key.version)):
            _remembered[place] = (until, key)
            _remembered.move_to_end(place)
        while len(_remembered) > REMEMBERED_KEYS or _oldest_has_lapsed():
            _remembered.popitem(last=False)
    return key


def _oldest_has_lapsed() -> bool:
    return next(iter(_remembered.values()))[0] < time.monotonic()
