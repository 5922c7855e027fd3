"""Notices: what is queued, dropped, sent once, put aside; and texts through a provider over HTTP."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection
from procrastinate.contrib.django.models import ProcrastinateJob

from pratique.connectors.sms import fake
from pratique.connectors.sms.http import HttpTexts
from pratique.connectors.sms.types import OutcomeUnknownError, Text, TextRefusedError
from pratique.foundation.audit import Actor
from pratique.foundation.tenancy.channel import own_channel
from pratique.students.access import account_of
from pratique.students.actions import accounts
from pratique.students.actions.notices import advance_notices
from pratique.students.models import Membership, Notice, NoticeChannel
from pratique.students.notices import drop_waiting, queue_notice, send_waiting
from tests.schools import NOW, imported
from tests.staff import make_school
from tests.students import student_of, with_account

pytestmark = pytest.mark.usefixtures("committed")
TEXT = NoticeChannel.TEXT


@pytest.fixture
def school(monkeypatch):
    from pratique.foundation import clock

    monkeypatch.setattr(clock, "now", lambda: NOW + timedelta(minutes=1))
    made = make_school()
    imported(made.institution, "ana@x.edu,0001,Nunez,Ana,,04/03/2006,,,")
    return made


@pytest.fixture
def ana(school):
    user = with_account(school, "ana@x.edu", language="es")
    with school.scope():
        accounts.choose_text(
            account=account_of(user.id), number="+12125550147", by=Actor("student", "x"), now=NOW
        )
    return student_of(school, "ana@x.edu")


def queue(school, student, kind="reviewed", **more):
    with school.scope():
        return queue_notice(student_id=student.id, kind=kind, now=NOW, **more)


def states(school):
    with school.scope():
        return sorted(Notice.objects.values_list("channel", "state"))


def test_one_of_a_kind_waits_on_each_channel(school, ana):
    assert [queue(school, ana) for _ in range(3)] == [2, 2, 2]
    assert states(school) == [("mail", "queued"), ("text", "queued")]
    with school.scope():
        jobs = ProcrastinateJob.objects.filter(task_name="students.send_notices").count()
    assert jobs == 2


def test_it_waits_until_its_time_and_a_second_event_moves_it_on(school, ana):
    queue(school, ana, send_at=NOW + timedelta(seconds=10))
    queue(school, ana, send_at=NOW + timedelta(minutes=5))
    assert send_waiting(school.institution.id).sent == 0
    with school.scope():
        assert set(Notice.objects.values_list("send_at", flat=True)) == {NOW + timedelta(minutes=5)}
        at = ProcrastinateJob.objects.filter(task_name="students.send_notices").order_by("-scheduled_at")[0]
    assert at.scheduled_at >= NOW + timedelta(minutes=5)


def test_it_is_sent_once_and_says_nothing_about_health(school, ana):
    queue(school, ana)
    assert [send_waiting(school.institution.id).sent for _ in range(2)] == [1, 0]
    (message,) = mail.outbox
    said = f"{message.subject} {message.body}".lower()
    for word in ("vaccin", "approved", "rejected", "mmr", "missing", "returned", "dose"):
        assert word not in said
    with school.scope():
        key = Notice.objects.get(channel="mail").id
    assert str(key) in message.extra_headers["Message-ID"]


def test_what_became_pointless_is_dropped(school, ana):
    queue(school, ana)
    queue(school, ana, kind="message")
    with school.scope():
        assert drop_waiting(student_id=ana.id, kinds=["reviewed"], now=NOW) == 2
    assert send_waiting(school.institution.id).sent == 1


def test_nobody_is_told_of_a_registration_that_has_ended_but_gets_a_link(school, ana):
    with school.scope():
        Membership.objects.update(state="archive")
    assert queue(school, ana) == 0
    assert queue(school, ana, kind="sign_in_link") == 1


def test_what_a_dead_sender_took_is_put_aside(school, ana):
    queue(school, ana)
    with own_channel(school.institution.id) as channel:
        advance_notices(
            channel, institution_id=school.institution.id, by=NoticeChannel.MAIL, finished=None, claim=True,
            now=NOW,
        )  # fmt: skip
    with school.scope():
        Notice.objects.filter(state="sending").update(changed_at=NOW - timedelta(hours=1))
    assert send_waiting(school.institution.id).sent == 0
    assert ("mail", "in_doubt") in states(school)
    assert mail.outbox == []


def test_two_senders_never_take_the_same(school):
    imported(school.institution, *[f"s{n}@x.edu,{n + 10},L,F,,,,," for n in range(30)])
    for n in range(30):
        queue(school, student_of(school, f"s{n}@x.edu"), kind="sign_in_link")

    def send():
        send_waiting(school.institution.id)
        connection.close()

    threads = [threading.Thread(target=send) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(f"s{n}@x.edu" for n in range(30))


# --- texts -------------------------------------------------------------------------------------------------------


@pytest.fixture
def provider():
    known = fake.Provider("secret", late=1.0)
    running = fake.server(known)
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    known.url = f"http://127.0.0.1:{running.server_port}/texts"
    yield known
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_provider_takes_each_reference_once(provider):
    for _ in range(2):
        HttpTexts(provider.url, "secret").send(Text("+12125550147", "Hello", "one"))
    assert list(provider.taken) == ["one"]


@pytest.mark.parametrize(
    ("number", "token", "error", "code"),
    [
        ("+12125550400", "secret", TextRefusedError, "number_refused"),
        ("+12125550147", "wrong", TextRefusedError, "wrong_token"),
        ("nonsense", "secret", TextRefusedError, "not_a_text"),
        ("+12125550500", "secret", OutcomeUnknownError, "status_500"),
        ("+12125550999", "secret", OutcomeUnknownError, "TimeoutError"),
    ],
    ids=["refused", "wrong token", "no number", "broken", "too late"],
)
def test_what_a_provider_does_not_take(provider, number, token, error, code):
    with pytest.raises(error, match=code):
        HttpTexts(provider.url, token, timeout=0.3).send(Text(number, "Hello", "two"))


def test_a_provider_that_is_not_there():
    with pytest.raises(TextRefusedError, match="no_connection"):
        HttpTexts("http://127.0.0.1:9/", "secret").send(Text("+12125550147", "Hello", "three"))


@pytest.mark.parametrize(
    ("number", "state", "failure"),
    [
        ("+12125550147", "sent", ""),
        ("+12125550400", "failed", "number_refused"),
        ("+12125550500", "in_doubt", "status_500"),
    ],
    ids=["taken", "refused", "unknown"],
)
def test_a_text_is_sent_refused_or_in_doubt(school, ana, provider, settings, number, state, failure):
    settings.TEXT_SENDER = "pratique.connectors.sms.http.HttpTexts"
    settings.TEXT_URL, settings.TEXT_TOKEN = provider.url, "secret"
    with school.scope():
        ana.studentaccount_set.update(text_number=number)
    queue(school, ana)
    send_waiting(school.institution.id, channel=TEXT)
    with school.scope():
        notice = Notice.objects.get(channel="text")
    assert (notice.state, notice.failure) == (state, failure)


def test_a_text_without_a_provider_is_kept_in_the_outbox(school, ana, settings, tmp_path):
    from pratique.foundation.outbox import messages

    settings.MAIL_OUTBOX = tmp_path / "outbox.sqlite3"
    queue(school, ana)
    assert send_waiting(school.institution.id, channel=TEXT).sent == 1
    (kept,) = messages(institution_id=school.institution.id).messages
    assert kept.recipients == "+12125550147"
    assert kept.body.endswith("/my/")
