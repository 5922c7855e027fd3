"""A session on a channel: order, back-pressure, each way to end. The channel is a fake with asyncssh's interface."""

import asyncio
import threading
from collections.abc import Callable

import pytest

from pratique.interfaces.sftp.channel import SftpSession
from pratique.interfaces.sftp.connection import Guest
from pratique.interfaces.sftp.door import Connection
from pratique.interfaces.sftp.filesystem import Attributes
from pratique.interfaces.sftp.workers import Workers
from tests import asynchronous
from tests.unit.sftp.packets import INIT, Answer, Files, Handle, answers, asked, n, q, s


class Channel:
    """Keeps what is written while the client's window is closed, and pauses, as asyncssh's channels do."""

    def __init__(self, session: SftpSession) -> None:
        self.session = session
        self.sent = b""
        self.unsent = b""
        self.open_window = True
        self.most_unsent = 0
        self.high = self.low = 0
        self.paused = self.reading_paused = False
        self.buffered: list[bytes] = []
        self.status: int | None = None
        session.connection_made(self)  # type: ignore[arg-type]

    def set_write_buffer_limits(self, high: int, low: int) -> None:
        self.high, self.low = high, low

    def get_write_buffer_size(self) -> int:
        return len(self.unsent)

    def write(self, data: bytes) -> None:
        if self.status is not None:
            raise BrokenPipeError
        if self.open_window:
            self.sent += data
            return
        self.unsent += data
        self.most_unsent = max(self.most_unsent, len(self.unsent))
        if not self.paused and len(self.unsent) > self.high:
            self.paused = True
            self.session.pause_writing()

    def take(self) -> None:
        """The client takes what waits for it."""
        self.sent, self.unsent = self.sent + self.unsent, b""
        if self.paused:
            self.paused = False
            self.session.resume_writing()

    def give(self, data: bytes) -> None:
        """The client sends something."""
        if self.reading_paused:
            self.buffered.append(data)
        else:
            self.session.data_received(data, None)

    def pause_reading(self) -> None:
        self.reading_paused = True

    def resume_reading(self) -> None:
        self.reading_paused = False
        while self.buffered and not self.reading_paused:
            self.session.data_received(self.buffered.pop(0), None)

    def is_closing(self) -> bool:
        return self.status is not None

    def exit(self, status: int) -> None:
        self.status = status

    @property
    def answers(self) -> list[Answer]:
        return answers(self.sent)


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.001)


class Stage:
    """A session with its channel, on files in memory and one worker thread."""

    def __init__(self, files: Files | None = None, workers: Workers | None = None) -> None:
        self.files = files or Files()
        self.ends: list[str] = []
        self.workers = workers or Workers(1, name="test")
        self.session = SftpSession(self.files, self.workers, self.ends.append)
        self.channel = Channel(self.session)
        self.channel.give(INIT)
        self.request = 0

    async def ask(self, kind: int, *fields: bytes) -> Answer:
        self.request += 1
        self.channel.give(asked(kind, self.request, *fields))
        await until(lambda: self.channel.sent != b"" and self.channel.answers[-1].request == self.request)
        return self.channel.answers[-1]

    async def open(self, path: bytes, flags: int) -> bytes:
        return (await self.ask(3, s(path), n(flags), n(0))).string

    async def ended(self) -> str:
        await until(lambda: bool(self.ends))
        self.workers.stop()
        assert len(self.ends) == 1
        return self.ends[0]


def play(story: Callable[[], object]) -> None:
    asynchronous.run(story())  # type: ignore[arg-type]


def test_answers_come_in_the_order_of_the_requests() -> None:
    async def story() -> None:
        stage = Stage(Files({b"/a": bytearray(b"x")}))
        for number in range(1, 201):
            stage.channel.give(asked(17 if number % 3 else 16, number, s(b"/a")))
            if number % 50 == 0:
                await asyncio.sleep(0)
        await until(lambda: len(stage.channel.answers) == 201)
        assert [answer.request for answer in stage.channel.answers[1:]] == list(range(1, 201))
        stage.session.eof_received()
        assert await stage.ended() == "client"

    play(story)


