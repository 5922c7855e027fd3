"""A claimed file becomes students, a results file and a mail; whatever fails on the way is told, and nothing twice."""

import csv
import io
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db import connection

from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.foundation.queue import RETRY
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.rosters import actions as rosters
from pratique.rosters.models import ImportState, RosterImport
from pratique.rosters.problems import FILE_ERROR_CODES
from pratique.students.models import Invitation, Student
from pratique.transfers import importing, mails, queries, tasks
from pratique.transfers.actions import claiming, outbound
from pratique.transfers.models import TransferEvent
from pratique.transfers.outbound import listed as outbound_listed
from pratique.transfers.types import REASONS
from tests.integration.transfers.uploads import (
    ANA,
    BEN,
    a_roster,
    account_of,
    an_upload,
    brought,
    claimed,
    events_of,
    in_blocks,
    listed,
    results_of,
    row_of,
)
from tests.schools import a_school
from tests.staff import make_school
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")

WRONG = "carl@x.edu,0003,C,Carl,,02/30/2001,,,"


@pytest.fixture
def school():
    return a_school()


@pytest.fixture
def account(school, tmp_path):
    return an_account(school, tmp_path).ref


def the_result(account):
    (found,) = results_of(account).values()
    return list(csv.DictReader(io.StringIO(found)))


def run(upload, *, is_last_try=False):
    importing.import_file(upload.account.institution_id, upload.file_id, is_last_try=is_last_try)


def mail_jobs():
    with connection.cursor() as cursor:
        cursor.execute("select count(*) from procrastinate_jobs where task_name = 'transfers.mail_result'")
        return cursor.fetchone()[0]


def test_a_roster_by_sftp_makes_students_a_results_file_and_a_mail(school, account, mailoutbox):
    upload = brought(account, a_roster(ANA, WRONG, BEN))
    row = row_of(upload)
    assert (row.state, row.reason, row.roster_import.state) == ("processed", "", ImportState.APPLIED)
    assert (row.roster_import.source, row.roster_import.applied_by) == ("sftp", f"sftp:{account.username}")
    with institution_scope(school.id):
        assert set(Student.objects.values_list("username", flat=True)) == {"ana@x.edu", "ben@x.edu"}
        assert Invitation.objects.count() == 2
        said = AuditEvent.objects.filter(action="roster:import:confirmed").get()
        assert (said.by, said.detail) == (f"sftp:{account.username}", {"unseen": True})
        assert AuditEvent.objects.filter(
            action="transfers:file:processed", subject_id=upload.file_id
        ).exists()
    code = queries.time_code(row.claimed_at)
    assert listed(account) == [f"students.csv.{code}.processed"]
    assert list(results_of(account)) == [f"students.{code}.results.csv"]
    assert [(line["Line"], line["Outcome"]) for line in the_result(account)] == [
        ("2", "created"),
        ("3", "refused"),
        ("4", "created"),
    ]
    assert "Dob" in the_result(account)[1]["Errors"]
    assert [kind for kind, _reason in events_of(account)] == ["claimed", "delivered", "processed"]

    (mail,) = mailoutbox
    assert mail.to == ["it@school.example"]
    assert mail.subject == "Test College: your file was processed, 1 row was refused"
    assert mail.body.splitlines()[0] == "3 rows: 2 created, 1 refused"
    assert f"/outbound/results/students.{code}.results.csv" in mail.body
    assert f"/{row.roster_import_id}" in mail.body
    for personal in ("ana", "Núñez", "carl", "0003", "02/30/2001"):
        assert personal not in mail.body.lower()


def test_the_mapping_of_the_school_is_used(tmp_path):
    school = a_school(
        roster_mapping={
            "headers": {"username": "E-mail", "student_id": "Nr"},
            "constants": {"group": "Nursing", "term": "Fall 2026"},
        }
    )
    account = an_account(school, tmp_path).ref
    assert row_of(brought(account, b"E-mail,Nr\nana@x.edu,1\n")).state == "processed"


@pytest.mark.parametrize(
    ("content", "code", "line"),
    [
        pytest.param(b"Username;StudentId\na;1\n", "wrong_delimiter", "1", id="wrong delimiter"),
        pytest.param(a_roster(ANA)[:-30], "truncated", "2", id="cut off in the last row"),
        pytest.param(b"", "empty", "1", id="no bytes"),
    ],
)
def test_a_file_refused_as_a_whole_says_why_in_its_results_file(account, mailoutbox, content, code, line):
    upload = brought(account, content)
    row = row_of(upload)
    assert (row.state, row.reason) == ("failed", "empty" if code == "empty" else "refused_file")
    (told,) = the_result(account)
    assert (told["Line"], told["Outcome"]) == (line, "refused")
    assert told["Errors"].startswith(f"{code}: ")
    assert len(told["Errors"]) > len(code) + 20
    assert listed(account) == [f"students.csv.{queries.time_code(row.claimed_at)}.failed"]
    assert [kind for kind, _reason in events_of(account)].count("failed") == 1
    assert mailoutbox[0].subject == "Test College: your file could not be processed"
    meaning = FILE_ERROR_CODES[code].meaning if code != "empty" else str(REASONS["empty"])
    assert meaning in mailoutbox[0].body.splitlines()[0]


