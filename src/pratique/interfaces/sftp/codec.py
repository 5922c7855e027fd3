"""A conversation in SFTP version 3 without network and threads: bytes in, bytes out, a FileSystem behind.

Two sides. `feed` (and the questions `ready` and `waiting`) belong to whoever receives bytes; the rest belongs to
whoever works, one call at a time. The two may be different threads at the same time.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from struct import Struct

import structlog

from pratique.interfaces.sftp import packets
from pratique.interfaces.sftp.filesystem import (
    Attributes,
    Entry,
    FileHandle,
    FileSystem,
    Open,
    SftpError,
    Status,
)
from pratique.interfaces.sftp.framing import Requests
from pratique.interfaces.sftp.packets import Fields, Kind, Malformed, Packet

log = structlog.get_logger(__name__)

_NUMBER = Struct(">I")
_LIMITS = Struct(">QQQQ")
_MOST_PACKET = 256 * 1024

# What a client that is gone no longer needs. OPEN too: only its answer says under which handle to go on.
_ONLY_ASKED = frozenset(
    (Kind.OPEN, Kind.READ, Kind.OPENDIR, Kind.READDIR, Kind.STAT, Kind.LSTAT, Kind.FSTAT, Kind.REALPATH)
)


@dataclass(frozen=True)
class Limits:
    """What one session may ask for."""

    packet: int = _MOST_PACKET + 2048  # a longer one ends the session
    read: int = 255 * 1024  # a READ gets no more than this
    write: int = 255 * 1024  # what clients are told; what fits into a packet is taken
    handles: int = 64
    page: int = 30_000  # bytes of one answer to READDIR
    lines: int = 10_000  # of all open listings together; one alone may be of any length


@dataclass
class _Folder:
    """A folder that is being listed."""

    entries: Sequence[Entry]
    at: int = 0


class _BrokenError(Exception):
    """What came is no SFTP: the session ends."""


class Codec:
    """The server's side of one SFTP session."""

    def __init__(self, filesystem: FileSystem, limits: Limits | None = None) -> None:
        self._files = filesystem
        self._limits = limits or Limits()
        self._requests = Requests(self._limits.packet)
        self._handles: dict[bytes, FileHandle | _Folder] = {}
        self._written: set[bytes] = set()
        self._begun = self._over = self._refused = False
        self._completed = False  # an upload, by an answer that the client may not have had
        self._out: list[bytes] = []
        self._size = 0
        self.broken = ""  # why the session must be closed, for the log
        self.refusals: list[str] = []  # sentences of answers, until whoever drives this takes them
        self.halted = False  # nothing more is worked off, not even what waits
        self.alone = False  # nobody is there to have answers: requests that only ask are left out
        self._answers: dict[int, Callable[[int, Packet], None]] = {
            Kind.OPEN: self._open,
            Kind.CLOSE: self._close,
            Kind.READ: self._read,
            Kind.WRITE: self._write,
            Kind.LSTAT: self._stat,
            Kind.STAT: self._stat,
            Kind.FSTAT: self._stat_handle,
            Kind.SETSTAT: self._set,
            Kind.FSETSTAT: self._set_handle,
            Kind.OPENDIR: self._open_folder,
            Kind.READDIR: self._read_folder,
            Kind.REMOVE: self._remove,
            Kind.MKDIR: self._no_folders,
            Kind.RMDIR: self._no_folders,
            Kind.REALPATH: self._real_path,
            Kind.RENAME: self._rename,
            Kind.READLINK: self._no_links,
            Kind.SYMLINK: self._no_links,
            Kind.EXTENDED: self._extended,
        }

    # The side that receives.

    @property
    def ready(self) -> bool:
        """Whether a whole request waits."""
        return len(self._requests) > 0 and not (self._refused or self.halted)

    @property
    def waiting(self) -> int:
        """How much memory the requests take that wait."""
        return self._requests.waiting

    def feed(self, data: bytes) -> None:
        """Take bytes as they come, cut anywhere. A length that cannot be sets `broken`; nothing after it counts."""
        if not self.broken:
            self._requests.feed(data)
        if self._requests.broken:
            self.broken = self.broken or "an impossible length of a packet"

    # The side that works.

    def at_once(self, *, quick: bool = False) -> bool:
        """Return whether what `process(most=1)` does next needs memory only, or a little of a `quick` disk.

        OpenSSH's client asks for one thing at a time and waits for it, with small files: a hop to a thread and back is
        what such a request costs most. When more wait, one hop serves them all.
        """
        if len(self._requests) > 2:
            return False
        packet = self._requests.peek()
        kind = packet[0]
        try:
            if kind == Kind.READ:
                fields = Fields(packet, 5)
                handle, offset, length = self._file(fields.text()), fields.long(), fields.number()
                return _says(handle, "reads_at_once", offset, min(length, self._limits.read))
            if kind == Kind.WRITE:
                fields = Fields(packet, 5)
                handle, offset = self._file(fields.text()), fields.long()
                return _says(handle, "writes_at_once", offset, fields.number())
            if kind in (Kind.STAT, Kind.LSTAT):
                path = Fields(packet, 5).text()
                return _says(self._files, "knows_at_once", path) or (
                    quick and _says(self._files, "knows_briefly", path)
                )
            if kind == Kind.OPEN and quick:
                fields = Fields(packet, 5)
                path, flags = fields.text(), Open(fields.number() & 0x3F)
                return _says(self._files, "opens_briefly", path, flags)
            if kind == Kind.CLOSE:
                opened = self._handles.get(Fields(packet, 5).text())
                if opened is None or isinstance(opened, _Folder):
                    return True
                return _says(opened, "closes_at_once") or (quick and _says(opened, "closes_briefly"))
        except (SftpError, Malformed):
            return True  # the answer is an error of the request's own
        except Exception:
            return False  # a fault of ours is met again, and told, where requests are worked off
        return kind in (Kind.INIT, Kind.REALPATH, Kind.READDIR)

    def process(self, room: int, most: int | None = None) -> bytes:
        """Answer requests in their order until none waits, `room` bytes of answers are there, or `most` were answered.

        What is returned is longer than `room` by less than one answer: nothing is read from a file without room for
        it. Raises nothing; `broken` may be set.
        """
        self._out, self._size = [], 0
        while self.ready and self._size < room and not self._over and most != 0:
            packet = self._requests.take()
            most = None if most is None else most - 1
            if self.alone and packet[0] in _ONLY_ASKED:
                continue
            try:
                self._answer(packet)
            except _BrokenError as error:
                self.broken, self._refused = str(error), True
                self._requests.drop()
        out, self._out = self._out, []
        return out[0] if len(out) == 1 else b"".join(out)

    def heard(self) -> None:
        """The client went on after all answers so far had been sent to it. The files are told if it matters to them:
        when an upload has been completed since."""
        if self._completed:
            self._completed = False
            self._safely(self._files.heard)

    def end(self) -> None:
        """End the session: what is open is abandoned, the files are told. A second call does nothing."""
        if self._over:
            return
        self._over = True
        self._requests.drop()
        handles, self._handles = self._handles, {}
        for handle in handles.values():
            if not isinstance(handle, _Folder):
                self._safely(handle.abandon)
        self._safely(self._files.ended)

    def _safely(self, action: Callable[[], None]) -> None:
        try:
            action()
        except Exception as error:
            _report(error, getattr(action, "__name__", ""))

    def _answer(self, packet: Packet) -> None:
        kind = packet[0]
        (request,) = _NUMBER.unpack_from(packet, 1)
        if not self._begun:
            if kind != Kind.INIT:
                raise _BrokenError("no INIT")
            self._begun = True
            self._send(self._greeting())
            return
        if kind == Kind.INIT:
            raise _BrokenError("INIT twice")
        answer = self._answers.get(kind)
        if answer is None:
            self._status(request, Status.OP_UNSUPPORTED, "This server does not know that request.")
            return
        try:
            answer(request, packet)
        except SftpError as error:
            if error.status in (Status.PERMISSION_DENIED, Status.FAILURE):
                self.refusals.append(error.message)
            self._status(request, error.status, error.message)
        except Malformed:
            self._status(request, Status.BAD_MESSAGE, "The request is not complete.")
        except Exception as error:
            _report(error, Kind(kind).name)
            self._status(request, Status.FAILURE, "Something went wrong on our side. Try again later.")

    def _greeting(self) -> bytes:
        offered = (b"posix-rename@openssh.com", b"limits@openssh.com", b"fsync@openssh.com")
        extensions = b"".join(packets.string(name) + packets.string(b"1") for name in offered)
        return packets.packet(Kind.VERSION, _NUMBER.pack(packets.VERSION) + extensions)

    def _send(self, answer: bytes) -> None:
        self._out.append(answer)
        self._size += len(answer)

    def _status(self, request: int, code: Status, message: str) -> None:
        self._send(packets.status(request, code, message))

    def _done_well(self, request: int) -> None:
        self._send(packets.status(request, Status.OK, "Done."))

    def _keep(self, request: int, opened: FileHandle | _Folder) -> bytes:
        name = secrets.token_hex(4).encode()
        while name in self._handles:
            name = secrets.token_hex(4).encode()
        self._handles[name] = opened
        self._send(packets.reply(Kind.HANDLE, request, packets.string(name)))
        return name

    def _check_room(self) -> None:
        if len(self._handles) >= self._limits.handles:
            most = self._limits.handles
            raise SftpError(
                Status.FAILURE, f"A session can have {most} files open at a time. Close some first."
            )

    def _file(self, name: bytes) -> FileHandle:
        handle = self._handles.get(name)
        if handle is None or isinstance(handle, _Folder):
            raise SftpError(Status.FAILURE, "No file is open under that handle.")
        return handle

    # One method for each request: its id, the packet.

    def _open(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        path, flags, wanted = fields.text(), fields.number(), fields.attributes()
        self._check_room()
        asked = Open(flags & 0x3F)
        handle = self._files.open(path, asked, wanted)
        name = self._keep(request, handle)
        if asked & Open.WRITE:
            self._written.add(name)

    def _close(self, request: int, packet: Packet) -> None:
        name = Fields(packet, 5).text()
        handle = self._handles.pop(name, None)
        if handle is None:
            raise SftpError(Status.FAILURE, "No file is open under that handle.")
        if not isinstance(handle, _Folder):
            if name in self._written:
                self._written.discard(name)
                self._completed = True
            handle.close()
        self._done_well(request)

    def _read(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        name, offset, length = fields.text(), fields.long(), fields.number()
        data = self._file(name).read(offset, min(length, self._limits.read))
        if not data:
            raise SftpError(Status.EOF, "The end of the file.")
        self._out.append(packets.data_head(request, len(data)))
        self._send(data)

    def _write(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        name, offset, data = fields.text(), fields.long(), fields.view()
        self._file(name).write(offset, data)  # rclone 1.60 pads: what comes behind the data is not looked at
        self._done_well(request)

    def _stat(self, request: int, packet: Packet) -> None:
        self._attributes(request, self._files.attributes(Fields(packet, 5).text()))

    def _stat_handle(self, request: int, packet: Packet) -> None:
        self._attributes(request, self._file(Fields(packet, 5).text()).attributes())

    def _attributes(self, request: int, value: Attributes) -> None:
        self._send(packets.reply(Kind.ATTRS, request, packets.attributes(value)))

    def _set(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        path, wanted = fields.text(), fields.attributes()
        self._files.set_attributes(path, wanted)
        self._done_well(request)

    def _set_handle(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        name, wanted = fields.text(), fields.attributes()
        self._file(name).set_attributes(wanted)
        self._done_well(request)

    def _open_folder(self, request: int, packet: Packet) -> None:
        path = Fields(packet, 5).text()
        self._check_room()
        left = sum(len(one.entries) - one.at for one in self._handles.values() if isinstance(one, _Folder))
        entries = self._files.listing(path) if left <= self._limits.lines else ()
        # Each line is kept until it was asked for: 64 listings of 10,000 files took 200 MB.
        if left and left + len(entries) > self._limits.lines:
            raise SftpError(Status.FAILURE, "Too many long listings are open at a time. Close some first.")
        self._keep(request, _Folder(entries))

    def _read_folder(self, request: int, packet: Packet) -> None:
        folder = self._handles.get(Fields(packet, 5).text())
        if not isinstance(folder, _Folder):
            raise SftpError(Status.FAILURE, "No folder is open under that handle.")
        page: list[bytes] = []
        size, now = 0, datetime.now(UTC)
        while folder.at < len(folder.entries) and size < self._limits.page:
            page.append(packets.name_entry(folder.entries[folder.at], now))
            size += len(page[-1])
            folder.at += 1
        if not page:
            raise SftpError(Status.EOF, "The end of the listing.")
        self._send(packets.names(request, page))

    def _remove(self, request: int, packet: Packet) -> None:
        self._files.remove(Fields(packet, 5).text())
        self._done_well(request)

    def _rename(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        old, new = fields.text(), fields.text()
        self._files.rename(old, new, overwrite=False)
        self._completed = True
        self._done_well(request)

    def _real_path(self, request: int, packet: Packet) -> None:
        path = self._files.real_path(Fields(packet, 5).text())
        entry = packets.string(path) + packets.string(path) + packets.attributes(Attributes())
        self._send(packets.names(request, [entry]))

    def _no_folders(self, request: int, packet: Packet) -> None:
        raise SftpError(Status.PERMISSION_DENIED, "Folders cannot be made or removed here. Use /inbound.")

    def _no_links(self, request: int, packet: Packet) -> None:
        raise SftpError(Status.OP_UNSUPPORTED, "There are no links on this server.")

    def _extended(self, request: int, packet: Packet) -> None:
        fields = Fields(packet, 5)
        name = fields.text()
        if name == b"posix-rename@openssh.com":
            old, new = fields.text(), fields.text()
            self._files.rename(old, new, overwrite=True)
            self._completed = True
            self._done_well(request)
        elif name == b"fsync@openssh.com":
            self._file(fields.text()).sync()
            self._done_well(request)
        elif name == b"limits@openssh.com":
            most = self._limits
            told = _LIMITS.pack(_MOST_PACKET, most.read, most.write, most.handles)
            self._send(packets.reply(Kind.EXTENDED_REPLY, request, told))
        elif name == b"hardlink@openssh.com":
            self._no_links(request, packet)
        else:
            raise SftpError(Status.OP_UNSUPPORTED, "This server does not know that extension.")


def _says(what: object, name: str, *values: object) -> bool:
    """Ask an optional question of PromptFiles or PromptHandle; no answer is a no."""
    question = getattr(what, name, None)
    return question is not None and bool(question(*values))


def _report(error: Exception, request: str) -> None:
    """Log a fault of ours by its kind and place: its text may hold what is in files."""
    where = []
    trace = error.__traceback__
    while trace is not None:
        where.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    log.error("sftp.request.fault", request=request, kind=type(error).__name__, where=where[-6:])
