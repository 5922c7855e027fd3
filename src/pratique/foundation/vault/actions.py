"""Making data keys."""

import os
from uuid import UUID

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy.channel import own_channel
from pratique.foundation.vault import providers, sealing

_INSERT = """
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
    wrapped = provider.wrap(
        os.urandom(sealing.KEY_BYTES), context=providers.context_of(institution_id, owner_id, version)
    )
    with own_channel(institution_id) as channel:
        channel.execute(
            _INSERT, [new_id(), institution_id, owner_id, version, wrapped, provider_name, provider.key_id]
        )
