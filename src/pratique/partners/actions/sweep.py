"""Deleting what calls leave behind once nobody needs it: sessions, tokens, counts, old lines of the log, nonces.

Institution by institution, in batches that commit one by one: a sweep that is stopped has done what it has done.
"""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.partners.sessions import NOBODY

LOG_DAYS = 90
_BATCH = 5000
# Clocks of two servers differ: an assertion that opened a session must not outlive the row that remembers it.
_GRACE = timedelta(minutes=10)


def sweep(*, institution_id: UUID, now: datetime) -> int:
    """Delete what an institution no longer needs; return how many rows. `institution_id` may be NOBODY."""
    gone = now - _GRACE
    deleted = _delete_all(institution_id, _SESSIONS, {"before": gone})
    deleted += _delete_all(institution_id, _TOKENS, {"before": gone})
    deleted += _delete_all(institution_id, _USAGE, {"before": gone})
    if institution_id == NOBODY:
        return deleted
    old = now - timedelta(days=LOG_DAYS)
    for client, acts_for, dead_keys in _clients(institution_id, gone):
        deleted += _delete_all(institution_id, _CALLS, {"before": old, "client": client})
        if dead_keys:
            # A nonce lies with the institution that the client acts for.
            deleted += _delete_all(acts_for, _NONCES, {"client": client, "keys": dead_keys})
    return deleted


def _clients(institution_id: UUID, gone: datetime) -> list[tuple[UUID, UUID, list[UUID]]]:
    """Return each client of an institution, whom it acts for, and those of its keys that are dead."""
    with institution_scope(institution_id), connection.cursor() as cursor:
        cursor.execute(_CLIENTS, {"before": gone})
        return [(client, acts_for, keys) for client, acts_for, keys in cursor.fetchall()]


def _delete_all(institution_id: UUID, statement: str, values: dict[str, Any]) -> int:
    """Run a statement that deletes one batch until nothing is left for it; return how many rows went."""
    total = 0
    while True:
        with institution_scope(institution_id), connection.cursor() as cursor:
            cursor.execute(statement, {**values, "institution": institution_id, "batch": _BATCH})
            deleted = int(cursor.rowcount)
        total += deleted
        if deleted < _BATCH:
            return total


_CLIENTS = """
    select c.id, c.acts_for, array_remove(array_agg(k.id), null)
    from partners_partnerclient c
    left join partners_partnerkey k
        on k.institution_id = c.institution_id and k.client_id = c.id
        and (k.revoked_at < %(before)s or k.ends_at < %(before)s)
    group by c.id, c.acts_for
    order by c.id
"""
_SESSIONS = """
    delete from partners_partnersession where ctid = any(array(
        select ctid from partners_partnersession
        where institution_id = %(institution)s and expires_at < %(before)s limit %(batch)s
    ))
"""
_TOKENS = """
    delete from partners_securetoken where ctid = any(array(
        select ctid from partners_securetoken
        where institution_id = %(institution)s and expires_at < %(before)s limit %(batch)s
    ))
"""
_USAGE = """
    delete from partners_partnerusage where ctid = any(array(
        select ctid from partners_partnerusage
        where institution_id = %(institution)s and minute < %(before)s limit %(batch)s
    ))
"""
_CALLS = """
    delete from partners_partnercall where ctid = any(array(
        select ctid from partners_partnercall
        where institution_id = %(institution)s and client_id = %(client)s and at < %(before)s limit %(batch)s
    ))
"""
_NONCES = """
    delete from partners_partnernonce where ctid = any(array(
        select ctid from partners_partnernonce
        where institution_id = %(institution)s and client = %(client)s and key = any(%(keys)s) limit %(batch)s
    ))
"""
