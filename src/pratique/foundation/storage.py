"""Where stored files are: sealed by the vault, under logical names such as "<file id>/page-1".

    files = blob_store()
    files.put(institution_id=..., name=f"{document.id}/original", content=b"...")

`settings.FILE_STORE` chooses the place: a folder on this machine, or another class with the methods of `Place`.
A name is never a path that somebody typed: it is made of lower-case letters, digits, - and _ between slashes, and
anything else is refused. A file that is there is whole. Deleting after a commit is the caller's business.
"""

import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
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


class StoredFile(vault.Opened, Protocol):
    """A stored file while parts of it are read."""

    @property
    def version(self) -> str:
        """Return what tells it from what was and will be kept under the same name."""


class Place(Protocol):
    """Where sealed bytes are kept. Names were checked before."""

    def write(self, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> None:
        """Keep a file: all of it or, after an error, what was there before."""

    def read(self, institution_id: UUID, name: str) -> Iterator[bytes]:
        """Yield a file in blocks. Raises FileMissingError, with the first block at the latest."""

    def open(self, institution_id: UUID, name: str) -> StoredFile:
        """Open a file to read parts of it. Raises FileMissingError."""

    def replace(self, institution_id: UUID, name: str, sealed: Iterable[bytes], *, read: StoredFile) -> bool:
        """Keep `sealed` in place of `read`, if that is still what is there; return whether it was."""

    def delete(self, institution_id: UUID, name: str) -> bool:
        """Remove a file; return whether it was there."""

    def exists(self, institution_id: UUID, name: str) -> bool:
        """Return whether there is such a file."""

    def size(self, institution_id: UUID, name: str) -> int:
        """Return how many sealed bytes a file has. Raises FileMissingError."""

    def names(self, institution_id: UUID, prefix: str) -> Iterator[str]:
        """Yield the names of an institution's files that begin with `prefix`, in no order."""

    def check(self) -> str:
        """Return what the place is, if it answers; changes nothing. Raises StorageError with the remedy."""


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

    @property
    def is_here(self) -> bool:
        """Whether files lie on this machine's disk, rather than somewhere that may not answer."""
        return isinstance(self._place, LocalFolder)

    def reader(self, *, institution_id: UUID, name: str) -> vault.Reader:
        """Return what reads any part of a file: `size`, `read(offset, length)`, `close()`.

        Raises FileMissingError, VaultError, OSError, and so does its `read`.
        """
        checked(name)
        return vault.Reader(
            lambda: self._place.open(institution_id, name), institution_id=institution_id, name=name
        )

    def reseal(self, *, institution_id: UUID, name: str) -> bool:
        """Seal a file under its owner's newest data key; return whether it needed that and is done.

        A file that was replaced or removed meanwhile is left alone. Raises FileMissingError, VaultError, OSError.
        """
        read = self._place.open(institution_id, checked(name))
        try:
            sealed = vault.reseal_stream(institution_id=institution_id, name=name, sealed=_blocks(read))
            return sealed is not None and self._place.replace(institution_id, name, sealed, read=read)
        finally:
            read.close()

    def key_version(self, *, institution_id: UUID, name: str) -> int:
        """Return which of its owner's data keys a file says that it is sealed with. Raises as `reader` does."""
        read = self._place.open(institution_id, checked(name))
        try:
            return vault.key_version_of(read.read_at(0, vault.HEADER_BYTES), name=name)
        finally:
            read.close()

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

    def check(self) -> str:
        """Return where files are kept, if that answers. Raises StorageError with the remedy."""
        return self._place.check()


class LocalFile:
    """An open file of a folder. What is put in its place is another file: this one stays what it is."""

    def __init__(self, path: str, name: str) -> None:
        try:
            self._handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        except FileNotFoundError:
            raise FileMissingError(name) from None
        about = os.fstat(self._handle)
        self.size, self.version = about.st_size, _version(about)

    def read_at(self, offset: int, length: int) -> bytes:
        return os.pread(self._handle, length, offset)

    def close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1


class LocalFolder:
    """A folder on this machine: institution / two hexadecimal digits / name, each file 0600 and moved in whole."""

    def __init__(self, root: Path | None = None) -> None:
        self._root = Path(root or settings.FILES)

    def write(self, institution_id: UUID, name: str, sealed: Iterable[bytes]) -> None:
        self._write(institution_id, name, sealed, lambda _path: True)

    def open(self, institution_id: UUID, name: str) -> LocalFile:
        return LocalFile(os.fspath(self._path(institution_id, name)), name)

    def replace(self, institution_id: UUID, name: str, sealed: Iterable[bytes], *, read: StoredFile) -> bool:
        def is_the_same(path: Path) -> bool:
            try:
                return _version(path.stat()) == read.version
            except FileNotFoundError:
                return False

        return self._write(institution_id, name, sealed, is_the_same)

    def _write(
        self, institution_id: UUID, name: str, sealed: Iterable[bytes], may: Callable[[Path], bool]
    ) -> bool:
        path = self._path(institution_id, name)
        beside = self._beside(path)
        try:
            with open(os.open(beside, os.O_WRONLY), "wb") as file:
                for block in sealed:
                    file.write(block)
                file.flush()
                os.fsync(file.fileno())
            with self._one_at_a_time(institution_id):
                allowed = may(path)
                if allowed:
                    os.replace(beside, path)
        except BaseException:
            beside.unlink(missing_ok=True)
            raise
        if not allowed:
            beside.unlink(missing_ok=True)
            with suppress(OSError):
                path.parent.rmdir()
            return False
        _sync_folder(path.parent)
        return True

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
            with self._one_at_a_time(institution_id):
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
        base = self._root / str(institution_id)
        for path in base.joinpath(folder_of(prefix)).rglob(f"*{_SUFFIX}"):
            name = name_of(path.relative_to(base).as_posix())
            if name is not None and name.startswith(prefix):
                yield name

    def check(self) -> str:
        folder = self._root if self._root.exists() else self._root.parent
        if not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            raise StorageError(
                f"Files cannot be kept in {folder}. Let this user write there, or set PRATIQUE_VAR to a folder "
                "that it owns."
            )
        return f"folder {self._root}"

    def _path(self, institution_id: UUID, name: str) -> Path:
        return self._root / str(institution_id) / path_of(name)

    @contextmanager
    def _one_at_a_time(self, institution_id: UUID) -> Iterator[None]:
        """Let nobody else put or remove a file of this institution: what `replace` looked at is what it replaces."""
        handle = os.open(self._root / str(institution_id), os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

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
    return BlobStore(_place_class(settings.FILE_STORE)())


@lru_cache(maxsize=4)
def _place_class(dotted: str) -> Callable[[], Place]:
    found: Callable[[], Place] = import_string(dotted)
    return found


def checked(name: str) -> str:
    """Return `name` if it is a logical name; raises ValueError otherwise, for it comes from code."""
    if not _NAME.fullmatch(name):
        raise ValueError("A stored file is named by lower-case letters, digits, - and _ between slashes.")
    return name


def _blocks(file: StoredFile) -> Iterator[bytes]:
    offset = 0
    while block := file.read_at(offset, _BLOCK):
        yield block
        offset += len(block)


def _version(about: os.stat_result) -> str:
    # A number of a removed file is soon used again: the times tell the two apart.
    return f"{about.st_ino}-{about.st_mtime_ns}-{about.st_ctime_ns}-{about.st_size}"


def path_of(name: str) -> str:
    """Return where a file lies in its institution's part of a place: in one of 256 folders."""
    return f"{_shard(name.partition('/')[0])}/{name}{_SUFFIX}"


def name_of(path: str) -> str | None:
    """Return the name of the file that lies there, or None if none can."""
    _, slash, name = path.partition("/")
    return name.removesuffix(_SUFFIX) if slash and name.endswith(_SUFFIX) else None


def folder_of(prefix: str) -> str:
    """Return the folder that all names with this prefix lie in; empty if they may be anywhere.

    All names of one first part lie in one folder: there is no need to look into the others.
    """
    first, slash, _ = prefix.partition("/")
    return f"{_shard(first)}/{first}" if slash and _NAME.fullmatch(first) else ""


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
