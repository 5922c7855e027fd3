"""What a client that means harm, or is broken, may try with files: it gets errors, and nothing of anybody else's."""

import os
import struct
from collections.abc import Callable
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests import sftp_raw
from tests.integration.sftp.conftest import Place
from tests.integration.sftp.test_clients_download import lies
from tests.sftp_clients import needs
from tests.sftp_raw import Raw, raw, string
from tests.sftp_server import wait_until

MIB = 1024 * 1024


@pytest.fixture
def other(place: Place, make_place: Callable[..., Place]) -> Place:
    """Another account of the same school, with a file in each folder."""
    there = make_place(place.institution)
    lies(there, "secret.csv", b"theirs")
    with there.clients.paramiko() as client:
        client.putfo(BytesIO(b"theirs"), "/inbound/theirs.txt")
    return there


def ways_to(account: str, folder: str, name: str) -> list[str]:
    """Return paths that would name another account's file, if paths meant anything here."""
    return [
        f"/../{account}/{folder}/{name}", f"/{account}/{folder}/{name}", f"../../{account}/{folder}/{name}",
        f"/{folder}/../../{account}/{folder}/{name}", f"/{folder}/{name}", f"//{folder}//{name}",
        f"/{folder}/./{name}", f"~{account}/{folder}/{name}", f"/home/{account}/{name}",
    ]  # fmt: skip


def test_files_of_another_account_are_not_told_from_absent_ones(place: Place, other: Place) -> None:
    """Every deed on a name of theirs answers word for word what it answers on a name that nobody has."""

    def answers(there: Raw, account: str, folder: str, name: str) -> list[object]:
        told: list[object] = []
        for path in ways_to(account, folder, name):
            told += [
                there.ask(sftp_raw.STAT, string(path)),
                there.ask(sftp_raw.LSTAT, string(path)),
                there.ask(sftp_raw.SETSTAT, string(path), sftp_raw.times(1)),
                there.open(path, sftp_raw.TO_READ),
                there.open(path, 0x02),  # write to what is there
                there.ask(sftp_raw.OPENDIR, string(path)),
                there.ask(sftp_raw.REMOVE, string(path)),
                there.ask(sftp_raw.RENAME, string(path), string("/inbound/mine.txt")),
                there.ask(sftp_raw.READLINK, string(path)),
            ]
        return [
            (one.kind, one.body.replace(account.encode(), b"?").replace(name.encode(), b"?")) for one in told
        ]

    with place.clients.transport() as transport, raw(transport) as there:
        for folder, name in (("outbound", "secret.csv"), ("inbound", "theirs.txt")):
            theirs = answers(there, other.account.username, folder, name)
            nobodys = answers(there, "nobody-at-all", folder, "absent" + name[-4:])
            assert theirs == nobodys
            assert all(kind == sftp_raw.STATUS for kind, _ in theirs)
    assert place.listed("/inbound") == {}
    assert other.listed("/inbound") == {"theirs.txt": 6}
    assert set(other.listed("/outbound")) == {"secret.csv", "results"}


def test_a_name_that_another_account_has_is_free(place: Place, other: Place) -> None:
    with place.clients.paramiko() as there, there.open("/inbound/theirs.txt", "wx") as file:
        file.write(b"mine, and longer")
    assert place.listed() == {"theirs.txt": 16}
    assert other.listed() == {"theirs.txt": 6}


@pytest.mark.parametrize(
    "lines",
    [
        ["mkdir inbound/d"],
        ["symlink .. inbound/up"],
        ["symlink /etc/passwd inbound/passwd.csv"],
        ["ln /outbound inbound/link"],
        ["rename inbound outbound"],
        ["rename inbound/a.txt ../a.txt"],
        ["rename inbound/a.txt /a.txt"],
        ["rename inbound/a.txt outbound/a.txt"],
        ["rmdir inbound"],
        ["rm inbound"],
        ["get /etc/passwd"],
        ["get ../../../../etc/passwd"],
        ["get inbound/../../../etc/passwd"],
        ["ls /etc"],
        ["cd ../../etc", "get passwd"],
        ["cd inbound/d"],
        ["put a.txt /a.txt"],
        ["put a.txt ../../a.txt"],
        ["put a.txt /tmp/a.txt"],
        ["put a.txt inbound/d/a.txt"],
    ],
    ids=" then ".join,
)
@needs("sftp")
def test_nothing_but_the_two_folders_is_reached(place: Place, lines: list[str]) -> None:
    (place.folder / "a.txt").write_text("a")
    assert place.clients.openssh("put a.txt inbound/").status == 0
    (place.folder / "passwd").unlink(missing_ok=True)
    done = place.clients.openssh(*lines)
    assert done.status != 0, done.said
    assert not (place.folder / "passwd").exists()
    assert place.listed("/inbound") == {"a.txt": 1}
    assert set(place.listed("/")) == {"inbound", "outbound"}


