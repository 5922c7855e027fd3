"""Who comes by SFTP: the one look-up at sign-in, and how those stand who are signed in."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address, ip_network
from uuid import UUID

from pratique.foundation.tenancy import institution_scope, run_prepared
from pratique.institutions.queries import all_institution_ids
from pratique.transfers.models import TransferAccount
from pratique.transfers.types import Login, LoginKey

_USERNAME = re.compile(r"[a-z0-9._-]{1,100}")
# No account can be called so: whoever asks for nonsense costs the same look-up as everybody.
_NOBODY = "-"
_LARGEST_SITE = {False: 2**8, True: 2**80}  # a /24 of IPv4, a /48 of IPv6

_LOGIN = """
select a.id, a.institution_id, a.suspended_for, a.closed_at is not null, a.networks::text, a.most_sessions,
       k.id, k.public_data, k.fingerprint, k.revoked_at is not null
from transfers_transferaccount a
left join transfers_transferkey k
  on k.institution_id = a.institution_id and k.account_id = a.id and k.username = a.username
where a.username = %(username)s
order by k.revoked_at is not null, k.created_at desc
"""
_STANDING = """
select id, suspended_for, closed_at is not null, false
from transfers_transferaccount where institution_id = %(institution)s::uuid and id = any(%(accounts)s::uuid[])
union all
select id, '', false, true
from transfers_transferkey
where institution_id = %(institution)s::uuid and id = any(%(keys)s::uuid[]) and revoked_at is not null
"""


@dataclass(frozen=True)
class Standing:
    """What changed about accounts and keys since their sessions began."""

    suspended: dict[UUID, str]  # by account: what for
    closed: frozenset[UUID]  # accounts
    revoked: frozenset[UUID]  # keys


def find_login(username: str) -> Login | None:
    """Return the account of this name and all its keys, or None. One statement, whoever it is."""
    name = username if _USERNAME.fullmatch(username) else _NOBODY
    rows = run_prepared(_LOGIN, {"username": name}, {"transfer_username": name})
    if not rows or name == _NOBODY:
        return None
    account_id, institution_id, suspended_for, closed, networks, most_sessions = rows[0][:6]
    keys = [LoginKey(id_, bytes(data), print_, revoked) for *_, id_, data, print_, revoked in rows if id_]
    return Login(
        account_id, institution_id, name, suspended_for, closed, tuple(_networks(networks)), most_sessions, keys
    )  # fmt: skip


def find_standing(institution_id: UUID, *, accounts: Collection[UUID], keys: Collection[UUID]) -> Standing:
    """Return how these accounts and keys of an institution stand now, by one statement."""
    values = {"institution": institution_id, "accounts": list(accounts), "keys": list(keys)}
    rows = run_prepared(_STANDING, values, {"institution": str(institution_id)})
    return Standing(
        suspended={id_: what_for for id_, what_for, _closed, _revoked in rows if what_for},
        closed=frozenset(id_ for id_, _what_for, closed, _revoked in rows if closed),
        revoked=frozenset(id_ for id_, _what_for, _closed, revoked in rows if revoked),
    )


def listed_networks() -> frozenset[str]:
    """Return the networks that accounts of any institution list: who comes from there is never slowed down."""
    found: set[str] = set()
    for institution_id in all_institution_ids():
        with institution_scope(institution_id):
            accounts = TransferAccount.objects.exclude(networks=[]).filter(closed_at=None)
            for networks in accounts.values_list("networks", flat=True):
                found.update(narrow(networks))
    return frozenset(found)


def narrow(networks: Collection[str]) -> list[str]:
    """Return those that are small enough to be one site's: only they count as known to be friendly.

    A school may well let its account in from anywhere (0.0.0.0/0); it cannot lift the limits for strangers by that.
    """
    return [
        one for one in networks if ip_network(one, strict=False).num_addresses <= _LARGEST_SITE[":" in one]
    ]


def is_within(address: str, networks: Collection[str]) -> bool:
    """Return whether an address lies in one of these networks; an IPv4 address may be written as an IPv6 one."""
    found = ip_address(address.partition("%")[0])
    if isinstance(found, IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    return any(found in ip_network(network, strict=False) for network in networks)


def _networks(text: str) -> list[str]:
    import orjson

    return list(orjson.loads(text))