def test_a_hundred_reads_of_eight_megabytes_with_a_closed_window_read_next_to_nothing() -> None:
    async def story() -> None:
        stage = Stage(Files({b"/big": bytearray(16 << 20)}))
        handle = await stage.open(b"/big", 1)
        stage.channel.open_window = False
        stage.files.did.clear()
        for number in range(100):
            stage.channel.give(asked(5, 100 + number, s(handle), q(0), n(8 << 20)))
        await until(lambda: stage.channel.paused)
        for _ in range(20):
            await asyncio.sleep(0.001)
        read = len(stage.files.did)
        assert read <= 4
        assert stage.channel.most_unsent < (1 << 20) + 255 * 1024
        for _ in range(100):  # as room comes, so do the answers, and never too many
            stage.channel.take()
            await until(lambda: stage.channel.paused or len(stage.files.did) == 100)
            if len(stage.files.did) == 100:
                break
        await until(lambda: not stage.session._working)
        stage.channel.take()
        assert len(stage.channel.answers) == 102
        assert stage.channel.most_unsent < (1 << 20) + 255 * 1024
        stage.session.connection_lost(ConnectionError())
        assert await stage.ended() == "lost"

    play(story)


def test_nothing_is_read_while_the_socket_takes_nothing() -> None:
    async def story() -> None:
        stage = Stage(Files({b"/big": bytearray(16 << 20)}))
        handle = await stage.open(b"/big", 1)
        stage.session.hold(True)
        stage.files.did.clear()
        stage.channel.give(asked(5, 9, s(handle), q(0), n(100)))
        for _ in range(20):
            await asyncio.sleep(0.001)
        assert stage.files.did == []
        stage.session.hold(False)
        await until(lambda: stage.channel.answers[-1].request == 9)
        stage.session.connection_lost(None)
        assert await stage.ended() == "client"

    play(story)


class Gate(Files):
    """Files on a disk that stalls until `go` is set."""

    def __init__(self) -> None:
        super().__init__({b"/a": bytearray(b"x")})
        self.go = threading.Event()
        self.stalled = threading.Event()

    def attributes(self, path: bytes) -> Attributes:
        if path == b"/stalled":
            self.stalled.set()
            assert self.go.wait(30)
            path = b"/a"
        return super().attributes(path)


def test_a_stalled_disk_does_not_stop_the_others_and_its_session_stops_taking_requests() -> None:
    async def story() -> None:
        gate = Gate()
        workers = Workers(2, name="test")
        stalled, other = Stage(gate, workers), Stage(workers=workers)
        stalled.channel.give(asked(17, 1, s(b"/stalled")))
        await until(gate.stalled.is_set)
        request = asked(17, 2, s(b"/" + b"x" * 30_000))
        for _ in range(200):
            stalled.channel.give(request)
            assert (await other.ask(17, s(b"/none"))).said == "NO_SUCH_FILE"
        assert stalled.channel.reading_paused
        assert stalled.session._codec.waiting < 1_100_000
        assert len(stalled.channel.buffered) > 100  # asyncssh's window holds the rest back
        gate.go.set()
        await until(lambda: len(stalled.channel.answers) == 202)
        assert not stalled.channel.reading_paused
        for stage in (stalled, other):
            stage.session.eof_received()
            await until(lambda stage=stage: bool(stage.ends))
        workers.stop()

    play(story)


ABANDONED = [("abandon", b"/a"), "ended"]


@pytest.mark.parametrize("how", ["eof", "close", "lost", "stop", "nonsense"])
def test_however_it_ends_an_open_upload_is_abandoned_and_then_the_files_are_told(how: str) -> None:
    async def story() -> None:
        stage = Stage()
        await stage.open(b"/a", 0x1A)
        if how == "eof":
            stage.session.eof_received()
        elif how == "stop":
            stage.session.stop("revoked")
        elif how == "nonsense":
            stage.channel.give(n(0xFFFFFFFF))
        else:
            stage.session.connection_lost(None if how == "close" else ConnectionError())
        code = await stage.ended()
        assert code == {"eof": "client", "close": "client", "stop": "revoked", "nonsense": "protocol"}.get(
            how, how
        )
        assert stage.files.did[-2:] == ABANDONED
        assert ("close", b"/a") not in stage.files.did
        stage.session.connection_lost(None)
        stage.session.stop("idle")
        assert stage.ends == [code]
        if how in ("eof", "stop", "nonsense"):
            assert stage.channel.status == (0 if how == "eof" else 1)

    play(story)


