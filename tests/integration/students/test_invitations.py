"""Invitations: once per new student, never twice, whatever dies in between."""

import threading
from datetime import timedelta

import pytest
from django.core import mail
from django.db import connection

from pratique.foundation import clock
from pratique.foundation.tenancy import institution_scope
from pratique.foundation.tenancy.channel import own_channel
from pratique.students.actions import invitations as actions
from pratique.students.invitations import send_waiting
from pratique.students.models import Invitation, InvitationState
from tests.schools import a_school, imported

pytestmark = pytest.mark.usefixtures("committed")


def states(school):
    with institution_scope(school.id):
        return list(Invitation.objects.order_by("id").values_list("state", flat=True))


def claim(school, now):
    with own_channel(school.id) as channel:
        actions.advance_invitations(channel, institution_id=school.id, finished=None, claim=True, now=now)


def test_each_new_student_gets_one_mail_that_says_nothing_about_health_in_its_subject():
    school = a_school()
    imported(school, "ana@x.edu,1,Nunez,Ana,,,,,", "ben@x.edu,2,O'Brien,Ben,,,,,")
    assert send_waiting(institution_id=school.id) == (2, False)
    assert send_waiting(institution_id=school.id).sent == 0
    assert {message.to[0] for message in mail.outbox} == {"ana@x.edu", "ben@x.edu"}
    assert {message.subject for message in mail.outbox} == {"Your account at Test College"}
    assert "Hello Ana" in next(m for m in mail.outbox if m.to == ["ana@x.edu"]).body
    assert states(school) == ["sent", "sent"]


def test_importing_again_sends_nothing_again():
    school = a_school()
    for _ in range(2):
        imported(school, "ana@x.edu,1,Nunez,Ana,,,,,")
        send_waiting(institution_id=school.id)
    assert len(mail.outbox) == 1


def test_a_username_that_is_no_address_is_noted_and_stops_nobody():
    school = a_school()
    imported(school, "ana,1,Nunez,Ana,,,,,", "ben@x.edu,2,O'Brien,Ben,,,,,")
    assert send_waiting(institution_id=school.id).sent == 1
    assert sorted(states(school)) == ["failed", "sent"]


def test_a_mail_server_that_fails_is_noted_without_the_address(monkeypatch):
    school = a_school()
    imported(school, "ana@x.edu,1,Nunez,Ana,,,,,")

    def refuse(self, messages):
        raise ConnectionRefusedError("ana@x.edu was refused")

    monkeypatch.setattr("django.core.mail.backends.locmem.EmailBackend.send_messages", refuse)
    send_waiting(institution_id=school.id)
    with institution_scope(school.id):
        invitation = Invitation.objects.get()
    assert (invitation.state, invitation.failure) == ("failed", "ConnectionRefusedError")


def test_what_a_dead_sender_took_is_put_aside_and_not_sent_again():
    school = a_school()
    imported(school, "ana@x.edu,1,Nunez,Ana,,,,,")
    claim(school, clock.now() - timedelta(hours=1))
    assert send_waiting(institution_id=school.id).sent == 0
    assert states(school) == [InvitationState.IN_DOUBT]
    assert mail.outbox == []


def test_what_a_living_sender_took_a_moment_ago_is_left_to_it():
    school = a_school()
    imported(school, "ana@x.edu,1,Nunez,Ana,,,,,")
    claim(school, clock.now())
    assert send_waiting(institution_id=school.id).sent == 0
    assert states(school) == [InvitationState.SENDING]


def test_two_senders_at_once_never_take_the_same():
    school = a_school()
    imported(school, *[f"s{n}@x.edu,{n},L,F,,,,," for n in range(40)])
    threads = [threading.Thread(target=send_and_close, args=(school,)) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(message.to[0] for message in mail.outbox) == sorted(f"s{n}@x.edu" for n in range(40))


def send_and_close(school):
    send_waiting(institution_id=school.id)
    connection.close()


def test_a_slice_that_is_over_says_that_more_wait():
    school = a_school()
    imported(school, "ana@x.edu,1,Nunez,Ana,,,,,")
    assert send_waiting(institution_id=school.id, seconds=-1) == (0, True)
    assert states(school) == [InvitationState.QUEUED]
