"""What the SFTP codec asks of the files behind it, in plain values: no network, no SSH, no wire format.

One `FileSystem` belongs to one session. Its methods are synchronous and called one at a time, in the order of the
client's requests, from a thread of the server's pool or from the event loop; two sessions of one account call at the
same time, also from two server processes. A path is bytes as the client sent it. Methods raise SftpError; any other
exception is answered as a failure without a word about it, and logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum, IntFlag
from typing import Protocol


class Status(IntEnum):
    """Status codes of SFTP version 3 (draft-ietf-secsh-filexfer-02, section 7)."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    OP_UNSUPPORTED = 8


class Open(IntFlag):
    """Flags of SSH_FXP_OPEN (section 6.3)."""

    READ = 0x01
    WRITE = 0x02
    APPEND = 0x04
    CREATE = 0x08
    TRUNCATE = 0x10
    EXCLUSIVE = 0x20


@dataclass(frozen=True, slots=True)
class Attributes:
    """File attributes (section 5); None where they are absent. Times are seconds since 1970."""

    size: int | None = None
    uid: int | None = None
    gid: int | None = None
    permissions: int | None = None
    accessed: int | None = None
    modified: int | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """A line of a listing."""

    name: bytes
    attributes: Attributes


class SftpError(Exception):
    """A request that is answered by a status. `message` is plain English for the person at the client."""

    def __init__(self, status: Status, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


class FileHandle(Protocol):
    """An open file."""

    def read(self, offset: int, length: int) -> bytes:
        """Return up to `length` bytes from `offset`; empty at the end of the file."""

    def write(self, offset: int, data: bytes | memoryview) -> None:
        """Put `data` at `offset` (with APPEND: at the end)."""

    def attributes(self) -> Attributes:
        """Return what FSTAT answers."""

    def set_attributes(self, wanted: Attributes) -> None:
        """Do what FSETSTAT asks: a size truncates or announces; times are kept; owner and permissions are ignored."""

    def sync(self) -> None:
        """Put what was written on the disk (fsync@openssh.com)."""

    def close(self) -> None:
        """Close by the client's own CLOSE: an upload is complete now. A second call does nothing."""

    def abandon(self) -> None:
        """The session ended without a CLOSE: an upload is incomplete, can be resumed, and is never processed."""


class FileSystem(Protocol):
    """What one session can reach."""

    def open(self, path: bytes, flags: Open, wanted: Attributes) -> FileHandle:
        """Open a file; `wanted.size` is the size that the client announces."""

    def attributes(self, path: bytes) -> Attributes:
        """Answer STAT and LSTAT: there are no links."""

    def set_attributes(self, path: bytes, wanted: Attributes) -> None:
        """Answer SETSTAT, for ten minutes also on the name that a claimed file had."""

    def listing(self, path: bytes) -> Sequence[Entry]:
        """Return a folder's entries, `.` and `..` too, as they are at this moment."""

    def remove(self, path: bytes) -> None:
        """Remove a file."""

    def rename(self, old: bytes, new: bytes, *, overwrite: bool) -> None:
        """Rename a file; `overwrite` as posix-rename@openssh.com does, else an existing target is a failure."""

    def real_path(self, path: bytes) -> bytes:
        """Return the absolute path that `path` names, whether there is such a file or not."""

    def heard(self) -> None:
        """The client went on (another request, an orderly end): it has had all answers that were sent before. Called
        where it matters: when an upload was closed or a file renamed since the last time. On the event loop too: it
        needs memory only."""

    def ended(self) -> None:
        """The session is over, however it ended. Uploads whose CLOSE was answered after `heard` was last called count
        as unanswered: the same bytes again are the client's own retry. Open handles were abandoned before."""


# What files may say besides, so that a request which needs no disk, network or database is answered where it came in,
# without the hop to a thread and back that OpenSSH's client with small files waits longest for. The questions are asked
# while nothing else of the session runs, and what they promise is done right after, on the event loop: they hold for
# memory only, never for a file that "is surely in the cache". Without them a request takes the hop.


class PromptHandle(Protocol):
    """An open file that knows what it has in memory."""

    def reads_at_once(self, offset: int, length: int) -> bool:
        """Return whether `read` would answer from memory: a small file was read whole, the end is known."""

    def writes_at_once(self, offset: int, length: int) -> bool:
        """Return whether `write` would only fill a buffer."""

    def closes_at_once(self) -> bool:
        """Return whether `close` has nothing to put anywhere."""

    def closes_briefly(self) -> bool:
        """Return whether `close` writes one chunk to this machine's disk at most, and waits for nobody."""


class PromptFiles(Protocol):
    """Files that remember attributes."""

    def knows_at_once(self, path: bytes) -> bool:
        """Return whether `attributes(path)` would answer from memory, or refuse by the name alone."""

    def knows_briefly(self, path: bytes) -> bool:
        """Return whether `attributes(path)` only looks whether there is such a file on this machine's disk."""

    def opens_briefly(self, path: bytes, flags: Open) -> bool:
        """Return whether `open` makes or reads one small file on this machine's disk, and asks and waits for nobody."""
