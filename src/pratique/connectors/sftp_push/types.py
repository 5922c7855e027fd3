"""What the client that pushes files is told, and how it says what happened. No secret is in any text here."""

import base64
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

Read = Callable[[int, int], bytes]  # offset, length: that part of the file
Progress = Callable[[int], None]  # bytes of the file that the server has; may raise, which ends the delivery


class Step(StrEnum):
    """The steps of a delivery, in their order. A failure names the one that failed."""

    RESOLVE = "resolve"
    CONNECT = "connect"
    HOST_KEY = "host_key"
    SIGN_IN = "sign_in"
    FOLDER = "folder"
    WRITE = "write"
    RENAME = "rename"


@dataclass(frozen=True)
class HostKey:
    """A server's public key. `public` is base64 of what SSH sends, as in a known_hosts line."""

    algorithm: str
    fingerprint: str
    public: str

    @classmethod
    def of(cls, algorithm: str, public_data: bytes) -> "HostKey":
        """Return the key with its fingerprint as `ssh-keygen -l` shows it."""
        digest = base64.b64encode(hashlib.sha256(public_data).digest()).decode().rstrip("=")
        return cls(algorithm, f"SHA256:{digest}", base64.b64encode(public_data).decode())


@dataclass(frozen=True)
class Server:
    """Where to and as whom. Either `password` or `private_key` (OpenSSH text) is set."""

    host: str
    port: int
    username: str
    folder: str = ""
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    host_keys: Sequence[str] = ()  # pinned: `HostKey.public` of each that may answer
    old_algorithms: bool = False
    # Networks inside of which it may lie although nobody outside can reach them; None: anywhere.
    networks: Sequence[str] | None = None


@dataclass(frozen=True)
class Waits:
    """How many seconds we wait for what. A server that is silent for `stall` in mid-file is given up for this try."""

    connect: float = 20
    sign_in: float = 45
    stall: float = 300


@dataclass(frozen=True)
class File:
    """A file to push. `temporary` is a name of this delivery alone, the same at every try: it can be resumed."""

    name: str
    temporary: str
    size: int
    read: Read


class How(StrEnum):
    """How the file got its final name, for the log."""

    RENAMED = "renamed"
    REPLACED = "replaced"  # the server renames over nothing: what lay there was removed first
    DIRECT = "direct"  # the server cannot rename: written under the final name
    WAS_THERE = "was_there"  # an earlier try had done it, and its answer was lost


@dataclass(frozen=True)
class Pushed:
    """A file is on the server, whole. `resumed` bytes were there before this try."""

    how: How
    resumed: int = 0


@dataclass(frozen=True)
class Checked:
    """One step of a connection test. `code` is empty where it went well; a hint does not keep files from arriving."""

    step: Step
    code: str = ""
    hint: bool = False


@dataclass(frozen=True)
class Tested:
    """What a connection test found: the steps that were taken, and the host key that the server showed."""

    steps: Sequence[Checked]
    host_key: HostKey | None = None

    @property
    def ready(self) -> bool:
        """Whether files can be delivered."""
        return self.steps[-1].step == Step.RENAME and not any(one.code and not one.hint for one in self.steps)

    @property
    def failure(self) -> str:
        """The code of what went wrong, or empty."""
        return next((one.code for one in self.steps if one.code and not one.hint), "")


class PushError(Exception):
    """A file could not be pushed: the step that failed, and a code of `FAILURE_STEPS`.

    `offered` is the key that the server showed where that was not one of those pinned.
    """

    def __init__(self, code: str, offered: HostKey | None = None) -> None:
        self.code, self.step, self.offered = code, FAILURE_STEPS[code], offered
        super().__init__(f"{self.step}: {code}")


# Every way to fail, and the step that failed. `delivery.types` has the sentences.
FAILURE_STEPS = {
    "host_unknown": Step.RESOLVE,
    "connect_refused": Step.CONNECT,
    "connect_timeout": Step.CONNECT,
    "connect_failed": Step.CONNECT,
    "not_ssh": Step.CONNECT,
    "no_common_algorithm": Step.CONNECT,
    "host_key_changed": Step.HOST_KEY,
    "host_key_not_pinned": Step.HOST_KEY,
    "sign_in_refused": Step.SIGN_IN,
    "sign_in_timeout": Step.SIGN_IN,
    "sign_in_lost": Step.SIGN_IN,
    "no_sftp": Step.FOLDER,
    "folder_missing": Step.FOLDER,
    "folder_denied": Step.FOLDER,
    "folder_lost": Step.FOLDER,
    "folder_failed": Step.FOLDER,
    "write_denied": Step.WRITE,
    "write_no_room": Step.WRITE,
    "write_failed": Step.WRITE,
    "write_lost": Step.WRITE,
    "write_stalled": Step.WRITE,
    "write_size_differs": Step.WRITE,
    "rename_denied": Step.RENAME,
    "rename_failed": Step.RENAME,
    "rename_lost": Step.RENAME,
}
