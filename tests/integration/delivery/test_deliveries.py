"""Deliveries from the wish to the file at the other end: once, whole, and told of when it does not work."""

from datetime import timedelta

import pytest
from procrastinate.contrib.django.models import ProcrastinateJob

from pratique.connectors.sftp_push.types import HostKey
from pratique.delivery import mails, policies, sending
from pratique.delivery.actions import deliveries as actions
from pratique.delivery.actions import destinations
from pratique.delivery.actions import sending as steps
from pratique.delivery.actions.deliveries import cancel, retry, stored_name
from pratique.delivery.models import Delivery
from pratique.delivery.types import DeliveryError, NameUsedError, Place
from pratique.foundation import vault
from pratique.foundation.models import AuditEvent
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries as reports
from pratique.reports.catalogue import UnknownReportError
from pratique.reports.types import Format
from pratique.transfers import outbound
from pratique.transfers.actions.accounts import close_account
from pratique.transfers.actions.outbound import put
from tests.destinations import PASSWORD, a_destination, a_destination_at
from tests.integration.delivery.conftest import REPORT, read, tried
from tests.schools import BY, NOW
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")


def names(fake):
    return sorted(one.name for one in fake.root.iterdir())


def kept_files(school):
    return list(blob_store().names(institution_id=school.id, prefix="delivery/"))


def audited(school, action):
    with institution_scope(school.id):
        return AuditEvent.objects.filter(action=action).count()


def jobs(name):
    return list(ProcrastinateJob.objects.filter(task_name=name, status="todo").order_by("id"))


@pytest.fixture
def destination(school, theirs):
    return a_destination_at(theirs, school, contact_email="it@school.example")


@pytest.fixture
def account(school, tmp_path):
    return an_account(school, tmp_path)


@pytest.mark.parametrize("format", list(Format))
def test_a_report_arrives_as_the_file_that_a_download_is(school, theirs, destination, delivered_to, format):
    delivery = delivered_to(destination, f"students.{format.value}", format=format)
    done = tried(delivery)
    assert (done.state, done.failure, done.tries) == ("delivered", "", 1)
    content = (theirs.root / done.file_name).read_bytes()
    assert (done.size, done.sent) == (len(content), len(content))
    if format == Format.CSV:
        wanted = reports.stream(REPORT, {}, format, institution_id=school.id, now=NOW)
        assert content == b"".join(wanted)
        assert "Núñez" in content.decode()
    assert names(theirs) == [done.file_name]
    assert kept_files(school) == []
    assert read(destination).last_success_at == NOW
    with institution_scope(school.id):
        exported = AuditEvent.objects.get(action="reports:report:exported")
    assert exported.by == "staff:tests"


def test_a_report_arrives_in_an_accounts_folder(school, account, delivered_to):
    place = Place(account_id=account.account.id)
    done = tried(delivered_to(place, "students-{date:%Y%m%d}.csv"))
    (file,) = outbound.listed(school.id, account.account.id)
    assert (file.folder, file.name, file.size) == ("", "students-20260803.csv", done.size)
    assert (done.state, done.outbound_file_id) == ("delivered", file.id)
    assert audited(school, "reports:report:exported") == 1


def test_a_delivery_is_a_job_that_waits_behind_others_of_its_place(destination, delivered_to):
    delivered_to(destination)
    delivered_to(destination)
    assert {one.lock for one in jobs("delivery.send")} == {f"delivery:{destination.id}"}
    assert len(jobs("delivery.send")) == 2


def test_names_are_never_used_twice_for_a_destination(destination, delivered_to):
    first = tried(delivered_to(destination, "students.csv"))
    with pytest.raises(NameUsedError):
        delivered_to(destination, "students.csv")
    assert [delivered_to(destination).file_name for _ in range(3)] == [
        "students-1.csv", "students-2.csv", "students-3.csv",
    ]  # fmt: skip
    assert tried(first).tries == 1


def test_a_name_is_taken_in_an_account_only_while_it_lies_there(account, delivered_to):
    place = Place(account_id=account.account.id)
    put(account=account.ref, folder="", name="students-1.csv", content=[b"x"], source="x", by=BY, now=NOW)
    assert delivered_to(place).file_name == "students-2.csv"
    with pytest.raises(NameUsedError):
        delivered_to(place, "students-1.csv")


