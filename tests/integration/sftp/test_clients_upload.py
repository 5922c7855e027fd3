"""Uploads by the clients that schools have, each with its habits: processed once, and the client reports success."""

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path

import asyncssh
import pytest

from tests import asynchronous, sftp_raw
from tests.integration.sftp.conftest import Place
from tests.sftp_clients import Done, needs
from tests.sftp_raw import Raw, raw, string
from tests.sftp_server import wait_until

Upload = Callable[[Place, Path], Done | None]


def openssh(*options: str) -> Upload:
    return lambda place, path: place.clients.openssh(f"put {' '.join(options)} {path.name} inbound/")


def openssh_temporary(place: Place, path: Path) -> Done:
    name = f"inbound/.{path.name}.tmp"
    return place.clients.openssh(f"put {path.name} {name}", f"rename {name} inbound/{path.name}")


def openssh_small_requests(place: Place, path: Path) -> Done:
    return place.clients.openssh(f"put {path.name} inbound/", options=["-B", "512", "-R", "128"])


def scp(*options: str) -> Upload:
    return lambda place, path: place.clients.scp(str(path), ":/inbound/", options=options)


def lftp(place: Place, path: Path) -> Done:
    return place.clients.lftp("cd inbound", f"put {path.name}")


def lftp_temporary(place: Place, path: Path) -> Done:
    return place.clients.lftp("set xfer:use-temp-file yes", "cd inbound", f"put {path.name}")


def lftp_mirror(place: Place, path: Path) -> Done:
    folder = place.folder / "to-send"
    folder.mkdir()
    (folder / path.name).write_bytes(path.read_bytes())
    return place.clients.lftp(f"mirror -R {folder} /inbound")


def rclone(place: Place, path: Path) -> Done:
    return place.clients.rclone("copy", str(path), "THERE:/inbound")


def psftp(place: Place, path: Path) -> Done:
    return place.clients.psftp("cd inbound", f"put {path.name}")


def paramiko_put(place: Place, path: Path) -> None:
    with place.clients.paramiko() as there:
        there.put(str(path), f"/inbound/{path.name}", confirm=True)


def paramiko_putfo(place: Place, path: Path) -> None:
    with place.clients.paramiko() as there, path.open("rb") as content:
        there.putfo(content, f"inbound/{path.name}", confirm=True)


def asyncssh_put(place: Place, path: Path) -> None:
    async def put() -> None:
        async with place.clients.asyncssh() as connection, connection.start_sftp_client() as there:
            await there.put(str(path), f"/inbound/{path.name}", preserve=True)

    asynchronous.run(put())


def winscp_small(place: Place, path: Path) -> None:
    """Under 100 KB: the size is declared, and times are set by path behind the CLOSE without waiting for its answer."""
    content = path.read_bytes()
    with place.clients.transport() as transport, raw(transport) as there:
        name = f"/inbound/{path.name}"
        handle = there.open(name, sftp_raw.TO_WRITE, sftp_raw.size_of(len(content))).handle
        assert there.write(handle, 0, content).status == sftp_raw.OK
        close = there.send(sftp_raw.CLOSE, string(handle))
        set_times = there.send(sftp_raw.SETSTAT, string(name), sftp_raw.times(1_700_000_000))
        assert _statuses(there, 2) == {close: sftp_raw.OK, set_times: sftp_raw.OK}


def winscp_large(place: Place, path: Path) -> None:
    """From 100 KB on: under a temporary name, which is renamed, and then the times are set."""
    content = path.read_bytes()
    with place.clients.transport() as transport, raw(transport) as there:
        name = f"/inbound/{path.name}"
        part = f"{name}.filepart"
        handle = there.open(part, sftp_raw.TO_WRITE, sftp_raw.size_of(len(content))).handle
        for start in range(0, len(content), 32_000):
            assert there.write(handle, start, content[start : start + 32_000]).status == sftp_raw.OK
        assert there.close(handle).status == sftp_raw.OK
        assert there.ask(sftp_raw.RENAME, string(part), string(name)).status == sftp_raw.OK
        assert there.ask(sftp_raw.SETSTAT, string(name), sftp_raw.times(1_700_000_000)).status == sftp_raw.OK


