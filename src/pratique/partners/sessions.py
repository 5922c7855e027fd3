"""Who calls: a client by its client id, and a session with its key and client, each in one query.

Whoever is not known must not be told from whoever is known and wrong, by nothing and not by time either. So each
look-up has an answer for nobody, and keys that are not there are made up for by dummy ones, opened alike.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from pratique.foundation import vault
from pratique.foundation.tenancy import run_prepared
from pratique.foundation.vault import sealing
from pratique.partners.models import Environment
from pratique.partners.policies import MOST_LIVING_KEYS, KeyState, state_of
from pratique.partners.types import Caller

SESSION_SECONDS = 600
SERVER_NONCE_BYTES = 16

# No institution has this id. Rows under it are counts of strangers' tries (`actions.calls`).
NOBODY = UUID(int=0)
_DUMMY_DATA_KEY = os.urandom(32)
_DUMMY_NAME = f"partner-key/{NOBODY}"
_DUMMY_SEALED = b"".join(
    sealing.seal(
        [os.urandom(32)], data_key=_DUMMY_DATA_KEY, key_version=1, institution_id=NOBODY, name=_DUMMY_NAME
    )
)
_DUMMY_NONCE = bytes(16)


class StoredKey(NamedTuple):
    """A key as it is kept, and what decides whether it works."""

    id: UUID
    fingerprint: str
    sealed: bytes
    ends_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, repr=False)
class Found:
    """What a look-up gave: the client if there is one, and what of its keys and session there is.

    `closed` says why nothing can come of it, in words for the integrator's log; empty if something can.
    """

    client: UUID
    institution_id: UUID
    acts_for: UUID
    identifier: str
    environment: Environment
    calls_per_minute: int
    keys: Sequence[StoredKey]
    client_nonce: bytes
    server_nonce: bytes
    closed: str

    @property
    def known(self) -> bool:
        return self.institution_id != NOBODY

    def caller(self, key: StoredKey) -> Caller:
        """Return who calls under this key."""
        return Caller(
            client=self.client, identifier=self.identifier, environment=self.environment,
            institution_id=self.institution_id, acts_for=self.acts_for, key=key.id, fingerprint=key.fingerprint,
            calls_per_minute=self.calls_per_minute,
        )  # fmt: skip


class OpenedKey(NamedTuple):
    """A key to try. `stored` is None for a dummy, which fits nothing."""

    stored: StoredKey | None
    encryption_key: bytes


def hash_of(session_id: str) -> str:
    """Return what is kept of a session id."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def find_client(identifier: str, *, now: datetime) -> Found:
    """Return the client with this client id, and the keys that an assertion may be signed under, newest first."""
    rows = run_prepared(_CLIENT, {"identifier": identifier}, {"partner_client": identifier})
    if not rows:
        return _nobody(identifier)
    keys = [StoredKey(*row[6:]) for row in rows if row[6] is not None]
    working = [key for key in keys if _why_dead(key, now) == ""]
    closed = "" if working else "No key of this client works now: each has ended or was revoked."
    return _found(rows[0][:6], identifier, keys=working, closed=closed)


def find_session(session_id: str, *, now: datetime) -> Found:
    """Return the session of this id with its key and its client; the client alone if it has no such session."""
    identifier = session_id.partition(".")[0]
    values = {"identifier": identifier, "id_hash": hash_of(session_id)}
    rows = run_prepared(_SESSION, values, {"partner_client": identifier})
    if not rows:
        return _nobody(identifier)
    # One client id has one client; two would have to be drawn alike out of 2**130.
    client, (client_nonce, server_nonce, expires_at), of_key = rows[0][:6], rows[0][6:9], rows[0][9:]
    if expires_at is None or of_key[0] is None:
        return _found(client, identifier, closed="There is no such session: authenticate anew.")
    key = StoredKey(*of_key)
    closed = _why_dead(key, now) or ("" if now < expires_at else "The session is over: authenticate anew.")
    return _found(
        client, identifier, keys=[key], client_nonce=client_nonce, server_nonce=server_nonce, closed=closed
    )


def open_keys(found: Found, *, count: int = MOST_LIVING_KEYS) -> Sequence[OpenedKey]:
    """Return the keys to try, `count` at least: dummies stand for those that are missing or must not be used.

    Outside any transaction: opening may have to look up the institution's data key. Raises VaultError.
    """
    usable = () if found.closed else found.keys
    opened = [
        OpenedKey(key, vault.open(
            institution_id=found.institution_id, name=f"partner-key/{key.id}", sealed=bytes(key.sealed)
        )) for key in usable
    ]  # fmt: skip
    return opened + [OpenedKey(None, _open_dummy()) for _missing in range(count - len(opened))]


def _open_dummy() -> bytes:
    header, rest = sealing.read_header([_DUMMY_SEALED], name=_DUMMY_NAME)
    return b"".join(
        sealing.open_sealed(rest, header, data_key=_DUMMY_DATA_KEY, institution_id=NOBODY, name=_DUMMY_NAME)
    )


def _why_dead(key: StoredKey, now: datetime) -> str:
    """Return why a key does not work, or nothing if it does."""
    state = state_of(key, now)
    if state is KeyState.REVOKED:
        return "The key was revoked."
    return "The key has ended: use the newer one." if state is KeyState.ENDED else ""


def _found(
    client: Sequence[Any],
    identifier: str,
    *,
    keys: Sequence[StoredKey] = (),
    client_nonce: bytes | None = None,
    server_nonce: bytes | None = None,
    closed: str,
) -> Found:
    client_id, institution_id, acts_for, environment, calls_per_minute, suspended = client
    return Found(
        client=client_id, institution_id=institution_id, acts_for=acts_for, identifier=identifier,
        environment=Environment(environment), calls_per_minute=calls_per_minute, keys=keys,
        client_nonce=bytes(client_nonce or _DUMMY_NONCE), server_nonce=bytes(server_nonce or _DUMMY_NONCE),
        closed="The client is suspended." if suspended else closed,
    )  # fmt: skip


def _nobody(identifier: str) -> Found:
    """Return what stands for a client that there is not."""
    return _found((NOBODY, NOBODY, NOBODY, Environment.DEMO, 0, False), identifier, closed="unknown")


_CLIENT_COLUMNS = (
    "c.id, c.institution_id, c.acts_for, c.environment, c.calls_per_minute, c.suspended_at is not null"
)
_KEY_COLUMNS = "k.id, k.fingerprint, k.sealed, k.ends_at, k.revoked_at"

# The conditions on `identifier` are what row security shows these rows by.
_CLIENT = f"""
    select {_CLIENT_COLUMNS}, {_KEY_COLUMNS}
    from partners_partnerclient c
    left join partners_partnerkey k
        on k.identifier = c.identifier and k.institution_id = c.institution_id and k.client_id = c.id
        and k.revoked_at is null
    where c.identifier = %(identifier)s
    order by k.created_at desc, k.id desc
"""  # noqa: S608  (columns of ours)
_SESSION = f"""
    select {_CLIENT_COLUMNS}, s.client_nonce, s.server_nonce, s.expires_at, {_KEY_COLUMNS}
    from partners_partnerclient c
    left join partners_partnersession s
        on s.id_hash = %(id_hash)s and s.identifier = c.identifier
        and s.institution_id = c.institution_id and s.client_id = c.id
    left join partners_partnerkey k
        on k.institution_id = s.institution_id and k.id = s.key_id and k.client_id = c.id
        and k.identifier = c.identifier
    where c.identifier = %(identifier)s
"""  # noqa: S608  (columns of ours)
