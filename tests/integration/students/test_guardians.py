"""Who may help, until when, and who may end it."""

from datetime import date, timedelta

import pytest
from django.core import mail

from pratique.foundation.audit import Actor
from pratique.foundation.models import AuditEvent
from pratique.students import guardians
from pratique.students.actions import guardians as actions
from pratique.students.actions.links import Answer
from pratique.students.guardians import GuardianshipState, adult_on
from pratique.students.models import Guardianship, Membership, Notice, SignInLink, Student
from pratique.students.notices import send_waiting
from tests.guardians import EVA, accepted, born, helper, invite, link_to
from tests.integration.portal.conftest import ANA, BEN
from tests.schools import BY, NOW, TODAY, imported
from tests.staff import make_school
from tests.students import student_of

pytestmark = pytest.mark.usefixtures("committed")
SELF = Actor("student", "tests")
MINOR = date(2010, 4, 3)


@pytest.fixture
def school():
    made = make_school()
    imported(made.institution, ANA, BEN)
    return made


def minor(school, username="ana@x.edu", day=MINOR):
    born(school, username, day)
    return student_of(school, username)


def refused(code):
    return pytest.raises(actions.GuardianError, match=f"^{code}$")


def line(school, guardianship, today=TODAY):
    with school.scope():
        student = Student.objects.get(id=guardianship.student_id)
        return next(
            one for one in guardians.of_student(student, today) if one.guardianship.id == guardianship.id
        )


@pytest.mark.parametrize(
    ("day", "adult"),
    [
        pytest.param(date(2008, 8, 3), date(2026, 8, 3), id="an ordinary day"),
        pytest.param(date(2008, 2, 29), date(2026, 3, 1), id="29 February, in a year without one"),
    ],
)
def test_the_day_of_coming_of_age(day, adult):
    assert adult_on(day) == adult


@pytest.mark.parametrize(
    ("change", "code", "field"),
    [
        pytest.param({"name": "  "}, "name", "name", id="no name"),
        pytest.param({"name": "123"}, "name", "name", id="a name without a letter"),
        pytest.param({"name": "Win at www.prize.example"}, "name", "name", id="an advertisement as a name"),
        pytest.param({"name": "x" * 151}, "name", "name", id="a name too long"),
        pytest.param({"email": "eva"}, "email", "email", id="no address"),
        pytest.param({"email": "eva@home.example\nBcc: all@x.edu"}, "email", "email", id="a header in it"),
        pytest.param({"email": "ANA@x.edu"}, "own", "email", id="the student's own address"),
        pytest.param({"relation": "boss"}, "relation", "relation", id="an unknown relation"),
        pytest.param({"may_see_status": False}, "nothing", "may_see_status", id="nothing ticked"),
        pytest.param({"until": date(2026, 8, 2)}, "past", "until", id="until yesterday"),
        pytest.param({"until": date(2028, 8, 3)}, "too_late", "until", id="longer than two years"),
        pytest.param({"by": BY}, "not_minor", "", id="the school, for an adult"),
    ],
)
def test_what_is_no_invitation(school, change, code, field):
    with refused(code) as caught:
        invite(school, **change)
    assert caught.value.field == field


def test_until_a_year_from_today_where_nobody_says_another_day(school):
    assert invite(school).expires_on == TODAY + timedelta(days=365)
    assert invite(school, email="b@x.edu", until=TODAY).expires_on == TODAY


def test_who_may_hand_in_sees_what_is_asked(school):
    made = invite(school, may_see_status=False, may_upload=True)
    assert made.may_see_status
    assert not invite(school, email="b@x.edu", may_see_status=False, may_sign=True).may_see_status


def test_what_the_school_allows_ends_before_the_18th_birthday(school):
    minor(school, day=date(2008, 10, 1))
    made = invite(school, by=BY)
    assert made.expires_on == date(2026, 9, 30)
    with refused("too_late"):
        invite(school, by=BY, email="b@x.edu", until=date(2026, 10, 1))