def rclone_by_packets(place: Place, path: Path) -> None:
    """Out of order, several at once, with bytes behind the end of each WRITE; then times and a look by path."""
    content = path.read_bytes()
    with place.clients.transport() as transport, raw(transport) as there:
        name = f"/inbound/{path.name}"
        handle = there.open(name, sftp_raw.TO_WRITE).handle
        starts = list(range(0, len(content), 100))
        sent = [
            there.send(
                sftp_raw.WRITE,
                string(handle),
                struct.pack(">Q", start),
                string(content[start : start + 100]),
                b"\0" * 40,
            )
            for start in [*starts[1::2], *starts[::2]]
        ]
        assert set(_statuses(there, len(sent)).values()) == {sftp_raw.OK}
        assert there.close(handle).status == sftp_raw.OK
        assert there.ask(sftp_raw.SETSTAT, string(name), sftp_raw.times(1_700_000_000)).status == sftp_raw.OK
        assert there.ask(sftp_raw.STAT, string(name)).kind == sftp_raw.ATTRS


def _statuses(there: Raw, count: int) -> dict[int, int | None]:
    return {number: answer.status for number, answer in (there.receive() for _ in range(count))}


HABITS = [
    pytest.param(openssh(), marks=needs("sftp"), id="OpenSSH put"),
    pytest.param(openssh("-p"), marks=needs("sftp"), id="OpenSSH put with times"),
    pytest.param(openssh_temporary, marks=needs("sftp"), id="OpenSSH under a temporary name"),
    pytest.param(openssh_small_requests, marks=needs("sftp"), id="OpenSSH with many small requests"),
    pytest.param(scp(), marks=needs("scp"), id="scp"),
    pytest.param(scp("-p"), marks=needs("scp"), id="scp with times"),
    pytest.param(lftp, marks=needs("lftp"), id="lftp put"),
    pytest.param(lftp_temporary, marks=needs("lftp"), id="lftp under a temporary name"),
    pytest.param(lftp_mirror, marks=needs("lftp"), id="lftp mirror"),
    pytest.param(rclone, marks=needs("rclone"), id="rclone"),
    pytest.param(rclone_by_packets, id="rclone's writes, out of order and padded"),
    pytest.param(psftp, marks=needs("psftp"), id="psftp"),
    pytest.param(paramiko_put, id="paramiko put, which checks the size"),
    pytest.param(paramiko_putfo, id="paramiko putfo"),
    pytest.param(asyncssh_put, id="asyncssh put with times"),
    pytest.param(winscp_small, id="WinSCP's small file"),
    pytest.param(winscp_large, id="WinSCP's large file"),
]


@pytest.mark.parametrize("upload", HABITS)
def test_an_upload_is_processed_once_and_the_client_reports_success(place: Place, upload: Upload) -> None:
    path = place.roster()
    done = upload(place, path)
    assert done is None or done.status == 0, done.said
    file = place.processed()
    assert (file.state, file.reason) == ("processed", "")
    assert file.size == path.stat().st_size
    assert file.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert place.students() == ["s0@college.example", "s1@college.example", "s2@college.example"]
    assert [(one.folder, one.source) for one in place.outbound()] == [("results", "results")]
    (only,) = [one for one in place.files() if one.claimed_at]
    assert only.id == file.id
    names = place.listed()
    code = file.claimed_at.strftime("%Y%m%dT%H%M%S%fZ")
    assert list(names) == [f"roster.csv.{code}.processed"]


@needs("rclone")
def test_rclone_copies_many_at_once(place: Place) -> None:
    folder = place.folder / "many"
    folder.mkdir()
    for number in range(8):
        place.roster(prefix=f"f{number}-").rename(folder / f"roster-{number}.csv")
    done = place.clients.rclone("copy", "--transfers", "8", str(folder), "THERE:/inbound")
    assert done.status == 0, done.said
    for number in range(8):
        place.processed(f"roster-{number}.csv")
    assert len(place.students()) == 24


@needs("rclone")
def test_rclone_sends_a_file_that_is_there_only_once(place: Place) -> None:
    """It looks by path first; while the old name answers, nothing is sent again, and nobody is suspended for it."""
    path = place.roster()
    place.clients.rclone("copy", str(path), "THERE:/inbound")
    place.claimed()
    assert place.suspended_for() == ""


