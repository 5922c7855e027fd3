"""/inbound of one session: uploads in the spool, and claimed files as the database lists them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from uuid import UUID

from pratique.foundation.vault import SealBrokenError
from pratique.interfaces.sftp.filesystem import Attributes, Entry, Open, SftpError, Status
from pratique.interfaces.sftp.paths import checked_name
from pratique.interfaces.sftp.session_log import SessionLog
from pratique.transfers.policies import is_claimed_name
from pratique.transfers.queries import InboundListed
from pratique.transfers.spool.errors import NoSuchUploadError, SpoolError
from pratique.transfers.spool.folder import Folder
from pratique.transfers.spool.header import Facts, State
from pratique.transfers.spool.spool import MICROSECONDS, Answer, Spool
from pratique.transfers.spool.upload import Upload
from pratique.transfers.types import AccountRef

FOLDER = "/inbound"
FILE_MODE = 0o100644
# As plain numbers: enum's own arithmetic costs more than the checks.
_WRITES, _APPENDS = int(Open.WRITE | Open.APPEND), int(Open.APPEND)
_CREATES, _ONLY_CREATES, _CUTS = int(Open.CREATE), int(Open.CREATE | Open.EXCLUSIVE), int(Open.TRUNCATE)
_NOT_READ = "Files in /inbound cannot be read back. Results are in /outbound/results."
_TAKEN = "The file was taken for processing: it cannot be opened, renamed, removed or overwritten any more."


class Inbound:
    """The folder /inbound as one session sees it."""

    def __init__(
        self,
        account: AccountRef,
        log: SessionLog,
        spool: Spool,
        claimed: Callable[[], dict[str, InboundListed]],
    ) -> None:
        self._account, self._log, self._spool, self._claimed = account, log, spool, claimed
        self._folder = Folder(spool, account)
        # Closed or renamed by this session, which has said nothing since.
        self._unheard: list[UUID] = []

    def open(self, name: str, flags: Open, wanted: Attributes) -> "UploadHandle":
        """Open an upload for writing; whoever only wants to read is refused."""
        path = f"{FOLDER}/{name}"
        bits = int(flags)
        if not bits & _WRITES:
            self.attributes(name)  # there is none: that is the better answer
            raise self._log.refused(path, "read_refused", _NOT_READ)
        self._may_be_named(name)
        with self._words(path):
            upload = self._folder.open(
                name,
                session=self._log.session,
                create=bool(bits & _CREATES),
                exclusive=bits & _ONLY_CREATES == _ONLY_CREATES,
                truncate=bool(bits & _CUTS),
                # Some libraries send an empty file's attributes along: nobody announces an empty file.
                announced=wanted.size or None,
            )
        upload.set_times(wanted.accessed, wanted.modified)
        if upload.resumed:
            self._log.event("resumed", path, upload.size)
        return UploadHandle(self, upload, appends=bool(bits & _APPENDS))

    def is_absent(self, name: str) -> bool:
        """Say whether a look at this machine's disk is enough to know that there is no such file."""
        return not is_claimed_name(name) and self._folder.is_absent(name)

    def opens_briefly(self, name: str, flags: Open) -> bool:
        """Say whether `open` makes a new upload and needs nothing else (`interfaces.sftp.filesystem.PromptFiles`)."""
        return bool(int(flags) & _CREATES) and self.is_absent(name) and self._folder.makes_briefly()

    def attributes(self, name: str) -> Attributes:
        """Answer STAT, for ten minutes also of the name that a claimed file had."""
        if (claimed := self._claimed_file(name)) is not None:
            return _claimed_attributes(claimed)
        with self._words(f"{FOLDER}/{name}"):
            facts = self._folder.facts(name)
        if facts is None:
            raise SftpError(Status.NO_SUCH_FILE, "There is no such file.")
        return attributes_of(facts)

    def set_attributes(self, name: str, wanted: Attributes) -> None:
        """Answer SETSTAT: times are kept, a smaller size cuts, a larger one is announced; the rest is ignored."""
        path = f"{FOLDER}/{name}"
        if self._claimed_file(name) is not None:
            raise self._log.refused(path, "taken", _TAKEN)
        with self._words(path):
            facts = self._folder.facts(name)
            if facts is None:
                raise SftpError(Status.NO_SUCH_FILE, "There is no such file.")
            if wanted.size is not None and facts.state is not State.GONE and wanted.size != facts.size:
                self._folder.resize(name, wanted.size, session=self._log.session)
            if wanted.accessed is not None or wanted.modified is not None:
                self._folder.set_times(name, wanted.accessed, wanted.modified)
            elif facts.state is State.COMPLETE:
                self._folder.set_times(name, None, None)  # it settles anew

    def listing(self) -> list[Entry]:
        """Return uploads under their names and claimed files under their new ones."""
        uploads = [Entry(facts.name.encode(), attributes_of(facts)) for facts in self._folder.listing()]
        claimed = [Entry(name.encode(), _claimed_attributes(one)) for name, one in self._claimed().items()]
        return uploads + claimed

    def remove(self, name: str) -> None:
        """Remove an upload. The name that a claimed one had is only forgotten: its client wants to send another."""
        path = f"{FOLDER}/{name}"
        if self._claimed_file(name) is not None:
            raise self._log.refused(path, "taken", _TAKEN)
        with self._words(path):
            facts = self._folder.remove(name)
        if facts is not None:
            self._log.event("removed", path, facts.size)

    def rename(self, old: str, new: str, *, overwrite: bool) -> None:
        """Rename an upload; onto a name that ends in .csv, it is complete by that."""
        path = f"{FOLDER}/{old}"
        if self._claimed_file(old) is not None:
            raise self._log.refused(path, "taken", _TAKEN)
        self._may_be_named(new)
        with self._words(path):
            facts = self._folder.rename(old, new, overwrite=overwrite, session=self._log.session)
        if facts.state is State.COMPLETE:
            self.answered_next(facts.file_id)
        self._log.event("renamed", f"{FOLDER}/{new}", facts.size)

    def heard(self) -> None:
        """The client has had our last answers."""
        if self._unheard:
            self._tell_answers(heard=True)

    def ended(self) -> None:
        """The session is over."""
        self._tell_answers(heard=False)

    # --- for open uploads ----------------------------------------------------------------------------------------

    def answered_next(self, file_id: UUID) -> None:
        """Remember that the answer about this complete upload is on its way."""
        self._spool.unheard[file_id] = self._account
        self._unheard.append(file_id)

    def not_answered(self, file_id: UUID) -> None:
        """Take back `answered_next`: the upload did not become complete."""
        self._unheard = [one for one in self._unheard if one != file_id]
        self._spool.unheard.pop(file_id, None)

    def closed(self, name: str, size: int) -> None:
        """Count and note an upload that is complete."""
        self._log.counts.files_in += 1
        self._log.event("uploaded", f"{FOLDER}/{name}", size)

    def broken_off(self, name: str, size: int, reason: str) -> None:
        """Note an upload that is not."""
        self._log.event("interrupted", f"{FOLDER}/{name}", size, reason)

    def received(self, count: int) -> None:
        """Count bytes."""
        self._log.counts.bytes_in += count

    @contextmanager
    def words(self, name: str) -> Iterator[None]:
        """Answer what the spool raises in words for the client."""
        with self._words(f"{FOLDER}/{name}"):
            yield

    # --- within --------------------------------------------------------------------------------------------------

    def _tell_answers(self, *, heard: bool) -> None:
        for file_id in self._unheard:
            if heard:
                self._spool.unheard.pop(file_id, None)
            self._spool.answers.append(Answer(self._account, file_id, heard))
        self._unheard.clear()

    def _claimed_file(self, name: str) -> InboundListed | None:
        # Only such names ask the database.
        return self._claimed().get(name) if is_claimed_name(name) else None

    def _may_be_named(self, name: str) -> None:
        path = f"{FOLDER}/{name}"
        try:
            checked_name(name)
        except SftpError as error:
            raise self._log.refused(path, "name_refused", error.message, error.status) from None
        if is_claimed_name(name):
            if self._claimed_file(name) is not None:
                raise self._log.refused(path, "taken", _TAKEN)
            raise self._log.refused(
                path,
                "name_refused",
                "Names that end in .processing, .processed, .failed or .repeated are ours. Choose another.",
            )

    @contextmanager
    def _words(self, path: str) -> Iterator[None]:
        try:
            yield
        except NoSuchUploadError as error:
            raise SftpError(Status.NO_SUCH_FILE, str(error)) from None
        except SpoolError as error:
            raise self._log.refused(path, error.reason, str(error), Status.FAILURE) from None
        except SealBrokenError:
            sentence = "A part of this upload cannot be read any more. Remove it and upload it again."
            raise self._log.refused(path, "damaged", sentence, Status.FAILURE) from None