@needs("sftp")
def test_the_rename_trick_does_not_leave_the_root(place: Place) -> None:
    """mkdir d; symlink .. d/up; rename d/up up; ls up: asyncssh's own server lists the parent (research/sftp.md)."""
    done = place.clients.openssh(
        "-mkdir d", "-mkdir inbound/d", "-symlink .. d/up", "-symlink .. inbound/d/up", "-rename d/up up",
        "-rename inbound/d/up inbound/up", "-ls up", "-ls inbound/up", "-get up/secrets/django", "ls -1 /",
    )  # fmt: skip
    assert done.status == 0
    listed = [line.strip() for line in done.said.splitlines() if line.startswith("/")]
    assert listed == ["/inbound", "/outbound"]
    assert "sftp.log" not in done.said


NAMES = [
    pytest.param(b"/inbound/..", id="dot dot"),
    pytest.param(b"/inbound/.", id="dot"),
    pytest.param(b"/inbound/", id="no name"),
    pytest.param(b"", id="nothing"),
    pytest.param(b"/", id="root"),
    pytest.param(b"/inbound/a\0b.csv", id="NUL"),
    pytest.param(b"/inbound/" + b"n" * 4096, id="4,096 characters"),
    pytest.param(b"/inbound/" + b"n" * 256, id="256 bytes"),
    pytest.param(b"/inbound/\xff\xfe.csv", id="no UTF-8"),
    pytest.param(b"/inbound/\xed\xa0\x80.csv", id="a lone surrogate"),
    pytest.param(b"/inbound/a\nb.csv", id="line break"),
    pytest.param(b"/inbound/\x1b[2J.csv", id="terminal escape"),
    pytest.param(b"/inbound/sub/a.csv", id="in a folder"),
    pytest.param(b"/" + b"x/" * 100_000, id="200,000 bytes of path"),
]


@pytest.mark.parametrize("path", NAMES)
def test_a_name_that_cannot_be_gets_an_error_and_the_session_goes_on(place: Place, path: bytes) -> None:
    with place.clients.transport() as transport, raw(transport) as there:
        opened = there.open(path, sftp_raw.TO_WRITE)
        assert opened.kind == sftp_raw.STATUS
        assert opened.status not in {sftp_raw.OK, None}
        assert opened.message
        ordinary = there.open("/inbound/a.txt", sftp_raw.TO_WRITE).handle
        there.close(ordinary)
        assert there.ask(sftp_raw.RENAME, string("/inbound/a.txt"), string(path)).status != sftp_raw.OK
        for kind in (sftp_raw.STAT, sftp_raw.OPENDIR, sftp_raw.REMOVE, sftp_raw.REALPATH, sftp_raw.READLINK):
            there.ask(kind, string(path))
        assert there.ask(sftp_raw.STAT, string("/inbound/a.txt")).kind == sftp_raw.ATTRS
    assert place.listed() == {"a.txt": 0}


def test_reads_that_nobody_takes_cost_no_memory(place: Place) -> None:
    """100 READs of 8 MiB with a closed window: asyncssh's own server grows to 922 MB (research/sftp.md)."""
    lies(place, content=os.urandom(9 * MIB))
    with place.clients.transport() as transport, raw(transport, window=65536) as there:
        handle = there.open("/outbound/report.csv", sftp_raw.TO_READ).handle
        assert there.read(handle, 0, 10).kind == sftp_raw.DATA
        before = place.server.memory_mb()
        sent = [there.send(sftp_raw.READ, string(handle), struct.pack(">QI", 0, 8 * MIB)) for _ in range(100)]
        # Others are served meanwhile; by then the server has long done with these what it will do.
        for _ in range(5):
            place.listed("/outbound")
        assert place.server.memory_mb() - before < 25
        answers = dict(there.receive() for _ in sent)
        assert {answer.kind for answer in answers.values()} == {sftp_raw.DATA}
        assert set(answers) == set(sent)


def test_handles_of_a_session_are_limited(place: Place) -> None:
    with place.clients.transport() as transport, raw(transport) as there:
        answers = [there.open(f"/inbound/{number}.txt", sftp_raw.TO_WRITE) for number in range(70)]
        opened = [answer.handle for answer in answers if answer.kind == sftp_raw.HANDLE]
        assert len(opened) == 64
        there.close(opened[0])
        assert there.open("/inbound/one-more.txt", sftp_raw.TO_WRITE).kind == sftp_raw.HANDLE


@pytest.mark.parametrize(
    "offset", [2**40, 2**63, 2**64 - 1], ids=["a terabyte", "half of all", "the end of numbers"]
)
def test_a_write_far_out_is_refused(place: Place, offset: int) -> None:
    with place.clients.transport() as transport, raw(transport) as there:
        handle = there.open("/inbound/a.txt", sftp_raw.TO_WRITE).handle
        assert there.write(handle, offset, b"x").status != sftp_raw.OK
        assert there.ask(sftp_raw.FSETSTAT, string(handle), sftp_raw.size_of(2**63)).kind == sftp_raw.STATUS
        assert there.write(handle, 0, b"x").status == sftp_raw.OK


