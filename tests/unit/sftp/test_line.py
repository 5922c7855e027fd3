"""The way to the socket: small packets together and in their order, and a last word that is not lost."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from pratique.interfaces.sftp.line import Leaving, Line
from tests import asynchronous


class Counted:
    """A transport that counts what it is handed."""

    def __init__(self) -> None:
        self.written: list[bytes] = []
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.written.append(data)

    def abort(self) -> None:
        self.aborted = True


def run(what: Callable[[Line, Any], Awaitable[None]]) -> None:
    async def inside() -> None:
        counted = Counted()
        await what(Line(counted, set()), counted)  # type: ignore[arg-type]

    asynchronous.run(inside())


def test_small_packets_of_one_round_go_out_together() -> None:
    async def what(line: Line, counted: Counted) -> None:
        line.write(b"one")
        line.write(b"two")
        assert counted.written == []
        await asyncio.sleep(0)
        assert counted.written == [b"onetwo"]

    run(what)


def test_a_large_packet_goes_at_once_but_never_before_what_waits() -> None:
    async def what(line: Line, counted: Counted) -> None:
        line.write(b"x" * 100_000)
        assert len(counted.written) == 1
        line.write(b"small")
        line.write(b"y" * 100_000)
        await asyncio.sleep(0)
        assert counted.written[1:] == [b"small" + b"y" * 100_000]

    run(what)


def test_what_waits_is_sent_before_the_end() -> None:
    async def what(line: Line, counted: Counted) -> None:
        line.write(b"the reason")
        line.abort()
        assert (counted.written, counted.aborted) == ([b"the reason"], True)

    run(what)


@pytest.mark.parametrize("lingers", [True, False])
def test_a_peer_that_was_sending_reads_the_last_word_if_the_line_lingers(lingers: bool) -> None:
    """Without it, a reset throws the word away: what the peer sent lies unread when the socket closes."""

    async def what() -> None:
        ours, theirs = _pair()
        transport, _ = await asyncio.get_running_loop().create_connection(asyncio.Protocol, sock=ours)
        transport.pause_reading()
        theirs.sendall(b"x" * 200_000)
        leaving: Leaving = set()
        line = Line(transport, leaving)
        if lingers:
            line.linger()
        line.write(b"why")
        line.abort()
        assert bool(leaving) is lingers
        await asyncio.sleep(0)
        theirs.setblocking(False)
        loop = asyncio.get_running_loop()
        if lingers:
            assert await loop.sock_recv(theirs, 100) == b"why"
            assert await loop.sock_recv(theirs, 100) == b"", "and no more comes"
            theirs.close()
            while leaving:
                await asyncio.sleep(0.01)
        else:
            with pytest.raises(ConnectionResetError):
                await _rest(theirs)
            theirs.close()

    asynchronous.run(asyncio.wait_for(what(), 20))


async def _rest(of: socket.socket) -> None:
    while await asyncio.get_running_loop().sock_recv(of, 100):
        pass


def _pair() -> tuple[socket.socket, socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        theirs = socket.create_connection(listener.getsockname())
        ours, _ = listener.accept()
        ours.setblocking(False)
        return ours, theirs