class UploadHandle:
    """An upload that its client writes (`interfaces.sftp.filesystem.FileHandle`)."""

    def __init__(self, inbound: Inbound, upload: Upload, *, appends: bool) -> None:
        self._inbound, self._upload, self._appends = inbound, upload, appends
        self._open = True

    def read(self, offset: int, length: int) -> bytes:
        raise SftpError(Status.PERMISSION_DENIED, _NOT_READ)

    def write(self, offset: int, data: bytes | memoryview) -> None:
        upload = self._upload
        try:
            upload.write(upload.size if self._appends else offset, data)
        except (SpoolError, SealBrokenError):
            with self._inbound.words(upload.name):
                raise
        self._inbound.received(len(data))

    def writes_at_once(self, offset: int, length: int) -> bool:
        """Say whether memory is all that `write` needs (`interfaces.sftp.filesystem.PromptHandle`)."""
        return self._upload.writes_at_once(self._upload.size if self._appends else offset, length)

    def closes_briefly(self) -> bool:
        """Say whether `close` writes one chunk at most (`interfaces.sftp.filesystem.PromptHandle`)."""
        return self._upload.closes_briefly()

    def attributes(self) -> Attributes:
        return attributes_of(self._upload.facts)

    def set_attributes(self, wanted: Attributes) -> None:
        if wanted.size is not None:
            with self._inbound.words(self._upload.name):
                self._upload.resize(wanted.size)
        self._upload.set_times(wanted.accessed, wanted.modified)

    def sync(self) -> None:
        with self._inbound.words(self._upload.name):
            self._upload.sync()

    def close(self) -> None:
        if not self._open:
            return
        self._open = False
        upload = self._upload
        # Before it can be claimed: from then on somebody may ask whether its client has heard.
        self._inbound.answered_next(upload.file_id)
        try:
            with self._inbound.words(upload.name):
                upload.close()
        except SftpError:
            self._inbound.not_answered(upload.file_id)
            self._inbound.broken_off(upload.name, upload.size, upload.failed or "disk_full")
            raise
        self._inbound.closed(upload.name, upload.size)

    def abandon(self) -> None:
        if not self._open:
            return
        self._open = False
        if self._upload.abandon():
            self._inbound.broken_off(self._upload.name, self._upload.size, "connection_lost")


def attributes_of(facts: Facts) -> Attributes:
    """Return what STAT says of an upload."""
    received = facts.received_at // MICROSECONDS
    modified = received if facts.modified is None else facts.modified
    accessed = modified if facts.accessed is None else facts.accessed
    return Attributes(facts.size, 0, 0, FILE_MODE, accessed, modified)


def _claimed_attributes(listed: InboundListed) -> Attributes:
    received = int(listed.received_at.timestamp())
    return Attributes(listed.size, 0, 0, FILE_MODE, received, received)
