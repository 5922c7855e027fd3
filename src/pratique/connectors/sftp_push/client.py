"""Pushing a file to a customer's server by SFTP: to a temporary name, then renamed. Call it from sync code.

Nothing is sent twice for want of an answer: the temporary name is this delivery's own, so whether it is still there
says whether a rename whose answer was lost took place. Servers differ (research/sftp.md, 3.5): some cannot rename
over a file, some cannot rename, some move a file away the moment it is whole. No times or rights are ever set.
"""

import asyncio
import posixpath
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing
from typing import TypeVar, cast

import asyncssh

from pratique.connectors.sftp_push.beside import Call, run_beside
from pratique.connectors.sftp_push.connection import connected, failing
from pratique.connectors.sftp_push.types import (
    Checked,
    File,
    HostKey,
    How,
    Progress,
    Pushed,
    PushError,
    Server,
    Step,
    Tested,
    Waits,
)

T = TypeVar("T")
_GONE = (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath)
_LOST = (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection)
# Written one after the other, so that only the last of them can have holes when the connection breaks.
_BLOCK = 1024 * 1024
_COMPARED = 64 * 1024
_TEST_NAME = ".pratique-test-"


def push(
    server: Server,
    file: File,
    *,
    renaming: bool,
    before_rename: Callable[[], None],
    progress: Progress,
    waits: Waits | None = None,
) -> Pushed:
    """Bring a file to the server, whole, or raise PushError; then trying again with the same `file` is right.

    `before_rename` is called before the server is first asked for the final name, and must leave a lasting note that
    makes `renaming` true at the next try. What it or `progress` raises ends the delivery and takes the temporary file
    away.
    """
    return run_beside(
        lambda call: _push(
            server, _Calling(file, call, before_rename, progress), renaming=renaming, waits=waits or Waits()
        )
    )


def try_out(server: Server, *, waits: Waits | None = None) -> Tested:
    """Try everything that a delivery needs, with a small temporary file that is removed, and say what was found."""
    return run_beside(lambda call: _try_out(server, call, waits or Waits()))


class _Calling:
    """A file to push, for the loop's thread: whatever reads or notes is done by the caller's own."""

    def __init__(self, file: File, call: Call, before_rename: Callable[[], None], progress: Progress) -> None:
        self.name, self.temporary, self.size = file.name, file.temporary, file.size
        self._file, self._call, self._before_rename, self._progress = file, call, before_rename, progress

    async def read(self, offset: int, length: int) -> bytes:
        return await self._call(self._file.read, offset, length)

    async def before_rename(self) -> None:
        await self._call(self._before_rename)

    async def progress(self, sent: int) -> None:
        await self._call(self._progress, sent)


async def _push(server: Server, file: _Calling, *, renaming: bool, waits: Waits) -> Pushed:
    async with connected(server, waits, [], []) as connection:
        remote = await _Folder.of(connection, server, waits)
        if renaming and (how := await remote.ask_what_became_of(file)):
            return Pushed(how)
        try:
            resumed = await remote.upload(file, file.temporary)
            await file.before_rename()
            how = await remote.rename(file)
        except PushError:
            raise
        except Exception:
            # Somebody cancelled it, or we failed: nobody comes back for the temporary file.
            await remote.remove_quietly(file.temporary)
            raise
        if how is None:
            if not await remote.holds(file):
                await remote.upload(file, file.name, afresh=True)
            # Only now: were it gone while this is under way, the next try would take it for renamed.
            await remote.remove_quietly(file.temporary)
            how, resumed = How.DIRECT, 0
        return Pushed(how, resumed)