@pytest.mark.parametrize(
    ("after", "heard"),
    [
        pytest.param("a request", True, id="another request"),
        pytest.param("eof", True, id="EOF"),
        pytest.param("close", True, id="the channel closed in order"),
        pytest.param("lost", False, id="the connection lost"),
        pytest.param("stop", False, id="ended by us"),
        pytest.param("eof before the answer left", False, id="EOF while the answer waits for the window"),
        pytest.param(
            "close before the answer left", False, id="closed while the answer waits for the window"
        ),
    ],
)
def test_the_answer_to_a_close_was_heard_only_if_the_client_went_on(after: str, heard: bool) -> None:
    async def story() -> None:
        stage = Stage()
        handle = await stage.open(b"/a", 0x1A)
        stage.channel.open_window = "before" not in after
        stage.channel.give(asked(4, 77, s(handle)))
        await until(lambda: bool(stage.channel.sent + stage.channel.unsent) and not stage.session._working)
        assert ("close", b"/a") in stage.files.did
        assert "heard" not in stage.files.did
        if after == "a request":
            await stage.ask(17, s(b"/a"))
            stage.session.connection_lost(ConnectionError())
        elif after.startswith("eof"):
            stage.session.eof_received()
        elif after == "stop":
            stage.session.stop("revoked")
        else:
            stage.session.connection_lost(ConnectionError() if after == "lost" else None)
        await stage.ended()
        assert ("heard" in stage.files.did) is heard
        assert stage.files.did[-1] == "ended"

    play(story)


def test_a_close_that_came_right_before_the_end_completes_the_upload_unheard() -> None:
    async def story() -> None:
        stage = Stage()
        handle = await stage.open(b"/a", 0x1A)
        stage.channel.give(asked(6, 8, s(handle), q(0), s(b"data")) + asked(4, 9, s(handle)))
        stage.session.connection_lost(ConnectionError())
        assert await stage.ended() == "lost"
        assert ("close", b"/a") in stage.files.did
        assert "heard" not in stage.files.did
        assert stage.files.content[b"/a"] == b"data"

    play(story)


def test_what_waits_when_we_end_a_session_is_not_worked_off() -> None:
    async def story() -> None:
        gate = Gate()
        stage = Stage(gate)
        stage.channel.give(asked(17, 1, s(b"/stalled")))
        await until(gate.stalled.is_set)
        stage.channel.give(asked(13, 2, s(b"/a")))
        stage.session.stop("suspended")
        gate.go.set()
        assert await stage.ended() == "suspended"
        assert b"/a" in gate.content
        assert len(stage.channel.answers) == 1  # nothing is answered any more

    play(story)


def test_what_needs_memory_only_is_answered_without_a_thread() -> None:
    class Known(Files):
        def knows_at_once(self, path: bytes) -> bool:
            return path == b"/a"

    async def story() -> None:
        gate = threading.Event()
        workers = Workers(1, name="test")
        workers.submit(gate.wait, 30)  # the only thread is taken
        stage = Stage(Known({b"/a": bytearray(b"x")}), workers)
        stage.channel.give(asked(17, 1, s(b"/a")))
        assert [answer.said for answer in stage.channel.answers] == ["VERSION", "ATTRS"]
        stage.channel.give(
            asked(17, 2, s(b"/b")) + asked(17, 3, s(b"/a"))
        )  # in order: the second waits for the first
        assert len(stage.channel.answers) == 2
        gate.set()
        await until(lambda: len(stage.channel.answers) == 4)
        stage.session.eof_received()
        await stage.ended()

    play(story)


def test_a_handle_that_cannot_be_abandoned_does_not_keep_the_others() -> None:
    class Faulty(Handle):
        def abandon(self) -> None:
            raise OSError("no")

    class Some(Files):
        def open(self, path: bytes, flags, wanted):
            super().open(path, flags, wanted)
            return (Faulty if path == b"/faulty" else Handle)(self, path, flags)

    async def story() -> None:
        stage = Stage(Some())
        await stage.open(b"/faulty", 0x1A)
        await stage.open(b"/a", 0x1A)
        stage.session.connection_lost(None)
        assert await stage.ended() == "client"
        assert stage.files.did[-2:] == ABANDONED

    play(story)


def test_a_terminal_and_other_subsystems_are_refused() -> None:
    async def story() -> None:
        stage = Stage()
        assert stage.session.subsystem_requested("sftp")
        assert not stage.session.subsystem_requested("netconf")
        assert not stage.session.pty_requested("xterm", (80, 24, 0, 0), {})
        assert not stage.session.shell_requested()
        assert not stage.session.exec_requested("ls")
        stage.session.eof_received()
        await stage.ended()

    play(story)


def test_a_connection_whose_socket_takes_nothing_holds_all_its_sessions() -> None:
    """asyncio tells the connection, and asyncssh by itself does nothing about it."""
    held: list[tuple[int, bool]] = []

    class Told:
        def __init__(self, number: int) -> None:
            self.hold = lambda is_held: held.append((number, is_held))

    connection, guest = object.__new__(Connection), object.__new__(Guest)
    connection.guest, guest._sessions = guest, [(None, Told(1)), (None, Told(2))]  # type: ignore[list-item]
    connection.pause_writing()
    connection.resume_writing()
    assert held == [(1, True), (2, True), (1, False), (2, False)]
