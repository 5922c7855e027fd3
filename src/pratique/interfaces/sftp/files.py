"""What one session of an account can reach: the virtual root with /inbound and /outbound, and nothing else."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Generic, TypeVar
from uuid import UUID

from django.db import connection

from pratique.interfaces.sftp import inbound_files, outbound_files
from pratique.interfaces.sftp.filesystem import Attributes, Entry, FileHandle, Open, SftpError, Status
from pratique.interfaces.sftp.inbound_files import Inbound
from pratique.interfaces.sftp.outbound_files import Outbound
from pratique.interfaces.sftp.paths import absolute
from pratique.interfaces.sftp.session_log import FileLog, SessionLog
from pratique.transfers.outbound import OutboundListed, listed
from pratique.transfers.queries import InboundListed, listed_inbound
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import AccountRef, SessionCounts

ROOT, INBOUND = "/", inbound_files.FOLDER
OUTBOUND, RESULTS = outbound_files.FOLDER, outbound_files.RESULTS
# Each folder with the folders in it.
FOLDERS = {ROOT: ("inbound", "outbound"), INBOUND: (), OUTBOUND: ("results",), RESULTS: ()}
FOLDER_MODE = 0o40755
# 500 files one after the other must not be 500 questions to the database.
CACHED_SECONDS = 1.0
_ABSENT = "There is no such file or folder."
_FIXED = "The folders /inbound and /outbound are fixed."

_Listed = TypeVar("_Listed")


class _Cached(Generic[_Listed]):
    """What the database lists, asked for at most once a second."""

    def __init__(self, ask: Callable[[], _Listed]) -> None:
        self._ask, self._until = ask, float("-inf")
        self._value: _Listed | None = None

    def __call__(self) -> _Listed:
        if self._value is None or time.monotonic() > self._until:
            self._value = self._ask()
            self._until = time.monotonic() + CACHED_SECONDS
        return self._value

    def remembered(self) -> _Listed | None:
        """Return what a call would return without asking."""
        return self._value if time.monotonic() <= self._until else None

    def forget(self) -> None:
        """Ask again the next time."""
        self._value = None


class AccountFiles:
    """The FileSystem (`interfaces.sftp.filesystem`) of one session. `spool` is the process's one."""

    def __init__(
        self, account: AccountRef, session_id: UUID, journal: FileLog, counts: SessionCounts, spool: Spool
    ) -> None:
        self._account, self._since = account, int(time.time())
        self._log = SessionLog(account, session_id, journal, counts)
        self._claimed = _Cached(self._ask_claimed)
        self._lying = lying = _Cached(self._ask_outbound)
        # What was found out by a question of PromptFiles, for the request that it was about.
        self._known: tuple[bytes, Attributes] | None = None
        self._absent: bytes | None = None
        self._inbound = Inbound(account, self._log, spool, self._claimed)
        self._outbound = Outbound(account, self._log, spool, lying, lying.forget)

    def open(self, path: bytes, flags: Open, wanted: Attributes) -> FileHandle:
        folder, name = self._file(path, writes=int(flags) != Open.READ)
        with _own_connection():
            if folder == INBOUND:
                return self._inbound.open(name, flags, wanted)
            return self._outbound.open(folder, name, flags)

    def knows_at_once(self, path: bytes) -> bool:
        """Say whether `attributes`, which is asked next, will need memory only; what it will answer is kept for it."""
        whole = absolute(path)
        folder, _slash, name = whole.rpartition("/")
        lying = self._lying.remembered()
        if whole in FOLDERS or lying is None or folder not in outbound_files.FOLDERS:
            return whole in FOLDERS
        if (file := lying.get((outbound_files.FOLDERS[folder], name))) is None:
            return False
        self._known = (path, outbound_files.attributes_of(file))
        return True

    def knows_briefly(self, path: bytes) -> bool:
        folder, _slash, name = absolute(path).rpartition("/")
        if folder == INBOUND and self._inbound.is_absent(name):
            self._absent = path
            return True
        return False

    def opens_briefly(self, path: bytes, flags: Open) -> bool:
        folder, _slash, name = absolute(path).rpartition("/")
        if folder == INBOUND:
            return self._inbound.opens_briefly(name, flags)
        lying = self._lying.remembered()
        if lying is None or folder not in outbound_files.FOLDERS:
            return False
        return self._outbound.opens_briefly(lying.get((outbound_files.FOLDERS[folder], name)))

    def attributes(self, path: bytes) -> Attributes:
        absent, self._absent = self._absent, None
        if absent == path:
            raise SftpError(Status.NO_SUCH_FILE, _ABSENT)
        known, self._known = self._known, None
        if known is not None and known[0] == path:
            return known[1]
        whole = absolute(path)
        if whole in FOLDERS:
            return self._folder_attributes()
        folder, name = self._split(whole)
        with _own_connection():
            if folder == INBOUND:
                return self._inbound.attributes(name)
            return self._outbound.attributes(folder, name)

    def set_attributes(self, path: bytes, wanted: Attributes) -> None:
        whole = absolute(path)
        if whole in FOLDERS:
            return  # clients set the times of folders that they mirror, and give up if they cannot
        folder, name = self._split(whole)
        with _own_connection():
            if folder == INBOUND:
                self._inbound.set_attributes(name, wanted)
            else:
                self._outbound.set_attributes(folder, name)

    def listing(self, path: bytes) -> Sequence[Entry]:
        whole = absolute(path)
        if whole not in FOLDERS:
            raise SftpError(Status.NO_SUCH_FILE, "There is no such folder.")
        names = (".", "..", *FOLDERS[whole])
        entries = [Entry(name.encode(), self._folder_attributes()) for name in names]
        with _own_connection():
            if whole == INBOUND:
                self._claimed.forget()  # as it is at this moment
                entries += self._inbound.listing()
            elif whole in outbound_files.FOLDERS:
                entries += self._outbound.listing(whole)
        return entries

    def remove(self, path: bytes) -> None:
        folder, name = self._file(path, writes=False)
        with _own_connection():
            if folder == INBOUND:
                self._inbound.remove(name)
            else:
                self._outbound.remove(folder, name)

    def rename(self, old: bytes, new: bytes, *, overwrite: bool) -> None:
        folder, name = self._file(old, writes=False)
        with _own_connection():
            if folder != INBOUND:
                self._outbound.attributes(folder, name)
                raise self._log.refused(f"{folder}/{name}", "read_only", outbound_files.ONLY_TAKEN)
            target, new_name = self._file(new, writes=True)
            if target != INBOUND:
                raise self._log.refused(f"{target}/{new_name}", "read_only", outbound_files.ONLY_TAKEN)
            self._inbound.rename(name, new_name, overwrite=overwrite)

    def real_path(self, path: bytes) -> bytes:
        return absolute(path).encode()

    def heard(self) -> None:
        self._inbound.heard()

    def ended(self) -> None:
        self._inbound.ended()

    # --- within --------------------------------------------------------------------------------------------------

    def _file(self, path: bytes, *, writes: bool) -> tuple[str, str]:
        """Return folder and name of a file that something is to be done to. Raises SftpError."""
        whole = absolute(path)
        if whole in FOLDERS:
            raise SftpError(Status.PERMISSION_DENIED if writes else Status.FAILURE, _FIXED)
        try:
            return self._split(whole)
        except SftpError:
            if writes:
                sentence = "Uploads go into /inbound itself; there are no other folders."
                raise self._log.refused(whole, "name_refused", sentence) from None
            raise

    @staticmethod
    def _split(whole: str) -> tuple[str, str]:
        folder, _slash, name = whole.rpartition("/")
        if folder not in FOLDERS or folder == ROOT:
            raise SftpError(Status.NO_SUCH_FILE, _ABSENT)
        return folder, name

    def _folder_attributes(self) -> Attributes:
        return Attributes(4096, 0, 0, FOLDER_MODE, self._since, self._since)

    def _ask_claimed(self) -> dict[str, InboundListed]:
        found = listed_inbound(self._account.institution_id, self._account.id)
        return {one.name: one for one in found}

    def _ask_outbound(self) -> dict[outbound_files.Key, OutboundListed]:
        found = listed(self._account.institution_id, self._account.id)
        return {(one.folder, one.name): one for one in found}


@contextmanager
def _own_connection() -> Iterator[None]:
    """Give a connection to the database that was used back to the pool: there are more threads than connections."""
    try:
        yield
    finally:
        if connection.connection is not None and not connection.in_atomic_block:
            connection.close()
