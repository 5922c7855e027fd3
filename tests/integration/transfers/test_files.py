"""A session's files with everything behind them real: spool, keeper, claim, vault, storage and database."""

import hashlib
import os

import pytest

from pratique.foundation import clock, vault
from pratique.foundation.audit import SYSTEM
from pratique.foundation.ids import new_id
from pratique.foundation.storage import LocalFolder
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.sftp import files
from pratique.interfaces.sftp.files import AccountFiles
from pratique.interfaces.sftp.filesystem import Attributes, Open, SftpError, Status
from pratique.transfers.actions.outbound import put as put_outbound
from pratique.transfers.models import InboundFile, InboundState, OutboundFile
from pratique.transfers.spool.keeper import Keeper
from pratique.transfers.spool.spool import Spool
from pratique.transfers.types import SessionCounts
from tests.integration.transfers.uploads import ANA, BEN, a_roster
from tests.schools import a_school
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")
WRITE = Open.WRITE | Open.CREATE | Open.TRUNCATE
NOTHING = Attributes()
CSV = b"/inbound/students.csv"


class Journal:
    def __init__(self):
        self.events = []

    def file(self, event):
        self.events.append((event.kind, event.path, event.reason))


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def account(school, tmp_path):
    return an_account(school, tmp_path).ref


@pytest.fixture
def spool(tmp_path):
    spool = Spool(tmp_path / "spool")
    spool.come_alive()
    yield spool
    spool.die()


@pytest.fixture
def keeper(spool):
    return Keeper(spool, settle=0.0)


@pytest.fixture
def journal():
    return Journal()


@pytest.fixture
def session(account, journal, spool):
    return AccountFiles(account, new_id(), journal, SessionCounts(), spool)


def upload(session, content, path=CSV):
    handle = session.open(path, WRITE, NOTHING)
    for at in range(0, len(content), 32768):
        handle.write(at, content[at : at + 32768])
    handle.close()
    session.heard()


def names(session, path=b"/inbound"):
    return sorted(entry.name.decode() for entry in session.listing(path) if entry.name not in (b".", b".."))


def refused(do, *values, **named):
    with pytest.raises(SftpError) as caught:
        do(*values, **named)
    return caught.value


def inbound(account):
    with institution_scope(account.institution_id):
        return list(InboundFile.objects.filter(account_id=account.id).order_by("received_at"))


def test_a_claimed_file_has_its_new_name_and_nobody_can_touch_it(session, account, keeper, journal) -> None:
    upload(session, a_roster(ANA))
    keeper.look()
    (row,) = inbound(account)
    assert (row.state, row.name, row.size, row.unanswered) == (
        InboundState.CLAIMED, "students.csv", len(a_roster(ANA)), False,
    )  # fmt: skip
    (name,) = names(session)
    assert name == f"students.csv.{row.claimed_at:%Y%m%dT%H%M%S%fZ}.processing"
    taken = f"/inbound/{name}".encode()
    assert session.attributes(taken).size == row.size
    upload(session, a_roster(BEN), b"/inbound/other.csv")
    for flags in (Open.READ, WRITE, Open.WRITE, Open.WRITE | Open.APPEND):
        assert refused(session.open, taken, flags, NOTHING).status is Status.PERMISSION_DENIED
    for error in (
        refused(session.rename, taken, b"/inbound/back.csv", overwrite=True),
        refused(session.rename, b"/inbound/other.csv", taken, overwrite=True),
        refused(session.remove, taken),
        refused(session.set_attributes, taken, Attributes(size=0)),
    ):
        assert error.status is Status.PERMISSION_DENIED
        assert "taken for processing" in error.message
    assert names(session) == ["other.csv", name]
    assert ("refused", taken.decode(), "taken") in journal.events
    with institution_scope(account.institution_id):
        InboundFile.objects.filter(id=row.id).update(state="processed", finished_at=clock.now())
    assert name.replace(".processing", ".processed") in names(session)


def test_the_console_sees_what_waits_and_what_broke_off(session, account, keeper) -> None:
    upload(session, b"content", b"/inbound/students.txt")
    handle = session.open(CSV, WRITE, NOTHING)
    handle.write(0, b"half")
    handle.abandon()
    keeper.look()
    assert {(row.name, row.state, row.reason) for row in inbound(account)} == {
        ("students.txt", "waiting", "not_csv"), ("students.csv", "incomplete", "connection_lost"),
    }  # fmt: skip


