"""Requests and their answers, one by one."""

import struct
from datetime import UTC, datetime

import pytest

from pratique.interfaces.sftp.codec import Codec, Limits
from pratique.interfaces.sftp.filesystem import Attributes, Entry, Open
from pratique.interfaces.sftp.packets import long_name
from tests.unit.sftp.packets import INIT, Answer, Files, answers, asked, n, q, s

ROOM = 1 << 20


class Session:
    """A codec, spoken to in whole requests."""

    def __init__(self, files: Files | None = None, limits: Limits | None = None) -> None:
        self.files = files or Files()
        self.codec = Codec(self.files, limits)
        self.request = 0
        assert self.send(INIT)[0].said == "VERSION"

    def send(self, data: bytes, room: int = ROOM) -> list[Answer]:
        self.codec.feed(data)
        return answers(self.codec.process(room))

    def ask(self, kind: int, *fields: bytes) -> Answer:
        self.request += 1
        (answer,) = self.send(asked(kind, self.request, *fields))
        assert answer.request == self.request
        return answer

    def open(self, path: bytes, flags: int = 0x1A) -> bytes:
        return self.ask(3, s(path), n(flags), n(0)).string


def test_a_session_begins_with_the_version_and_the_extensions() -> None:
    codec = Codec(Files())
    codec.feed(struct.pack(">IBI", 19, 1, 6) + s(b"name") + s(b"12"))
    (answer,) = answers(codec.process(ROOM))
    version = n(3)
    offered = [b"posix-rename@openssh.com", b"limits@openssh.com", b"fsync@openssh.com"]
    assert answer.body == version + b"".join(s(name) + s(b"1") for name in offered)


@pytest.mark.parametrize(
    "sent",
    [
        pytest.param(asked(17, 1, s(b"/a")), id="a request before INIT"),
        pytest.param(INIT + INIT, id="INIT twice"),
        pytest.param(INIT + n(0), id="no length"),
        pytest.param(INIT + n(4) + b"\x11abc", id="shorter than a type and an id"),
        pytest.param(INIT + n(300_000), id="longer than a packet may be"),
        pytest.param(INIT + n(0xFFFFFFFF), id="as long as a number goes"),
    ],
)
def test_what_is_no_sftp_breaks_the_session(sent: bytes) -> None:
    codec = Codec(Files())
    codec.feed(sent)
    codec.process(ROOM)
    assert codec.broken
    codec.feed(asked(17, 2, s(b"/a")) * 100)
    assert codec.process(ROOM) == b""