@pytest.mark.parametrize(
    "handle", [b"", b"1", b"\0" * 4, b"x" * 300], ids=["empty", "guess", "zeros", "long"]
)
def test_a_handle_that_was_never_given(place: Place, handle: bytes) -> None:
    with place.clients.transport() as transport, raw(transport) as there, raw(transport) as another:
        for one in (there, another):
            assert one.read(handle, 0, 10).status not in {sftp_raw.OK, None}
            assert one.write(handle, 0, b"x").status not in {sftp_raw.OK, None}
            assert one.close(handle).status not in {sftp_raw.OK, None}


def test_a_handle_is_of_its_session_alone(place: Place) -> None:
    lies(place, content=b"abc")
    with place.clients.transport() as transport, raw(transport) as there, raw(transport) as another:
        handle = there.open("/outbound/report.csv", sftp_raw.TO_READ).handle
        assert another.read(handle, 0, 3).kind == sftp_raw.STATUS
        assert there.read(handle, 0, 3).kind == sftp_raw.DATA


KINDS = st.sampled_from([*range(1, 21), 200, 201, 0, 99, 101, 255])
PATHS = st.sampled_from([b"/inbound/a.txt", b"/outbound", b"/inbound", b"/", b"", b"a" * 300, b"\xff"])
STRING = st.one_of(PATHS, st.binary(max_size=40)).map(string)
NUMBER = st.one_of(
    st.sampled_from([0, 1, 2, 8, 0x1A, 2**31 - 1, 2**32 - 1]).map(lambda number: struct.pack(">I", number)),
    st.sampled_from([0, 2**63, 2**64 - 1]).map(lambda number: struct.pack(">Q", number)),
)
PACKET = st.builds(
    lambda kind, parts: bytes([kind]) + b"".join(parts),
    KINDS,
    st.lists(st.one_of(STRING, NUMBER, st.binary(max_size=20)), max_size=6),
)
CONVERSATION = st.lists(PACKET, min_size=1, max_size=12)


def test_packets_of_nonsense_are_answered_or_end_the_session(place: Place) -> None:
    """A bounded number of random conversations; after each, and after all, the server serves the next client."""
    with place.clients.transport() as transport:

        @settings(
            max_examples=60, deadline=None, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(conversation=CONVERSATION, cut=st.integers(0, 3))
        def conversations(conversation: list[bytes], cut: int) -> None:
            with suppress(EOFError, OSError), raw(transport) as there:
                for packet in conversation:
                    there.send_packet(packet)
                # A question at the end: everything before it was answered, or the session has ended.
                asked = there.send(sftp_raw.REALPATH, string("/"))
                if cut:
                    there.channel.sendall(b"\0\0\0\x20" + b"\x05" * cut)
                while there.receive()[0] != asked:
                    pass
            assert place.server.answers()

        conversations()
    with place.clients.transport() as transport, raw(transport) as there:
        assert there.ask(sftp_raw.STAT, string("/inbound")).kind == sftp_raw.ATTRS


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(b"\xff\xff\xff\xff", id="four gigabytes announced"),
        pytest.param(b"\0\0\0\0", id="an empty packet"),
        pytest.param(b"GET / HTTP/1.1\r\n\r\n", id="another protocol"),
        pytest.param(b"\x7f\xff\xff\xff" + b"x" * 100_000, id="two gigabytes announced and some sent"),
    ],
)
def test_what_is_no_sftp_ends_the_session(place: Place, packet: bytes) -> None:
    before = place.server.memory_mb()
    with place.clients.transport() as transport:
        with raw(transport) as there:
            there.channel.sendall(packet)
            with pytest.raises((EOFError, OSError)):
                there.receive()
        with raw(transport) as there:
            assert there.ask(sftp_raw.STAT, string("/")).kind == sftp_raw.ATTRS
    assert place.server.memory_mb() - before < 30


def test_a_request_before_the_version_is_agreed_ends_the_session(place: Place) -> None:
    with place.clients.transport() as transport:
        channel = transport.open_session()
        channel.settimeout(30)
        channel.invoke_subsystem("sftp")
        there = Raw(channel)
        there.send(sftp_raw.STAT, string("/inbound"))
        with pytest.raises((EOFError, OSError)):
            there.receive()


def test_a_session_that_is_cut_off_leaves_the_others_alone(place: Place, other: Place) -> None:
    with other.clients.paramiko() as theirs:
        for _ in range(5):
            with place.clients.transport() as transport, raw(transport) as there:
                there.open("/inbound/cut.csv", sftp_raw.TO_WRITE)
                transport.sock.close()
            assert theirs.listdir("/inbound") == ["theirs.txt"]
    wait_until(lambda: [one.state for one in place.files()][-1:] == ["incomplete"], told=place.told)
