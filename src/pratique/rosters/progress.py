"""Telling others how far a running import is.

The import is one transaction, so nothing that it writes can be seen before it commits. Progress goes over a
connection of its own and commits at once.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

from pratique.foundation import clock
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy.channel import own_channel
from pratique.rosters.planning import Report

_UPSERT = """
    insert into rosters_rosterprogress (institution_id, id, roster_import_id, phase, done, total, at)
    values (%(institution)s, %(id)s, %(roster_import)s, %(phase)s, %(done)s, %(total)s, %(at)s)
    on conflict (institution_id, roster_import_id)
    do update set phase = excluded.phase, done = excluded.done, total = excluded.total, at = excluded.at
"""


@contextmanager
def reporting(
    institution_id: UUID, roster_import_id: UUID, *, also: Report | None = None
) -> Iterator[Report]:
    """Yield a function that stores (phase, done, total) where every process can read it, and calls `also`."""
    with own_channel(institution_id) as channel:

        def report(phase: str, done: int, total: int) -> None:
            channel.execute(
                _UPSERT,
                {
                    "institution": institution_id,
                    "id": new_id(),
                    "roster_import": roster_import_id,
                    "phase": phase,
                    "done": done,
                    "total": total,
                    "at": clock.now(),
                },
            )
            if also is not None:
                also(phase, done, total)

        yield report