UPLOADED = {b"/a": bytearray(b"0123456789")}


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        pytest.param(3, (s(b"/new"), n(0x1A), n(0)), "HANDLE", id="open to write"),
        pytest.param(3, (s(b"/new"), n(0x1A)), "HANDLE", id="open without attributes"),
        pytest.param(3, (s(b"/none"), n(1), n(0)), "NO_SUCH_FILE", id="open what is not there"),
        pytest.param(3, (s(b"/new"),), "BAD_MESSAGE", id="open without flags"),
        pytest.param(3, (n(9999) + b"/new",), "BAD_MESSAGE", id="open with a name longer than the packet"),
        pytest.param(4, (s(b"none"),), "FAILURE", id="close what is not open"),
        pytest.param(4, (), "BAD_MESSAGE", id="close nothing"),
        pytest.param(5, (s(b"none"), q(0), n(9)), "FAILURE", id="read what is not open"),
        pytest.param(5, (s(b"none"), q(0)), "BAD_MESSAGE", id="read without a length"),
        pytest.param(6, (s(b"none"), q(0), s(b"x")), "FAILURE", id="write what is not open"),
        pytest.param(6, (s(b"none"), q(0), n(5) + b"four"), "BAD_MESSAGE", id="write less than announced"),
        pytest.param(7, (s(b"/a"),), "ATTRS", id="lstat"),
        pytest.param(7, (s(b"/none"),), "NO_SUCH_FILE", id="lstat what is not there"),
        pytest.param(17, (s(b"/a"),), "ATTRS", id="stat"),
        pytest.param(8, (s(b"none"),), "FAILURE", id="fstat what is not open"),
        pytest.param(9, (s(b"/a"), n(4), n(0o600)), "OK", id="setstat"),
        pytest.param(9, (s(b"/a"), n(0x80000000), n(1), s(b"x@y"), s(b"z")), "OK", id="setstat extended"),
        pytest.param(9, (s(b"/a"), n(0x80000000), n(2**32 - 1)), "BAD_MESSAGE", id="setstat with a lie"),
        pytest.param(10, (s(b"none"), n(0)), "FAILURE", id="fsetstat what is not open"),
        pytest.param(11, (s(b"/"),), "HANDLE", id="opendir"),
        pytest.param(12, (s(b"none"),), "FAILURE", id="readdir what is not open"),
        pytest.param(13, (s(b"/a"),), "OK", id="remove"),
        pytest.param(14, (s(b"/folder"), n(0)), "PERMISSION_DENIED", id="mkdir"),
        pytest.param(15, (s(b"/folder"),), "PERMISSION_DENIED", id="rmdir"),
        pytest.param(16, (s(b"."),), "NAME", id="realpath"),
        pytest.param(18, (s(b"/a"), s(b"/b")), "OK", id="rename"),
        pytest.param(18, (s(b"/a"), s(b"/a")), "FAILURE", id="rename onto what is there"),
        pytest.param(19, (s(b"/a"),), "OP_UNSUPPORTED", id="readlink"),
        pytest.param(20, (s(b"/a"), s(b"/b")), "OP_UNSUPPORTED", id="symlink"),
        pytest.param(21, (s(b"/a"), s(b"/b"), b"\x00"), "OP_UNSUPPORTED", id="link of version 6"),
        pytest.param(99, (), "OP_UNSUPPORTED", id="an unknown type"),
        pytest.param(101, (n(0),), "OP_UNSUPPORTED", id="an answer as a request"),
        pytest.param(200, (s(b"posix-rename@openssh.com"), s(b"/a"), s(b"/a")), "OK", id="posix-rename"),
        pytest.param(200, (s(b"limits@openssh.com"),), "EXTENDED", id="limits"),
        pytest.param(200, (s(b"fsync@openssh.com"), s(b"none")), "FAILURE", id="fsync what is not open"),
        pytest.param(200, (s(b"hardlink@openssh.com"), s(b"/a"), s(b"/b")), "OP_UNSUPPORTED", id="hardlink"),
        pytest.param(200, (s(b"copy-data"),), "OP_UNSUPPORTED", id="an unknown extension"),
        pytest.param(200, (), "BAD_MESSAGE", id="no extension"),
    ],
)
def test_every_request_has_its_answer(kind: int, fields: tuple[bytes, ...], said: str) -> None:
    session = Session(Files({b"/a": bytearray(b"0123456789")}))
    answer = session.ask(kind, *fields)
    assert answer.said == said
    if answer.kind == 101:
        assert answer.sentence.endswith(".")
    assert session.ask(17, s(b"/not there")).said == "NO_SUCH_FILE"  # and the session goes on
    assert not session.codec.broken


def test_a_file_goes_up_and_comes_down() -> None:
    session = Session()
    handle = session.open(b"/a.csv")
    assert session.ask(6, s(handle), q(0), s(b"Username\n")).said == "OK"
    assert session.ask(6, s(handle), q(9), s(b"ada\n")).said == "OK"
    assert session.ask(8, s(handle)).attributes == Attributes(
        size=13, permissions=0o100644, accessed=7, modified=9
    )
    assert session.ask(200, s(b"fsync@openssh.com"), s(handle)).said == "OK"
    assert session.ask(4, s(handle)).said == "OK"
    assert session.ask(4, s(handle)).said == "FAILURE"  # it is closed
    handle = session.open(b"/a.csv", flags=1)
    assert session.ask(5, s(handle), q(9), n(100)).string == b"ada\n"
    assert session.ask(5, s(handle), q(13), n(100)).said == "EOF"
    assert ("close", b"/a.csv") in session.files.did
    assert "sync" in session.files.did


def test_the_files_are_told_what_open_asked() -> None:
    session = Session()
    attributes = n(0x0F) + q(5) + n(1) + n(2) + n(0o640) + n(3) + n(4)
    session.ask(3, s(b"/a"), n(0xFFFFFF02), attributes)
    assert session.files.did == [("open", b"/a", Open.WRITE, Attributes(5, 1, 2, 0o640, 3, 4))]


def test_bytes_behind_the_data_of_a_write_are_not_looked_at() -> None:
    """rclone 1.60 pads its WRITE packets."""
    session = Session()
    handle = session.open(b"/a")
    assert session.ask(6, s(handle), q(0), s(b"data"), bytes(500)).said == "OK"
    assert session.files.content[b"/a"] == b"data"