async def _try_out(server: Server, call: Call, waits: Waits) -> Tested:
    done: list[Step] = []
    shown: list[HostKey] = []
    steps: list[Checked] = []
    try:
        async with connected(server, waits, done, shown) as connection:
            remote = await _Folder.of(connection, server, waits)
            if not await remote.can_be_listed():
                # Drop-boxes are like this: files arrive all the same.
                steps.append(Checked(Step.FOLDER, "folder_denied", hint=True))
            else:
                done.append(Step.FOLDER)
            content = b"Pratique tries whether it may write here. This file is removed at once.\n"
            name = f"{_TEST_NAME}{secrets.token_hex(6)}"
            small = File(f"{name}.txt", f"{name}.part", len(content), lambda at, n: content[at : at + n])
            trial = _Calling(small, call, lambda: None, lambda _sent: None)
            await remote.upload(trial, trial.temporary, afresh=True)
            done.append(Step.WRITE)
            how = await remote.rename(trial)
            await remote.remove_quietly(trial.name if how else trial.temporary)
            steps.append(Checked(Step.RENAME, "" if how else "rename_denied", hint=how is None))
    except PushError as error:
        steps.append(Checked(error.step, error.code))
        if error.step == Step.SIGN_IN:
            done.append(Step.HOST_KEY)
    order = list(Step)
    return Tested(
        sorted([*(Checked(one) for one in done), *steps], key=lambda one: order.index(one.step)),
        shown[0] if shown else None,
    )


