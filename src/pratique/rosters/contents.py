"""The bytes of a roster: sealed in the storage, never in the database.

What a person uploads is stored as `roster/<import id>`; what came by SFTP lies there already, under the name that its
claim gave it. Rows from before that have their bytes in `RosterFile.content` until they age out.
"""

import hashlib
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from pratique.foundation.ids import time_of
from pratique.foundation.storage import blob_store
from pratique.rosters.models import RosterFile, RosterImport

_PREFIX = "roster/"


@dataclass(frozen=True)
class StoredContent:
    """A file that lies in the storage as `name`."""

    name: str
    size: int
    sha256: str


def keep(institution_id: UUID, import_id: UUID, content: bytes) -> StoredContent:
    """Store the bytes of an import that is being made. If its transaction fails, the sweep removes them."""
    name = f"{_PREFIX}{import_id}"
    blob_store().put(institution_id=institution_id, name=name, content=content)
    return StoredContent(name, len(content), hashlib.sha256(content).hexdigest())


def read(roster_import: RosterImport) -> bytes:
    """Return the bytes of an import. Raises RosterFile.DoesNotExist, FileMissingError, VaultError."""
    file = RosterFile.objects.get(roster_import=roster_import)
    if file.content is not None:
        return bytes(file.content)
    return blob_store().get(institution_id=roster_import.institution_id, name=file.stored_name)


def delete(institution_id: UUID, names: Iterable[str]) -> None:
    """Delete stored bytes; call it after the commit that no longer needs them."""
    blob_store().delete_many(institution_id=institution_id, names=names)


def delete_unknown(institution_id: UUID, *, known: Collection[str], before: datetime) -> int:
    """Delete stored rosters that are not in `known` and whose import was begun before `before`; return how many."""
    store = blob_store()
    strays = [
        name
        for name in store.names(institution_id=institution_id, prefix=_PREFIX)
        if name not in known and time_of(UUID(name.removeprefix(_PREFIX))) < before
    ]
    return store.delete_many(institution_id=institution_id, names=strays)
