"""The client of clamd, against the stand-in that we ship and against daemons that misbehave."""

import socket
import threading

import pytest

from pratique.connectors.clamd import (
    ClamdError,
    Clean,
    Infected,
    Unavailable,
    check,
    client,
    is_configured,
    scan,
)
from pratique.connectors.clamd.fake import EICAR, EICAR_NAME, FakeClamd


@pytest.fixture
def daemon(settings):
    with FakeClamd() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        settings.CLAMD = f"127.0.0.1:{server.server_address[1]}"
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def answering(settings):
    """A daemon that takes one connection, reads a little, says what it is told to, and hangs up."""
    threads, listeners = [], []

    def start(answer: bytes, read: int = 4096) -> None:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        settings.CLAMD = f"127.0.0.1:{listener.getsockname()[1]}"

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(read)
                connection.sendall(answer)

        threads.append(threading.Thread(target=serve))
        threads[-1].start()

    yield start
    for thread in threads:
        thread.join()
    for listener in listeners:
        listener.close()


@pytest.mark.parametrize(
    ("content", "verdict"),
    [
        (b"", Clean()),
        (b"a harmless page" * 100_000, Clean()),
        (EICAR, Infected(EICAR_NAME)),
        (b"x" * 64 * 1024 + EICAR + b"y" * 200_000, Infected(EICAR_NAME)),
    ],
    ids=["nothing", "several pieces", "the test file", "the test file within"],
)
def test_the_verdict_of_the_daemon(daemon, content, verdict):
    assert is_configured()
    check()
    assert scan(content) == verdict


def test_a_file_larger_than_the_daemon_takes_is_not_taken_for_clean(daemon):
    verdict = scan(bytes(26 * 1024 * 1024))
    assert isinstance(verdict, Unavailable)


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"\0",
        b"stream: OK but odd\0",
        b"stream:  FOUND",
        b"INSTREAM size limit exceeded. ERROR\0",
        b"\xff" * 9000,
    ],
    ids=["nothing", "an empty answer", "an odd answer", "a find without a name", "its limit", "rubbish"],
)
def test_an_answer_that_is_none_is_never_clean(answering, answer):
    answering(answer)
    assert isinstance(scan(b"page"), Unavailable)


def test_a_daemon_that_is_not_there(settings):
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CLAMD = f"127.0.0.1:{server.getsockname()[1]}"
    assert isinstance(scan(b"page"), Unavailable)
    with pytest.raises(ClamdError, match="reached"):
        check()


def test_a_daemon_that_never_answers(settings, monkeypatch):
    monkeypatch.setattr(client, "SCAN_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as server:
        settings.CLAMD = f"127.0.0.1:{server.getsockname()[1]}"
        assert scan(b"page") == Unavailable("it does not answer in time")


@pytest.mark.parametrize("address", ["localhost", ":3310", "host:port", "host:99999", "/no/such/socket"])
def test_an_address_that_is_none(settings, address):
    settings.CLAMD = address
    assert isinstance(scan(b"page"), Unavailable)


def test_without_an_address_nothing_is_clean(settings):
    settings.CLAMD = ""
    assert not is_configured()
    assert isinstance(scan(b"page"), Unavailable)


def test_a_socket_in_the_file_system(settings, tmp_path):
    path = str(tmp_path / "clamd")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        settings.CLAMD = path

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"PONG\0")

        thread = threading.Thread(target=serve)
        thread.start()
        check()
        thread.join()
