"""Whatever dies in the middle of an upload or of its import: nothing half is processed, and everything once."""

import hashlib
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pratique.foundation.tenancy import institution_scope
from pratique.rosters.models import RosterProgress
from tests import sftp_raw
from tests.cutting_proxy import CuttingProxy
from tests.integration.sftp.conftest import Place, row
from tests.schools import HEADER
from tests.sftp_clients import needs
from tests.sftp_raw import raw
from tests.sftp_server import SftpServer, wait_until, worker_process

pytestmark = pytest.mark.kill
# 5 MB of few rows: notes are columns that nobody knows, which are passed over with a warning.
ROWS, COLUMNS, NOTES = 260, 20, 1000


@pytest.fixture
def large(place: Place) -> Path:
    """A roster of 5 MB, no two of whose 32 KB blocks are alike."""
    path = place.folder / "roster.csv"
    lines = [",".join([*(f"Notes{number}" for number in range(COLUMNS)), HEADER])]
    for number in range(ROWS):
        text = hashlib.shake_128(str(number).encode()).hexdigest(COLUMNS * NOTES // 2)
        notes = [text[start : start + NOTES] for start in range(0, len(text), NOTES)]
        lines.append(",".join([*notes, row(f"s{number}")]))
    path.write_text("\n".join(lines) + "\n")
    assert path.stat().st_size > 5_000_000
    return path


def another_was_claimed(place: Place, name: str) -> None:
    """Upload another file and wait for its claim: whatever could be claimed before has been."""
    path = place.roster(name, students=1, prefix=name[:-4])
    with place.clients.paramiko() as there:
        there.put(str(path), f"/inbound/{name}")
    place.claimed(name)


def cut_off(place: Place, line: str, *, after: int) -> None:
    """Run one line of OpenSSH's sftp and kill the client when `after` bytes went up."""
    client: list[subprocess.Popen[str]] = []

    def kill() -> None:
        for one in client:
            os.killpg(one.pid, signal.SIGKILL)

    with CuttingProxy(place.server.port, after=after, deed=kill) as proxy:
        command = place.clients.sftp_command("-o", f"HostKeyAlias=[127.0.0.1]:{place.server.port}")
        command[command.index("-P") + 1] = str(proxy.port)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, text=True,
            cwd=place.folder, start_new_session=True,
        ) as process:  # fmt: skip
            client.append(process)
            assert process.stdin
            process.stdin.write(f"{line}\n")
            process.stdin.close()
            assert process.wait(60) == -signal.SIGKILL
        assert proxy.done.wait(20)


@needs("sftp")
def test_a_client_killed_at_every_tenth_resumes_and_is_processed_once(place: Place, large: Path) -> None:
    tenth = large.stat().st_size // 10
    sizes = [0]
    for number in range(1, 10):
        line = f"{'put' if number == 1 else 'reput'} {large} inbound/roster.csv"
        # What is sent besides the file (the log-in, the heads of packets) is a few KB.
        cut_off(place, line, after=tenth + 20_000)
        wait_until(lambda: [one.state for one in place.files() if one.name == "roster.csv"] == ["incomplete"])
        size = place.listed()["roster.csv"]
        assert sizes[-1] < size < large.stat().st_size
        sizes.append(size)
    another_was_claimed(place, "another.csv")
    assert place.file().state == "incomplete"
    assert place.file().claimed_at is None
    done = place.clients.openssh(f"reput {large} inbound/roster.csv")
    assert done.status == 0, done.said
    assert place.processed().sha256 == hashlib.sha256(large.read_bytes()).hexdigest()
    assert place.file().state == "processed", place.told()
    assert len(place.students()) == ROWS + 1
    kinds = [kind for kind, path, _ in place.events() if path == "/inbound/roster.csv"]
    assert "interrupted" in kinds
    assert "resumed" in kinds


@needs("sftp")
def test_an_openssh_client_that_is_interrupted_closes_cleanly_and_nothing_is_processed(
    place: Place, large: Path
) -> None:
    """Ctrl-C: exit status 0 or not, the file that is closed in good order lacks its end."""
    command = place.clients.sftp_command("-l", "30000")  # 3.7 MB a second
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        cwd=place.folder, start_new_session=True,
    ) as process:  # fmt: skip
        assert process.stdin
        process.stdin.write(f"put {large} inbound/roster.csv\n")
        process.stdin.close()
        with place.clients.paramiko() as there:
            wait_until(
                lambda: [one for one in there.listdir_attr("/inbound") if (one.st_size or 0) > 300_000],
                told=place.told,
            )
        process.send_signal(signal.SIGINT)
        process.wait(30)
    file = place.processed()
    assert 0 < file.size < large.stat().st_size
    assert (file.state, file.reason) == ("failed", "refused_file"), place.told()
    assert "truncated" in place.results()
    assert place.students() == []


