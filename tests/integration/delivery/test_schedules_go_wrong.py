"""Schedules when clocks, people, databases and reports do not behave: nothing is lost, nothing comes twice."""

from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connection
from pysequoia import Tsk

from pratique.delivery import mails
from pratique.delivery.actions import schedules
from pratique.delivery.actions import sending as steps
from pratique.delivery.models import Delivery, Schedule
from pratique.delivery.types import Place
from pratique.foundation.tenancy import institution_scope
from pratique.reports.actions import saved as saved_reports
from pratique.reports.types import ChosenColumn, Format, Layout, saved_key
from pratique.students.models import Membership
from tests.destinations import a_destination_at
from tests.integration.delivery.conftest import read, tried
from tests.integration.delivery.test_schedules import (
    BEN,
    account,
    content,
    events,
    jobs,
    made,
    plan,
    swept,
)
from tests.schools import BY, NOW, imported
from tests.transactions import settle

__all__ = ["account", "made", "plan", "swept"]
pytestmark = pytest.mark.usefixtures("committed")


def in_database(school, statement, *values):
    with institution_scope(school.id), connection.cursor() as cursor:
        cursor.execute(statement, values)


def test_a_clock_that_is_set_back_cuts_no_change_twice(school, made, swept, clocked):
    schedule = made()
    tried(swept()[1])
    imported(school, BEN.format(name="Cole"))
    settle(school)
    clocked.now -= timedelta(hours=1)
    open_one = schedules.run_now(schedule=schedule, by=BY, now=clocked.now)
    again = schedules.run_now(schedule=schedule, by=BY, now=clocked.now + timedelta(minutes=1))
    assert again.id == open_one.id
    with institution_scope(school.id):
        assert Delivery.objects.count() == 2


def test_a_schedule_made_in_a_database_that_was_moved_holds_everything(school, account, made, swept):
    in_database(school, "update students_membership set transaction_id = %s", 2**60)
    in_database(school, "update students_student set transaction_id = %s", 2**60)
    schedule = made()
    assert tried(swept()[1]).rows == 1
    imported(school, BEN.format(name="Cole"))
    second = tried(swept()[1])
    assert content(school, account, second.file_name).decode().splitlines()[1:] == ["0002,Cole"]
    # What was delivered before the move comes again too: its number says nothing here.
    schedules.replay(schedule=schedule, since=NOW - timedelta(days=1), by=BY, now=NOW + timedelta(hours=1))
    assert tried(swept()[1]).rows == 2


def test_a_file_that_is_on_its_way_to_the_old_place_goes_to_the_new_one(
    school, theirs, account, made, swept, plan
):
    old = Place(destination_id=a_destination_at(theirs, school).id)
    schedule = made(place=old)
    _ran, first = swept()
    begun = steps.begin(school.id, first.id, NOW + timedelta(minutes=5))
    schedules.change_schedule(schedule=schedule, plan=plan, by=BY, now=NOW)
    with pytest.raises(steps.DeliveryCancelledError):
        steps.note_renaming(begun.delivery, NOW)
    done = tried(swept()[1])
    assert (done.account_id, done.rows) == (account.account.id, 1)
    # One that was cancelled in doubt asks nobody after the place has changed.
    imported(school, BEN.format(name="Cole"))
    _ran, waiting = swept()
    with institution_scope(school.id):
        Delivery.objects.filter(id=waiting.id).update(state="cancelled", renaming_at=NOW)
    schedules.change_schedule(schedule=schedule, plan=replace(plan, place=old), by=BY, now=NOW)
    assert swept()[1].destination_id == old.destination_id


def test_no_file_with_the_old_key_or_none_leaves_after_a_key_is_given(school, made, swept, plan):
    schedule = made()
    _ran, plain = swept()
    key = str(Tsk.generate("Housing <it@x.edu>").extract_certificate())
    schedules.change_schedule(schedule=schedule, plan=replace(plan, pgp_key=key), by=BY, now=NOW)
    done = tried(swept()[1])
    assert (read(plain).state, done.state, done.file_name[-4:]) == ("cancelled", "delivered", ".pgp")