@needs("sftp")
def test_an_upload_is_continued_by_reput(place: Place) -> None:
    path = place.roster(students=40)
    content = path.read_bytes()
    half = place.folder / "half" / "roster.csv"
    half.parent.mkdir()
    half.write_bytes(content[: len(content) // 2 - 7])
    # The first half comes under a name that is not taken, as from a client that was interrupted before its rename.
    assert place.clients.openssh(f"put {half} inbound/roster.part").status == 0
    done = place.clients.openssh("cd inbound", f"reput {path} roster.part", "rename roster.part roster.csv")
    assert done.status == 0, done.said
    assert place.processed().sha256 == hashlib.sha256(content).hexdigest()
    assert len(place.students()) == 40


def test_an_upload_is_continued_by_appending(place: Place) -> None:
    path = place.roster(students=4)
    content = path.read_bytes()
    with place.clients.paramiko() as there:
        with there.open("/inbound/roster.tmp", "wb") as file:
            file.write(content[:50])
        with there.open("/inbound/roster.tmp", "ab") as file:
            file.write(content[50:])
        there.rename("/inbound/roster.tmp", "/inbound/roster.csv")
    assert place.processed().sha256 == hashlib.sha256(content).hexdigest()


def test_processing_begins_after_the_last_close_only(place: Place) -> None:
    path = place.roster()
    content = path.read_bytes()
    other = place.roster("other.csv", prefix="o")
    with place.clients.paramiko() as there:
        with there.open("/inbound/roster.csv", "wb") as file:
            file.write(content[:60])
            file.flush()
            place_other(place, other)
            assert [one.state for one in place.files() if one.name == "roster.csv"] in ([], ["incomplete"])
            file.write(content[60:])
        assert place.processed().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("roster.csv.filepart", "temporary_name"),
        ("roster.csv.part", "temporary_name"),
        ("roster.csv.partial", "temporary_name"),
        ("roster.csv.tmp", "temporary_name"),
        (".in.roster.csv", "temporary_name"),
        (".roster.csv", "hidden_name"),
        ("roster.txt", "not_csv"),
        ("roster", "not_csv"),
    ],
)
def test_a_name_that_is_not_final_waits_until_it_is_renamed(place: Place, name: str, reason: str) -> None:
    path = place.roster()
    with place.clients.paramiko() as there:
        there.put(str(path), f"/inbound/{name}")
    place_other(place, place.roster("other.csv", prefix="o"))
    waiting = wait_until(lambda: [one for one in place.files() if one.name == name])
    assert [(one.state, one.reason) for one in waiting] == [("waiting", reason)]
    with place.clients.paramiko() as there:
        there.rename(f"/inbound/{name}", "/inbound/final.CSV")
    assert place.processed("final.CSV").state == "processed"


@pytest.mark.parametrize("declared", [1, 10_000], ids=["less than came", "more than came"])
def test_a_size_that_the_client_declared_must_match(place: Place, declared: int) -> None:
    content = place.roster().read_bytes()
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE, sftp_raw.size_of(declared)).handle
        assert there.write(handle, 0, content).status == sftp_raw.OK
        there.close(handle)
    place_other(place, place.roster("other.csv", prefix="o"))
    wait_until(lambda: [one.reason for one in place.files() if one.name == "roster.csv"] == ["size_differs"])
    assert [one for one in place.files() if one.name == "roster.csv" and one.claimed_at] == []


def test_a_file_with_a_hole_is_not_processed(place: Place) -> None:
    content = place.roster().read_bytes()
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE).handle
        there.write(handle, 0, content[:30])
        there.write(handle, 40, content[40:])
        there.close(handle)
    place_other(place, place.roster("other.csv", prefix="o"))
    wait_until(lambda: [one.reason for one in place.files() if one.name == "roster.csv"] == ["hole"])


def test_what_happens_to_a_name_begins_its_settle_time_anew(place: Place) -> None:
    """A client that corrects its file at once is taken by its second content."""
    first, second = place.roster("a.csv", students=1), place.roster("b.csv", students=2)
    with place.clients.paramiko() as there:
        there.put(str(first), "/inbound/roster.csv")
        there.put(str(second), "/inbound/roster.csv")
    assert place.processed().sha256 == hashlib.sha256(second.read_bytes()).hexdigest()
    assert [one.name for one in place.files() if one.claimed_at] == ["roster.csv"]


def test_a_file_that_is_removed_before_its_time_is_not_processed(place: Place) -> None:
    path = place.roster()
    with place.clients.paramiko() as there:
        there.put(str(path), "/inbound/roster.csv")
        there.remove("/inbound/roster.csv")
        assert there.listdir("/inbound") == []
    place_other(place, place.roster("other.csv", prefix="o"))
    assert [one.name for one in place.files() if one.claimed_at] == ["other.csv"]