def test_a_file_that_failed_counts_as_the_last_one(account):
    brought(account, b"Username;StudentId\na;1\n")
    assert claimed(account, b"Username;StudentId\na;1\n")[1].state == "repeated"


def test_a_file_too_large_says_so(account, monkeypatch):
    monkeypatch.setattr(claiming, "MAX_BYTES", 10)
    assert row_of(brought(account, a_roster(ANA))).reason == "too_large"
    assert the_result(account)[0]["Errors"].startswith("too_large: ")


def test_warnings_about_the_whole_file_are_told_with_its_first_row(account):
    brought(account, b"Username,StudentId,Shoes\na@x.edu,1,44\nb@x.edu,2,45\n")
    first, second = the_result(account)
    assert "Shoes" in first["Warnings"]
    assert second["Warnings"] == ""


def test_the_same_again_after_another_file_changes_nobody(school, account):
    brought(account, a_roster(ANA))
    brought(account, a_roster(BEN))
    brought(account, a_roster(ANA))
    with institution_scope(school.id):
        assert (Student.objects.count(), Invitation.objects.count()) == (2, 2)
    assert len(results_of(account)) == 3


def test_a_results_file_has_a_name_that_every_client_can_take(account):
    long_name = "é" * 120 + "\u200b\\.CSV"
    brought(account, a_roster(ANA), name=long_name)
    (name,) = results_of(account)
    assert len(name.encode()) <= 255
    assert name.startswith("é" * 90)
    assert name.endswith(".results.csv")
    row = queries.results_name("a\u200bb\\c.CSV", clock.now())
    assert row.startswith("a_b_c.2")


# --- what goes wrong --------------------------------------------------------------------------------------------------


class DiedError(Exception):
    """A worker that ends without a word."""


def die(*given, **named):
    raise DiedError


@pytest.mark.parametrize(
    ("place", "name"),
    [
        pytest.param(importing.actions, "begin", id="before the import is made"),
        pytest.param(importing.rosters, "apply", id="before it is applied"),
        pytest.param(importing, "_as_it_stands", id="after it was applied"),
        pytest.param(importing.outbound, "put", id="before the results file"),
        pytest.param(importing.actions, "finish", id="after the results file"),
    ],
)
def test_a_job_that_was_cut_off_goes_on_where_it_was(school, account, monkeypatch, mailoutbox, place, name):
    upload, _outcome = claimed(account, a_roster(ANA, BEN))
    with monkeypatch.context() as dying:
        dying.setattr(place, name, die)
        for _ in range(2):
            with pytest.raises(DiedError):
                run(upload)
    run(upload)
    run(upload)
    assert row_of(upload).state == "processed"
    with institution_scope(school.id):
        assert (Student.objects.count(), Invitation.objects.count()) == (2, 2)
        assert RosterImport.objects.count() == 1
        assert TransferEvent.objects.filter(kind="processed").count() == 1
    assert [line["Outcome"] for line in the_result(account)] == ["created", "created"]
    assert mail_jobs() == 1


def test_a_worker_that_died_after_sending_sends_the_same_mail_again_under_the_same_id(account, mailoutbox):
    upload = brought(account, a_roster(ANA))
    mails.send_result(account.institution_id, upload.file_id)
    assert len({mail.extra_headers["Message-ID"] for mail in mailoutbox}) == 1


def test_a_fault_of_ours_is_tried_again_and_in_the_end_told(school, account, monkeypatch, mailoutbox):
    upload, _outcome = claimed(account, a_roster(ANA))
    with monkeypatch.context() as broken:
        broken.setattr(rosters, "plan_file", die)
        with pytest.raises(DiedError):
            run(upload)
        assert row_of(upload).state == "importing"
        run(upload, is_last_try=True)
    row = row_of(upload)
    assert (row.state, row.reason, row.roster_import.state) == ("failed", "failed_here", ImportState.FAILED)
    assert the_result(account)[0]["Errors"].startswith("failed_here: Something went wrong on our side")
    mails.send_result(school.id, upload.file_id)
    assert "our side" in mailoutbox[0].body
    with institution_scope(school.id):
        assert not Student.objects.exists()


def test_what_was_applied_counts_though_its_results_file_could_not_be_put(
    school, account, monkeypatch, mailoutbox
):
    upload, _outcome = claimed(account, a_roster(ANA))
    with monkeypatch.context() as broken:
        broken.setattr(outbound, "put", die)
        run(upload, is_last_try=True)
    assert row_of(upload).state == "processed"
    assert results_of(account) == {}
    mails.send_result(school.id, upload.file_id)
    assert "/outbound/results" not in mailoutbox[0].body