def test_a_corrected_date_of_birth_ends_it_at_once(school):
    minor(school)
    user = helper(school, by=BY)
    with school.scope():
        assert guardians.helped_by(user.id, TODAY)
    born(school, "ana@x.edu", date(2008, 8, 3))
    with school.scope():
        assert guardians.helped_by(user.id, TODAY) == []


@pytest.mark.parametrize(
    ("day", "by", "ends"),
    [
        pytest.param(MINOR, SELF, True, id="a minor ends what they allowed"),
        pytest.param(MINOR, BY, False, id="a minor does not end what the school allowed"),
        pytest.param(date(2000, 1, 1), SELF, True, id="an adult ends what they allowed"),
    ],
)
def test_who_may_end_what(school, day, by, ends):
    minor(school, day=day)
    made = invite(school, by=by)
    with school.scope():
        end = {"guardianship_id": made.id, "student_id": made.student_id, "now": NOW, "today": TODAY}
        if not ends:
            with refused("by_school"):
                actions.revoke(by=SELF, **end)
            actions.revoke(by=BY, **end)
        else:
            actions.revoke(by=SELF, **end)
        assert actions.revoke(by=BY, **end).revoked_at == NOW
    assert line(school, made).state is GuardianshipState.REVOKED


def test_it_holds_through_its_last_day_and_no_longer(school):
    user = helper(school, until=TODAY + timedelta(days=1))
    with school.scope():
        assert [one.student.username for one in guardians.helped_by(user.id, TODAY + timedelta(days=1))] == [
            "ana@x.edu"
        ]
        assert guardians.helped_by(user.id, TODAY + timedelta(days=2)) == []


def test_one_address_is_invited_once_by_a_student(school):
    invite(school)
    with refused("twice"):
        invite(school, email=EVA.upper())
    invite(school, "ben@x.edu")


def test_after_it_ended_the_same_person_can_be_invited_again(school):
    made = invite(school)
    with school.scope():
        actions.revoke(guardianship_id=made.id, student_id=made.student_id, by=SELF, now=NOW, today=TODAY)
    assert invite(school).id != made.id


def test_at_most_eight_people_help_and_ten_mails_leave_a_day(school):
    made = [invite(school, email=f"e{number}@x.edu") for number in range(8)]
    with refused("too_many"):
        invite(school, email="ninth@x.edu")
    for one in made[:3]:
        with school.scope():
            actions.revoke(guardianship_id=one.id, student_id=one.student_id, by=SELF, now=NOW, today=TODAY)
    invite(school, email="n@x.edu")
    invite(school, email="t@x.edu")
    with refused("too_often"):
        invite(school, email="e@x.edu")


def test_one_account_helps_two_students_each_with_what_is_allowed_there(school):
    user = helper(school, may_upload=True)
    assert helper(school, "ben@x.edu") == user
    with school.scope():
        found = guardians.helped_by(user.id, TODAY)
    assert [(one.student.username, one.may_upload) for one in found] == [
        ("ana@x.edu", True),
        ("ben@x.edu", False),
    ]


def test_what_student_and_school_allow_counts_together(school):
    minor(school)
    user = helper(school)
    assert helper(school, by=BY, may_sign=True) == user
    with school.scope():
        (found,) = guardians.helped_by(user.id, TODAY)
    assert (found.may_see_status, found.may_upload, found.may_sign) == (True, False, True)


def test_staff_with_the_same_address_are_another_account(school):
    address = "coordinator@" + school.institution.slug + ".example"
    user = helper(school, email=address)
    assert user.role == "guardian"
    assert user.email == address


def test_nobody_accepts_with_the_account_of_another_address(school):
    eve = helper(school, email="eve@x.edu")
    _token, link = link_to(school, invite(school))
    with school.scope(), refused("another"):
        actions.accept(link_id=link.id, user=eve, by=BY, now=NOW, today=TODAY)


def test_a_link_is_used_once(school):
    made = invite(school)
    user = accepted(school, made)
    with school.scope():
        link = SignInLink.objects.get(guardianship=made.id)
        assert link.used_at == NOW
        with refused("gone"):
            actions.accept(link_id=link.id, user=user, by=BY, now=NOW, today=TODAY)


