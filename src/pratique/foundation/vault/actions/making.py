"""Making data keys."""

import os
from typing import Any
from uuid import UUID

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy.channel import own_channel
from pratique.foundation.vault import providers, sealing

# Whoever wraps a data key holds this lock shared until the row is committed. So `rewrapping` can wait until nobody is
# about to store what an older wrapping key wrapped.
WRAPPING_LOCK = 7_303_014_511
SHARED_LOCK = "select pg_advisory_xact_lock_shared(%s)"
INSERT = """
    insert into foundation_datakey
        (id, institution_id, owner_id, version, wrapped, provider, provider_key_id, created_at)
    values (%s, %s, %s, %s, %s, %s, %s, clock_timestamp())
    on conflict (institution_id, owner_id, version) do nothing
"""


def make_data_key(*, institution_id: UUID, owner_id: UUID, version: int, provider_name: str) -> None:
    """Make and store the data key `version`, committed at once; if somebody was quicker, theirs stands.

    It commits by itself, whatever becomes of the caller's transaction: a file sealed with a key that was rolled
    back could never be opened again.
    """
    provider = providers.provider(provider_name)
    with own_channel(institution_id) as channel, channel.transaction():
        channel.execute(SHARED_LOCK, [WRAPPING_LOCK])
        channel.execute(INSERT, new_row(provider_name, provider, institution_id, owner_id, version))


def new_row(
    provider_name: str, provider: providers.KeyProvider, institution_id: UUID, owner_id: UUID, version: int
) -> list[Any]:
    """Return the values of a new data key for `INSERT`. To be called under the lock."""
    context = providers.context_of(institution_id, owner_id, version)
    wrapped = provider.wrap(os.urandom(sealing.KEY_BYTES), context=context)
    return [new_id(), institution_id, owner_id, version, wrapped.data, provider_name, wrapped.key_id]
