"""Files in `/outbound`: there when they are whole, gone when they are deleted or old."""

from contextlib import suppress
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.foundation import audit
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.storage import FileMissingError, blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.transfers.actions import outbound as actions
from pratique.transfers.models import OutboundFile, TransferEvent
from pratique.transfers.outbound import NameTakenError, OutboundNameError, listed, stored_name
from tests.schools import BY, NOW, a_school
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")
CONTENT = [b"a,b\r\n", b"1,2\r\n"]


@pytest.fixture
def account(tmp_path):
    return an_account(a_school(), tmp_path).ref


def put(account, name="report.csv", content=CONTENT, folder="", file_id=None, now=NOW):
    return actions.put(
        account=account, folder=folder, name=name, content=content, source="student-detail", by=BY, now=now,
        file_id=file_id,
    )  # fmt: skip


def names(account):
    return [(one.folder, one.name, one.size) for one in listed(account.institution_id, account.id)]


def stored(account):
    return set(blob_store().names(institution_id=account.institution_id, prefix=f"account-{account.id}/"))


def test_a_file_is_listed_with_its_size_and_kept_under_the_accounts_own_key(account):
    file = put(account, folder="results")
    assert names(account) == [("results", "report.csv", 10)]
    name = stored_name(account.id, file.id)
    assert blob_store().get(institution_id=account.institution_id, name=name) == b"".join(CONTENT)
    with institution_scope(account.institution_id):
        assert TransferEvent.objects.values_list("kind", "path", "size").get() == (
            "delivered", "/outbound/results/report.csv", 10,
        )  # fmt: skip


def test_the_listing_costs_one_statement_however_long(account):
    for number in range(5):
        put(account, name=f"{number}.csv")
    listed(account.institution_id, account.id)
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert len(listed(account.institution_id, account.id)) == 5
    assert len(queries) == 1


def test_nothing_is_listed_of_a_file_whose_content_breaks_off(account):
    def broken():
        yield b"a,b\r\n"
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put(account, content=broken())
    assert names(account) == []
    assert stored(account) == set()


def test_the_same_id_again_changes_nothing(account):
    file_id = new_id()
    first = put(account, file_id=file_id)
    again = put(account, name="other.csv", content=iter([]), file_id=file_id)
    assert (again.id, again.name, again.size) == (first.id, "report.csv", 10)
    assert names(account) == [("", "report.csv", 10)]


def test_a_name_is_taken_until_the_file_is_deleted(account):
    first = put(account)
    with pytest.raises(NameTakenError):
        put(account)
    put(account, folder="results")
    assert actions.delete(file=first, by=BY, now=NOW)
    put(account)
    assert len(names(account)) == 2


def test_who_is_second_at_the_same_moment_leaves_no_content(account):
    def slower():
        put(account)
        yield b"x"

    with pytest.raises(NameTakenError):
        put(account, content=slower())
    assert len(names(account)) == len(stored(account)) == 1


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\\b", "a\nb", "a\0b", "x" * 256, "ü" * 128])
def test_names_that_no_client_can_take_are_refused(account, name):
    with pytest.raises(OutboundNameError):
        put(account, name=name)
    with pytest.raises(OutboundNameError):
        put(account, folder="elsewhere")


def test_deleting_takes_the_content_with_the_commit(account):
    file = listed(account.institution_id, put(account).account_id)[0]
    with suppress(ZeroDivisionError), institution_scope(account.institution_id):
        actions.delete(file=file, by=BY, now=NOW)
        raise ZeroDivisionError
    assert len(stored(account)) == len(names(account)) == 1
    assert actions.delete(file=file, by=BY, now=NOW)
    assert (stored(account), names(account)) == (set(), [])
    assert not actions.delete(file=file, by=BY, now=NOW)


def test_content_that_a_sweep_took_is_not_listed(account):
    def swept():
        yield b"x"

    file_id = new_id()
    store = blob_store()

    class Gone(type(store)):
        def exists(self, **_named):
            return False

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(actions, "blob_store", lambda: Gone(store._place))
        with pytest.raises(FileMissingError):
            put(account, content=swept(), file_id=file_id)
    assert names(account) == []


def test_reading_is_noticed_once_for_many_files_in_one_go(account):
    files = [put(account, name=f"{number}.csv") for number in range(3)]
    by = audit.Actor("sftp", account.username)

    def notice(now):
        return actions.noticed_read(
            institution_id=account.institution_id, file_ids=[one.id for one in files], by=by, now=now
        )

    assert notice(NOW) == 3
    assert notice(NOW + timedelta(days=1)) == 0
    with institution_scope(account.institution_id):
        assert set(OutboundFile.objects.values_list("first_read_at", flat=True)) == {NOW}
        event = AuditEvent.objects.get(action="transfers:outbound:downloaded")
    assert len(event.detail["files"]) == 3


@pytest.mark.parametrize(
    ("read", "days", "kept"), [(True, 29, True), (True, 31, False), (False, 89, True), (False, 91, False)],
    ids=["read-29-days-ago", "read-31-days-ago", "unread-89-days", "unread-91-days"],
)  # fmt: skip
def test_what_was_kept_long_enough_is_deleted(account, read, days, kept):
    file = put(account)
    if read:
        actions.noticed_read(institution_id=account.institution_id, file_ids=[file.id], by=BY, now=NOW)
    deleted = actions.delete_old(
        institution_id=account.institution_id, by=audit.SYSTEM, now=NOW + timedelta(days=days)
    )
    assert deleted == (0 if kept else 1)
    assert bool(names(account)) is bool(stored(account)) is kept