@pytest.mark.parametrize("how", ["revoked", "over"])
def test_nobody_accepts_what_was_taken_back_or_is_over(school, how):
    made = invite(school)
    _token, link = link_to(school, made)
    today = TODAY
    with school.scope():
        if how == "revoked":
            actions.revoke(guardianship_id=made.id, student_id=made.student_id, by=SELF, now=NOW, today=TODAY)
        else:
            today = made.expires_on + timedelta(days=1)
        assert actions.confirm(link_id=link.id, birth=date(2006, 4, 3), now=NOW, today=today) is Answer.GONE
        with refused("gone"):
            actions.open_account(
                link_id=link.id, user_id=made.id, password="p", language="", now=NOW, today=today
            )
        assert guardians.account_with(EVA) is None


def test_five_wrong_answers_lock_all_links_of_the_invitation_and_no_others(school):
    made, other = invite(school), invite(school, email="b@x.edu")
    _token, link = link_to(school, made)
    _token, again = link_to(school, made)
    _token, free = link_to(school, other)
    with school.scope():
        wrong = [
            actions.confirm(link_id=one.id, birth=date(2006, 4, 4), now=NOW, today=TODAY)
            for one in (link, again, link, again, link)
        ]
        assert wrong == [Answer.WRONG] * 4 + [Answer.LOCKED]
        right = {"birth": date(2006, 4, 3), "now": NOW, "today": TODAY}
        assert actions.confirm(link_id=again.id, **right) is Answer.LOCKED
        assert actions.confirm(link_id=free.id, **right) is Answer.RIGHT
        later = NOW + timedelta(minutes=16)
        assert actions.confirm(link_id=link.id, **right | {"now": later}) is Answer.RIGHT


def test_the_mail_names_the_helper_in_one_line_and_nothing_of_health(school):
    invite(school, name="Eva\r\nBcc: all@x.edu <b>Núñez</b>".replace("@", " at "))
    send_waiting(school.institution.id)
    (message,) = mail.outbox
    assert message.to == [EVA]
    assert "Hello Eva Bcc: all at x.edu <b>Núñez</b>," in message.body
    assert "\n" not in message.subject
    assert "/start/" in message.body
    assert not {"vaccin", "mmr", "health record", "birth"} & set(message.body.lower().split())


def test_no_mail_leaves_after_the_invitation_was_taken_back(school):
    made = invite(school)
    with school.scope():
        actions.revoke(guardianship_id=made.id, student_id=made.student_id, by=SELF, now=NOW, today=TODAY)
        assert [one.state for one in Notice.objects.filter(guardianship=made)] == ["dropped"]
    send_waiting(school.institution.id)
    assert mail.outbox == []


def test_the_mail_is_sent_again_after_a_while_only_while_it_waits(school):
    made = invite(school)
    again = {"guardianship_id": made.id, "student_id": made.student_id, "by": SELF, "today": TODAY}
    with school.scope():
        with refused("too_often"):
            actions.send_again(now=NOW, **again)
        actions.send_again(now=NOW + timedelta(minutes=4), **again)
    accepted(school, made)
    with school.scope(), refused("not_waiting"):
        actions.send_again(now=NOW + timedelta(hours=4), **again)


def test_another_students_invitation_is_nobodys(school):
    made = invite(school)
    ben = student_of(school, "ben@x.edu")
    with school.scope(), pytest.raises(Guardianship.DoesNotExist):
        actions.revoke(guardianship_id=made.id, student_id=ben.id, by=SELF, now=NOW, today=TODAY)


def test_a_closed_registration_invites_nobody(school):
    with school.scope():
        Membership.objects.update(state="archive")
    with refused("closed"):
        invite(school)


def test_each_deed_leaves_a_row_without_names_or_addresses(school):
    helper(school)
    with school.scope():
        rows = list(AuditEvent.objects.filter(action__startswith="students:guardianship"))
    assert {row.action.rpartition(":")[2] for row in rows} == {"invited", "accepted"}
    assert not any("eva" in str(row.detail).lower() for row in rows)
