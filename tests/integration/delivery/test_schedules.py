"""Schedules from the wish to the file: once, in order, and paused with a reason where a person must look."""

import os
import shutil
import subprocess
from contextlib import closing
from dataclasses import replace
from datetime import time, timedelta

import psycopg
import pytest
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from pratique.accounts.models import User
from pratique.delivery import mails, queries
from pratique.delivery.actions import destinations, links, schedules
from pratique.delivery.actions import sending as steps
from pratique.delivery.actions.deliveries import cancel, stored_name
from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.queries import ScheduleStanding, schedule_standing
from pratique.delivery.timing import Calendar
from pratique.delivery.types import DeliveryError, Place, ScheduleError, SchedulePlan
from pratique.foundation import audit
from pratique.foundation.models import AuditEvent
from pratique.foundation.storage import blob_store
from pratique.foundation.tenancy import institution_scope
from pratique.reports import queries as reports
from pratique.reports.types import ChosenColumn, Format, Layout
from pratique.transfers.actions.accounts import close_account
from tests.destinations import a_destination_at
from tests.integration.delivery.conftest import REPORT, content, read, tried
from tests.schools import BY, NOW, imported
from tests.settings import CLUSTER
from tests.transactions import settle
from tests.transfers import an_account

pytestmark = pytest.mark.usefixtures("committed")
ANA = "ana@x.edu,0001,{name},Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,{name},Ben,555-0102,04/03/2006,Undergraduate,Fall 2026,1"


@pytest.fixture
def account(school, tmp_path):
    return an_account(school, tmp_path)


@pytest.fixture
def plan(account):
    return SchedulePlan(
        name="Housing", report_key=REPORT, place=Place(account_id=account.account.id), contents="delta",
        layout=Layout(columns=(ChosenColumn("student_id"), ChosenColumn("last_name", "Surname"))),
        sort="student_id", template="s-{n}.csv", send_empty=False, every_minutes=5,
    )  # fmt: skip


@pytest.fixture
def made(school, plan, clocked):
    def make(**changes):
        begin = changes.pop("begin", "everything")
        changed = replace(plan, **changes)
        return schedules.create_schedule(
            institution=school, plan=changed, begin=begin, by=BY, now=clocked.now
        )

    return make


@pytest.fixture
def swept(school, clocked):
    """Let five minutes pass, and the sweep of the minute; return the newest delivery."""

    def sweep(minutes=5):
        settle(school)
        clocked.now += timedelta(minutes=minutes)
        ran = schedules.run_due(institution_id=school.id, now=clocked.now)
        with institution_scope(school.id):
            return ran, Delivery.objects.order_by("-requested_at", "-id").first()

    return sweep


def seen(schedule):
    with institution_scope(schedule.institution_id):
        return schedule_standing(queries.schedule_by_id(schedule.id))


def events(school, action):
    with institution_scope(school.id):
        return list(AuditEvent.objects.filter(action=action).order_by("at", "id"))


def jobs(name):
    return list(ProcrastinateJob.objects.filter(task_name=name, status="todo").order_by("id"))