class _Folder:
    """The folder of a destination on its server."""

    def __init__(self, sftp: asyncssh.SFTPClient, folder: str, waits: Waits) -> None:
        self._sftp, self._folder, self._waits = sftp, folder, waits

    @classmethod
    async def of(cls, connection: asyncssh.SSHClientConnection, server: Server, waits: Waits) -> "_Folder":
        """Start SFTP and look whether the folder is there, as far as the server tells."""
        try:
            with failing(Step.FOLDER):
                sftp = await asyncio.wait_for(connection.start_sftp_client(), waits.sign_in)
        except PushError as error:
            raise (PushError("no_sftp") if error.code == "folder_failed" else error) from None
        folder = cls(sftp, server.folder, waits)
        with failing(Step.FOLDER):
            try:
                there = await folder._wait(sftp.stat(server.folder or "."))
            except asyncssh.SFTPPermissionDenied:
                return folder  # a drop-box says so of itself; writing will tell
            if there.type not in (asyncssh.FILEXFER_TYPE_DIRECTORY, asyncssh.FILEXFER_TYPE_UNKNOWN):
                raise PushError("folder_missing")
        return folder

    async def can_be_listed(self) -> bool:
        try:
            with failing(Step.FOLDER):
                await self._wait(self._look_into())
        except PushError as error:
            if error.code in {"folder_denied", "folder_failed"}:
                return False
            raise
        return True

    async def _look_into(self) -> None:
        """Ask for the first names only: a server may go on with names without end. Bytes, whatever their encoding."""
        found = cast(
            "AsyncGenerator[asyncssh.SFTPName, None]", self._sftp.scandir((self._folder or ".").encode())
        )  # which it is, so that its handle can be closed
        async with aclosing(found) as names:
            async for _name in names:
                break

    async def upload(self, file: _Calling, name: str, *, afresh: bool = False) -> int:
        """Write the file under `name`, from where an earlier try ended; return how much of it was there."""
        try:
            return await self._upload(file, name, afresh=afresh)
        except PushError as error:
            # OpenSSH calls a full disk a failure and nothing more; asked, it tells how much room there is.
            if error.code == "write_failed" and await self._has_no_room_for(file):
                raise PushError("write_no_room") from None
            raise

    async def _has_no_room_for(self, file: _Calling) -> bool:
        """Return whether the server says that the file does not fit; False where it says nothing."""
        try:
            room = await self._wait(self._sftp.statvfs(self._folder or "."))
        except (asyncssh.Error, OSError, TimeoutError):
            return False
        # What is no disk at all, such as /proc, has no blocks: there it is something else.
        return int(room.blocks) > 0 and int(room.bavail) * int(room.frsize) < file.size

    async def _upload(self, file: _Calling, name: str, *, afresh: bool) -> int:
        with failing(Step.WRITE):
            start = 0 if afresh else await self._own_part(file, name)
            flags = asyncssh.FXF_WRITE | asyncssh.FXF_CREAT | (0 if start else asyncssh.FXF_TRUNC)
            handle = await self._wait(self._sftp.open(self._path(name), flags, encoding=None))
            try:
                await file.progress(start)
                for offset in range(start, file.size, _BLOCK):
                    block = await file.read(offset, min(_BLOCK, file.size - offset))
                    await self._wait(handle.write(block, offset))
                    await file.progress(offset + len(block))
                written = await self._size(handle)
            finally:
                await self._wait(handle.close())
        if written not in (None, file.size):
            await self.remove_quietly(name)
            raise PushError("write_size_differs")
        return start

    async def rename(self, file: _Calling) -> How | None:
        """Give the file its final name, over whatever lies there; None if the server cannot rename."""
        old, new = self._path(file.temporary), self._path(file.name)
        with failing(Step.RENAME):
            try:
                await self._wait(self._sftp.posix_rename(old, new))
                return How.RENAMED
            except (*_GONE, *_LOST):
                raise
            except asyncssh.SFTPError:
                pass  # not offered, or not allowed: version 3's own rename is another right with some servers
            try:
                await self._wait(self._sftp.rename(old, new))
                return How.RENAMED
            except (asyncssh.SFTPOpUnsupported, asyncssh.SFTPPermissionDenied):
                return None
            except (*_GONE, *_LOST):
                raise
            except asyncssh.SFTPError:
                pass
            # Version 3 does not rename over a file.
            if await self._size_of(file.name) is None:
                raise PushError("rename_failed")
            await self._wait(self._sftp.remove(new))
            await self._wait(self._sftp.rename(old, new))
            return How.REPLACED

    async def ask_what_became_of(self, file: _Calling) -> How | None:
        """Ask for the rename again after one whose answer was lost; None if the upload must be done again.

        The temporary name is ours alone. If it is gone, the rename took place, even if the server has moved the file
        on since.
        """
        old, new = self._path(file.temporary), self._path(file.name)
        for rename in (self._sftp.posix_rename, self._sftp.rename):
            try:
                await self._wait(rename(old, new))
            except _GONE:
                return How.WAS_THERE
            except (*_LOST, TimeoutError):
                raise PushError("rename_lost") from None
            except asyncssh.SFTPError:
                continue
            return How.RENAMED
        size = await self._size_of(file.temporary)
        if size == file.size:
            return None  # it lies there whole: the upload finds nothing left to send, and names it
        if size is None and await self.holds(file):
            return How.WAS_THERE
        return None

    async def holds(self, file: _Calling) -> bool:
        """Return whether the file lies under its final name: of our size, and ours where we may read it."""
        if await self._size_of(file.name) != file.size:
            return False
        return await self._same(file, file.name, file.size) is not False

    async def remove_quietly(self, name: str) -> None:
        """Remove a file if it is there and can be removed."""
        try:
            with failing(Step.WRITE):
                await self._wait(self._sftp.remove(self._path(name)))
        except PushError:
            pass

    async def _own_part(self, file: _Calling, name: str) -> int:
        """Return from where to go on: a block before the end of what is there, if that is the beginning of ours."""
        size = await self._size_of(name)
        if not size or size > file.size:
            return 0
        start = size if size == file.size else max(0, size // _BLOCK - 1) * _BLOCK
        return start if start and await self._same(file, name, start) else 0

    async def _same(self, file: _Calling, name: str, until: int) -> bool | None:
        """Return whether the server's file begins as ours, by its first and last bytes; None if we may not read."""
        ends = {(0, min(_COMPARED, until)), (max(0, until - _COMPARED), min(_COMPARED, until))}
        try:
            handle = await self._wait(self._sftp.open(self._path(name), asyncssh.FXF_READ, encoding=None))
            try:
                for offset, length in sorted(ends):
                    theirs: object = await self._wait(handle.read(length, offset))
                    if theirs != await file.read(offset, length):
                        return False
            finally:
                await self._wait(handle.close())
        except _LOST:
            raise
        except asyncssh.SFTPError:
            return None
        return True

    async def _size(self, handle: asyncssh.SFTPClientFile) -> int | None:
        try:
            return (await self._wait(handle.stat())).size
        except _LOST:
            raise
        except asyncssh.SFTPError:
            return None  # not every server tells; what it acknowledged is what we have

    async def _size_of(self, name: str) -> int | None:
        """Return a file's size; None if it is not there, or the server does not say."""
        try:
            return (await self._wait(self._sftp.stat(self._path(name)))).size
        except _LOST:
            raise
        except asyncssh.SFTPError:
            return None

    def _path(self, name: str) -> str:
        return posixpath.join(self._folder, name) if self._folder else name

    async def _wait(self, doing: Awaitable[T]) -> T:
        return await asyncio.wait_for(doing, self._waits.stall)