def test_a_read_gets_no_more_than_the_limit_and_stops_where_there_is_no_room() -> None:
    session = Session(Files({b"/big": bytearray(3 << 20)}))
    handle = session.open(b"/big", flags=1)
    assert len(session.ask(5, s(handle), q(0), n(8 << 20)).string) == 255 * 1024
    session.files.did.clear()
    some = session.send(asked(5, 7, s(handle), q(0), n(8 << 20)) * 100, room=512 * 1024)
    assert len(some) == 3
    assert len(session.files.did) == 3  # nothing else was read
    assert session.codec.ready


def test_limits_are_told() -> None:
    answer = Session().ask(200, s(b"limits@openssh.com"))
    assert struct.unpack(">QQQQ", answer.body) == (256 * 1024, 255 * 1024, 255 * 1024, 64)


def test_a_write_as_long_as_the_limit_says_fits() -> None:
    session = Session()
    handle = session.open(b"/a")
    assert session.ask(6, s(handle), q(0), s(bytes(255 * 1024))).said == "OK"
    assert len(session.files.content[b"/a"]) == 255 * 1024


def test_long_listings_are_not_kept_without_end_but_one_may_be_of_any_length() -> None:
    files = Files()
    attributes = Attributes(1, 0, 0, 0o100644, 0, 0)
    files.listing = lambda path: [Entry(b"%d" % number, attributes) for number in range(70)]  # type: ignore[method-assign]
    session = Session(files, Limits(lines=50))
    first = session.ask(11, s(b"/")).string
    refused = session.ask(11, s(b"/"))
    assert (refused.said, refused.sentence) == (
        "FAILURE", "Too many long listings are open at a time. Close some first.",
    )  # fmt: skip
    while session.ask(12, s(first)).said == "NAME":
        pass
    assert session.ask(11, s(b"/")).said == "HANDLE"  # what was asked for is not kept
    assert session.ask(4, s(first)).said == "OK"


def test_a_session_has_so_many_handles_and_no_more() -> None:
    session = Session()
    handles = {session.open(b"/%d" % number) for number in range(63)}
    handles.add(session.ask(11, s(b"/")).string)
    assert len(handles) == 64
    assert all(len(handle) <= 16 for handle in handles)
    for kind, fields in ((3, (s(b"/x"), n(0x1A), n(0))), (11, (s(b"/"),))):
        refused = session.ask(kind, *fields)
        assert (refused.said, "64" in refused.sentence) == ("FAILURE", True)
    assert b"/x" not in session.files.content
    assert session.ask(4, s(handles.pop())).said == "OK"
    assert session.open(b"/x")


def test_a_folder_is_listed_in_pages_as_it_was_when_it_was_opened() -> None:
    session = Session(Files({b"f%04d.csv" % number: bytearray(number) for number in range(1000)}))
    handle = session.ask(11, s(b"/inbound")).string
    session.files.content.clear()
    found, pages = [], 0
    while (answer := session.ask(12, s(handle))).said == "NAME":
        assert len(answer.body) < 34_000  # some clients take no longer packet
        found += answer.names
        pages += 1
    assert answer.said == "EOF"
    assert pages > 2
    assert [name for name, _, _ in found] == [b"f%04d.csv" % number for number in range(1000)]
    assert found[7][2].size == 7
    assert session.ask(4, s(handle)).said == "OK"
    assert session.ask(5, s(handle), q(0), n(5)).said == "FAILURE"


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("entry", "line"),
    [
        pytest.param(
            Entry(
                b"a b.csv", Attributes(size=1234, permissions=0o100644, modified=int(NOW.timestamp()) - 60)
            ),
            b"-rw-r--r-- 1 0        0              1234 Nov 22 11:59 a b.csv",
            id="a young file",
        ),
        pytest.param(
            Entry(b"old", Attributes(size=1, permissions=0o100600, modified=981173106)),
            b"-rw------- 1 0        0                 1 Feb  3  2001 old",
            id="an old file",
        ),
        pytest.param(
            Entry(b"..", Attributes(permissions=0o040755, modified=2**40)),
            b"drwxr-xr-x 1 0        0                 0 Feb  7  2106 ..",
            id="a folder from after the end of time",
        ),
    ],
)
def test_people_see_a_line_as_ls_shows_it(entry: Entry, line: bytes) -> None:
    assert long_name(entry, NOW) == line


def test_a_fault_of_ours_is_a_failure_without_a_word_about_it(caplog: pytest.LogCaptureFixture) -> None:
    class Faulty(Files):
        def attributes(self, path: bytes) -> Attributes:
            raise ValueError("born 1 May 2001")

    answer = Session(Faulty()).ask(17, s(b"/a"))
    assert answer.said == "FAILURE"
    assert "2001" not in answer.sentence + caplog.text