def test_a_delta_goes_to_an_account_and_holds_what_changed(school, account, made, swept, clocked):
    schedule = made()
    assert schedule.next_at == NOW + timedelta(minutes=5)
    assert seen(schedule) == ScheduleStanding.NEVER
    ran, first = swept(minutes=47)  # nine times were missed: they are one
    assert ran == 1
    assert read(schedule).next_at == NOW + timedelta(minutes=50)
    assert seen(schedule) == ScheduleStanding.WAITING
    assert tried(first).state == "delivered"
    assert content(school, account, "s-1.csv").decode().endswith(",Surname\r\n0001,Núñez\r\n")
    assert seen(schedule) == ScheduleStanding.READY
    imported(school, ANA.format(name="Núñez"), BEN.format(name="Cole"))
    _ran, second = swept()
    assert second.changes_from == first.changes_before
    # It waits, and Ana changes: her change is in the next file, not in this one that was cut before.
    imported(school, ANA.format(name="Ruiz"))
    assert swept() == (1, second)
    assert tried(second).rows == 1
    assert content(school, account, "s-2.csv").decode().splitlines()[1:] == ["0002,Cole"]
    _ran, third = swept()
    assert tried(third).rows == 1
    assert content(school, account, "s-3.csv").decode().splitlines()[1:] == ["0001,Ruiz"]
    assert swept() == (1, third)
    assert read(schedule).was_empty
    # Sent again: the same bytes, although Ana's name is another by now; and no cursor moves.
    imported(school, ANA.format(name="Other"))
    cursor = read(schedule).cursor
    again = tried(schedules.resend(delivery=third, by=BY, now=clocked.now))
    assert (again.state, again.file_name, read(schedule).cursor) == ("delivered", "s-3-2.csv", cursor)
    assert content(school, account, "s-3-2.csv") == content(school, account, "s-3.csv")
    week = clocked.now + timedelta(days=8)
    assert steps.forget_files(institution_id=school.id, now=clocked.now) == 0
    assert steps.forget_files(institution_id=school.id, now=week) == 3
    with pytest.raises(DeliveryError):
        schedules.resend(delivery=third, by=BY, now=week)
    # Replay: from before the first.
    schedules.replay(schedule=schedule, since=NOW - timedelta(days=1), by=BY, now=clocked.now)
    assert tried(swept()[1]).rows == 2
    assert [one.action for one in events(school, "delivery:schedule:replayed")] != []


def test_what_was_open_while_a_file_was_cut_is_in_the_next_one(school, account, made, swept):
    """A transaction that began before the cut and commits after it: its number is lower than others' that ended."""
    schedule = made()
    tried(swept()[1])
    settle(school)
    url = CLUSTER.url("pratique", connection.settings_dict["NAME"])
    with psycopg.connect(url) as slow:
        slow.execute("select set_config('pratique.institution', %s, true)", [str(school.id)])
        slow.execute("update students_student set last_name = 'Slow' where student_id = '0001'")
        imported(school, BEN.format(name="Later"))  # ended, and numbered after the one that is open
        delivery = schedules.run_now(schedule=schedule, by=BY, now=NOW + timedelta(minutes=10))
        assert delivery is None  # all that ended lies behind the one that is open
        slow.commit()
    done = tried(swept()[1])
    rows = content(school, account, done.file_name).decode().splitlines()[1:]
    assert rows == ["0001,Slow", "0002,Later"]


def test_a_schedule_that_another_worker_holds_is_left_to_it(school, made, clocked):
    schedule = made()
    settle(school)
    clocked.now += timedelta(minutes=5)
    with psycopg.connect(CLUSTER.url("pratique", connection.settings_dict["NAME"])) as other:
        other.execute("select set_config('pratique.institution', %s, true)", [str(school.id)])
        other.execute("select 1 from delivery_schedule where id = %s for no key update", [schedule.id])
        assert schedules.run_due(institution_id=school.id, now=clocked.now) == 0
    assert schedules.run_due(institution_id=school.id, now=clocked.now) == 1
    assert schedules.run_due(institution_id=school.id, now=clocked.now) == 0
    with institution_scope(school.id):
        assert Delivery.objects.count() == 1


def test_what_a_clock_that_ran_ahead_put_off_runs_when_the_clock_is_right_again(school, made, swept, clocked):
    made()
    right = clocked.now
    assert swept(minutes=60 * 24 * 400)[0] == 1
    clocked.now = right
    assert swept(minutes=1)[0] == 1
    assert swept(minutes=1)[0] == 0
    assert swept(minutes=5)[0] == 1


