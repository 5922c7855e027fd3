"""An SFTP session on a channel of asyncssh: moves bytes between the channel and the codec, with back-pressure.

Public interface of asyncssh only. Requests are worked off in order, a batch at a time, in a thread of the pool; the
answers of a batch go out as one write. Memory of a session is bounded both ways: reading from the channel stops while
requests wait, and work stops while answers wait, so nothing is read from a file before there is room to send it.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Protocol

import asyncssh

from pratique.interfaces.sftp.codec import Codec, Limits
from pratique.interfaces.sftp.filesystem import FileSystem
from pratique.interfaces.sftp.pace import PACE, Pace

# For asyncssh's create_server_channel.
WINDOW = 2 * 1024 * 1024
PACKET = 128 * 1024

_ROOM = 512 * 1024  # answers of one batch
_MOST_UNSENT = 256 * 1024  # answers that asyncssh holds for a closed window before work stops
_MOST_WAITING = 1024 * 1024  # requests that wait before reading stops
_FEW_WAITING = 256 * 1024  # ... and goes on
_MOST_SAID = 20  # refusals on the error stream: who gets the same one a thousand times has read it


class Submits(Protocol):
    """What has things done in threads: `workers.Workers`, or an executor of concurrent.futures."""

    def submit(self, action: Callable[..., object], /, *values: Any) -> object:
        """Have `action(*values)` called; RuntimeError when there is nobody any more."""


class SftpSession(asyncssh.SSHServerSession[bytes]):
    """One SFTP session; made by the server for every channel that a client opens.

    `on_end(code)` is called once, on the event loop, after the files were told: "client" (an orderly end), "lost",
    "protocol" or what `stop` was given. `last_heard` is the loop's time at which bytes last came.

    `says_refusals`: the sentence of a refusal goes out on the error stream too, a few times in a session. OpenSSH's
    client prints that, and of the answer itself no more than "Permission denied" or "Failure".
    """

    says_refusals = False

    def __init__(
        self,
        filesystem: FileSystem,
        executor: Submits,
        on_end: Callable[[str], None],
        limits: Limits | None = None,
        pace: Pace = PACE,
    ) -> None:
        self._codec = Codec(filesystem, limits)
        self._executor, self._on_end, self._pace = executor, on_end, pace
        self._loop = asyncio.get_running_loop()
        self._channel: asyncssh.SSHServerChannel[bytes] | None = None
        self._working = False
        self._full = False  # asyncssh holds more answers than it should: no work until they are gone
        self._held = False  # ... or the socket does
        self._lagging = False  # answers were still on their way out when last looked at
        self._paused = False
        self._heard = False  # the client went on after the answers so far
        self._no_more = False  # EOF, or the channel is gone
        self._stopped = False
        self._ending = False
        self._end_code = ""
        self._sayable = _MOST_SAID
        self.last_heard = self._loop.time()

    # What asyncssh calls.

    def connection_made(self, chan: asyncssh.SSHServerChannel[bytes]) -> None:
        """Take the channel."""
        self._channel = chan
        chan.set_write_buffer_limits(high=_MOST_UNSENT, low=_MOST_UNSENT // 4)

    def pty_requested(self, *_: object) -> bool:
        """Refuse a terminal: this is for files."""
        return False

    def subsystem_requested(self, subsystem: str) -> bool:
        """Accept sftp and nothing else; shells and commands are refused by asyncssh's own answers."""
        return subsystem == "sftp"

    def data_received(self, data: bytes, datatype: int | None) -> None:
        """Take what the client sent."""
        self.last_heard = self._loop.time()
        if datatype is not None or self._no_more:
            return
        self._note_heard()
        self._codec.feed(data)
        if not self._paused and self._codec.waiting > _MOST_WAITING and self._channel is not None:
            self._paused = True
            self._channel.pause_reading()
        self._go_on()

    def eof_received(self) -> bool:
        """Take the orderly end; answers that are still due go out before the channel closes."""
        self.last_heard = self._loop.time()
        if not self._no_more:
            self._note_heard()
        self._no_more = True
        self._end_code = self._end_code or "client"
        self._go_on()
        return True

    def pause_writing(self) -> None:
        """Stop work: the client does not take the answers."""
        self._full = True

    def resume_writing(self) -> None:
        """Go on."""
        self._full = False
        self._go_on()

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the end. Without an error the client closed the channel, or ended the connection, in good order.

        Requests that have come are still worked off, as far as they are more than questions: a CLOSE that was sent
        right before the end completes the upload.
        """
        if exc is None and not self._no_more and not self._lagging and not self._working:
            self._heard = True
        self._end_code = self._end_code or ("client" if exc is None else "lost")
        self._channel, self._no_more, self._full, self._held = None, True, False, False
        self._codec.alone = True
        self._go_on()

    # What the server calls.

    def hold(self, held: bool) -> None:
        """Be told that the socket takes no more for now, or does again (pause_writing, resume_writing).

        asyncssh itself goes by the client's window only, and a client may open one of 4 GB and not read.
        """
        self._held = held
        self._go_on()

    def stop(self, code: str) -> None:
        """End the session from our side, for the reason `code`: nothing more is worked off."""
        self._end_code = self._end_code or code
        self._no_more = self._stopped = self._codec.halted = True
        self._shut()
        self._go_on()

    # Work.

    def _note_heard(self) -> None:
        """What came was sent by a client that has had all answers, unless some are still on their way out."""
        if self._channel is not None:
            self._lagging = self._held or self._channel.get_write_buffer_size() > 0
        self._heard = not self._lagging and not self._working

    def _go_on(self) -> None:
        """Begin a batch if there is something to do, room for the answers and nobody at work."""
        while not (self._working or self._ending):
            heard = self._heard
            if self._codec.ready:
                if self._full or self._held:
                    return
                self._heard = False
                quick = self._pace.quick()
                if self._codec.at_once(quick=quick):
                    if heard:
                        self._codec.heard()
                    began = self._pace.began()
                    answers = self._codec.process(_ROOM, most=1)
                    self._pace.ended(began)
                    self._send(answers)
                    self._read_on()
                else:
                    self._working = True
                    self._submit(self._work, heard)
            elif self._codec.broken or self._no_more:
                if self._codec.broken and not self._stopped and self._end_code in ("", "client"):
                    self._end_code = "protocol"
                self._ending = self._no_more = True
                self._submit(self._finish, heard)
            else:
                return

    def _submit(self, action: Callable[[bool], None], heard: bool) -> None:
        try:
            self._executor.submit(action, heard)
        except RuntimeError:
            self._ending = True  # the server has ended; what is open is found by the next one

    def _work(self, heard: bool) -> None:
        """In a thread: work off a batch."""
        if heard:
            self._codec.heard()
        answers = self._codec.process(_ROOM)
        self._tell(self._worked, answers)

    def _finish(self, heard: bool) -> None:
        """In a thread: end the session for the files."""
        if heard:
            self._codec.heard()
        self._codec.end()
        self._tell(self._finished)

    def _tell(self, what: Callable[..., None], *values: object) -> None:
        with suppress(RuntimeError):  # the loop is closed: the whole server has ended, and nobody waits
            self._loop.call_soon_threadsafe(what, *values)

    def _worked(self, answers: bytes) -> None:
        """Send the answers of a batch, and go on."""
        self._working = False
        self._send(answers)
        self._read_on()
        self._go_on()

    def _read_on(self) -> None:
        if self._paused and self._codec.waiting < _FEW_WAITING and self._channel is not None:
            self._paused = False
            self._channel.resume_reading()

    def _say_refusals(self) -> None:
        refusals, self._codec.refusals = self._codec.refusals, []
        for sentence in refusals[: self._sayable] if self.says_refusals else ():
            self._sayable -= 1
            with suppress(OSError):  # as in _send
                if self._channel is not None and not self._stopped:
                    self._channel.write_stderr(f"{sentence}\r\n".encode())

    def _send(self, answers: bytes) -> None:
        if self._codec.refusals:
            self._say_refusals()
        channel = self._channel
        if channel is not None and answers and not self._stopped:
            with suppress(OSError):  # the channel is closing: connection_lost comes
                channel.write(answers)  # may call pause_writing
                self._lagging = channel.get_write_buffer_size() > 0

    def _finished(self) -> None:
        self._shut()
        self._on_end(self._end_code or "unknown")

    def _shut(self) -> None:
        channel = self._channel
        if channel is not None and not channel.is_closing():
            channel.exit(0 if self._end_code == "client" else 1)
