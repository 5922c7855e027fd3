"""The client that pushes files, against a played server with every fault that we know of."""

import random
import socket
import threading

import asyncssh
import pytest

from pratique.connectors.sftp_push import fake
from pratique.connectors.sftp_push.client import push, try_out
from pratique.connectors.sftp_push.connection import _may_be_reached
from pratique.connectors.sftp_push.fake import FakeServer
from pratique.connectors.sftp_push.types import FAILURE_STEPS, File, How, PushError, Server, Step, Waits
from pratique.delivery.types import FAILURES

CONTENT = random.Random(4).randbytes(5_000_000)
FILE = File("students.csv", "students.csv.abc123.part", len(CONTENT), lambda at, n: CONTENT[at : at + n])
MIB = 1024 * 1024


@pytest.fixture
def theirs(tmp_path):
    with FakeServer(tmp_path, password="correct horse") as server:
        yield server


def server_of(fake, **changes):
    values = {
        "host": "127.0.0.1", "port": fake.port, "username": "pratique", "password": fake.password,
        "host_keys": [fake.host_key_public], **changes,
    }  # fmt: skip
    return Server(**values)


class Ledger:
    """What the caller of `push` keeps, and a push by it."""

    def __init__(self):
        self.renaming = False
        self.progress = []

    def note(self):
        self.renaming = True

    def push(self, fake, file=FILE, waits=None, **changes):
        return push(
            server_of(fake, **changes),
            file,
            renaming=self.renaming,
            before_rename=self.note,
            progress=self.progress.append,
            waits=waits,
        )


def names(fake):
    return sorted(one.name for one in fake.root.iterdir())


def failure(call, *arguments, **named):
    with pytest.raises(PushError) as caught:
        call(*arguments, **named)
    return caught.value.code


def test_a_file_arrives_whole_under_its_name_alone(theirs):
    ledger = Ledger()
    assert ledger.push(theirs).how == How.RENAMED
    assert names(theirs) == ["students.csv"]
    assert (theirs.root / "students.csv").read_bytes() == CONTENT
    assert theirs.arrived == ["students.csv"]
    assert ledger.progress[0] == 0
    assert ledger.progress[-1] == len(CONTENT)


def test_an_empty_file_arrives_too(theirs):
    Ledger().push(theirs, File("none.csv", "none.csv.part", 0, lambda _at, _n: b""))
    assert (theirs.root / "none.csv").read_bytes() == b""


def test_a_broken_connection_is_gone_on_from_where_it_broke(theirs):
    ledger = Ledger()
    theirs.faults.drop_after_bytes = 3_500_000
    assert failure(ledger.push, theirs) == "write_lost"
    assert names(theirs) == ["students.csv.abc123.part"]
    theirs.faults.drop_after_bytes = 0
    pushed = ledger.push(theirs)
    assert pushed.resumed == 2 * MIB
    assert (theirs.root / "students.csv").read_bytes() == CONTENT
    assert names(theirs) == ["students.csv"]