@needs("sftp")
def test_a_server_killed_in_the_middle_of_an_upload(place: Place, large: Path) -> None:
    half = large.stat().st_size // 2
    server = place.server
    with CuttingProxy(server.port, after=half, deed=server.kill) as proxy:
        command = place.clients.sftp_command("-o", f"HostKeyAlias=[127.0.0.1]:{server.port}")
        command[command.index("-P") + 1] = str(proxy.port)
        done = place.clients.run(command, f"put {large} inbound/roster.csv\n")
        assert proxy.done.wait(20)
    assert done.status != 0
    server.start()
    wait_until(lambda: [one.state for one in place.files()] == ["incomplete"])
    assert 0 < place.listed()["roster.csv"] < large.stat().st_size
    another_was_claimed(place, "another.csv")
    assert place.file().claimed_at is None
    done = place.clients.openssh(f"reput {large} inbound/roster.csv")
    assert done.status == 0, done.said
    assert place.processed().sha256 == hashlib.sha256(large.read_bytes()).hexdigest()


def test_sessions_of_a_killed_server_do_not_stay_open(place: Place) -> None:
    with place.clients.transport():
        wait_until(lambda: [one.ended_at for one in place.sessions()] == [None], told=place.told)
        place.server.kill()
    place.server.start()
    wait_until(lambda: [one.end for one in place.sessions()] == ["unknown"], told=place.told)
    assert place.sessions()[0].ended_at


def test_a_server_killed_after_the_close_takes_the_file_all_the_same(place: Place) -> None:
    path = place.roster()
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE).handle
        there.write(handle, 0, path.read_bytes())
        there.close(handle)
        place.server.kill()
    place.server.start()
    assert place.processed().state == "processed"
    # The client did not hear of it, sends the same again, and is not locked out for it.
    assert place.clients.openssh(f"put {path.name} inbound/").status == 0
    wait_until(lambda: sorted(one.state for one in place.files()) == ["ignored", "processed"])
    assert place.suspended_for() == ""


def test_a_connection_that_dies_with_the_answer_to_the_close_is_a_retry(place: Place) -> None:
    path = place.roster()
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE).handle
        there.write(handle, 0, path.read_bytes())
        there.send(sftp_raw.CLOSE, sftp_raw.string(handle))
        transport.sock.shutdown(2)
    first = place.processed()
    assert first.unanswered
    with place.clients.paramiko() as client:
        client.put(str(path), "/inbound/roster.csv")
    wait_until(lambda: sorted(one.state for one in place.files()) == ["ignored", "processed"])
    assert place.suspended_for() == ""


def test_a_worker_killed_in_the_middle_of_an_import(place: Place) -> None:
    path = place.roster(students=8_000)
    with place.clients.paramiko() as there:
        there.put(str(path), "/inbound/roster.csv")
    place.claimed()
    first = worker_process(place.server)
    try:
        wait_until(lambda: progress(place) == "creating", seconds=60)
    finally:
        first.kill()
        first.wait()
    assert place.students() == []
    second = worker_process(place.server)
    try:
        wait_until(lambda: place.file().state not in {"claimed", "importing"}, seconds=120)
    finally:
        second.terminate()
        second.wait(30)
    assert place.file().state == "processed"
    assert len(place.students()) == 8_000
    (results,) = place.outbound()
    with place.clients.paramiko() as there, there.open(f"/outbound/results/{results.name}") as file:
        file.prefetch(results.size)
        lines = file.read().decode().splitlines()
    assert sum("created" in line for line in lines) >= 8_000


def progress(place: Place) -> str:
    with institution_scope(place.institution.id):
        found = RosterProgress.objects.first()
        return found.phase if found else ""


@pytest.fixture
def small_disk(tmp_path: Path, committed_for_module: None) -> Iterator[SftpServer]:
    """A server whose spool lies on a disk of 3 MB."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    server = SftpServer.in_folder(tmp_path / "small-disk")
    spool = tmp_path / "small-disk" / "var" / "spool"
    spool.mkdir(parents=True, mode=0o700)
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(spool)], check=False)
    if mounted.returncode:
        pytest.skip("this machine mounts no small disk")
    try:
        server.start()
        yield server
    finally:
        server.stop()
        subprocess.run(["umount", str(spool)], check=True)


@needs("sftp")
def test_a_full_disk_is_told_and_the_next_upload_has_room_again(
    small_disk: SftpServer, make_place: Callable[..., Place]
) -> None:
    place = make_place(server=small_disk)
    (place.folder / "large.csv").write_bytes(os.urandom(5_000_000))
    done = place.clients.openssh("put large.csv inbound/large.csv")
    assert done.status != 0
    assert "Failure" in done.said or "room" in done.said or "full" in done.said, done.said
    assert place.clients.openssh("rm inbound/large.csv").status == 0
    path = place.roster()
    done = place.clients.openssh(f"put {path.name} inbound/")
    assert done.status == 0, done.said
    assert place.processed().state == "processed"
    assert [one.name for one in place.files() if one.claimed_at] == ["roster.csv"]