def test_an_upload_under_the_real_data_keys_survives_their_being_forgotten(session, account, keeper) -> None:
    content = a_roster(*[ANA.replace("0001", f"{number:04}") for number in range(3000)])
    handle = session.open(CSV, WRITE, NOTHING)
    handle.write(0, content[:100_000])
    handle.abandon()
    vault.forget_keys()
    handle = session.open(CSV, Open.WRITE | Open.APPEND, NOTHING)
    handle.write(0, content[100_000:])
    handle.close()
    session.heard()
    keeper.look()
    (row,) = inbound(account)
    assert row.sha256 == hashlib.sha256(content).hexdigest()


def a_result(account, name="results.csv", folder="results", content=b"line\n" * 50_000):
    return put_outbound(
        account=account,
        folder=folder,
        name=name,
        content=[content],
        source="results",
        by=SYSTEM,
        now=clock.now(),
    )


def test_outbound_is_listed_read_in_ranges_noted_once_and_deleted(session, account, keeper, journal) -> None:
    content = os.urandom(300_000)
    row = a_result(account, content=content)
    a_result(account, name="report.csv", folder="")
    assert names(session, b"/outbound") == ["report.csv", "results"]
    assert names(session, b"/outbound/results") == ["results.csv"]
    path = b"/outbound/results/results.csv"
    assert session.attributes(path).size == len(content)
    handle = session.open(path, Open.READ, NOTHING)
    assert handle.read(70_000, 10) == content[70_000:70_010]
    assert "downloaded" not in [kind for kind, _path, _reason in journal.events]
    read = b"".join(handle.read(at, 32768) for at in range(0, len(content), 32768))
    assert read == content
    assert handle.read(len(content), 10) == b""
    handle.read(len(content) - 5, 100)
    handle.close()
    assert [event for event in journal.events if event[0] == "downloaded"] == [
        ("downloaded", path.decode(), "")
    ]
    counts = session._log.counts
    assert (counts.files_out, counts.bytes_out) == (1, len(content) + 15)
    keeper.look()
    with institution_scope(account.institution_id):
        assert OutboundFile.objects.get(id=row.id).first_read_at is not None
    session.remove(path)
    assert names(session, b"/outbound/results") == []
    assert refused(session.attributes, path).status is Status.NO_SUCH_FILE


def test_a_file_is_read_although_an_older_key_of_the_account_is_lost(session, account, monkeypatch) -> None:
    a_result(account, content=b"whole")

    def locked(*_: object) -> None:
        raise vault.KeyLockedError("The older key cannot be unwrapped.")

    vault.forget_keys()
    monkeypatch.setattr(vault, "remember_keys", locked)
    assert session.open(b"/outbound/results/results.csv", Open.READ, NOTHING).read(0, 10) == b"whole"


def test_small_files_of_outbound_are_opened_at_once_only_when_all_keys_are_known(session, account) -> None:
    a_result(account, content=b"whole")
    path = b"/outbound/results/results.csv"
    vault.forget_keys()
    session.attributes(path)
    assert not session.opens_briefly(path, Open.READ)
    session.open(path, Open.READ, NOTHING).close()
    assert session.opens_briefly(path, Open.READ)


def test_outbound_can_be_changed_in_no_other_way(session, account) -> None:
    a_result(account)
    path = b"/outbound/results/results.csv"
    for error in (
        refused(session.open, path, WRITE, NOTHING),
        refused(session.open, path, Open.READ | Open.WRITE, NOTHING),
        refused(session.open, b"/outbound/results/mine.csv", WRITE, NOTHING),
        refused(session.rename, path, b"/outbound/results/b.csv", overwrite=True),
        refused(session.rename, path, b"/inbound/b.csv", overwrite=True),
        refused(session.set_attributes, path, Attributes(size=0)),
    ):
        assert error.status is Status.PERMISSION_DENIED
        assert "can be read and deleted" in error.message
    assert names(session, b"/outbound/results") == ["results.csv"]


def test_a_stored_result_that_was_changed_is_an_error_and_no_data(session, account, journal) -> None:
    row = a_result(account)
    path = LocalFolder()._path(account.institution_id, f"account-{account.id}/{row.id}")
    sealed = bytearray(path.read_bytes())
    sealed[1000] ^= 1
    path.write_bytes(sealed)
    handle = session.open(b"/outbound/results/results.csv", Open.READ, NOTHING)
    error = refused(handle.read, 0, 32768)
    assert (error.status, error.message) == (
        Status.FAILURE,
        "The stored file cannot be read. We have been told.",
    )


