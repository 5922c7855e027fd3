"""Each client's own habits of uploading (research/sftp.md 3.2), and what is claimed of it, and when."""

import os
from collections.abc import Callable

import pytest

from pratique.interfaces.sftp.files import AccountFiles
from pratique.interfaces.sftp.filesystem import Attributes, Open, SftpError, Status
from pratique.transfers.policies import why_not
from tests.unit.transfers.spool_world import (
    NOTHING,
    RESUME,
    SETTLE,
    WITHOUT_TRUNCATE,
    WRITE,
    World,
    names,
    put,
    send,
    world,
)

__all__ = ["world"]
ROSTER = os.urandom(200_000)
CSV = b"/inbound/students.csv"


def openssh_sftp(session: AccountFiles) -> None:
    with pytest.raises(SftpError):
        session.attributes(CSV)
    put(session, CSV.decode(), ROSTER)


def openssh_scp(session: AccountFiles) -> None:
    handle = session.open(CSV, WITHOUT_TRUNCATE, NOTHING)
    send(handle, ROSTER)
    handle.set_attributes(Attributes(size=len(ROSTER)))
    handle.close()


def scp_over_a_longer_one(session: AccountFiles) -> None:
    put(session, CSV.decode(), os.urandom(300_000))
    openssh_scp(session)


def lftp(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, ROSTER)
    handle.set_attributes(Attributes(size=len(ROSTER), accessed=5, modified=6))
    handle.close()
    session.heard()
    session.set_attributes(CSV, Attributes(permissions=0o600))


