"""Where stored files are: sealed by the vault, under logical names such as "<file id>/page-1".

    files = blob_store()
    files.put(institution_id=..., name=f"{document.id}/original", content=b"...")

`settings.FILE_STORE` chooses the place: a folder on this machine, or another class with the methods of `Place`.
A name is never a path that somebody typed: it is made of lower-case letters, digits, - and _ between slashes, and
anything else is refused. A file that is there is whole. Deleting after a commit is the caller's business.
"""

import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Protocol
from uuid import UUID

from django.conf import settings
from django.utils.module_loading import import_string

from pratique.foundation import vault

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,63}(/[a-z0-9][a-z0-9_-]{0,63}){0,3}")
_SUFFIX = ".sealed"
_BLOCK = 256 * 1024
_MOVES = 5


class StorageError(Exception):
    """A stored file cannot be kept or given."""


class FileMissingError(StorageError):
    """There is no stored file of this name."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f"There is no stored file {name}.")


class Place(Protocol):
    """Where sealed bytes are kept. Names were checked before."""

    def write(self, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> None:
        """Keep a file: all of it or, after an error, what was there before."""

    def read(self, institution_id: UUID, name: str) -> Iterator[bytes]:
        """Yield a file in blocks. Raises FileMissingError, with the first block at the latest."""

    def delete(self, institution_id: UUID, name: str) -> bool:
        """Remove a file; return whether it was there."""

    def exists(self, institution_id: UUID, name: str) -> bool:
        """Return whether there is such a file."""

    def size(self, institution_id: UUID, name: str) -> int:
        """Return how many sealed bytes a file has. Raises FileMissingError."""

    def names(self, institution_id: UUID, prefix: str) -> Iterator[str]:
        """Yield the names of an institution's files that begin with `prefix`, in no order."""


class BlobStore:
    """Files of institutions, sealed on their way in and opened on their way out."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def put(self, *, institution_id: UUID, name: str, content: bytes | Iterable[bytes]) -> None:
        """Keep `content` under `name`, in place of what was there. Raises VaultError, OSError."""
        blocks = [content] if isinstance(content, bytes) else content
        sealed = vault.seal_stream(institution_id=institution_id, name=checked(name), content=blocks)
        self._place.write(institution_id, name, sealed)

    def get(self, *, institution_id: UUID, name: str) -> bytes:
        """Return a file's content. Raises FileMissingError, VaultError."""
        return b"".join(self.stream(institution_id=institution_id, name=name))

    def stream(self, *, institution_id: UUID, name: str) -> Iterator[bytes]:
        """Yield a file's content in chunks; it is whole only when this ends without an error."""
        sealed = self._place.read(institution_id, checked(name))
        return vault.open_stream(institution_id=institution_id, name=name, sealed=sealed)

    def exists(self, *, institution_id: UUID, name: str) -> bool:
        """Return whether there is a file of this name."""
        return self._place.exists(institution_id, checked(name))

    def size(self, *, institution_id: UUID, name: str) -> int:
        """Return how many bytes a file takes where it is kept. Raises FileMissingError."""
        return self._place.size(institution_id, checked(name))

    def delete(self, *, institution_id: UUID, name: str) -> bool:
        """Remove a file; return whether it was there. Call it after the commit that no longer needs the file."""
        return self._place.delete(institution_id, checked(name))

    def delete_many(self, *, institution_id: UUID, names: Iterable[str]) -> int:
        """Remove files; return how many were there."""
        checked_names = [checked(name) for name in names]
        return sum(self._place.delete(institution_id, name) for name in checked_names)

    def names(self, *, institution_id: UUID, prefix: str = "") -> Iterator[str]:
        """Yield the names that begin with `prefix`, in no order."""
        return self._place.names(institution_id, prefix)


class LocalFolder:
    """A folder on this machine: institution / two hexadecimal digits / name, each file 0600 and moved in whole."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = Path(root or settings.FILES)

    def write(self, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> None:
        path = self._path(institution_id, name)
        beside = self._beside(path)
        try:
            with open(os.open(beside, os.O_WRONLY), "wb") as file:
                for block in sealed:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        _sync_folder(path.parent)

    def read(self, institution_id: UUID, name: str) -> Iterator[bytes]:
        try:
            with self._path(institution_id, name).open("rb") as file:
                while block := file.read(_BLOCK):
                    yield block
        except FileNotFoundError:
            raise FileMissingError(name) from None

    def delete(self, institution_id: UUID, name: str) -> bool:
        path = self._path(institution_id, name)
        try:
            path.unlink()
        except FileNotFoundError:
            return False
        if "/" in name:
            with suppress(OSError):  # others of the same first part are still there
                path.parent.rmdir()
        return True

    def exists(self, institution_id: UUID, name: str) -> bool:
        return self._path(institution_id, name).is_file()

    def size(self, institution_id: UUID, name: str) -> int:
        try:
            return self._path(institution_id, name).stat().st_size
        except FileNotFoundError:
            raise FileMissingError(name) from None

    def names(self, institution_id: UUID, prefix: str) -> Iterator[str]:
        first, slash, _ = prefix.partition("/")
        # All names of one first part lie in one folder: there is no need to look into the others.
        within = f"{_shard(first)}/{first}" if slash and _NAME.fullmatch(first) else ""
        base = self._root / str(institution_id)
        for path in base.joinpath(within).rglob(f"*{_SUFFIX}"):
            _, _, name = path.relative_to(base).as_posix().removesuffix(_SUFFIX).partition("/")
            if name.startswith(prefix):
                yield name

    def _path(self, institution_id: UUID, name: str) -> Path:
        return self._root / str(institution_id) / _shard(name.split("/")[0]) / f"{name}{_SUFFIX}"

    def _beside(self, path: Path) -> Path:
        """Return an empty file of ours in the folder of `path`, which a delete may be removing just now."""
        beside = path.with_name(f".{secrets.token_hex(8)}.part")
        for _attempt in range(_MOVES):
            _make_folders(path.parent, self._root.parent)
            with suppress(FileNotFoundError):
                os.close(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
                return beside
        raise StorageError(f"The folder for stored files in {self._root} keeps vanishing.")


def blob_store() -> BlobStore:
    """Return the store that `settings.FILE_STORE` names."""
    return BlobStore(import_string(settings.FILE_STORE)())


def checked(name: str) -> str:
    """Return `name` if it is a logical name; raises ValueError otherwise, for it comes from code."""
    if not _NAME.fullmatch(name):
        raise ValueError("A stored file is named by lower-case letters, digits, - and _ between slashes.")
    return name


def _shard(first: str) -> str:
    # By hash, because names that begin with the time would all fall into one folder.
    return hashlib.sha256(first.encode()).hexdigest()[:2]


def _make_folders(folder: Path, above: Path) -> None:
    """Make `folder` and what is missing above it, each for the owner alone and on the disk before we go on."""
    missing = []
    while folder != above and not folder.is_dir():
        missing.append(folder)
        folder = folder.parent
    for one in reversed(missing):
        with suppress(FileExistsError, FileNotFoundError):  # another process made it, or removes it
            one.mkdir(mode=0o700)
            _sync_folder(one.parent)


def _sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut; where folders cannot be opened, the system sees to it."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