def test_a_whole_file_that_waits_gives_way_to_the_next(school, account, made, swept, clocked):
    schedule = made(
        contents="whole",
        every_minutes=None,
        calendar=Calendar((time(6), time(18))),
        template="",
        format=Format.TSV,
    )
    assert schedule.next_at == NOW + timedelta(hours=7)  # 18:00 in New York; it is 11:00 there
    _ran, first = swept(minutes=7 * 60)
    _ran, second = swept(minutes=12 * 60)
    assert (read(first).state, second.state) == ("cancelled", "waiting")
    assert second.file_name == "student-detail-20260804-060000.tsv"
    assert tried(second).state == "delivered"
    assert (read(schedule).cursor, tried(first).state) == (None, "cancelled")


def test_a_database_that_was_moved_sends_everything_once_more(school, made, swept):
    schedule = made()
    tried(swept()[1])
    with institution_scope(school.id):
        Schedule.objects.update(cursor=2**60)
    _ran, delivery = swept()
    assert delivery.changes_from is None
    assert tried(delivery).rows == 1
    assert read(schedule).cursor == delivery.changes_before < 2**60
    assert len(events(school, "delivery:schedule:restarted")) == 1


@pytest.mark.parametrize("arrived", [True, False])
def test_a_file_in_doubt_waits_for_a_person(school, theirs, made, swept, arrived):
    destination = a_destination_at(theirs, school)
    schedule = made(place=Place(destination_id=destination.id))
    _ran, delivery = swept()
    with institution_scope(school.id):
        Delivery.objects.update(state="failed", failure="rename_lost", renaming_at=NOW, size=5)
    swept()
    assert seen(schedule) == ScheduleStanding.IN_DOUBT
    assert [one.args["why"] for one in jobs("delivery.tell_paused")] == ["in_doubt"]
    with pytest.raises(ScheduleError):
        schedules.resume_schedule(schedule=schedule, by=BY, now=NOW)
    schedules.resume_schedule(schedule=schedule, arrived=arrived, by=BY, now=NOW)
    assert (read(schedule).cursor == delivery.changes_before) is arrived
    ran, _latest = swept()
    with institution_scope(school.id):
        assert (ran, Delivery.objects.count()) == (1, 1 if arrived else 2)


def test_a_schedule_of_a_closed_place_pauses_and_says_why(
    school, account, theirs, made, swept, plan, mailoutbox
):
    destination = a_destination_at(theirs, school)
    to_account, to_server = made(), made(name="Other", place=Place(destination_id=destination.id))
    with institution_scope(school.id):
        User.objects.create(
            institution=school,
            username="adm",
            email="adm@x.edu",
            name="A",
            role="administrator",
            created_at=NOW,
        )
    close_account(account=account.account, by=BY, now=NOW)
    destinations.close_destination(destination=destination, by=BY, now=NOW)
    assert read(to_server).paused_for == "destination_closed"
    swept(minutes=1)
    assert (read(to_account).paused_for, read(to_account).next_at) == ("account_closed", None)
    assert swept()[0] == 0
    mails.send_paused(school.id, to_account.id, "account_closed")
    assert "account" in mailoutbox[0].body
    with pytest.raises(ScheduleError):
        schedules.resume_schedule(schedule=to_account, by=BY, now=NOW)
    with institution_scope(school.id):
        assert [one.name for one in queries.schedules(state="paused", search="ou")] == ["Housing"]


