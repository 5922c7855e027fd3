"""What a client can name: the virtual root, its tricks, and the words it gets."""

import pytest

from pratique.interfaces.sftp.filesystem import Attributes, Open, SftpError, Status
from pratique.interfaces.sftp.paths import absolute
from tests.unit.transfers.spool_world import NOTHING, WRITE, World, names, put, world

__all__ = ["world"]


@pytest.mark.parametrize(
    ("path", "whole"),
    [
        (b"", "/"),
        (b".", "/"),
        (b"/", "/"),
        (b"//inbound///a.csv", "/inbound/a.csv"),
        (b"inbound/a.csv", "/inbound/a.csv"),
        (b"/inbound/../../../etc/passwd", "/etc/passwd"),
        (b"../../..", "/"),
        (b"/inbound/./a.csv/..", "/inbound"),
        ("/inbound/Año.csv".encode(), "/inbound/Año.csv"),
    ],
)
def test_paths_are_words_and_above_the_root_is_the_root(path: bytes, whole: str) -> None:
    assert absolute(path) == whole


@pytest.mark.parametrize(
    ("path", "words"),
    [
        (b"/inbound/a\0.csv", "NUL"),
        (b"/inbound/" + b"a" * 4096, "4095 bytes"),
        (b"/" * 4096, "4095 bytes"),
        (b"/inbound/\xff\xfe.csv", "UTF-8"),
        (b"/inbound/" + b"\xed\xa0\x80", "UTF-8"),
    ],
    ids=["nul", "too-long", "4096-slashes", "not-utf-8", "half-a-surrogate"],
)
def test_what_no_file_can_be_called_gets_a_clear_error_everywhere(
    world: World, path: bytes, words: str
) -> None:
    session = world.session()
    for do in (
        lambda: session.open(path, WRITE, NOTHING),
        lambda: session.attributes(path),
        lambda: session.set_attributes(path, NOTHING),
        lambda: session.listing(path),
        lambda: session.remove(path),
        lambda: session.rename(path, b"/inbound/b.csv", overwrite=True),
        lambda: session.real_path(path),
    ):
        with pytest.raises(SftpError, match=words):
            do()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("a" * 256 + ".csv", "255 bytes"),
        ("Ñ" * 128, "255 bytes"),
        ("a\nb.csv", "control character"),
        ("a\x1b[2J.csv", "control character"),
        ("a\u202egpj.csv", "control character"),
        ("students.csv.20261101T100000000000Z.processing", "are ours"),
        ("students.processed", "are ours"),
        ("STUDENTS.FAILED", "are ours"),
        ("students.csv.repeated", "are ours"),
    ],
)
def test_names_that_nobody_may_make(world: World, name: str, words: str) -> None:
    session = world.session()
    put(session, "/inbound/a.csv", b"content")
    with pytest.raises(SftpError, match=words):
        session.open(f"/inbound/{name}".encode(), WRITE, NOTHING)
    with pytest.raises(SftpError, match=words):
        session.rename(b"/inbound/a.csv", f"/inbound/{name}".encode(), overwrite=True)
    assert names(session) == ["a.csv"]
    assert {reason for kind, _path, reason in world.journal.told() if kind == "refused"} == {"name_refused"}


def test_the_root_has_two_folders_and_one_within(world: World) -> None:
    session = world.session()
    assert names(session, b"/") == ["inbound", "outbound"]
    assert names(session, b"/outbound") == ["results"]
    for path in (b"/", b"/inbound", b"/outbound/", b"/outbound/results", b"/inbound/.."):
        assert (session.attributes(path).permissions or 0) & 0o170000 == 0o040000
        session.set_attributes(path, Attributes(modified=1, accessed=1))  # lftp's mirror does
    for path in (
        b"/etc",
        b"/inbound/d",
        b"/inbound/../../etc/passwd",
        b"/outbound/results/../d",
        b"/results",
    ):
        with pytest.raises(SftpError) as caught:
            session.attributes(path)
        assert caught.value.status is Status.NO_SUCH_FILE
        with pytest.raises(SftpError) as caught:
            session.listing(path)
        assert caught.value.status is Status.NO_SUCH_FILE


@pytest.mark.parametrize(
    "path",
    [b"/a.csv", b"/outbound/a.csv", b"/outbound/results/a.csv", b"/inbound/d/a.csv", b"/inbound", b"/etc/a.csv",
     b"/inbound/a.csv/b.csv", b"/inbound/../a.csv"],
)  # fmt: skip
def test_uploads_go_into_inbound_itself_and_nowhere_else(world: World, path: bytes) -> None:
    session = world.session()
    put(session, "/inbound/there.csv", b"content")
    with pytest.raises(SftpError) as caught:
        session.open(path, WRITE, NOTHING)
    assert caught.value.status in (Status.NO_SUCH_FILE, Status.PERMISSION_DENIED)
    with pytest.raises(SftpError):
        session.rename(b"/inbound/there.csv", path, overwrite=True)
    assert names(session) == ["there.csv"]


def test_uploads_cannot_be_read_back_and_absent_ones_are_absent(world: World) -> None:
    session = world.session()
    put(session, "/inbound/a.csv", b"content")
    with pytest.raises(SftpError, match="cannot be read back") as caught:
        session.open(b"/inbound/a.csv", Open.READ, NOTHING)
    assert caught.value.status is Status.PERMISSION_DENIED
    handle = session.open(b"/inbound/a.csv", Open.READ | Open.WRITE, NOTHING)
    with pytest.raises(SftpError, match="cannot be read back"):
        handle.read(0, 10)
    handle.close()
    with pytest.raises(SftpError) as caught:
        session.open(b"/inbound/b.csv", Open.READ, NOTHING)
    assert caught.value.status is Status.NO_SUCH_FILE
    assert ("refused", "/inbound/a.csv", "read_refused") in world.journal.told()


def test_a_client_that_is_refused_a_thousand_times_does_not_fill_the_log(world: World) -> None:
    session = world.session()
    for _try in range(300):
        with pytest.raises(SftpError):
            session.open(b"/outbound/a.csv", WRITE, NOTHING)
    assert len(world.journal.events) <= 100


def test_counts_and_events_tell_what_was_moved(world: World) -> None:
    session = world.session()
    put(session, "/inbound/a.csv", b"12345")
    handle = session.open(b"/inbound/b.csv", WRITE, NOTHING)
    handle.write(0, b"123")
    handle.abandon()
    session.rename(b"/inbound/a.csv", b"/inbound/c.csv", overwrite=False)
    session.remove(b"/inbound/c.csv")
    counts = session._log.counts
    assert (counts.files_in, counts.bytes_in) == (1, 8)
    assert world.journal.told() == [
        ("uploaded", "/inbound/a.csv", ""), ("interrupted", "/inbound/b.csv", "connection_lost"),
        ("renamed", "/inbound/c.csv", ""), ("removed", "/inbound/c.csv", ""),
    ]  # fmt: skip