def test_the_end_abandons_what_is_open_and_tells_the_files_once() -> None:
    session = Session()
    session.open(b"/a")
    closed = session.open(b"/b")
    session.ask(4, s(closed))
    session.ask(11, s(b"/"))
    session.codec.feed(asked(13, 9, s(b"/a")))
    session.codec.end()
    session.codec.end()
    assert session.files.did[-2:] == [("abandon", b"/a"), "ended"]
    assert session.files.did.count(("abandon", b"/b")) == 0
    assert session.codec.process(ROOM) == b""
    assert b"/a" in session.files.content


@pytest.mark.parametrize(
    ("deed", "matters"),
    [
        ("close an upload", True),
        ("rename", True),
        ("posix-rename", True),
        ("close a download", False),
        ("stat", False),
    ],
)
def test_the_files_hear_of_the_client_where_an_upload_was_completed(deed: str, matters: bool) -> None:
    session = Session(Files({b"/a": bytearray(b"x")}))
    if deed.startswith("close"):
        session.ask(4, s(session.open(b"/a", flags=2 if "upload" in deed else 1)))
    elif deed == "rename":
        session.ask(18, s(b"/a"), s(b"/b"))
    elif deed == "posix-rename":
        session.ask(200, s(b"posix-rename@openssh.com"), s(b"/a"), s(b"/b"))
    else:
        session.ask(17, s(b"/a"))
    session.codec.heard()
    session.codec.heard()
    assert session.files.did.count("heard") == matters


def test_who_is_gone_gets_nothing_read_but_what_was_closed_is_complete() -> None:
    session = Session(Files({b"/a": bytearray(b"x"), b"/b": bytearray(b"y")}))
    upload, download = session.open(b"/a", flags=2), session.open(b"/b", flags=1)
    session.files.did.clear()
    session.codec.alone = True
    requests = (
        asked(5, 1, s(download), q(0), n(9)) * 50
        + asked(3, 2, s(b"/a"), n(0x1A), n(0))
        + asked(6, 3, s(upload), q(1), s(b"z"))
        + asked(4, 4, s(upload))
    )
    session.send(requests)
    assert session.files.did == [("close", b"/a")]
    assert session.files.content[b"/a"] == b"xz"


class PromptFiles(Files):
    def knows_at_once(self, path: bytes) -> bool:
        return path == b"/known"


@pytest.mark.parametrize(
    ("kind", "fields", "at_once"),
    [
        pytest.param(17, (s(b"/known"),), True, id="stat of what is known"),
        pytest.param(7, (s(b"/unknown"),), False, id="stat of what is not"),
        pytest.param(16, (s(b"."),), True, id="realpath"),
        pytest.param(3, (s(b"/a"), n(1), n(0)), False, id="open"),
        pytest.param(4, (s(b"none"),), True, id="close what is not open"),
        pytest.param(6, (s(b"none"), q(0), s(b"x")), True, id="write what is not open"),
        pytest.param(5, (s(b"none"),), True, id="read too short"),
        pytest.param(13, (s(b"/a"),), False, id="remove"),
    ],
)
def test_only_what_needs_memory_is_answered_at_once(
    kind: int, fields: tuple[bytes, ...], at_once: bool
) -> None:
    session = Session(PromptFiles())
    session.codec.feed(asked(kind, 1, *fields))
    assert session.codec.at_once() is at_once


def test_a_handle_says_itself_what_it_can_do_at_once() -> None:
    session = Session()
    handle = session.open(b"/a")
    session.codec.feed(asked(6, 1, s(handle), q(3), s(b"data")))
    assert not session.codec.at_once()  # this one says nothing
    session.codec.process(ROOM)
    (opened,) = session.codec._handles.values()
    heard: list[object] = []
    opened.writes_at_once = lambda offset, length: not heard.append((offset, length))  # type: ignore[union-attr]
    session.codec.feed(asked(6, 1, s(handle), q(3), s(b"data")))
    assert session.codec.at_once()
    assert heard == [(3, 4)]


def test_a_fault_in_a_promise_is_a_no() -> None:
    class Faulty(Files):
        def knows_at_once(self, path: bytes) -> bool:
            raise ValueError

    session = Session(Faulty())
    session.codec.feed(asked(17, 1, s(b"/a")))
    assert not session.codec.at_once()