def test_what_people_do_with_schedules(school, account, theirs, made, swept, plan, clocked):
    settle(school)
    schedule = made(begin="now")
    with institution_scope(school.id):
        assert queries.plan_of(schedule) == replace(plan, parameters={"state": "all"})
    assert schedules.run_now(schedule=schedule, by=BY, now=clocked.now) is None  # nothing changed since
    imported(school, BEN.format(name="Cole"))
    settle(school)
    waiting = schedules.run_now(schedule=schedule, by=BY, now=clocked.now)
    assert waiting.state == "waiting"
    # To another place: what had not arrived goes there.
    destination = a_destination_at(theirs, school)
    moved = replace(plan, place=Place(destination_id=destination.id), name="Moved")
    schedules.change_schedule(schedule=schedule, plan=moved, by=BY, now=clocked.now)
    assert read(waiting).state == "cancelled"
    done = tried(swept()[1])
    assert (done.destination_id, done.state, done.rows) == (destination.id, "delivered", 1)
    changed = len(events(school, "delivery:schedule:changed"))
    schedules.change_schedule(schedule=schedule, plan=moved, by=BY, now=clocked.now)
    assert len(events(school, "delivery:schedule:changed")) == changed == 1
    schedules.pause_schedule(schedule=schedule, by=BY, now=clocked.now)
    assert (swept()[0], seen(schedule)) == (0, ScheduleStanding.PAUSED)
    with pytest.raises(ScheduleError):
        schedules.run_now(schedule=schedule, by=BY, now=clocked.now)
    schedules.resume_schedule(schedule=schedule, by=BY, now=clocked.now)
    imported(school, BEN.format(name="Again"))
    _ran, waiting = swept()
    # Somebody cancels a file: its changes come with the next.
    assert cancel(delivery=waiting, by=BY, now=clocked.now)
    assert tried(swept()[1]).rows == 1
    imported(school, BEN.format(name="Last"))
    _ran, waiting = swept()
    assert schedules.delete_schedule(schedule=schedule, by=BY, now=clocked.now)
    assert not schedules.delete_schedule(schedule=schedule, by=BY, now=clocked.now)
    assert (read(waiting).state, swept()[0]) == ("cancelled", 0)
    made(name="Moved")  # its name is free again


def test_what_cannot_be_scheduled_names_the_field(school, theirs, made, account):
    destination = Place(destination_id=a_destination_at(theirs, school).id)
    made()
    for field, changes in {
        "name": {"name": "housing"}, "template": {"template": "{student}"}, "sort": {"sort": "nothing"},
        "columns": {"layout": Layout(columns=(ChosenColumn("nothing"),))}, "every_minutes": {"every_minutes": 3},
        "contents": {"report_key": "compliance-summary", "layout": Layout(), "sort": ""}, "pgp_key": {"pgp_key": "x"},
        "place": {"place": Place()}, "staff": {"place": Place(staff=(account.account.id,))},
    }.items():  # fmt: skip
        with pytest.raises(ScheduleError) as caught:
            made(**{"name": "Another", **changes})
        assert caught.value.field == field, field
    with pytest.raises(ScheduleError) as caught:  # the second file of a day would have the name of the first
        made(name="Another", place=destination, template="s-{date:%Y%m%d}.csv")
    assert caught.value.field == "template"


@pytest.mark.skipif(not shutil.which("gpg"), reason="there is no gpg")
def test_a_file_is_encrypted_to_the_customers_key_and_their_gpg_opens_it(
    school, account, made, swept, tmp_path
):
    home = tmp_path / "gnupg"
    home.mkdir(mode=0o700)

    def gpg(*arguments, **more):
        quiet = ["gpg", "--batch", "--pinentry-mode", "loopback", "--passphrase", ""]
        environment = {**os.environ, "GNUPGHOME": str(home)}
        return subprocess.run(
            [*quiet, *arguments], env=environment, capture_output=True, check=True, **more
        ).stdout

    try:
        gpg("--quick-gen-key", "Housing <it@x.edu>", "rsa2048", "encrypt,sign,cert")
        gpg("--quick-gen-key", "Signs <signs@x.edu>", "ed25519", "sign")
        gpg("--quick-gen-key", "Weak <weak@x.edu>", "rsa1024", "encrypt,sign,cert")
        key = gpg("--armor", "--export", "it@x.edu").decode()
        for refused in (
            gpg("--armor", "--export-secret-keys", "it@x.edu"), gpg("--armor", "--export", "signs@x.edu"),
            gpg("--armor", "--export", "weak@x.edu"), gpg("--armor", "--export"), b"hello",
        ):  # fmt: skip
            with pytest.raises(ScheduleError) as caught:
                made(pgp_key=refused.decode())
            assert caught.value.field == "pgp_key"
        made(pgp_key=key)
        done = tried(swept()[1])
        assert (done.state, done.file_name, done.rows) == ("delivered", "s-1.csv.pgp", 1)
        sealed = content(school, account, "s-1.csv.pgp")
        assert "Núñez".encode() not in sealed
        assert gpg("--decrypt", input=sealed).decode().endswith(",Surname\r\n0001,Núñez\r\n")
        with institution_scope(school.id):  # it ends while the schedule goes on
            Schedule.objects.update(pgp_key=gpg("--armor", "--export", "signs@x.edu").decode())
        imported(school, BEN.format(name="Cole"))
        swept()
        with institution_scope(school.id):
            assert Schedule.objects.get().paused_for == "key_unusable"
    finally:
        subprocess.run(["gpgconf", "--homedir", home, "--kill", "all"], capture_output=True, check=False)


