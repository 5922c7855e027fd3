"""A connection of one's own for one institution, where each statement commits by itself.

For what must be seen or kept while a long transaction runs elsewhere (progress), and for work that commits a
thousand times a minute (mail), where opening a scope each time would cost more than the work.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import UUID

import psycopg
from procrastinate.contrib.django.utils import connector_params

from pratique.foundation.tenancy.scope import SETTING

Channel = psycopg.Connection[tuple[Any, ...]]


@contextmanager
def own_channel(institution_id: UUID) -> Iterator[Channel]:
    """Yield a connection in autocommit that sees the rows of one institution, and close it after."""
    # All parameters, TLS among them: a connection beside Django's must be no weaker than Django's.
    with psycopg.connect(**connector_params("default"), autocommit=True) as channel:
        channel.execute("select set_config(%s, %s, false)", [SETTING, str(institution_id)])
        yield channel
