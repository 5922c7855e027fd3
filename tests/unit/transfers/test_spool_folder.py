"""One account's uploads by several sessions and processes; whoever dies, whatever is tampered with, no room left."""

import errno
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path

import pytest

from pratique.foundation.vault import SealBrokenError
from pratique.interfaces.sftp.filesystem import Attributes, Open, SftpError, Status
from pratique.transfers import policies
from pratique.transfers.spool import folder, room, sealed, upload
from pratique.transfers.spool.folder import Folder
from pratique.transfers.spool.header import CHUNK, State
from pratique.transfers.types import AccountRef
from tests.unit.transfers.spool_world import (
    NOTHING,
    RESUME,
    WITHOUT_TRUNCATE,
    WRITE,
    World,
    names,
    put,
    send,
    world,
)

__all__ = ["world"]
CSV = b"/inbound/students.csv"
CONTENT = os.urandom(5 * CHUNK + 1000)


def _refused(do: Callable[..., object], *values: object, **named: object) -> SftpError:
    with pytest.raises(SftpError) as caught:
        do(*values, **named)
    return caught.value


def _file(world: World) -> Path:
    (path,) = (world.root / str(world.account.id)).glob("*.up")
    return path


# --- several at once -------------------------------------------------------------------------------------------------


def test_the_second_of_two_uploads_of_one_name_gets_a_clear_error_while_the_first_is_open(
    world: World,
) -> None:
    process = world.a_spool()
    first, second = world.session(), world.session(spool=process)
    handle = first.open(CSV, WRITE, NOTHING)
    send(handle, CONTENT)
    for flags in (WRITE, WITHOUT_TRUNCATE, RESUME | Open.APPEND):
        error = _refused(second.open, CSV, flags, NOTHING)
        assert (error.status, error.message) == (
            Status.FAILURE, "Another session is uploading students.csv at the moment.",
        )  # fmt: skip
    assert _refused(second.remove, CSV).status is Status.FAILURE
    assert _refused(second.rename, CSV, b"/inbound/b.csv", overwrite=True).status is Status.FAILURE
    # Others see how much has come by now.
    assert 0 < (second.attributes(CSV).size or 0) <= len(CONTENT)
    handle.close()
    put(second, CSV.decode(), b"other")
    world.passes(10, world.a_keeper(process))
    assert [content for _upload, content in world.claims.taken] == [b"other"]


def test_truncating_a_complete_upload_replaces_it_as_another_file(world: World) -> None:
    session = world.session()
    put(session, CSV.decode(), CONTENT)
    put(session, CSV.decode(), b"second")
    world.passes()
    assert [content for _upload, content in world.claims.taken] == [b"second"]
    sizes = {row.size: row.state for row in world.rows.values()}
    assert sizes[len(CONTENT)] == "removed", "the first one, in the console's list"


@pytest.mark.parametrize("overwrite", [True, False])
def test_a_rename_onto_an_upload_overwrites_only_if_asked(world: World, overwrite: bool) -> None:
    session = world.session()
    put(session, "/inbound/a.csv", b"from a")
    put(session, "/inbound/b.csv", b"from b")
    if overwrite:
        session.rename(b"/inbound/a.csv", b"/inbound/b.csv", overwrite=True)
        assert names(session) == ["b.csv"]
    else:
        error = _refused(session.rename, b"/inbound/a.csv", b"/inbound/b.csv", overwrite=False)
        assert error.status is Status.FAILURE
        assert names(session) == ["a.csv", "b.csv"]
    world.passes()
    expected = [("b.csv", b"from a")] if overwrite else [("a.csv", b"from a"), ("b.csv", b"from b")]
    assert sorted((one.name, content) for one, content in world.claims.taken) == expected


def test_exclusive_creation_refuses_an_upload_but_not_a_claimed_name(world: World) -> None:
    session = world.session()
    put(session, CSV.decode(), b"first")
    error = _refused(session.open, CSV, WRITE | Open.EXCLUSIVE, NOTHING)
    assert (error.status, error.message) == (Status.FAILURE, "There is a file of this name already.")
    world.passes()
    session.open(CSV, WRITE | Open.EXCLUSIVE, NOTHING).close()


