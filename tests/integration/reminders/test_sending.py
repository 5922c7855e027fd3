"""What goes out, and what no longer does, with real commits: senders and staff have connections of their own."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.core import mail
from django.db import connection

from pratique.foundation import clock
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.reminders.actions import nudges
from pratique.reminders.models import Reminder
from pratique.students import links
from pratique.students.access import account_of
from pratique.students.actions import accounts
from pratique.students.models import Membership, NoticeChannel, Student, StudentAccount
from pratique.students.notices import queue_notice, send_waiting
from tests.integration.reminders.situations import STAFF, a_class, hand_in, ledger, notices, on, planned
from tests.schools import NOW

pytestmark = pytest.mark.usefixtures("committed")
HEALTH = ("vaccin", "mmr", "exam", "physical", "missing", "dose", "health", "incomplete", "compliance")


def at(monkeypatch, instant):
    monkeypatch.setattr(clock, "now", lambda: instant)


def with_account(school, username, *, language="en", text=""):
    key = new_id()
    by = Actor("student", str(key))
    with institution_scope(school.id):
        student = Student.objects.get(username=username)
        accounts.activate(
            student_id=student.id, user_id=key, password=None, language=language, by=by, now=NOW
        )
        if text:
            accounts.choose_text(account=account_of(key), number=text, by=by, now=NOW)


def test_who_still_has_something_to_do_is_told_when_and_nothing_else(monkeypatch, settings, tmp_path):
    from pratique.foundation.outbox import messages

    settings.MAIL_OUTBOX = tmp_path / "outbox.sqlite3"
    school = a_class(6)
    with_account(school, "s1@x.edu", language="es", text="+12125550147")
    with_account(school, "s3@x.edu")
    planned(school, on(3))
    assert len(notices(school)) == 7
    hand_in(school, "s2@x.edu", at=on(3, 12))
    with institution_scope(school.id):
        StudentAccount.objects.filter(student__username="s3@x.edu").update(notify_by_mail=False)
        Membership.objects.filter(student__username="s4@x.edu").update(state="archive")
        moved = Membership.objects.get(student__username="s5@x.edu")
        moved.tracker = moved.tracker.__class__.objects.get(name="Undergraduate - Spring 2027")
        moved.save()
    at(monkeypatch, on(3, 13))
    assert send_waiting(school.id).sent == 2
    assert send_waiting(school.id, channel=NoticeChannel.TEXT).sent == 1
    assert [row for row in notices(school) if row[2] != "dropped"] == [
        ("s0", "mail", "sent"), ("s1", "mail", "sent"), ("s1", "text", "sent"),
    ]  # fmt: skip

    to = {message.to[0]: message for message in mail.outbox}
    fresh, spanish = to["s0@x.edu"], to["s1@x.edu"]
    assert "Aug. 10, 2026" in fresh.body
    assert "10 de agosto de 2026" in spanish.body.lower()
    (text,) = messages(institution_id=school.id).messages
    assert "10 de agosto de 2026" in text.body.lower()
    for said in (fresh.subject, fresh.body.replace("health office", ""), spanish.subject, text.body):
        assert not [word for word in HEALTH if word in said.lower()]
    (address,) = [line for line in fresh.body.splitlines() if "/start/" in line or "http" in line][:1]
    with institution_scope(school.id):
        link = links.find(address.rstrip("/").rpartition("/")[2])
        assert link is not None
        assert link.student.username == "s0@x.edu"
    assert "http" in spanish.body
    assert "/my/" in spanish.body

    # What never went out is said so, and counts for no cap.
    planned(school, on(3, 14))
    assert {row[0]: row[2] for row in ledger(school)} == {
        "s0": "queued", "s1": "queued", "s2": "stopped", "s3": "stopped", "s4": "stopped", "s5": "stopped",
    }  # fmt: skip


def test_what_is_late_waits_for_the_morning_and_links_go_first(monkeypatch):
    school = a_class(3)
    planned(school, on(3))
    at(monkeypatch, on(3, 22))
    assert tuple(send_waiting(school.id)) == (0, False), "nobody is reminded at night"
    planned(school, on(3, 22))
    morning = on(4, 8) + timedelta(seconds=1)
    with institution_scope(school.id):
        assert set(Reminder.objects.values_list("send_at", flat=True)) == {on(4, 8)}
        student = Student.objects.get(username="s2@x.edu")
        queue_notice(student_id=student.id, kind="sign_in_link", now=morning)
    at(monkeypatch, morning + timedelta(seconds=1))
    assert send_waiting(school.id).sent == 4
    subjects = [message.subject for message in mail.outbox]
    assert subjects == ["Your sign-in link for Test College", *["A reminder from Test College"] * 3]


def test_two_who_remind_the_same_list_at_once_send_one_mail_each(monkeypatch):
    school = a_class(20, ladder=())
    with institution_scope(school.id):
        everybody = list(Membership.objects.values_list("id", flat=True))
    together = Barrier(3)

    def click(name):
        try:
            together.wait(20)
            return nudges.nudge(
                institution=school, membership_ids=everybody, told="All", by=Actor("staff", name), now=NOW
            ).students
        finally:
            connection.close()

    with ThreadPoolExecutor(3) as pool:
        assert sorted(pool.map(click, "abc")) == [0, 0, 20]
    at(monkeypatch, NOW + timedelta(minutes=1))
    assert send_waiting(school.id).sent == 20
    assert len({message.to[0] for message in mail.outbox}) == len(mail.outbox) == 20
    again = nudges.nudge(
        institution=school, membership_ids=everybody, told="All", by=STAFF, now=NOW + timedelta(hours=1)
    )
    assert again.students == 0