@pytest.mark.parametrize("hurt", ["lost", "damaged"])
def test_stored_content_that_cannot_be_read_is_told_at_once(account, hurt):
    upload, _outcome = claimed(account, a_roster(ANA))
    name = f"account-{account.id}/{upload.file_id}"
    if hurt == "lost":
        blob_store().delete(institution_id=account.institution_id, name=name)
    else:
        place = blob_store()._place
        sealed = bytearray(b"".join(place.read(account.institution_id, name)))
        sealed[-1] ^= 1
        place.write(account.institution_id, name, [bytes(sealed)])
    run(upload)
    row = row_of(upload)
    assert (row.state, row.reason, row.roster_import.state) == ("failed", "damaged", ImportState.FAILED)
    assert the_result(account)[0]["Errors"].startswith("damaged: ")


def test_the_last_try_is_the_last_that_the_queue_makes(account, monkeypatch):
    tries = []
    monkeypatch.setattr(tasks.importing, "import_file", lambda *ids, is_last_try: tries.append(is_last_try))
    for attempts in (0, RETRY.max_attempts - 1, RETRY.max_attempts):
        context = SimpleNamespace(job=SimpleNamespace(attempts=attempts))
        tasks.import_file(context, institution_id=str(account.institution_id), file_id=str(account.id))
    assert tries == [False, False, True]


@pytest.mark.parametrize("begun", [False, True], ids=["never begun", "begun"])
def test_a_file_whose_job_is_gone_is_ended_and_told(account, monkeypatch, begun):
    upload, _outcome = claimed(account, a_roster(ANA))
    later = clock.now() + timedelta(minutes=5)
    if begun:
        with monkeypatch.context() as dying:
            dying.setattr(importing.rosters, "apply", die)
            with pytest.raises(DiedError):
                run(upload)
    monkeypatch.setattr(clock, "now", lambda: later)
    tasks.end_abandoned(timestamp=0)
    assert row_of(upload).finished_at is None  # its job waits in the queue
    with connection.cursor() as cursor:
        cursor.execute(
            "update procrastinate_jobs set status = 'failed' where task_name = 'transfers.import_file'"
        )
    tasks.end_abandoned(timestamp=0)
    row = row_of(upload)
    assert (row.state, row.reason) == ("failed", "failed_here")
    assert mail_jobs() == 1
    assert len(the_result(account)) == 1


def test_an_account_without_a_contact_has_the_administrators_told(tmp_path, mailoutbox):
    staffed = make_school()
    account = an_account(staffed.institution, tmp_path, contact_email="").ref
    brought(account, a_roster(ANA))
    assert [mail.to for mail in mailoutbox] == [[f"administrator@{staffed.institution.slug}.example"]]


# --- the sweep --------------------------------------------------------------------------------------------------------


def test_the_sweep_deletes_old_content_and_strays_and_nothing_that_is_needed(school, account, monkeypatch):
    old, waiting = brought(account, a_roster(ANA)), claimed(account, a_roster(BEN))[0]
    results = {str(file.id) for file in outbound_listed(school.id, account.id)}
    old_id, waiting_id = str(old.file_id), str(waiting.file_id)
    stray = claimed_without_a_row(account, monkeypatch)
    foreign = f"account-{account.id}/something-else"
    blob_store().put(institution_id=school.id, name=foreign, content=b"x")
    tasks.sweep_old(timestamp=0)
    assert stored_all(account) == {old_id, waiting_id, *results, str(stray.file_id), "something-else"}
    after(monkeypatch, timedelta(days=2))
    tasks.sweep_old(timestamp=0)
    assert stored_all(account) == {old_id, waiting_id, *results, "something-else"}
    after(monkeypatch, timedelta(days=31))
    tasks.sweep_old(timestamp=0)
    # What no worker has taken yet stays however old it is.
    assert stored_all(account) == {waiting_id, *results, "something-else"}


def test_old_rows_of_the_log_go_and_the_last_file_stays_known(school, account, monkeypatch):
    brought(account, a_roster(ANA))
    last = brought(account, a_roster(BEN))
    after(monkeypatch, timedelta(days=401))
    tasks.sweep_old(timestamp=0)
    assert events_of(account) == []
    assert row_of(last).state == "processed"
    assert account_of(account).last_claimed == last.file_id
    assert claimed(account, a_roster(BEN))[1].state == "repeated"


def after(monkeypatch, time):
    later = clock.now() + time
    monkeypatch.setattr(clock, "now", lambda: later)


def claimed_without_a_row(account, monkeypatch):
    """An upload whose claim died between storing and committing."""
    content = a_roster(ANA, BEN)
    upload = an_upload(account, content)
    with monkeypatch.context() as dying:
        dying.setattr(claiming, "_follow", die)
        with pytest.raises(DiedError):
            claiming.claim(upload, in_blocks(content), clock.now())
    return upload


def stored_all(account):
    prefix = f"account-{account.id}/"
    names = blob_store().names(institution_id=account.institution_id, prefix=prefix)
    return {name.removeprefix(prefix) for name in names}