def test_a_file_that_came_to_lie_there_meanwhile_fails_the_delivery_for_good(account, delivered_to):
    delivery = delivered_to(Place(account_id=account.account.id), "students.csv")
    put(account=account.ref, folder="", name="students.csv", content=[b"x"], source="x", by=BY, now=NOW)
    done = tried(delivery)
    assert (done.state, done.failure) == ("failed", "name_taken")


def test_what_cannot_deliver_is_refused_at_once(school, account, delivered_to):
    with pytest.raises(DeliveryError):
        delivered_to(a_destination(school))
    with pytest.raises(DeliveryError):
        delivered_to(Place())
    with pytest.raises(UnknownReportError):
        delivered_to(Place(account_id=account.account.id), report="nothing")
    close_account(account=account.account, by=BY, now=NOW)
    with pytest.raises(DeliveryError):
        delivered_to(Place(account_id=account.account.id))


def test_the_same_bytes_are_sent_at_every_try_and_the_report_is_made_once(
    school, theirs, destination, delivered_to, clocked
):
    theirs.faults.drop_before_rename = True
    delivery = tried(delivered_to(destination))
    assert (delivery.state, delivery.failure, delivery.tries) == ("waiting", "rename_lost", 1)
    assert delivery.next_try_at == NOW + timedelta(minutes=1)
    assert kept_files(school) == [stored_name(delivery.id)]
    kept = blob_store().get(institution_id=school.id, name=stored_name(delivery.id))
    theirs.faults.drop_before_rename = False
    assert tried(delivery).tries == 1  # it is not due
    clocked.now += timedelta(minutes=1)
    done = tried(delivery)
    assert (done.state, done.tries, done.failure) == ("delivered", 2, "")
    assert (theirs.root / done.file_name).read_bytes() == kept
    assert audited(school, "reports:report:exported") == 1
    assert kept_files(school) == []


def test_a_lost_answer_is_looked_into_and_nothing_is_sent_twice(theirs, destination, delivered_to, clocked):
    theirs.faults.drop_after_rename = theirs.faults.takes_away = True
    delivery = tried(delivered_to(destination))
    assert (delivery.state, delivery.failure) == ("waiting", "rename_lost")
    theirs.faults.drop_after_rename = False
    clocked.now += timedelta(minutes=1)
    assert tried(delivery).state == "delivered"
    assert theirs.arrived == [delivery.file_name]


def test_tries_end_after_three_days_and_people_are_told_twice(
    school, theirs, destination, delivered_to, clocked
):
    theirs.faults.no_writing = True
    delivery = delivered_to(destination)
    for _number in range(len(policies.WAITS) + 1):
        delivery = tried(delivery)
        assert delivery.failure == "write_denied"
        clocked.now = delivery.next_try_at or clocked.now
    assert (delivery.state, delivery.tries) == ("failed", 9)
    assert timedelta(days=3) < delivery.finished_at - NOW < timedelta(days=4)
    assert read(destination).failures_in_row == 9
    assert [one.args["why"] for one in jobs("delivery.alert")] == ["failing", "given_up"]
    assert audited(school, "delivery:delivery:failed") == 1
    # Its file is kept: somebody mends the rights, and has it tried again.
    theirs.faults.no_writing = False
    retry(delivery=delivery, by=BY, now=clocked.now)
    assert tried(delivery).state == "delivered"
    assert read(destination).failures_in_row == 0
    with pytest.raises(DeliveryError):
        retry(delivery=delivery, by=BY, now=clocked.now)


def test_another_host_key_stops_the_destination_at_once(school, theirs, destination, delivered_to, clocked):
    theirs.change_host_key()
    first, second = delivered_to(destination), delivered_to(destination)
    assert (tried(first).state, read(first).next_try_at) == ("waiting", None)
    stopped = read(destination)
    assert (stopped.stopped_for, theirs.passwords) == ("host_key_changed", [])
    assert [one.args["why"] for one in jobs("delivery.alert")] == ["host_key_changed"]
    # The other waits too, and nothing is tried until somebody says so.
    assert (tried(second).tries, tried(first).tries) == (0, 1)
    assert steps.ask_for_due(institution_id=school.id, now=clocked.now + timedelta(days=1)) == 0
    with pytest.raises(DeliveryError):
        retry(delivery=read(first), by=BY, now=clocked.now)
    destinations.pin_host_key(
        destination=stopped, host_key=HostKey("ssh-ed25519", "", theirs.host_key_public), by=BY, now=NOW
    )
    destinations.resume(destination=stopped, by=BY, now=clocked.now)
    assert (tried(first).state, tried(second).state) == ("delivered", "delivered")


