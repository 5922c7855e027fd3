"""`pratique vault verify` over the spool of this machine: uploads that are not claimed yet."""

from collections.abc import Iterator
from pathlib import Path

from pratique.foundation.vault import VaultError
from pratique.transfers.spool.errors import NoSuchUploadError, UploadBusyError
from pratique.transfers.spool.folder import Folder
from pratique.transfers.spool.header import State
from pratique.transfers.spool.spool import Spool


def verify_uploads(spool: Spool) -> Iterator[tuple[int, str]]:
    """Read every upload that nobody writes to; yield its size, and what is wrong with it or nothing.

    Its lock is held meanwhile: a client that comes for the very file is told that it is busy.
    """
    for place in spool.places():
        folder = Folder(spool, place.account)
        for path in folder.paths():
            try:
                yield _read(folder, path), ""
            except (NoSuchUploadError, UploadBusyError):
                continue  # claimed or removed since we listed it, or being written to
            except VaultError as error:
                yield 0, f"{place.account.username}: {error}"
            except OSError as error:
                yield 0, f"{place.account.username}: The upload {path.name} cannot be read: {error.strerror}."


def _read(folder: Folder, path: Path) -> int:
    with folder.held_at(path, "The file", patient=False) as handle:
        content = folder.read_at(handle, path)
        # One that a process left open when it died is cut to what can be read when it is next looked at.
        if content.facts.state in (State.COMPLETE, State.INCOMPLETE) and not content.holes:
            return sum(len(block) for block in content.blocks())
        return 0