def test_500_files_one_after_the_other_are_not_500_questions(session, account, monkeypatch) -> None:
    asked = []
    listed = files.listed
    monkeypatch.setattr(files, "listed", lambda *which: asked.append(1) or listed(*which))
    monkeypatch.setattr(files, "CACHED_SECONDS", 3600.0)
    a_result(account)
    for _file in range(50):
        session.open(b"/outbound/results/results.csv", Open.READ, NOTHING).close()
    assert len(asked) == 1


def test_what_is_promised_at_once_asks_neither_database_nor_disk(
    session, account, monkeypatch, django_assert_num_queries
) -> None:
    monkeypatch.setattr(files, "CACHED_SECONDS", 3600.0)
    a_result(account, name="small.csv", content=b"line\n" * 800)
    a_result(account)
    small, large, none = (
        b"/outbound/results/" + name for name in (b"small.csv", b"results.csv", b"none.csv")
    )
    assert not session.knows_at_once(small)  # nobody has asked yet
    session.listing(b"/outbound/results")
    with django_assert_num_queries(0):
        assert [session.knows_at_once(path) for path in (small, large, none, CSV)] == [
            True,
            True,
            False,
            False,
        ]
        assert session.knows_at_once(b"/outbound")
        assert session.knows_at_once(small)
        monkeypatch.setattr(files, "CACHED_SECONDS", 0.0)
        session._lying.forget()
        assert session.attributes(small).size == 4000  # a promise is kept though the time is over
    handle = session.open(small, Open.READ, NOTHING)
    assert handle.reads_at_once(0, 261_120)
    assert handle.closes_at_once()
    assert handle.read(5, 261_120) == b"line\n" * 799
    assert handle.read(4000, 9) == b""
    handle.close()
    handle = session.open(large, Open.READ, NOTHING)
    assert (handle.reads_at_once(0, 10), handle.reads_at_once(250_000, 10)) == (False, True)
    assert not handle.closes_at_once()
    handle.close()


def test_the_first_bytes_of_a_new_upload_wait_in_memory_and_nothing_else_does(session) -> None:
    handle = session.open(b"/inbound/new.csv", WRITE, NOTHING)
    on_disk = os.fstat(handle._upload._fd).st_size
    assert [handle.writes_at_once(*which) for which in ((0, 4096), (0, 65_536), (1, 4096))] == [
        True,
        False,
        False,
    ]
    handle.write(0, b"x" * 4096)
    assert os.fstat(handle._upload._fd).st_size == on_disk
    assert not handle.writes_at_once(4096, 1)
    handle.close()
    again = session.open(b"/inbound/new.csv", Open.WRITE, NOTHING)
    assert not again.writes_at_once(0, 10)  # what is there is written over: that is noted on the disk first
    again.abandon()


def test_the_way_of_an_upload_asks_the_database_nothing(session, django_assert_num_queries) -> None:
    upload(session, b"the first one asks for the data key")
    with django_assert_num_queries(0):
        for number in range(10):
            refused(session.attributes, b"/inbound/%d.csv" % number)
            upload(session, b"content", b"/inbound/%d.csv" % number)
            session.attributes(b"/inbound/%d.csv" % number)
            session.set_attributes(b"/inbound/%d.csv" % number, Attributes(accessed=1, modified=1))


def test_other_accounts_files_cannot_be_told_from_absent_ones(
    session, school, account, tmp_path, spool, keeper
):
    a_result(account)
    upload(session, a_roster(ANA))
    keeper.look()
    (taken,) = names(session)
    stranger = AccountFiles(an_account(school, tmp_path).ref, new_id(), Journal(), SessionCounts(), spool)
    assert names(stranger) == names(stranger, b"/outbound/results") == []
    for path, absent in (
        (b"/outbound/results/results.csv", b"/outbound/results/absent.csv"),
        (f"/inbound/{taken}".encode(), b"/inbound/a.csv.20200101T000000000000Z.processing"),
        (CSV, b"/inbound/absent.csv"),
    ):
        for do in (
            lambda one: stranger.attributes(one),
            lambda one: stranger.open(one, Open.READ, NOTHING),
            lambda one: stranger.remove(one),
            lambda one: stranger.rename(one, b"/inbound/x.csv", overwrite=True),
        ):
            here, there = refused(do, path), refused(do, absent)
            assert (here.status, here.message) == (there.status, there.message)
