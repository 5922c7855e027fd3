"""SIGTERM in the middle of a request: what was acknowledged stays, what was not is judged rightly, and all goes on."""

import hashlib
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest

from tests import sftp_raw
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_sign_in import ends
from tests.sftp_raw import Raw, raw
from tests.sftp_server import SftpServer, wait_until

pytestmark = pytest.mark.kill
BLOCK = 32_768
# So long that nothing is claimed between the last answer and the signal.
SETTLE = 3


@pytest.fixture(scope="module")
def slow(committed_for_module: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SftpServer]:
    """A server that waits before it claims."""
    server = SftpServer.in_folder(tmp_path_factory.mktemp("slow"), PRATIQUE_SFTP_SETTLE_SECONDS=str(SETTLE))
    server.start()
    yield server
    server.stop()


@pytest.fixture
def place(make_place: Callable[..., Place], slow: SftpServer) -> Place:
    return make_place(server=slow)


def told_to_stop(server: SftpServer) -> None:
    assert server.process
    os.kill(server.process.pid, signal.SIGTERM)


def answers_until_the_end(there: Raw) -> list[int]:
    """Return the ids of requests that were answered with OK before the server closed."""
    found = []
    with suppress(EOFError):
        while True:
            number, answer = there.receive()
            if answer.status == sftp_raw.OK:
                found.append(number)
    return found


def test_what_was_acknowledged_stays_and_the_upload_can_be_resumed(place: Place) -> None:
    content = place.roster(students=60_000).read_bytes()
    blocks = [content[start : start + BLOCK] for start in range(0, len(content), BLOCK)]
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE).handle
        sent = {}
        with suppress(OSError):
            for number, block in enumerate(blocks):
                offset = (number * BLOCK).to_bytes(8, "big")
                id_ = there.send(
                    sftp_raw.WRITE, sftp_raw.string(handle), offset, sftp_raw.string(block)
                )  # fmt: skip
                sent[id_] = number
                if number == len(blocks) // 2:
                    told_to_stop(place.server)
        acknowledged = {sent[id_] for id_ in answers_until_the_end(there) if id_ in sent}
    place.server.stop()
    assert 0 < len(acknowledged) < len(blocks)
    place.server.start()
    wait_until(lambda: [file.state for file in place.files()] == ["incomplete"], told=place.told)
    assert ends(place) == ["restart"]
    with place.clients.paramiko() as client:
        kept = client.stat("/inbound/roster.csv").st_size or 0
        assert kept >= (max(acknowledged) + 1) * BLOCK
        with client.open("/inbound/roster.csv", "ab") as file:
            file.write(content[kept:])
    assert place.claimed().sha256 == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("heard", [True, False], ids=["the answer was heard", "nobody knows"])
def test_whether_a_close_was_heard_decides_about_the_same_bytes_again(place: Place, heard: bool) -> None:
    """Claimed after a restart, as before it: a client's own retry does not lock it out, a repeated file does."""
    path = place.roster()
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/roster.csv", sftp_raw.TO_WRITE).handle
        there.write(handle, 0, path.read_bytes())
        if heard:
            there.close(handle)
            assert there.ask(sftp_raw.STAT, sftp_raw.string("/inbound/roster.csv")).kind == sftp_raw.ATTRS
        else:
            there.send(sftp_raw.CLOSE, sftp_raw.string(handle))
            wait_until(lambda: "waiting" in [file.state for file in place.files()], told=place.told)
        told_to_stop(place.server)
        answers_until_the_end(there)
    place.server.stop()
    assert [file.claimed_at for file in place.files()] == [None]
    place.server.start()
    assert place.claimed().unanswered is not heard
    with place.clients.paramiko() as client:
        client.put(str(path), "/inbound/again.csv")
    state = "repeated" if heard else "ignored"
    wait_until(
        lambda: [file.state for file in place.files() if file.name == "again.csv"] == [state],
        told=place.told,
    )  # fmt: skip
    assert place.suspended_for() == ("repeated_file" if heard else "")