def rclone(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    blocks = [(at, ROSTER[at : at + 32768]) for at in range(0, len(ROSTER), 32768)]
    for at, block in [*blocks[1::2], *blocks[::2]]:
        handle.write(at, block)
    handle.close()
    session.heard()
    session.set_attributes(CSV, Attributes(accessed=5, modified=6))
    assert session.attributes(CSV).modified == 6


def rclone_partial(session: AccountFiles) -> None:
    put(session, "/inbound/students.csv.ab12.partial", ROSTER)
    session.rename(CSV + b".ab12.partial", CSV, overwrite=True)


def paramiko(session: AccountFiles) -> None:
    put(session, CSV.decode(), ROSTER)
    assert session.attributes(CSV).size == len(ROSTER)


def winscp(session: AccountFiles) -> None:
    put(session, CSV.decode() + ".filepart", ROSTER, size=len(ROSTER))
    session.rename(CSV + b".filepart", CSV, overwrite=False)
    session.heard()
    session.set_attributes(CSV, Attributes(accessed=5, modified=6))


def winscp_over_an_older_one(session: AccountFiles) -> None:
    put(session, CSV.decode(), b"older")
    put(session, CSV.decode() + ".filepart", ROSTER, size=len(ROSTER))
    session.remove(CSV)
    session.rename(CSV + b".filepart", CSV, overwrite=False)


def append_after_a_break(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, ROSTER[:70_000])
    handle.abandon()
    size = session.attributes(CSV).size
    handle = session.open(CSV, RESUME | Open.APPEND, NOTHING)
    send(handle, ROSTER[size:], start=size)
    handle.close()


def reput_after_a_break(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, ROSTER[:70_000])
    handle.abandon()
    assert session.attributes(CSV).size == 70_000
    handle = session.open(CSV, WITHOUT_TRUNCATE, NOTHING)
    send(handle, ROSTER[70_000:], start=70_000)
    handle.close()


HABITS = [
    openssh_sftp, openssh_scp, scp_over_a_longer_one, lftp, rclone, rclone_partial, paramiko, winscp,
    winscp_over_an_older_one, append_after_a_break, reput_after_a_break,
]  # fmt: skip


@pytest.mark.parametrize("habit", HABITS, ids=lambda habit: habit.__name__)
def test_each_client_brings_its_file_once_and_whole(
    world: World, habit: Callable[[AccountFiles], None]
) -> None:
    session = world.session()
    habit(session)
    session.heard()
    world.passes(SETTLE - 0.5)
    assert not world.claims.calls, "it has not settled yet"
    assert names(session) == ["students.csv"]
    world.passes(1)
    assert [(upload.name, content == ROSTER) for upload, content in world.claims.taken] == [
        ("students.csv", True)
    ]
    assert not world.claims.taken[0][0].unanswered
    # For ten minutes the old name answers, and is not listed.
    assert session.attributes(CSV).size == len(ROSTER)
    session.set_attributes(CSV, Attributes(accessed=7, modified=8))
    assert session.attributes(CSV).modified == 8
    assert names(session) == []
    world.passes(700)
    with pytest.raises(SftpError) as caught:
        session.attributes(CSV)
    assert caught.value.status is Status.NO_SUCH_FILE
    assert world.claims.calls == 1


@pytest.mark.parametrize(
    "again",
    [
        lambda s: s.set_attributes(CSV, Attributes(modified=1, accessed=1)),
        lambda s: put(s, CSV.decode(), ROSTER),
        lambda s: s.rename(CSV, b"/inbound/other.csv", overwrite=False),
        lambda s: put(s, CSV.decode(), b"", WITHOUT_TRUNCATE),
    ],
    ids=["setstat", "another-upload", "rename", "close"],
)
def test_it_settles_anew_with_whatever_happens_to_the_name(
    world: World, again: Callable[[AccountFiles], None]
) -> None:
    session = world.session()
    put(session, CSV.decode(), ROSTER)
    world.passes(2)
    again(session)
    world.passes(2)
    assert not world.claims.calls
    world.passes(2)
    assert world.claims.calls == 1


def test_an_upload_that_is_open_again_is_not_claimed(world: World) -> None:
    session = world.session()
    put(session, CSV.decode(), ROSTER)
    handle = session.open(CSV, WITHOUT_TRUNCATE, NOTHING)
    world.passes(20)
    assert not world.claims.calls
    handle.close()
    world.passes()
    assert world.claims.calls == 1


def test_a_removed_upload_is_never_claimed_and_said_so(world: World) -> None:
    session = world.session()
    put(session, CSV.decode(), ROSTER)
    session.remove(CSV)
    world.passes(20)
    assert not world.claims.calls
    assert world.states() == {"students.csv": ("removed", "")}


def _openssh_interrupted(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, ROSTER[:100_000])
    handle.abandon()
    session.ended()


def _killed_before_its_first_byte(session: AccountFiles) -> None:
    session.open(CSV, WRITE, NOTHING).abandon()


def _other_size(session: AccountFiles) -> None:
    put(session, CSV.decode(), ROSTER, size=len(ROSTER) + 1)


def _announced_later(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    send(handle, ROSTER)
    handle.set_attributes(Attributes(size=len(ROSTER) + 1))
    handle.close()


def _hole(session: AccountFiles) -> None:
    handle = session.open(CSV, WRITE, NOTHING)
    handle.write(0, b"x" * 10)
    handle.write(20, b"x" * 10)
    handle.close()


def _named(name: str) -> Callable[[AccountFiles], None]:
    return lambda session: put(session, f"/inbound/{name}", ROSTER)


@pytest.mark.parametrize(
    ("habit", "state"),
    [
        pytest.param(_openssh_interrupted, ("incomplete", "connection_lost"), id="the-connection-ends"),
        pytest.param(_killed_before_its_first_byte, ("incomplete", "connection_lost"), id="not-a-byte-came"),
        pytest.param(_other_size, ("waiting", "size_differs"), id="another-size-announced-at-the-open"),
        pytest.param(_announced_later, ("waiting", "size_differs"), id="another-size-announced-later"),
        pytest.param(_hole, ("waiting", "hole"), id="a-hole"),
        pytest.param(_named("students.csv.filepart"), ("waiting", "temporary_name"), id="winscp-under-way"),
        pytest.param(_named(".in.students.csv"), ("waiting", "temporary_name"), id="lftp-under-way"),
        pytest.param(_named(".students.csv"), ("waiting", "hidden_name"), id="hidden"),
        pytest.param(_named("students.txt"), ("waiting", "not_csv"), id="no-csv"),
    ],
)
def test_what_is_not_complete_or_not_meant_is_never_claimed_and_said_so(
    world: World, habit: Callable[[AccountFiles], None], state: tuple[str, str]
) -> None:
    session = world.session()
    habit(session)
    world.passes(60)
    assert not world.claims.calls
    assert list(world.states().values()) == [state]
    assert len(names(session)) == 1, "it stays visible"


@pytest.mark.parametrize(
    ("name", "size", "announced", "holes", "reason"),
    [
        ("students.csv", 5, None, (), ""),
        ("STUDENTS.CSV", 5, 5, (), ""),
        ("empty.csv", 0, None, (), ""),
        ("students.csv", 5, 6, (), "size_differs"),
        ("students.csv", 5, 5, ((1, 2),), "hole"),
        ("students.csv.tmp", 5, None, (), "temporary_name"),
        ("students.csv.PART", 5, None, (), "temporary_name"),
        ("a.partial", 5, None, (), "temporary_name"),
        (".in.students.csv.", 5, None, (), "temporary_name"),
        (".students.csv", 5, None, (), "hidden_name"),
        ("students.csv.txt", 5, None, (), "not_csv"),
        ("csv", 5, None, (), "not_csv"),
        ("students.xlsx", 5, 6, ((1, 2),), "not_csv"),
    ],
)
def test_why_an_upload_is_not_claimed(name, size, announced, holes, reason) -> None:
    assert why_not(name, size, announced, holes) == reason