def test_data_keys_rotate_while_an_upload_is_open(world: World) -> None:
    session = world.session()
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, CONTENT[: 2 * CHUNK])
    world.keys.rotate(world.account.id)  # type: ignore[attr-defined]
    send(handle, CONTENT[2 * CHUNK : 3 * CHUNK], start=2 * CHUNK)
    handle.abandon()
    world.keys.rotate(world.account.id)  # type: ignore[attr-defined]
    put(session, "/inbound/newer.csv", b"newer")
    resumed = session.open(CSV, RESUME, NOTHING)
    send(resumed, CONTENT[3 * CHUNK :], start=3 * CHUNK)
    resumed.close()
    world.passes()
    assert {one.name: content for one, content in world.claims.taken} == {
        "students.csv": CONTENT, "newer.csv": b"newer",
    }  # fmt: skip


# --- who dies --------------------------------------------------------------------------------------------------------


def _upload_and_die(
    world: World, wrote: "multiprocessing.connection.Connection", flags: Open, start: int
) -> None:
    handle = world.session(spool=world.a_spool()).open(CSV, flags, NOTHING)
    send(handle, CONTENT[start : start + 3 * CHUNK + 100], start=start)
    wrote.send(True)
    signal.pause()


def _killed_in_mid_write(world: World, flags: Open = WRITE, start: int = 0) -> None:
    """Let another process upload, and kill it while it has the file open."""
    here, there = multiprocessing.Pipe()
    other = multiprocessing.get_context("fork").Process(
        target=_upload_and_die, args=[world, there, flags, start]
    )
    other.start()
    try:
        assert here.recv()
        error = _refused(world.session().open, CSV, WRITE, NOTHING)
        assert "Another session is uploading" in error.message, "it lives"
    finally:
        assert other.pid
        os.kill(other.pid, signal.SIGKILL)
        other.join()


def test_what_a_killed_process_left_is_incomplete_and_resumable(world: World) -> None:
    _killed_in_mid_write(world)
    world.passes(30)
    assert world.states() == {"students.csv": ("incomplete", "connection_lost")}
    session = world.session()
    size = session.attributes(CSV).size
    assert size == 3 * CHUNK, "up to the last chunk that was full"
    handle = session.open(CSV, RESUME, NOTHING)
    send(handle, CONTENT[size:], start=size)
    handle.close()
    session.heard()
    assert ("resumed", CSV.decode(), "") in world.journal.told()
    world.passes()
    assert [(one.name, content == CONTENT) for one, content in world.claims.taken] == [("students.csv", True)]


def test_a_killed_process_that_overwrote_a_complete_upload_leaves_nothing_mixed(world: World) -> None:
    put(world.session(), CSV.decode(), b"o" * (6 * CHUNK))
    _killed_in_mid_write(world, WITHOUT_TRUNCATE)
    world.passes(30)
    assert not world.claims.calls
    with Folder(world.spool, world.account).held("students.csv") as held:
        kept = held.content.read(0, 10 * CHUNK)
    assert CONTENT.startswith(kept)


def test_what_was_complete_when_its_process_died_is_claimed_as_unanswered(world: World) -> None:
    other = world.a_spool()
    put(world.session(spool=other), CSV.decode(), CONTENT)
    world.passes(30)
    assert not world.claims.calls, "its own process lives, and looks after it"
    other.die()
    world.passes(30)
    assert [one.unanswered for one, _content in world.claims.taken] == [True]