def test_a_temporary_file_with_other_content_is_not_gone_on_with(theirs):
    (theirs.root / FILE.temporary).write_bytes(bytes(4_000_000))
    assert Ledger().push(theirs).resumed == 0
    assert (theirs.root / "students.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("done", [False, True], ids=["before-it", "after-it"])
@pytest.mark.parametrize("takes_away", [False, True], ids=["stays", "moved-on-at-once"])
@pytest.mark.parametrize("stat", [True, False], ids=["stat", "no-stat"])
def test_a_rename_whose_answer_was_lost_is_never_sent_again(theirs, done, takes_away, stat):
    ledger = Ledger()
    theirs.faults.takes_away, theirs.faults.no_stat = takes_away, not stat
    if done:
        theirs.faults.drop_after_rename = True
    else:
        theirs.faults.drop_before_rename = True
    assert failure(ledger.push, theirs) == "rename_lost"
    assert ledger.renaming
    theirs.faults.drop_after_rename = theirs.faults.drop_before_rename = False
    assert ledger.push(theirs).how == (How.WAS_THERE if done else How.RENAMED)
    assert theirs.arrived == ["students.csv"]
    expected = "students.csv.1.taken" if takes_away else "students.csv"
    assert names(theirs) == [expected]
    assert (theirs.root / expected).read_bytes() == CONTENT


@pytest.mark.parametrize(
    ("faults", "there", "how"),
    [
        ({"no_posix_rename": True}, False, How.RENAMED),
        ({"no_posix_rename": True}, True, How.REPLACED),
        ({}, True, How.RENAMED),
        ({"no_rename": True}, False, How.DIRECT),
        ({"no_rename": True}, True, How.DIRECT),
        ({"no_stat": True}, False, How.RENAMED),
        ({"takes_away": True}, False, How.RENAMED),
        ({"no_listing": True}, False, How.RENAMED),
    ],
    ids=[
        "version-3-rename", "version-3-rename-over-a-file", "posix-rename-over-a-file", "no-rename",
        "no-rename-over-a-file", "stat-finds-nothing", "moved-away-at-once", "no-listing",
    ],
)  # fmt: skip
def test_servers_differ(theirs, faults, there, how):
    for name, value in faults.items():
        setattr(theirs.faults, name, value)
    if there:
        (theirs.root / "students.csv").write_bytes(b"older")
    assert Ledger().push(theirs).how == how
    expected = "students.csv.1.taken" if theirs.faults.takes_away else "students.csv"
    assert names(theirs) == [expected]
    assert (theirs.root / expected).read_bytes() == CONTENT


def test_without_rename_a_file_that_is_there_is_not_sent_again(theirs):
    theirs.faults.no_rename = True
    ledger = Ledger()
    ledger.push(theirs)
    again = Ledger()
    again.renaming = True
    assert again.push(theirs).how == How.WAS_THERE
    assert again.progress == []


def test_without_rename_a_connection_that_breaks_leaves_nothing_taken_for_done(theirs):
    theirs.faults.no_rename, theirs.faults.drop_after_bytes = True, len(CONTENT) + 2_500_000
    ledger = Ledger()
    assert failure(ledger.push, theirs) == "write_lost"
    assert (theirs.root / "students.csv").read_bytes() != CONTENT
    theirs.faults.drop_after_bytes = 0
    assert ledger.push(theirs).how == How.DIRECT
    assert (theirs.root / "students.csv").read_bytes() == CONTENT
    assert names(theirs) == ["students.csv"]


def test_another_host_key_ends_it_before_anything_is_proved(theirs):
    known = theirs.host_key_public
    theirs.change_host_key()
    with pytest.raises(PushError) as caught:
        Ledger().push(theirs, host_keys=[known])
    assert (caught.value.code, caught.value.step) == ("host_key_changed", Step.HOST_KEY)
    assert caught.value.offered.public == theirs.host_key_public
    assert (theirs.signing_in, theirs.passwords) == (0, [])


def test_one_of_several_pinned_keys_is_enough(theirs):
    known = theirs.host_key_public
    theirs.change_host_key()
    Ledger().push(theirs, host_keys=[known, theirs.host_key_public])
    assert theirs.arrived == ["students.csv"]


def test_nothing_is_believed_on_first_use(theirs):
    assert failure(Ledger().push, theirs, host_keys=[]) == "host_key_not_pinned"
    found = try_out(server_of(theirs, host_keys=[]))
    assert found.host_key.public == theirs.host_key_public
    assert (found.failure, found.ready) == ("host_key_not_pinned", False)
    assert theirs.passwords == []


@pytest.mark.parametrize(
    ("faults", "changes", "code"),
    [
        ({}, {"host": "nobody.invalid"}, "host_unknown"),
        ({}, {"port": 1}, "connect_refused"),
        ({"refuses_sign_in": True}, {}, "sign_in_refused"),
        ({}, {"password": "wrong"}, "sign_in_refused"),
        ({}, {"folder": "reports/none"}, "folder_missing"),
        ({"no_writing": True}, {}, "write_denied"),
        ({"full_after_bytes": 2_000_000}, {}, "write_no_room"),
    ],
    ids=["no-such-host", "nobody-listens", "refused", "wrong-password", "no-folder", "no-right", "disk-full"],
)
def test_each_failure_names_its_step(theirs, faults, changes, code):
    for name, value in faults.items():
        setattr(theirs.faults, name, value)
    assert failure(Ledger().push, theirs, **changes) == code
    assert theirs.arrived == []


def test_a_server_that_falls_silent_is_given_up(theirs):
    theirs.faults.slow_seconds = 60
    assert failure(Ledger().push, theirs, waits=Waits(stall=0.5)) == "write_stalled"


def key_exchange_offer(*lists):
    """The first packet of a server (RFC 4253, sections 6 and 7.1): its lists of algorithms."""
    lists = [*lists, *[""] * (10 - len(lists))]
    names = b"".join(len(one).to_bytes(4, "big") + one.encode() for one in lists)
    payload = bytes([20]) + bytes(16) + names + bytes(5)
    padding = 8 - (len(payload) + 5) % 8 + 8
    return (len(payload) + padding + 1).to_bytes(4, "big") + bytes([padding]) + payload + bytes(padding)


OLD = key_exchange_offer(
    "diffie-hellman-group14-sha1", "ssh-dss", *["aes128-cbc"] * 2, *["hmac-sha1"] * 2, *["none"] * 2
)


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" * 100, "not_ssh"),
        (b"", "not_ssh"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "not_ssh"),
        (b"SSH-2.0-OpenSSH_5.3\r\n" + OLD, "no_common_algorithm"),
    ],
    ids=["a-web-server", "nothing", "its-version-alone", "only-old-algorithms"],
)
def test_who_hangs_up_before_a_host_key_is_told_by_what_they_said(said, code):
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            peer, _address = listener.accept()
            with peer:
                peer.sendall(said)
                # What was not read would be answered with a reset, which may overtake what was said.
                peer.shutdown(socket.SHUT_WR)
                while peer.recv(65536):
                    pass

        thread = threading.Thread(target=answer)
        thread.start()
        there = Server("127.0.0.1", listener.getsockname()[1], "us", password="x", host_keys=["AAAA"])
        assert try_out(there).failure == code
        thread.join()


