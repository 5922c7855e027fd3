"""One process of the SFTP server: what all its connections share, from the first to the last."""

import asyncio
import gc
import resource
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from pathlib import Path
from uuid import UUID

import asyncssh
import structlog
from django.conf import settings

from pratique.foundation.clock import now
from pratique.institutions.queries import all_institution_ids
from pratique.interfaces.sftp import metrics, words
from pratique.interfaces.sftp.connection import Guest
from pratique.interfaces.sftp.database import Asking, UnavailableError, look_at_connection
from pratique.interfaces.sftp.door import Door
from pratique.interfaces.sftp.files import AccountFiles
from pratique.interfaces.sftp.filesystem import FileSystem
from pratique.interfaces.sftp.host_keys import HostKeys
from pratique.interfaces.sftp.journal import Journal
from pratique.interfaces.sftp.line import Leaving
from pratique.interfaces.sftp.options import server_options
from pratique.interfaces.sftp.penalties import Bucket, Lobby, Penalties, source_of
from pratique.interfaces.sftp.places import Places, ServerLife
from pratique.interfaces.sftp.watch import Watch
from pratique.interfaces.sftp.workers import Workers
from pratique.transfers.actions.claiming import claim
from pratique.transfers.actions.journal import end_sessions_of
from pratique.transfers.logins import find_login
from pratique.transfers.spool.keeper import Claimed, Doors, Keeper
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import AccountRef, Login, SessionCounts, Upload

log = structlog.get_logger(__name__)

# Together with journal, keeper and look-ups no more than the pool of connections holds (config.environment).
_WORKERS, _LOOK_UPS = 6, 2
_BACKLOG = 512
# Of one account: whoever knows its username must not make a million rows of refusals a year.
_REFUSALS_TOLD, _WITHIN = 100, 7200.0
_STRANGERS_TOLD_A_MINUTE = 30
_STOP_WITHIN = 8.0

Network = IPv4Network | IPv6Network


class Service:
    """What the connections of one process share."""

    def __init__(self, folder: Path) -> None:
        self.ed25519 = bool(settings.SFTP_ED25519)
        self.journal = Journal()
        self.places = Places(folder / "places")
        self.executor = Workers(_WORKERS, name="sftp", after=look_at_connection)
        self.asking = Asking(_LOOK_UPS)
        self._spool = Spool()
        self.id = self._spool.server
        self.life = ServerLife(folder, self.id)
        self._keeper = Keeper(self._spool, doors=Doors(claim=_counted_claim))
        self._host_keys = HostKeys(settings.SFTP_HOST_KEYS)
        self._options: asyncssh.SSHServerConnectionOptions | None = None
        self._options_of = 0
        self._penalties = Penalties(time.monotonic)
        self._often = Bucket(time.monotonic, settings.SFTP_LOGINS_A_MINUTE)
        self._told = Bucket(time.monotonic, _REFUSALS_TOLD, seconds=_WITHIN)
        self._strangers_told = Bucket(time.monotonic, _STRANGERS_TOLD_A_MINUTE)
        self._lobby: Lobby[Guest] = Lobby()
        self._trusted = _parsed(settings.SFTP_TRUSTED)
        self._listed: tuple[Network, ...] = ()
        self.guests: set[Guest] = set()
        self.leaving: Leaving = set()
        self._stopping = False

    def start(self) -> None:
        """Begin what runs in threads."""
        self._host_keys.ensure()
        self.journal.start()
        self._keeper.start()

    async def stop(self) -> None:
        """End every session with a word, keep what there is to tell, and go."""
        self._stopping = True
        for guest in list(self.guests):
            guest.end("restart", words.RESTART)
        until = time.monotonic() + _STOP_WITHIN
        while (self.guests or self.leaving) and time.monotonic() < until:
            await asyncio.sleep(0.02)
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(None, self._keeper.stop)
        await loop.run_in_executor(None, self.journal.stop)
        self.asking.stop()
        self.executor.stop()
        if not self.guests:
            self.life.end()

    # Before the key exchange.

    def why_not(self, address: str) -> str:
        """Return why a connection from `address` is closed at once, or ""."""
        if not address or self._stopping:
            return "stopping" if self._stopping else "gone"
        if self._is_exempt(address):
            return ""
        source = source_of(address)
        if self._penalties.refuses(source):
            return "penalty"
        return "" if self._often.take(source) else "too_often"

    def options(self) -> asyncssh.SSHServerConnectionOptions:
        """Return what connections offer; read again when somebody changed the host keys."""
        if self._options is None or self._host_keys.stamp() != self._options_of:
            self._options_of = self._host_keys.stamp()
            self._options = server_options(
                self._host_keys.load(), lambda: Guest(self), ed25519=self.ed25519
            )  # fmt: skip
        return self._options

    def entered(self, guest: Guest) -> None:
        """Take a connection among those that have not signed in; another one may have to leave for it."""
        metrics.CONNECTIONS.inc()
        source = source_of(guest.address)
        leaves = self._lobby.enter(guest, source, unlimited=self._is_exempt(guest.address))
        if leaves is not None:
            metrics.TURNED_AWAY.labels(reason="evicted").inc()
            leaves.evict()

    # Signing in.

    async def find_login(self, username: str) -> Login | None:
        """Return the account of this name, or None. Raises UnavailableError."""
        return await self.asking.ask(find_login, username)

    def may_tell(self, account_id: UUID | None) -> bool:
        """Return whether another refusal is told: somebody who tries all day must not fill log and tables."""
        return self._told.take(str(account_id)) if account_id else self._strangers_told.take("")

    def signed_in(self, guest: Guest) -> None:
        """Count a connection among the sessions."""
        self._lobby.leave(guest)
        self.guests.add(guest)

    def left(self, guest: Guest, offence: str) -> None:
        """Forget a connection that never signed in, and remember what its source has earned."""
        self._lobby.leave(guest)
        if offence and not self._stopping and not self._is_exempt(guest.address):
            self._penalties.note(source_of(guest.address), offence)

    def closed(self, guest: Guest) -> None:
        """Forget a session whose end is told."""
        self.guests.discard(guest)

    def files_of(self, account: AccountRef, session_id: UUID, counts: SessionCounts) -> FileSystem:
        """Return what a session can reach."""
        return AccountFiles(account, session_id, self.journal, counts, self._spool)

    # Around it.

    def learn_networks(self, networks: Iterable[str]) -> None:
        """Never slow down who comes from a network that an account lists."""
        self._listed = _parsed(networks)

    async def clear_up_after_killed_servers(self) -> None:
        """End what killed servers of this machine left open."""
        for server in self.life.dead():
            with suppress(UnavailableError):
                ended = await self.asking.ask(_end_everywhere, server, patience=120)
                self.life.forget(server)
                log.info("a server had stopped without a word", server=str(server), sessions=ended)

    def _is_exempt(self, address: str) -> bool:
        found = ip_address(address)
        mapped = getattr(found, "ipv4_mapped", None)
        return any((mapped or found) in network for network in (*self._trusted, *self._listed))


