"""Many sessions at once: a short run of what bench/load_sftp.py does for a minute, and slow ones that only hold on."""

import asyncio
import socket
from collections.abc import Callable

import asyncssh

from pratique.foundation.tenancy import institution_scope
from tests import asynchronous
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_clients_download import CONTENT, lies
from tests.sftp_server import HOST

IDLE, BUSY, ROUNDS = 40, 8, 4


def test_idle_and_busy_sessions_are_all_served(place: Place) -> None:
    with institution_scope(place.institution.id):
        place.account.most_sessions = IDLE + BUSY
        place.account.save(update_fields=["most_sessions"])
    lies(place)

    async def busy(number: int) -> None:
        async with place.clients.asyncssh() as connection, connection.start_sftp_client() as there:
            for _ in range(ROUNDS):
                name = f"/inbound/busy-{number}.csv"
                async with there.open(f"{name}.filepart", "wb") as file:
                    await file.write(CONTENT)
                await there.rename(f"{name}.filepart", name)
                assert (await there.stat(name)).size == len(CONTENT)
                async with there.open("/outbound/report.csv", "rb") as file:
                    assert await file.read() == CONTENT
                await there.remove(name)

    async def everybody() -> None:
        async def idle() -> tuple[asyncssh.SSHClientConnection, asyncssh.SFTPClient]:
            connection = await place.clients.asyncssh()
            return connection, await connection.start_sftp_client()

        held = [await idle() for _ in range(IDLE)]
        with_idle = place.server.memory_mb()
        await asyncio.gather(*(busy(number) for number in range(BUSY)))
        assert place.server.memory_mb() - with_idle < 60
        for connection, there in held:
            assert await there.listdir("/inbound") is not None
            connection.close()

    asynchronous.run(everybody())
    assert place.listed("/inbound") == {}


def test_an_account_has_so_many_sessions_and_no_more(place: Place, make_place: Callable[..., Place]) -> None:
    other = make_place(place.institution)

    async def come() -> None:
        held = [await place.clients.asyncssh() for _ in range(place.account.most_sessions)]
        try:
            connection = await place.clients.asyncssh()
            await connection.start_sftp_client()
        except (asyncssh.Error, OSError):
            pass
        else:
            raise AssertionError("one session too many was let in")
        async with other.clients.asyncssh() as connection, connection.start_sftp_client() as there:
            await there.listdir("/inbound")
        held.pop().abort()
        for _ in range(50):
            try:
                async with place.clients.asyncssh() as connection, connection.start_sftp_client() as there:
                    await there.listdir("/inbound")
                break
            except (asyncssh.Error, OSError):
                await asyncio.sleep(0.1)
        else:
            raise AssertionError("a place that was left is not free again")
        for connection in held:
            connection.abort()

    asynchronous.run(come())


def test_connections_that_never_sign_in_do_not_keep_others_out(place: Place) -> None:
    """Those beyond the limit of an address are refused; one who signs in from it is served all the same."""
    held = []
    try:
        for _ in range(30):
            connection = socket.create_connection((HOST, place.server.port), timeout=5)
            held.append(connection)
    finally:
        for connection in held:
            connection.close()
    assert place.clients.openssh("ls inbound").status == 0
