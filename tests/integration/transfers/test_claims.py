"""Claiming uploads: once, in turn, and what the same bytes again do to an account."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection, connections

from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.vault import SealBrokenError
from pratique.rosters.csvfile import MAX_BYTES
from pratique.transfers import mails
from pratique.transfers.actions import claiming
from pratique.transfers.actions.accounts import close_account, lift, suspend
from pratique.transfers.actions.claiming import ContentGoneError, claim, note_unanswered
from pratique.transfers.actions.mirror import SpoolRow, mirror
from pratique.transfers.models import InboundFile, SuspendedFor
from pratique.transfers.outbound import stored_name
from pratique.transfers.queries import time_code
from tests.integration.transfers.uploads import (
    ANA,
    BEN,
    a_roster,
    account_of,
    an_upload,
    claimed,
    events_of,
    in_blocks,
    listed,
    row_of,
    stored,
)
from tests.schools import BY, a_school
from tests.staff import make_school
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")

FIRST, SECOND = a_roster(ANA), a_roster(ANA, BEN)


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def account(school, tmp_path):
    return an_account(school, tmp_path).ref


def states(account):
    with institution_scope(account.institution_id):
        found = InboundFile.objects.filter(account_id=account.id).order_by("received_at", "id")
        return list(found.values_list("state", "reason"))


def jobs(task):
    with connection.cursor() as cursor:
        cursor.execute("select args ->> 'file_id' from procrastinate_jobs where task_name = %s", [task])
        return [file_id for (file_id,) in cursor]


def test_an_upload_that_was_written_to_between_its_claim_and_its_end_is_another_one(account):
    """A process killed after the commit leaves it in the spool, and scp writes over it without truncating."""
    upload, _outcome = claimed(account, FIRST)
    renamed = replace(upload, received_at=clock.now())
    assert claim(renamed, in_blocks(FIRST), clock.now()).state == "claimed"
    assert [name for name, _reason in states(account)] == ["claimed"]  # the same bytes: nothing new
    written = replace(renamed, size=len(SECOND), received_at=clock.now())
    outcomes = [claim(written, in_blocks(SECOND), clock.now()) for _again in range(2)]
    assert outcomes[0] == outcomes[1]
    assert [name for name, _reason in states(account)] == ["claimed", "claimed"]
    assert outcomes[0].claimed_at != row_of(upload).claimed_at
    with institution_scope(account.institution_id):
        other = InboundFile.objects.exclude(id=upload.file_id).get()
    for file_id, content in ((upload.file_id, FIRST), (other.id, SECOND)):
        name = stored_name(account.id, file_id)
        assert blob_store().get(institution_id=account.institution_id, name=name) == content


def test_a_file_is_claimed_stored_logged_and_its_import_asked_for(account):
    upload, outcome = claimed(account, FIRST)
    row = row_of(upload)
    assert (outcome.state, outcome.taken, outcome.claimed_at) == ("claimed", True, row.claimed_at)
    assert (row.state, row.size, row.account.last_claimed) == ("claimed", len(FIRST), upload.file_id)
    assert stored(account) == {upload.file_id}
    assert listed(account) == [f"students.csv.{time_code(row.claimed_at)}.processing"]
    assert events_of(account) == [("claimed", "")]
    assert jobs("transfers.import_file") == [str(upload.file_id)]
    with institution_scope(account.institution_id):
        event = AuditEvent.objects.get(action="transfers:file:claimed")
        assert (event.subject_id, event.by) == (upload.file_id, f"sftp:{account.username}")


def test_content_is_sealed_by_the_key_of_the_account(account):
    upload, _outcome = claimed(account, FIRST)
    name = f"account-{account.id}/{upload.file_id}"
    assert blob_store().get(institution_id=account.institution_id, name=name) == FIRST


def test_a_claim_that_is_repeated_changes_nothing_and_says_the_same(account):
    upload, outcome = claimed(account, FIRST)
    again = claim(upload, in_blocks(FIRST), clock.now() + timedelta(minutes=1))
    assert again == outcome
    assert states(account) == [("claimed", "")]
    assert len(jobs("transfers.import_file")) == 1


def test_a_process_that_died_before_the_commit_leaves_nothing_that_a_second_claim_trips_over(
    account, monkeypatch
):
    upload = an_upload(account, FIRST)
    with monkeypatch.context() as dying:
        dying.setattr(claiming, "_follow", lambda *given: 1 / 0)
        with pytest.raises(ZeroDivisionError):
            claim(upload, in_blocks(FIRST), clock.now())
    assert states(account) == []
    assert stored(account) == {upload.file_id}
    assert claim(upload, in_blocks(FIRST), clock.now()).state == "claimed"


def test_content_that_was_swept_before_the_commit_is_an_error_and_stored_anew(account, monkeypatch):
    upload, locked = an_upload(account, FIRST), claiming._locked
    with monkeypatch.context() as swept:

        def locked_after_a_sweep(ref):
            blob_store().delete(institution_id=ref.institution_id, name=f"account-{ref.id}/{upload.file_id}")
            return locked(ref)

        swept.setattr(claiming, "_locked", locked_after_a_sweep)
        with pytest.raises(ContentGoneError):
            claim(upload, in_blocks(FIRST), clock.now())
    assert claim(upload, in_blocks(FIRST), clock.now()).state == "claimed"
    assert stored(account) == {upload.file_id}


def test_files_of_one_instant_get_names_of_their_own(account):
    now = clock.now()
    for number in range(3):
        content = a_roster(f"s{number}@x.edu,{number},L,F,,,,,")
        claim(an_upload(account, content, name="same.csv"), in_blocks(content), now)
    assert listed(account) == [
        f"same.csv.{time_code(now + timedelta(microseconds=more))}.processing" for more in (2, 1, 0)
    ]


def test_claims_of_one_account_wait_for_each_other_and_exactly_one_of_two_same_files_is_taken(account):
    uploads, outcomes, together = [an_upload(account, FIRST) for _ in range(4)], [], threading.Barrier(4)

    def run(upload):
        together.wait()
        outcomes.append(claim(upload, in_blocks(FIRST), clock.now()))
        connections.close_all()

    threads = [threading.Thread(target=run, args=[upload]) for upload in uploads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcome.state for outcome in outcomes) == ["claimed", *["repeated"] * 3]
    assert len({outcome.claimed_at for outcome in outcomes}) == 4
    assert len(jobs("transfers.mail_suspension")) == 1


def test_the_same_upload_claimed_by_several_processes_at_once_is_claimed_once(account):
    upload, outcomes, together = an_upload(account, FIRST), [], threading.Barrier(4)

    def run():
        together.wait()
        outcomes.append(claim(upload, in_blocks(FIRST), clock.now()))
        connections.close_all()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(outcomes)) == 1
    assert (states(account), len(jobs("transfers.import_file"))) == ([("claimed", "")], 1)
    assert stored(account) == {upload.file_id}


def test_an_empty_file_fails_is_told_and_is_no_repeat_of_another(account):
    claimed(account, FIRST)
    for _ in range(2):
        _upload, outcome = claimed(account, b"")
        assert (outcome.state, outcome.reason) == ("failed", "empty")
    assert claimed(account, FIRST)[1].state == "repeated"  # the empty ones do not stand in between
    assert len(jobs("transfers.import_file")) == 3


def test_a_file_too_large_is_not_stored_and_its_repeat_suspends(account, monkeypatch):
    monkeypatch.setattr(claiming, "MAX_BYTES", 100)
    assert MAX_BYTES == 64 * 1024 * 1024
    upload, outcome = claimed(account, b"x" * 101)
    assert (outcome.reason, stored(account)) == ("too_large", set())
    assert row_of(upload).sha256
    assert claimed(account, b"x" * 101)[1].state == "repeated"


def test_a_spool_file_that_cannot_be_opened_fails_as_damaged(account):
    upload = an_upload(account, FIRST)

    def content():
        yield FIRST[:10]
        raise SealBrokenError("spool", "a chunk is broken")

    outcome = claim(upload, content, clock.now())
    assert (outcome.state, outcome.reason, outcome.taken) == ("failed", "damaged", True)
    assert stored(account) == set()
    assert account_of(account).last_claimed is None


def test_no_room_to_store_leaves_the_upload_where_it_is(account):
    upload = an_upload(account, FIRST)

    def full():
        yield FIRST[:10]
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        claim(upload, full, clock.now())
    assert (states(account), stored(account)) == ([], set())
    assert claim(upload, in_blocks(FIRST), clock.now()).state == "claimed"


# --- the same bytes again ---------------------------------------------------------------------------------------------


def test_the_story_of_a_suspension(tmp_path, mailoutbox):
    staffed = make_school()
    school, account = staffed.institution, an_account(staffed.institution, tmp_path).ref
    claimed(account, FIRST)
    repeated, outcome = claimed(account, FIRST, name="again.csv")
    assert (outcome.state, outcome.reason, outcome.taken) == ("repeated", "same_as_last", True)
    suspended = account_of(account)
    assert (suspended.suspended_for, suspended.suspended_by) == (SuspendedFor.REPEATED_FILE, "system")
    assert suspended.suspended_reason
    assert repeated.file_id in stored(account)  # until it is as old as every other
    assert any(name.endswith(".repeated") and name.startswith("again.csv.") for name in listed(account))
    assert jobs("transfers.mail_suspension") == [str(repeated.file_id)]
    assert events_of(account) == [("claimed", ""), ("repeated", "same_as_last")]

    assert mails.send_suspension(school.id, repeated.file_id) == 2
    assert {to for mail in mailoutbox for to in mail.to} == {
        "it@school.example",
        f"administrator@{school.slug}.example",
    }
    assert "again.csv" in mailoutbox[0].body
    assert f"/transfers/{account.id}/" in mailoutbox[0].body
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 2

    # What comes while it is suspended: another file waits, the same bytes are put aside without a second mail.
    waits = an_upload(account, SECOND)
    outcome = claim(waits, in_blocks(SECOND), clock.now())
    assert (outcome.taken, outcome.reason) == (False, "account_suspended")
    assert (row_of(waits).state, row_of(waits).reason) == ("waiting", "account_suspended")
    assert waits.file_id not in stored(account)
    assert claimed(account, FIRST)[1].state == "repeated"
    assert len(jobs("transfers.mail_suspension")) == 1

    # Lifted: what was put aside stays aside, what waited is taken, and with it the first bytes may come again.
    lift(account=suspended, reason="They know now", by=BY, now=clock.now())
    assert claim(waits, in_blocks(SECOND), clock.now()).state == "claimed"
    assert claim(repeated, in_blocks(FIRST), clock.now()).state == "repeated"
    assert account_of(account).suspended_at is None
    assert claimed(account, FIRST)[1].state == "claimed"


def test_after_lifting_the_same_bytes_suspend_again_until_another_file_came(account):
    claimed(account, FIRST)
    claimed(account, FIRST)
    lift(account=account_of(account), reason="Go on", by=BY, now=clock.now())
    assert claimed(account, FIRST)[1].state == "repeated"
    assert account_of(account).suspended_at is not None


def test_a_school_may_have_repeated_files_ignored(tmp_path):
    account = an_account(a_school(repeated_file="ignore"), tmp_path).ref
    claimed(account, FIRST)
    upload, outcome = claimed(account, FIRST)
    assert (outcome.state, outcome.reason, outcome.taken) == ("ignored", "same_as_last", True)
    assert account_of(account).suspended_at is None
    assert upload.file_id not in stored(account)
    assert len(listed(account)) == 1
    assert events_of(account)[-1] == ("ignored", "same_as_last")


def test_a_retry_after_an_unheard_answer_is_ignored_once(account):
    claimed(account, FIRST, unanswered=True)
    assert claimed(account, FIRST)[1].reason == "retry"
    assert claimed(account, FIRST)[1].state == "repeated"


def test_a_session_that_turns_out_dead_after_the_claim_makes_the_next_one_a_retry(account):
    upload, _outcome = claimed(account, FIRST)
    note_unanswered(account=account, file_ids=[upload.file_id])
    assert claimed(account, FIRST)[1].reason == "retry"


def test_two_accounts_of_a_school_may_bring_the_same_file(school, account, tmp_path):
    claimed(account, FIRST)
    assert claimed(an_account(school, tmp_path).ref, FIRST)[1].state == "claimed"


def test_while_suspended_known_bytes_are_not_read_again(account):
    suspend(account=account_of(account), reason="Holidays", by=BY, now=clock.now())
    upload, read = an_upload(account, FIRST), []

    def content():
        read.append(True)
        yield FIRST

    for _ in range(3):
        assert claim(upload, content, clock.now()).reason == "account_suspended"
    assert len(read) == 1
    assert stored(account) == set()


def test_while_suspended_an_upload_that_was_written_again_is_read_again(account):
    claimed(account, FIRST)
    suspend(account=account_of(account), reason="Holidays", by=BY, now=clock.now())
    upload = an_upload(account, SECOND)
    assert claim(upload, in_blocks(SECOND), clock.now()).reason == "account_suspended"
    again = replace(upload, size=len(FIRST), received_at=clock.now())
    mirror([spool_row(again)])
    assert claim(again, in_blocks(FIRST), clock.now()).state == "repeated"


def test_a_closed_account_takes_nothing_and_says_so(account):
    close_account(account=account_of(account), by=BY, now=clock.now())
    _upload, outcome = claimed(account, FIRST)
    assert (outcome.taken, outcome.reason) == (False, "account_closed")


# --- the mirror -------------------------------------------------------------------------------------------------------


def spool_row(upload, state="waiting", reason="settling", **changed):
    values = {
        "name": upload.name,
        "size": upload.size,
        "session": upload.session,
        "received_at": upload.received_at,
    }
    return SpoolRow(
        account=upload.account, file_id=upload.file_id, state=state, reason=reason, **values | changed
    )


def test_uploads_are_mirrored_as_they_stand_and_removed_ones_are_kept_as_removed(account):
    one, other = an_upload(account, FIRST), an_upload(account, SECOND, name="b.csv")
    mirror([spool_row(one, "incomplete", "connection_lost", size=5), spool_row(other)])
    mirror([spool_row(one, size=7), spool_row(one, name="new.csv"), spool_row(other, "removed", "")])
    assert (row_of(one).state, row_of(one).name, row_of(one).size) == ("waiting", "new.csv", len(FIRST))
    assert row_of(other).state == "removed"
    assert listed(account) == []


def test_what_came_and_went_within_a_second_leaves_no_row(account):
    mirror([spool_row(an_upload(account, FIRST), "removed", "")])
    assert states(account) == []


def test_a_late_mirror_does_not_touch_what_was_claimed(account):
    upload, _outcome = claimed(account, FIRST)
    mirror([spool_row(upload, name="late.csv")])
    assert (row_of(upload).state, row_of(upload).name) == ("claimed", "students.csv")


def test_uploads_of_several_schools_are_mirrored_in_one_call(account, tmp_path):
    others = [an_upload(an_account(a_school(), tmp_path).ref, FIRST) for _ in range(2)]
    mirror(spool_row(upload) for upload in [an_upload(account, FIRST), *others])
    assert [row_of(upload).state for upload in others] == ["waiting", "waiting"]


def test_the_listing_is_of_this_account_and_of_thirty_days(school, account, tmp_path):
    upload, _outcome = claimed(account, FIRST)
    claimed(an_account(school, tmp_path).ref, FIRST)
    assert len(listed(account)) == 1
    with institution_scope(school.id):
        InboundFile.objects.filter(id=upload.file_id).update(claimed_at=clock.now() - timedelta(days=31))
    assert listed(account) == []