async def serve(
    host: str, port: int, *, folder: Path, reuse_port: bool, ready: Callable[[str, int], None]
) -> None:
    """Serve until SIGTERM or SIGINT. `ready` is told where, once it listens. Raises OSError if it cannot."""
    _allow_many_files()
    asyncssh.set_log_level("WARNING")  # it would tell usernames
    loop = asyncio.get_running_loop()
    service = Service(folder)
    service.start()
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, stop.set)
    watch = Watch(
        service.asking, service.guests,
        idle_seconds=settings.SFTP_IDLE_SECONDS, learn_networks=service.learn_networks,
    )  # fmt: skip
    chores = [
        asyncio.create_task(watch.run()),
        asyncio.create_task(service.clear_up_after_killed_servers()),
    ]
    # What is loaded by now stays: the collector need not look at it again.
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)  # a request makes dozens of objects, and none in a ring
    listener = await loop.create_server(
        lambda: Door(service), host, port, reuse_port=reuse_port, backlog=_BACKLOG
    )  # fmt: skip
    ready(host, listener.sockets[0].getsockname()[1])
    await stop.wait()
    listener.close()
    for chore in chores:
        chore.cancel()
    await service.stop()


def _counted_claim(upload: Upload, content: Callable[[], Iterator[bytes]], at: datetime) -> Claimed:
    outcome = claim(upload, content, at)
    if outcome.taken:
        metrics.CLAIMS.labels(state=outcome.state).inc()
    return outcome


def _end_everywhere(server: UUID) -> int:
    return sum(end_sessions_of(server, institution_id=id_, now=now()) for id_ in all_institution_ids())


def _parsed(networks: Iterable[str]) -> tuple[Network, ...]:
    found = []
    for network in networks:
        with suppress(ValueError):
            found.append(ip_network(network, strict=False))
    return tuple(found)


def _allow_many_files() -> None:
    """A session needs a few descriptors; the limit that most systems begin with is 1,024."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 65_536 if hard == resource.RLIM_INFINITY else min(hard, 65_536)
    if soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
