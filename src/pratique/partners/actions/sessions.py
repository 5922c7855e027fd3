"""Opening a session: what an assertion is good for, once."""

import os
from dataclasses import dataclass
from datetime import datetime, timedelta

from pratique.foundation.ids import new_account_token, new_id
from pratique.foundation.tenancy import run_prepared
from pratique.partners.sessions import SERVER_NONCE_BYTES, SESSION_SECONDS, hash_of
from pratique.partners.types import Caller


@dataclass(frozen=True, repr=False)
class Opened:
    """A session as its client is told of it; only a hash of its id is kept."""

    session_id: str
    server_nonce: bytes


def open_session(*, caller: Caller, client_nonce: bytes, now: datetime) -> Opened | None:
    """Open a session for the client nonce of a verified assertion, and commit; None if that nonce came before.

    Of any number of equal assertions at once exactly one opens a session: the unique constraint decides. The row
    stays longer than an assertion can be good (`actions.sweep`).
    """
    opened = Opened(f"{caller.identifier}.{new_account_token()}", os.urandom(SERVER_NONCE_BYTES))
    rows = run_prepared(
        _OPEN,
        {
            "id": new_id(), "institution": caller.institution_id, "client": caller.client, "key": caller.key,
            "identifier": caller.identifier, "id_hash": hash_of(opened.session_id), "client_nonce": client_nonce,
            "server_nonce": opened.server_nonce, "now": now, "ends": now + timedelta(seconds=SESSION_SECONDS),
        },
        {"institution": str(caller.institution_id)},
    )  # fmt: skip
    return opened if rows else None


_OPEN = """
    insert into partners_partnersession (
        id, institution_id, client_id, key_id, identifier, id_hash, client_nonce, server_nonce, created_at, expires_at
    ) values (
        %(id)s, %(institution)s, %(client)s, %(key)s, %(identifier)s, %(id_hash)s, %(client_nonce)s,
        %(server_nonce)s, %(now)s, %(ends)s
    )
    on conflict (institution_id, client_id, client_nonce) do nothing
    returning 1
"""
