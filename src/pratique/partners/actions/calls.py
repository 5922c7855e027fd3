"""What a call leaves behind: its count in the present minute, its nonce, its row in the integrator's log."""

import hashlib
import threading
from datetime import datetime
from typing import NamedTuple
from uuid import UUID, uuid5

from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import run_later, run_prepared
from pratique.partners.sessions import Found
from pratique.partners.types import Caller, Refusal

# How many failures a minute and client are logged: whoever knows a client id can make failures, but not fill the log.
MOST_FAILURES_LOGGED = 20
# How many rows hold the tries of strangers, who have no client: enough that they do not wait for one another.
_STRANGERS = 64
# How many times a minute a client at its limit is counted in the database.
_SHARES = 200
# By client and limit: in which minute this process took a share, and what is left of it.
_taken: dict[tuple[UUID, int], tuple[datetime, int]] = {}
_lock = threading.Lock()


class Entry(NamedTuple):
    """A line of the log. Nothing in it was sent: `method` is one of ours or empty, `detail` one of our sentences."""

    at: datetime
    method: str
    code: str
    status: int
    duration_ms: int
    bytes_in: int
    bytes_out: int
    address: str | None
    detail: str = ""


def count_call(*, caller: Caller, now: datetime) -> int:
    """Count a call and commit; return how many calls of this minute were refused with it, 0 if it may go on.

    A statement of its own: what becomes of the call does not change that it was made, and nobody waits for whom. A
    process takes a two-hundredth of the limit at a time, so that a busy client is not counted in the database at each
    call: never more than the limit is let through, and what a process has not used when the minute ends is lost.
    """
    share = max(1, caller.calls_per_minute // _SHARES)
    place, minute = (caller.client, caller.calls_per_minute), _minute(now)
    with _lock:
        taken_in, left = _taken.get(place, (minute, 0))
        if taken_in == minute and left:
            _taken[place] = (minute, left - 1)
            return 0
    values = {
        "institution": caller.institution_id,
        "counter": caller.client,
        "minute": minute,
        "share": share,
    }
    ((calls,),) = run_prepared(_COUNT, values, {"institution": str(caller.institution_id)})
    beyond = int(calls) - caller.calls_per_minute
    if beyond >= share:
        return beyond // share
    with _lock:
        # Others may have taken shares meanwhile: what is left of those must not be lost.
        taken_in, left = _taken.get(place, (minute, 0))
        if taken_in <= minute:
            kept = left if taken_in == minute else 0
            _taken[place] = (minute, kept + share - max(0, beyond) - 1)
    return 0


def take_nonce(*, caller: Caller, nonce: str, now: datetime) -> None:
    """Use up a nonce inside the open transaction, which this also puts in the scope of the institution acted for.

    Raises Refusal (NONCE_REPEATED) if the client has used it before: inside `in_batches` no later than the next
    statement. A nonce that another transaction is using waits for what becomes of that.
    """
    values = {
        "institution": caller.acts_for, "client": caller.client, "key": caller.key, "now": now,
        "nonce_hash": hashlib.sha256(nonce.encode()).digest(),
    }  # fmt: skip
    run_later(_TAKE, values, {"institution": str(caller.acts_for)}, check=_refuse_repeated)


def _refuse_repeated(rows: list[tuple[object, ...]]) -> None:
    if not rows:
        raise Refusal("NONCE_REPEATED", field="nonce")


def record_call(*, caller: Caller, entry: Entry, in_its_scope: bool = False) -> None:
    """Write a call's line; `in_its_scope`: the open transaction is in that of the institution that made the client."""
    values = _line(entry, caller.institution_id, caller.client, caller.fingerprint)
    run_later(_RECORD, values, {} if in_its_scope else {"institution": str(caller.institution_id)})


def record_failure(*, found: Found, entry: Entry) -> None:
    """Write the line of a call that found no session, if the client is known and has not failed too often, and commit.

    For a client that there is not the same statement runs and counts the same, so that it takes as long.
    """
    if found.known:
        counter = uuid5(found.client, "failures")
    else:
        counter = UUID(int=hashlib.sha256(found.identifier.encode()).digest()[0] % _STRANGERS)
    run_prepared(
        _RECORD_FAILURE,
        {
            "counter": counter, "minute": _minute(entry.at), "known": found.known, "most": MOST_FAILURES_LOGGED,
            **_line(entry, found.institution_id, found.client, ""),
        },
        {"institution": str(found.institution_id)},
    )  # fmt: skip


def _minute(now: datetime) -> datetime:
    return now.replace(second=0, microsecond=0)


def _line(entry: Entry, institution_id: UUID, client: UUID, fingerprint: str) -> dict[str, object]:
    line = {"id": new_id(), "institution": institution_id, "client": client, "fingerprint": fingerprint}
    return line | entry._asdict()


_COUNT = """
    insert into partners_partnerusage as u (institution_id, client, minute, calls)
    values (%(institution)s, %(counter)s, %(minute)s, %(share)s)
    on conflict (institution_id, client, minute) do update set calls = u.calls + excluded.calls
    returning calls
"""
_TAKE = """
    insert into partners_partnernonce (institution_id, client, nonce_hash, key, used_at)
    values (%(institution)s, %(client)s, %(nonce_hash)s, %(key)s, %(now)s)
    on conflict (institution_id, client, nonce_hash) do nothing
    returning 1
"""
_INTO_LOG = """
    insert into partners_partnercall (
        id, institution_id, client_id, at, method, code, status, fingerprint, duration_ms, bytes_in, bytes_out,
        address, detail
    ) select
        %(id)s::uuid, %(institution)s::uuid, %(client)s::uuid, %(at)s::timestamptz, %(method)s::text, %(code)s::text,
        %(status)s::int, %(fingerprint)s::text, %(duration_ms)s::int, %(bytes_in)s::int, %(bytes_out)s::int,
        %(address)s::inet, %(detail)s::text
"""
_RECORD = _INTO_LOG
# Nobody waits for the disk: how long that takes would tell that a line was written. A crash may lose such a line.
_RECORD_FAILURE = f"""
    with quick as materialized (select set_config('synchronous_commit', 'off', true)),
    counted as (
        insert into partners_partnerusage as u (institution_id, client, minute, calls)
        select %(institution)s::uuid, %(counter)s::uuid, %(minute)s::timestamptz, 1 from quick
        on conflict (institution_id, client, minute) do update set calls = u.calls + 1
        returning calls
    ),
    logged as (
        {_INTO_LOG} from counted where %(known)s::bool and calls <= %(most)s::int
    )
    select calls from counted
"""  # noqa: S608  (one statement inside another)