def test_the_old_name_answers_after_the_claim_and_cannot_be_had(place: Place) -> None:
    path = place.roster()
    with place.clients.paramiko() as there:
        there.put(str(path), "/inbound/roster.csv")
    claimed = place.claimed()
    name = f"roster.csv.{claimed.claimed_at.strftime('%Y%m%dT%H%M%S%fZ')}.processing"
    with place.clients.paramiko() as there:
        wait_until(lambda: there.listdir("/inbound") == [name])
        assert there.stat("/inbound/roster.csv").st_size == path.stat().st_size
        there.utime("/inbound/roster.csv", (1, 2))
        there.chmod("/inbound/roster.csv", 0o600)
        assert there.stat(f"/inbound/{name}").st_size == path.stat().st_size
        for deed in (
            lambda: there.remove(f"/inbound/{name}"),
            lambda: there.rename(f"/inbound/{name}", "/inbound/again.csv"),
            lambda: there.posix_rename(f"/inbound/{name}", "/inbound/again.csv"),
            lambda: there.open(f"/inbound/{name}", "rb"),
            lambda: there.open(f"/inbound/{name}", "wb"),
            lambda: there.truncate(f"/inbound/{name}", 0),
            lambda: there.open("/inbound/roster.csv", "rb"),
        ):
            with pytest.raises(OSError):
                deed()
        other = place.roster("other.txt", prefix="o")
        there.put(str(other), "/inbound/other.txt")
        with pytest.raises(OSError):
            there.posix_rename("/inbound/other.txt", f"/inbound/{name}")
    assert place.processed().state == "processed"


def test_the_same_name_with_other_content_is_another_file(place: Place) -> None:
    place_other(place, place.roster("roster.csv", prefix="first"))
    place_other(place, place.roster("second.csv", prefix="second"), "roster.csv", count=2)
    assert len({one.claimed_at for one in place.files()}) == 2
    assert len(place.listed()) == 2


def test_the_same_bytes_again_suspend_the_account(place: Place) -> None:
    path = place.roster()
    with place.clients.paramiko() as there:
        there.put(str(path), "/inbound/roster.csv")
    place.processed()
    with place.clients.paramiko() as there:
        there.put(str(path), "/inbound/again.csv")
        wait_until(lambda: [one.state for one in place.files() if one.name == "again.csv"] == ["repeated"])
        # The session ends within seconds.
        wait_until(lambda: not there.get_channel().get_transport().is_active(), seconds=15)
    assert place.suspended_for() == "repeated_file"
    done = place.clients.openssh("ls")
    assert done.status != 0
    assert "same" in done.said, done.said


def test_two_uploads_of_one_name_at_once_never_mix(place: Place) -> None:
    one, other = (place.roster(f"{mark}.csv", students=20, prefix=mark * 6).read_bytes() for mark in "ab")
    with place.clients.transport() as transport, raw(transport) as first, raw(transport) as second:
        handles = []
        for there in (first, second):
            answer = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE)
            handles.append(answer.handle if answer.kind == sftp_raw.HANDLE else None)
        assert handles[0] or handles[1]
        for start in range(0, len(one), 300):
            for there, handle, content in ((first, handles[0], one), (second, handles[1], other)):
                if handle:
                    there.write(handle, start, content[start : start + 300])
        for there, handle in ((first, handles[0]), (second, handles[1])):
            if handle:
                there.close(handle)
    file = place.processed()
    assert file.sha256 in {hashlib.sha256(content).hexdigest() for content in (one, other)}


def test_an_empty_file_is_not_imported(place: Place) -> None:
    (place.folder / "empty.csv").touch()
    with place.clients.paramiko() as there:
        there.put(str(place.folder / "empty.csv"), "/inbound/empty.csv")
    wait_until(lambda: [(one.state, one.reason) for one in place.files()] == [("failed", "empty")])


def test_bytes_are_sealed_where_they_lie(place: Place) -> None:
    """Neither the spool nor the storage holds a word of the file, or its name."""
    mark = "unmistakable" + os.urandom(6).hex()
    path = place.roster(f"{mark}.txt", prefix=mark)
    with place.clients.paramiko() as there:
        there.put(str(path), f"/inbound/{mark}.txt")
    place_other(place, place.roster("other.csv", prefix=mark))
    var = place.server.folder / "var"
    for file in [one for one in (var / "spool").rglob("*") if one.is_file()]:
        assert mark not in file.name
        assert mark.encode() not in file.read_bytes(), file
    from pratique.foundation.storage import blob_store

    (claimed,) = [one for one in place.files() if one.name == "other.csv"]
    name = f"account-{place.account.id}/{claimed.id}"
    stored = blob_store().get(institution_id=place.institution.id, name=name)
    assert mark.encode() in stored


def place_other(place: Place, path: Path, name: str = "", count: int = 1) -> None:
    """Upload another file and wait until it was claimed: the keeper has looked at everything before it."""
    name = name or path.name
    with place.clients.paramiko() as there:
        there.put(str(path), f"/inbound/{name}")
    wait_until(
        lambda: len([one for one in place.files() if one.name == name and one.claimed_at]) == count,
        told=place.told,
    )


def test_asyncssh_is_told_of_no_file(place: Place) -> None:
    async def look() -> None:
        async with place.clients.asyncssh() as connection, connection.start_sftp_client() as there:
            with pytest.raises(asyncssh.SFTPNoSuchFile):
                await there.stat("/inbound/never.csv")

    asynchronous.run(look())