def test_who_cancels_leaves_no_temporary_file(theirs):
    class Cancelled(Exception):
        pass

    def progress(sent):
        if sent > MIB:
            raise Cancelled

    with pytest.raises(Cancelled):
        push(server_of(theirs), FILE, renaming=False, before_rename=lambda: None, progress=progress)
    assert names(theirs) == []


def test_a_connection_test_tries_every_step_and_leaves_nothing(theirs):
    found = try_out(server_of(theirs))
    assert found.ready
    assert [(one.step, one.code) for one in found.steps] == [(step, "") for step in Step]
    assert names(theirs) == []


@pytest.mark.parametrize(
    ("fault", "step", "code", "ready"),
    [
        ("no_listing", Step.FOLDER, "folder_denied", True),
        ("no_rename", Step.RENAME, "rename_denied", True),
        ("no_writing", Step.WRITE, "write_denied", False),
        ("refuses_sign_in", Step.SIGN_IN, "sign_in_refused", False),
    ],
)
def test_a_connection_test_says_what_is_wrong_and_what_is_only_unusual(theirs, fault, step, code, ready):
    setattr(theirs.faults, fault, True)
    found = try_out(server_of(theirs))
    assert found.ready is ready
    assert [one for one in found.steps if one.code] == [type(found.steps[0])(step, code, hint=ready)]
    assert names(theirs) == []


def test_no_secret_is_in_any_text():
    server = Server("h", 22, "u", password="hunter2", private_key="-----BEGIN")
    assert "hunter2" not in repr(server)
    assert "BEGIN" not in repr(server)


def test_every_code_has_a_sentence():
    assert set(FAILURE_STEPS) <= set(FAILURES)


@pytest.mark.parametrize(
    ("networks", "code"),
    [((), "connect_failed"), (("10.0.0.0/8",), "connect_failed"), (("127.0.0.0/8",), ""), (None, "")],
    ids=["public addresses alone", "another network of ours", "its network", "anywhere"],
)
def test_nothing_is_delivered_into_our_own_networks_unless_they_are_named(theirs, networks, code):
    tested = try_out(server_of(theirs, networks=networks))
    assert (tested.failure, tested.ready) == (code, not code)
    assert bool(theirs.arrived) == (not code)


@pytest.mark.parametrize(
    "address",
    ["127.0.0.1", "::1", "0.0.0.0", "169.254.169.254", "10.1.2.3", "192.168.0.1", "172.16.5.5", "100.64.0.1",
     "fe80::1%eth0", "fd00::1", "::ffff:127.0.0.1", "224.0.0.1", "ff02::1"],
)  # fmt: skip
def test_addresses_that_are_no_customers(address):
    assert not _may_be_reached(address, ())
    assert _may_be_reached("93.184.215.14", ())
    assert _may_be_reached("2606:4700::1111", ())


def test_a_server_that_lists_names_without_end_is_asked_for_the_first_ones_only(theirs, monkeypatch):
    pages = 0

    async def endless(self, path):
        nonlocal pages
        while True:
            pages += 1
            yield asyncssh.SFTPName(b"x" * 200)

    monkeypatch.setattr(fake._Files, "scandir", endless)
    tested = try_out(server_of(theirs), waits=Waits(connect=5, sign_in=10, stall=5))
    assert tested.ready
    assert pages < 1000


def test_nothing_is_compressed(theirs):
    """A small packet of theirs would become a large one in our memory."""
    offered = []
    begin = asyncssh.SSHServerConnection._choose_alg

    def choose(self, kind, local, remote):
        if "compression" in kind:
            offered.append(list(remote))
        return begin(self, kind, local, remote)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(asyncssh.SSHServerConnection, "_choose_alg", choose)
        assert try_out(server_of(theirs)).ready
    assert [b"none"] in offered
    assert all(b"zlib" not in algorithm for one in offered for algorithm in one)