def _die_at_the(step: str, world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rename, and die in the middle of it."""

    class Killed(BaseException):
        pass

    def killed(*_values: object, **_named: object) -> None:
        raise Killed

    session = world.session()
    with monkeypatch.context() as patch:
        patch.setattr(*((folder.os, "link") if step == "link" else (folder.Path, "unlink")), killed)
        with pytest.raises(Killed):
            session.rename(CSV, b"/inbound/b.csv", overwrite=False)


@pytest.mark.parametrize("step", ["link", "unlink"])
def test_a_rename_that_was_cut_short_is_finished_by_whoever_looks(
    world: World, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    put(world.session(), CSV.decode(), CONTENT)
    _die_at_the(step, world, monkeypatch)
    assert set(names(world.session())) == {"b.csv"}
    assert names(world.session()) == ["b.csv"]
    world.passes(30)
    assert world.claims.names() == ["b.csv"]


def test_a_rename_that_was_cut_short_is_undone_if_the_new_name_is_taken_meanwhile(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()
    put(session, CSV.decode(), b"mine")
    _die_at_the("link", world, monkeypatch)
    put(session, "/inbound/b.csv", b"other")
    assert names(session) == ["b.csv", "students.csv"]


# --- no room ---------------------------------------------------------------------------------------------------------


def _full_disk(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let the disk be full after so many more bytes; what is there already can be written over."""
    left = [after]

    def pwritev(fd: int, parts: list[bytes], offset: int) -> int:
        end = offset + sum(map(len, parts))
        more = end - os.fstat(fd).st_size
        if more > left[0]:
            raise OSError(errno.ENOSPC, "No space left on device")
        left[0] -= max(0, more)
        return real(fd, parts, offset)

    real = os.pwritev
    monkeypatch.setattr(sealed.os, "pwritev", pwritev)


def test_a_full_disk_is_said_and_the_upload_can_be_resumed_once_there_is_room(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()
    put(session, "/inbound/before.csv", CONTENT)
    handle = session.open(CSV, WRITE, NOTHING)
    with monkeypatch.context() as patch:
        _full_disk(patch, 2 * CHUNK + 500)
        with pytest.raises(SftpError, match="no room to store the file") as caught:
            send(handle, CONTENT)
        assert caught.value.status is Status.FAILURE
        assert "stays incomplete" in _refused(handle.close).message
    size = session.attributes(CSV).size or 0
    assert 2 * CHUNK <= size < len(CONTENT)
    world.passes(30)
    assert world.states()["students.csv"] == ("incomplete", "connection_lost")
    resumed = session.open(CSV, RESUME, NOTHING)
    send(resumed, CONTENT[size:], start=size)
    resumed.close()
    world.passes()
    assert {one.name: content == CONTENT for one, content in world.claims.taken} == {
        "before.csv": True, "students.csv": True,
    }  # fmt: skip
    assert ("refused", CSV.decode(), "disk_full") in world.journal.told()


def test_a_disk_that_is_full_at_the_close_fails_the_close(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = world.session()
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, b"small")
    with monkeypatch.context() as patch:
        _full_disk(patch, 0)
        assert "no room" in _refused(handle.close).message
        assert "no room" in _refused(session.open, b"/inbound/b.csv", WRITE, NOTHING).message
    assert names(session) == ["students.csv"]
    world.passes(30)
    assert not world.claims.calls


def test_limits_of_an_upload_and_of_an_account(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload, "MOST_BYTES", 2 * CHUNK)
    monkeypatch.setattr(room, "MOST_FILES", 2)
    session = world.session()
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, CONTENT[: 2 * CHUNK])
    assert "at most 0 MiB" in _refused(handle.write, 2 * CHUNK, b"x").message
    assert "at most" in _refused(handle.write, 2**60, b"x").message
    assert "stays incomplete" in _refused(handle.close).message
    assert ("interrupted", CSV.decode(), "too_large") in world.journal.told()
    put(session, "/inbound/b.csv", b"b")
    assert "2 unprocessed files" in _refused(session.open, b"/inbound/c.csv", WRITE, NOTHING).message
    session.remove(CSV)
    put(session, "/inbound/c.csv", b"c")
    monkeypatch.setattr(room, "MOST_BYTES_OF_ACCOUNT", CHUNK)
    monkeypatch.setattr(room, "MOST_FILES", policies.MOST_FILES)
    full = world.session().open(b"/inbound/d.csv", WRITE, NOTHING)
    assert "no room left for this account" in _refused(full.write, 0, CONTENT[: CHUNK + 1]).message


def test_a_file_that_is_scattered_over_a_thousand_places_is_refused(world: World) -> None:
    handle = world.session().open(CSV, WRITE, NOTHING)
    for at in range(policies.MIB, policies.MIB + 256_000, 1000):
        handle.write(at, b"x")
    assert "too many pieces" in _refused(handle.write, 2 * policies.MIB, b"x").message


# --- tampering -------------------------------------------------------------------------------------------------------


def test_an_upload_that_was_moved_to_another_account_or_name_or_changed_is_an_error_that_names_it(
    world: World, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    put(world.session(), CSV.decode(), CONTENT)
    path = _file(world)
    other = AccountRef(world.account.institution_id, world.spool.server, "other")
    stranger = Folder(world.spool, other)
    stranger.listing()
    moved = stranger.path_of("students.csv")
    moved.write_bytes(path.read_bytes())
    with pytest.raises(SftpError, match="cannot be read"):
        world.session(other).attributes(CSV)
    assert names(world.session(other)) == []
    elsewhere = Folder(world.spool, world.account).path_of("other.csv")
    path.rename(elsewhere)
    assert _refused(world.session().open, b"/inbound/other.csv", RESUME, NOTHING).status is Status.FAILURE
    world.passes(30)
    assert not world.claims.calls
    # The way out for the school: it can be removed, or uploaded again.
    world.session().remove(b"/inbound/other.csv")
    put(world.session(other), CSV.decode(), b"again")


def test_a_damaged_chunk_is_met_by_the_claim_and_names_the_file(world: World) -> None:
    put(world.session(), CSV.decode(), CONTENT)
    path = _file(world)
    with path.open("r+b") as file:
        file.seek(3 * CHUNK)
        (byte,) = file.read(1)
        file.seek(3 * CHUNK)
        file.write(bytes([byte ^ 1]))
    with (
        Folder(world.spool, world.account).held("students.csv") as held,
        pytest.raises(SealBrokenError) as caught,
    ):
        list(held.content.blocks())
    assert caught.value.name == f"spool/{world.account.id}/{path.name}"


def test_no_name_and_no_byte_of_an_upload_is_readable_on_the_disk(world: World) -> None:
    put(world.session(), "/inbound/Secret-Class.csv", b"Maria Secret-Student" * 1000)
    world.passes(1)
    handle = world.session().open(b"/inbound/Secret-Open.csv", WRITE, NOTHING)
    send(handle, b"Maria Secret-Student" * 10_000)
    for path in [one for one in world.root.rglob("*") if one.is_file()]:
        assert "ecret" not in str(path)
        assert b"ecret" not in path.read_bytes()
        assert path.stat().st_mode & 0o077 == 0 or path.name == "account.json"
    handle.abandon()


def test_other_accounts_uploads_cannot_be_told_from_absent_ones(world: World) -> None:
    put(world.session(), CSV.decode(), CONTENT)
    other = world.session(AccountRef(world.account.institution_id, world.spool.server, "other"))
    assert names(other) == []
    here = [
        _refused(other.attributes, CSV), _refused(other.open, CSV, Open.READ, NOTHING), _refused(other.remove, CSV),
        _refused(other.set_attributes, CSV, Attributes(modified=1, accessed=1)),
        _refused(other.rename, CSV, b"/inbound/b.csv", overwrite=True),
    ]  # fmt: skip
    absent = b"/inbound/absent.csv"
    there = [
        _refused(other.attributes, absent), _refused(other.open, absent, Open.READ, NOTHING),
        _refused(other.remove, absent), _refused(other.set_attributes, absent, Attributes(modified=1, accessed=1)),
        _refused(other.rename, absent, b"/inbound/b.csv", overwrite=True),
    ]  # fmt: skip
    assert [(one.status, one.message) for one in here] == [(one.status, one.message) for one in there]
    other_handle = other.open(CSV, WRITE | Open.EXCLUSIVE, NOTHING)
    other_handle.close()


def test_a_complete_upload_that_is_only_opened_stays_complete(world: World) -> None:
    put(world.session(), CSV.decode(), CONTENT)
    world.session().open(CSV, WITHOUT_TRUNCATE, NOTHING).abandon()
    facts = Folder(world.spool, world.account).facts("students.csv")
    assert facts
    assert facts.state is State.COMPLETE


# --- what a hostile reading found ------------------------------------------------------------------------------------


class _Killed(BaseException):
    """The process ends here, as by SIGKILL: nothing after it is done."""


@pytest.mark.parametrize("size", [CHUNK + 7, 10 * CHUNK], ids=["cut", "announced"])
def test_a_size_set_by_name_does_not_complete_what_broke_off(world: World, size: int) -> None:
    session = world.session()
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, CONTENT)
    handle.abandon()
    session.set_attributes(CSV, Attributes(size=size))
    world.passes()
    assert world.claims.taken == []
    assert world.states()["students.csv"] == ("incomplete", "connection_lost")
    assert session.attributes(CSV).size == min(size, len(CONTENT))


def _killed_in_mid_rename(world: World, monkeypatch: pytest.MonkeyPatch, *, linked: bool) -> None:
    put(world.session(), "/inbound/a.tmp", b"content of before")
    link = os.link

    def links_and_dies(*paths: Path) -> None:
        if linked:
            link(*paths)
        raise _Killed

    session = world.session()
    with monkeypatch.context() as patched:
        patched.setattr(os, "link", links_and_dies)
        with pytest.raises(_Killed):
            session.rename(b"/inbound/a.tmp", CSV, overwrite=False)


@pytest.mark.parametrize("linked", [False, True], ids=["before the link", "after it"])
def test_a_rename_that_was_killed_is_finished_before_anything_else_is_done(
    world: World, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    """Both names led to one file: sending the first one again emptied what the second one held."""
    _killed_in_mid_rename(world, monkeypatch, linked=linked)
    session = world.session()
    put(session, "/inbound/a.tmp", b"other content")
    assert session.attributes(CSV).size == len(b"content of before")
    assert session.attributes(b"/inbound/a.tmp").size == len(b"other content")
    session.rename(b"/inbound/a.tmp", b"/inbound/b.csv", overwrite=True)
    assert names(session) == ["b.csv", "students.csv"]
    world.passes()
    assert sorted(content for _upload, content in world.claims.taken) == [
        b"content of before", b"other content",
    ]  # fmt: skip


@pytest.mark.parametrize("linked", [False, True], ids=["before the link", "after it"])
def test_what_a_killed_rename_left_is_not_there_under_its_old_name(
    world: World, monkeypatch: pytest.MonkeyPatch, linked: bool
) -> None:
    _killed_in_mid_rename(world, monkeypatch, linked=linked)
    session = world.session()
    assert _refused(session.remove, b"/inbound/a.tmp").status is Status.NO_SUCH_FILE
    assert names(session) == ["students.csv"]


def test_a_claimed_upload_is_gone_even_where_there_is_no_room_for_a_tombstone(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stayed, to be written to; and what was written was taken for what had been claimed."""
    session = world.session()
    put(session, "/inbound/students.csv", CONTENT)

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "no room")

    monkeypatch.setattr(Path, "write_bytes", full)
    world.passes()
    assert names(session) == []
    assert session.attributes(CSV).size == len(CONTENT)
    session.set_attributes(CSV, Attributes(modified=5, accessed=5))
    (tombstone,) = (world.root / str(world.account.id)).glob("*.done")
    assert tombstone.stat().st_size == 1024


def test_a_process_killed_while_it_buries_leaves_a_tombstone(world: World) -> None:
    session = world.session()
    put(session, "/inbound/students.csv", CONTENT)
    path = _file(world)
    path.rename(path.with_suffix(".done"))
    session.set_attributes(CSV, Attributes(size=5))
    assert session.attributes(CSV).size == len(CONTENT)
    put(session, "/inbound/students.csv", b"another", WITHOUT_TRUNCATE)
    world.passes()
    assert [content for _upload, content in world.claims.taken] == [b"another"]


def test_a_size_that_no_number_holds_is_announced_all_the_same(world: World) -> None:
    put(world.session(), "/inbound/students.csv", CONTENT, size=2**64 - 1)
    world.passes()
    assert world.states() == {"students.csv": ("waiting", "size_differs")}


def test_many_uploads_with_gaps_do_not_hold_a_mebibyte_of_memory_each(world: World) -> None:
    session = world.session()
    handles = [session.open(f"/inbound/{number}.csv".encode(), WRITE, NOTHING) for number in range(40)]
    for number in range(1, 32, 2):  # sixteen pieces of each
        for handle in handles:
            handle.write(number * CHUNK, b"x")
    held = [len(handle._upload._content._held) for handle in handles]  # type: ignore[attr-defined]
    assert sum(held) <= 4 * 17 + 36 * 3
    for handle in handles:
        handle.write(0, bytes(40 * CHUNK))
        handle.close()
    assert {session.attributes(f"/inbound/{number}.csv".encode()).size for number in range(40)} == {
        40 * CHUNK
    }
