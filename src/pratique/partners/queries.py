"""Partners as their pages show them: clients, keys, and how the calls go. The log itself is `call_log`."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db import connection

from pratique.partners.models import Environment, Partner, PartnerClient, PartnerKey
from pratique.partners.policies import ClientStanding, KeyState, living, standing_of, state_of

DAY = timedelta(hours=24)
# Counting stops here: a client that calls more often is told "or more", and the page stays quick.
MOST_COUNTED = 50_000
# How many calls within a key's life are looked through for its last one.
_MOST_LOOKED_THROUGH = 10_000

# One range of the log's index for each client; row security repeats the institution.
_HEALTH = """
    select c.id, newest.at, day.calls, day.refused
    from partners_partnerclient c
    left join lateral (
        select at from partners_partnercall
        where institution_id = c.institution_id and client_id = c.id
        order by at desc, id desc limit 1
    ) newest on true
    left join lateral (
        select count(*) as calls, count(*) filter (where code <> 'OK') as refused
        from (
            select code from partners_partnercall
            where institution_id = c.institution_id and client_id = c.id and at >= %(since)s
            order by at desc, id desc limit %(most)s
        ) one
    ) day on true
    where c.id = any(%(clients)s)
"""
_LAST_USED = """
    select k.id, used.at
    from partners_partnerkey k
    left join lateral (
        select max(at) filter (where one.fingerprint = k.fingerprint) as at
        from (
            select at, fingerprint from partners_partnercall
            where institution_id = k.institution_id and client_id = k.client_id and at >= k.created_at
              and at <= least(k.ends_at, k.revoked_at, %(now)s)
            order by at desc, id desc limit %(most)s
        ) one
    ) used on true
    where k.client_id = any(%(clients)s)
"""


@dataclass(frozen=True)
class Health:
    """How a client's calls went in the last 24 hours."""

    last_at: datetime | None = None
    calls: int = 0
    refused: int = 0

    @property
    def is_more(self) -> bool:
        """Whether there were more calls than were counted."""
        return self.calls >= MOST_COUNTED


@dataclass(frozen=True)
class KeyLine:
    """A key as a page shows it: which it is and how it stands, never what it is."""

    key: PartnerKey
    state: KeyState
    last_used: datetime | None

    @property
    def is_living(self) -> bool:
        return self.state in (KeyState.ACTIVE, KeyState.ENDING)


@dataclass(frozen=True)
class ClientLine:
    """A client with its keys, newest first, and how its calls go."""

    client: PartnerClient
    keys: Sequence[KeyLine]
    standing: ClientStanding
    health: Health

    @property
    def living(self) -> Sequence[KeyLine]:
        return [line for line in self.keys if line.is_living]

    @property
    def ends_at(self) -> datetime | None:
        """When the last key that works ends; None if one has no end."""
        ends = [line.key.ends_at for line in self.living]
        return None if None in ends else max(filter(None, ends), default=None)


@dataclass(frozen=True)
class PartnerLine:
    """One line of the list of partners: a partner in one environment, or one that has no client yet."""

    partner: Partner
    line: ClientLine | None


def find_partner(partner_id: UUID) -> Partner | None:
    """Return a partner of the present institution."""
    return Partner.objects.filter(id=partner_id).first()


def find_client(partner: Partner, environment: Environment) -> PartnerClient | None:
    """Return the partner's client in an environment."""
    return PartnerClient.objects.filter(partner=partner, environment=environment).first()


def find_key(partner: Partner, key_id: UUID) -> PartnerKey | None:
    """Return a key of one of the partner's clients, with the client."""
    return PartnerKey.objects.select_related("client").filter(id=key_id, client__partner=partner).first()


def clients_of(partner: Partner, *, now: datetime) -> Mapping[Environment, ClientLine]:
    """Return the partner's clients by environment."""
    clients = PartnerClient.objects.filter(partner=partner)
    return {Environment(line.client.environment): line for line in _lines(clients, now=now)}


def all_partners(*, now: datetime) -> Sequence[PartnerLine]:
    """Return every partner of the present institution, a line for each environment, by name. Five queries."""
    by_partner: dict[UUID, list[ClientLine]] = defaultdict(list)
    for line in _lines(PartnerClient.objects.order_by("-environment"), now=now):
        by_partner[line.client.partner_id].append(line)
    found: list[PartnerLine] = []
    for partner in Partner.objects.order_by("name", "id"):
        found += [PartnerLine(partner, line) for line in by_partner.get(partner.id, [])] or [
            PartnerLine(partner, None)
        ]
    return found


def clients_by_id(partner: Partner) -> Mapping[UUID, PartnerClient]:
    """Return the partner's clients by their ids, production first."""
    return {one.id: one for one in PartnerClient.objects.filter(partner=partner).order_by("-environment")}


def fingerprints_of(partner: Partner) -> Sequence[str]:
    """Return the fingerprints of all keys that the partner ever had, newest first."""
    found = PartnerKey.objects.filter(client__partner=partner).order_by("-created_at", "-id")
    return list(found.values_list("fingerprint", flat=True))


def newest_key_id(client: PartnerClient) -> str:
    """Return the id of the client's newest key, or nothing."""
    newest = PartnerKey.objects.filter(client=client).order_by("-created_at", "-id").only("id").first()
    return str(newest.id) if newest else ""


def names_of_clients(identifiers: Iterable[str]) -> Mapping[str, str]:
    """Return the partner's name for each client identifier of the present institution."""
    found = PartnerClient.objects.filter(identifier__in=list(identifiers))
    return dict(found.values_list("identifier", "partner__name"))


def working_keys(client: PartnerClient, *, now: datetime) -> Sequence[PartnerKey]:
    """Return the keys that calls of a client may come under now, oldest first."""
    return living(PartnerKey.objects.filter(client=client).order_by("created_at", "id"), now)


def _lines(clients: Iterable[PartnerClient], *, now: datetime) -> list[ClientLine]:
    listed = list(clients)
    ids = [client.id for client in listed]
    used, health = _last_used(ids, now), _health(ids, now)
    keys: dict[UUID, list[KeyLine]] = defaultdict(list)
    for key in PartnerKey.objects.filter(client__in=ids).defer("sealed").order_by("-created_at", "-id"):
        keys[key.client_id].append(KeyLine(key, state_of(key, now), used.get(key.id)))
    return [
        ClientLine(
            client,
            keys[client.id],
            standing_of(
                suspended_at=client.suspended_at, calls_per_minute=client.calls_per_minute,
                keys=[line.key for line in keys[client.id]], now=now,
            ),
            health[client.id],
        )
        for client in listed
    ]  # fmt: skip


def _health(clients: list[UUID], now: datetime) -> dict[UUID, Health]:
    with connection.cursor() as cursor:
        cursor.execute(_HEALTH, {"since": now - DAY, "most": MOST_COUNTED, "clients": clients})
        return {key: Health(last, calls, refused) for key, last, calls, refused in cursor.fetchall()}


def _last_used(clients: list[UUID], now: datetime) -> dict[UUID, datetime]:
    with connection.cursor() as cursor:
        cursor.execute(_LAST_USED, {"now": now, "most": _MOST_LOOKED_THROUGH, "clients": clients})
        return dict(cursor.fetchall())