def test_refused_sign_ins_stop_before_the_server_locks_us_out(theirs, destination, delivered_to, clocked):
    theirs.faults.refuses_sign_in = True
    delivery = delivered_to(destination)
    for _number in range(3):
        delivery = tried(delivery)
        clocked.now = delivery.next_try_at or clocked.now
    assert read(destination).stopped_for == "sign_in_refused"
    assert (delivery.state, delivery.next_try_at) == ("waiting", None)


def test_what_is_due_is_asked_for_and_what_a_dead_worker_left_too(school, destination, delivered_to, clocked):
    delivery = delivered_to(destination)
    assert steps.begin(school.id, delivery.id, clocked.now).delivery.tries == 1
    due = [
        steps.ask_for_due(institution_id=school.id, now=clocked.now + later)
        for later in (timedelta(), policies.LEASE - timedelta(seconds=1), policies.LEASE)
    ]
    assert due == [0, 0, 1]


def test_a_waiting_delivery_is_cancelled_and_one_being_named_is_not(
    school, theirs, destination, delivered_to, clocked
):
    waiting = delivered_to(destination)
    assert cancel(delivery=waiting, by=BY, now=NOW)
    assert not cancel(delivery=waiting, by=BY, now=NOW)
    assert tried(waiting).state == "cancelled"
    sending_one = steps.begin(school.id, delivered_to(destination).id, NOW).delivery
    steps.make_file(sending_one)
    steps.note_renaming(sending_one, NOW)
    assert not cancel(delivery=sending_one, by=BY, now=NOW)


def test_cancelling_while_it_is_sent_leaves_nothing_there(
    school, theirs, destination, delivered_to, monkeypatch
):
    delivery = delivered_to(destination)
    before = steps.note_renaming

    def cancelled_first(one, now):
        assert cancel(delivery=delivery, by=BY, now=NOW)
        before(one, now)

    monkeypatch.setattr(steps, "note_renaming", cancelled_first)
    assert tried(delivery).state == "cancelled"
    assert (names(theirs), kept_files(school)) == ([], [])


def test_our_own_trouble_is_a_failed_try_and_its_text_is_nowhere(
    destination, delivered_to, monkeypatch, caplog
):
    def broken(_destination):
        raise vault.VaultError("the secret of Ana")

    monkeypatch.setattr(sending, "server_of", broken)
    delivery = tried(delivered_to(destination))
    assert (delivery.state, delivery.failure) == ("waiting", "failed_here")
    assert "Ana" not in caplog.text


def test_files_that_no_try_will_send_are_deleted(school, theirs, destination, delivered_to, clocked):
    theirs.faults.no_writing = True
    waiting = tried(delivered_to(destination))
    failed = tried(delivered_to(destination))
    with institution_scope(school.id):
        Delivery.objects.filter(id=failed.id).update(state="failed", finished_at=clocked.now)
    blob_store().put(institution_id=school.id, name="delivery/0192-stray", content=b"x")
    assert steps.forget_files(institution_id=school.id, now=clocked.now) == 1
    assert steps.forget_files(institution_id=school.id, now=clocked.now + timedelta(days=31)) == 1
    assert kept_files(school) == [stored_name(waiting.id)]
    with pytest.raises(DeliveryError):
        retry(delivery=failed, by=BY, now=clocked.now)


def test_the_mail_says_what_to_do_and_no_secret(school, theirs, destination, delivered_to, mailoutbox):
    theirs.change_host_key()
    delivery = tried(delivered_to(destination))
    assert mails.send_alert(school.id, destination.id, delivery.id, "host_key_changed") == 1
    (kept,) = mailoutbox
    assert kept.to == ["it@school.example"]
    assert "stopped" in kept.subject
    assert "fingerprint" in kept.body
    assert delivery.file_name in kept.body
    for secret in (PASSWORD, "127.0.0.1", "Núñez"):
        assert secret not in kept.body


def test_closing_a_destination_cancels_what_waits(destination, delivered_to):
    delivery = delivered_to(destination)
    destinations.close_destination(destination=destination, by=BY, now=NOW)
    assert tried(delivery).state == "cancelled"
    assert actions.place_id_of(delivery) == destination.id
