"""Looking after sessions that are open: those of revoked keys and suspended accounts end, and those that do nothing."""

import asyncio
from collections.abc import Callable, Collection, Iterable
from uuid import UUID

import structlog

from pratique.interfaces.sftp import words
from pratique.interfaces.sftp.connection import Guest
from pratique.interfaces.sftp.database import Asking, UnavailableError
from pratique.transfers.logins import Standing, find_standing, listed_networks

log = structlog.get_logger(__name__)

EVERY = 3.0
_NETWORKS_EVERY = 300.0


class Watch:
    """Looks every three seconds at the sessions of this process: one query for each institution that has some."""

    def __init__(
        self,
        asking: Asking,
        guests: Collection[Guest],
        *,
        idle_seconds: float,
        learn_networks: Callable[[Iterable[str]], None],
    ) -> None:
        self._asking, self._guests = asking, guests
        self._idle_seconds, self._learn_networks = idle_seconds, learn_networks

    async def run(self) -> None:
        """Look until cancelled. While the database is away, sessions go on as they are."""
        loop = asyncio.get_running_loop()
        networks_at = loop.time()
        while True:
            if loop.time() >= networks_at:
                networks_at = loop.time() + _NETWORKS_EVERY
                await self._look_at_networks()
            await asyncio.sleep(EVERY)
            try:
                for guest in list(self._guests):
                    guest.count_bytes()
                self._end_idle(loop.time())
                await self._look_at_standing()
            except UnavailableError:
                pass  # told in the log already
            except Exception:
                log.exception("sessions could not be looked after")

    def _end_idle(self, now: float) -> None:
        for guest in list(self._guests):
            if now - guest.last_heard > self._idle_seconds:
                guest.end("idle", words.IDLE.format(minutes=max(1, round(self._idle_seconds / 60))))

    async def _look_at_standing(self) -> None:
        by_institution: dict[UUID, list[Guest]] = {}
        for guest in self._guests:
            if guest.account and guest.key:
                by_institution.setdefault(guest.account.institution_id, []).append(guest)
        for institution_id, guests in by_institution.items():
            standing = await self._asking.ask(
                find_standing, institution_id,
                accounts={guest.account.id for guest in guests if guest.account},
                keys={guest.key.id for guest in guests if guest.key},
            )  # fmt: skip
            for guest in guests:
                _judge(guest, standing)

    async def _look_at_networks(self) -> None:
        try:
            self._learn_networks(await self._asking.ask(listed_networks, patience=60))
        except UnavailableError:
            pass
        except Exception:
            log.exception("the networks of accounts could not be read")


def _judge(guest: Guest, standing: Standing) -> None:
    assert guest.account
    assert guest.key
    if guest.account.id in standing.closed:
        guest.end("closed", words.CLOSED)
    elif what_for := standing.suspended.get(guest.account.id):
        guest.end("suspended", words.SUSPENDED.get(what_for, words.SUSPENDED["staff"]))
    elif guest.key.id in standing.revoked:
        guest.end("revoked", words.REVOKED)