def test_a_report_that_cannot_be_made_pauses_its_schedule_and_tells_once(
    school, theirs, made, swept, plan, mailoutbox
):
    destination = a_destination_at(theirs, school)
    # A number is never cut: what is left would be another one.
    narrow = Layout(columns=(ChosenColumn("num_items", width=1),), cut=True)
    in_database(school, "update students_membership set num_items = 12")
    schedule = made(
        place=Place(destination_id=destination.id), format=Format.FIXED, layout=narrow, sort="last_name"
    )
    _ran, delivery = swept()
    assert tried(delivery).failure == "report_failed"
    assert read(schedule).paused_for == "report_failed"
    assert swept()[0] == 0
    assert [one.args["why"] for one in jobs("delivery.tell_paused")] == ["report_failed"]
    assert (jobs("delivery.alert"), read(destination).failures_in_row) == ([], 0)
    assert mails.send_paused(school.id, schedule.id, "report_failed") == 0  # there is no administrator
    # Mended: it goes on from where it was.
    mended = replace(
        plan, place=Place(destination_id=destination.id), format=Format.FIXED, sort="last_name",
        layout=Layout(columns=(ChosenColumn("last_name", width=20),)),
    )  # fmt: skip
    schedules.change_schedule(schedule=schedule, plan=mended, by=BY, now=NOW)
    schedules.resume_schedule(schedule=schedule, by=BY, now=NOW)
    assert tried(swept()[1]).rows == 1
    # One that was changed while its old report was being made is left running.
    imported(school, BEN.format(name="Cole"))
    _ran, delivery = swept()
    with institution_scope(school.id):
        Delivery.objects.filter(id=delivery.id).update(state="sending", sort="email")
    steps.failed(read(delivery), "report_failed", NOW)
    assert (read(delivery).state, read(schedule).paused_at) == ("failed", None)
    assert len(events(school, "delivery:schedule:paused")) == 1


def test_a_delta_tells_who_was_archived_unless_somebody_wants_it_otherwise(
    school, account, made, swept, plan
):
    with_state = Layout(columns=(ChosenColumn("student_id"), ChosenColumn("state")))
    schedule = made(layout=with_state)
    only_active = made(
        layout=with_state, name="Active", parameters={"state": "active"}, template="active-{n}.csv"
    )
    assert read(schedule).parameters == {"state": "all"}
    assert read(only_active).parameters == {"state": "active"}
    assert read(made(name="Whole", contents="whole")).parameters == {}
    assert read(made(name="Events", report_key="status-changes", layout=Layout(), sort="")).parameters == {
        "state": "all"
    }
    with institution_scope(school.id):
        Schedule.objects.exclude(id=schedule.id).update(next_at=None)
    tried(swept()[1])
    with institution_scope(school.id):
        Membership.objects.update(state="archive")
    done = tried(swept()[1])
    assert content(school, account, done.file_name).decode().splitlines()[1:] == ["0001,archive"]


def test_a_saved_report_that_is_changed_later_changes_no_file_that_leaves_the_school(
    school, account, made, swept
):
    what = {
        "name": "For the SIS", "description": "", "base": "student-detail", "parameters": {"state": "active"},
        "sort": "", "shared_with": (), "by": BY, "now": NOW,
    }  # fmt: skip
    with institution_scope(school.id):
        saved = saved_reports.save_report(
            institution=school, layout=Layout((ChosenColumn("student_id", "ID"),)), **what
        )
    made(report_key=saved_key(saved.id), layout=Layout())
    with institution_scope(school.id):
        more = Layout((ChosenColumn("student_id"), ChosenColumn("date_of_birth")))
        saved_reports.change_report(
            saved=saved, layout=more, **{key: what[key] for key in what if key != "base"}
        )
    assert content(school, account, tried(swept()[1]).file_name).decode().splitlines()[0] == "ID"