def test_staff_get_a_link_once_and_never_the_data(school, made, swept, clocked, mailoutbox, monkeypatch):
    with institution_scope(school.id):
        people = {
            name: User.objects.create(
                institution=school, username=name, email=f"{name}@x.edu", name=name, role=role, language=language,
                created_at=NOW,
            )
            for name, role, language in (
                ("ann", "coordinator", "en"), ("eva", "administrator", "es"), ("left", "coordinator", "en"),
                ("rev", "reviewer", "en"),
            )
        }  # fmt: skip
    with pytest.raises(ScheduleError):
        made(place=Place(staff=(people["rev"].id,)))
    staff = tuple(people[name].id for name in ("ann", "eva", "left"))
    made(place=Place(staff=staff), contents="whole")
    _ran, delivery = swept()
    with institution_scope(school.id):
        User.objects.filter(username="left").update(is_active=False)
    assert tried(delivery).state == "delivered"
    assert len(jobs("delivery.mail_links")) == 1
    send, fails = mails._send, [True]

    def refuses_once(messages):
        if fails.pop() if fails else False:
            raise mails.MailNotSentError("OSError")
        send(messages)

    monkeypatch.setattr(mails, "_send", refuses_once)
    with pytest.raises(mails.MailNotSentError):
        mails.send_links(school.id, delivery.id)
    assert mails.send_links(school.id, delivery.id) == 2
    assert mails.send_links(school.id, delivery.id) == 0
    assert sorted(one.to[0] for one in mailoutbox) == ["ann@x.edu", "eva@x.edu"]
    for one in mailoutbox:
        assert str(delivery.id) in one.body
        for kept in ("Núñez", "student-detail", "Student"):
            assert kept not in one.body + one.subject

    # The link: for whoever may download it, noted, for a week.
    def take(user, now):
        by = audit.Actor("staff", str(user.id))
        taken, reader = links.take(delivery_id=delivery.id, institution_id=school.id, by=by, now=now)
        with closing(reader):
            return taken, reader.read(0, reader.size)

    taken, text = take(people["ann"], clocked.now)
    assert (taken.id, text.decode().splitlines()[-1]) == (delivery.id, "0001,Núñez")
    assert [one.detail["rows"] for one in events(school, "delivery:link:downloaded")] == [1]
    for user, now in (
        (people["rev"], clocked.now), (people["left"], clocked.now), (people["ann"], clocked.now + timedelta(days=8)),
    ):  # fmt: skip
        with pytest.raises(links.LinkError):
            take(user, now)
    assert blob_store().exists(institution_id=school.id, name=stored_name(delivery.id))
    with institution_scope(school.id):
        User.objects.update(is_active=False)
    swept()
    with institution_scope(school.id):
        assert Schedule.objects.get().paused_for == "nobody_left"
        assert reports.changes_before()
