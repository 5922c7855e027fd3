"""Messages on an item, and an institution's own reasons."""

from datetime import timedelta

import pytest

from pratique.reviews.actions import messages, reasons
from pratique.reviews.actions.messages import MessageError
from pratique.reviews.actions.reasons import ReasonError
from pratique.reviews.models import ReturnReason
from pratique.reviews.queries import messages as queries
from pratique.reviews.reasons import library
from pratique.students.models import Notice, Student
from tests.integration.reviews.situations import LATER, NURSE, STUDENT, a_desk
from tests.schools import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    desk = a_desk()
    with desk.scope():
        Student.objects.update(email="ana@x.edu")
        yield desk


def write(desk, body, side="student", key="mmr", now=NOW, **options):
    return messages.write(
        student_id=desk.student().id, requirement_key=key, body=body, side=side,
        by=NURSE if side == "staff" else STUDENT, now=now, **options,
    )  # fmt: skip


def test_a_thread_is_read_by_the_other_side_and_the_student_is_told_of_an_answer(desk):
    ana = desk.student().id
    write(desk, "  Is a titer fine? ")
    assert [(one.student_name, one.unread) for one in queries.unanswered(9)] == [("Ana Nunez", 1)]
    assert Notice.objects.count() == 0
    write(desk, "Yes.", "staff", now=LATER)
    assert [one.kind for one in Notice.objects.all()] == ["message"]
    assert [one.body for one in queries.thread(ana, "mmr")] == ["Is a titer fine?", "Yes."]
    read = {"student_id": ana, "requirement_key": "mmr", "now": LATER}
    assert messages.mark_read(side="staff", by=NURSE, **read) == 1
    assert (queries.unanswered(9), queries.unread_for_student(ana)) == ([], 1)
    assert messages.mark_read(side="student", by=STUDENT, **read) == 1
    assert messages.mark_read(side="student", by=STUDENT, **read) == 0


def test_a_guardian_never_sees_what_is_confidential_nor_the_items_that_it_speaks_of(desk):
    ana = desk.student().id
    write(desk, "Open.", "staff", key="physical_exam")
    write(desk, "Before.", "staff", key="hpv")
    case = desk.sent(keys=("hpv",), confidential=True)
    assert write(desk, "Secret.", "staff", key="hpv").confidential
    assert write(desk, "About it.", "staff", key="", submission_id=case.id).confidential
    assert [one.body for one in queries.thread(ana, sees_confidential=False)] == ["Open."]
    assert queries.unread_for_student(ana, sees_confidential=False) == 1
    assert [one.requirement_key for one in queries.threads(ana, side="student", sees_confidential=False)] == [
        "physical_exam"
    ]
    assert queries.unread_for_student(ana) == 4


@pytest.mark.parametrize("body", ["", " \n ", "\0", "x" * 4001], ids=["empty", "blank", "NUL", "too long"])
def test_a_message_says_something(desk, body):
    with pytest.raises(MessageError):
        write(desk, body)


def save(desk, code=None, name="No stamp", place=None, **wording):
    return reasons.save_reason(
        institution=desk.institution, code=code, name=name, wording=wording or {"en": "Ask for a stamp."}, place=place,
        by=NURSE, now=NOW,
    )  # fmt: skip


def places(desk):
    return {one.code: one.place for one in library(desk.institution.id) if one.place}


def test_a_school_adds_rewords_and_retires_reasons(desk):
    own = save(desk, place=1)
    assert (own.code, places(desk)[own.code], places(desk).get("unreadable")) == ("no_stamp", 1, None)
    assert save(desk, place=2).code == "no_stamp_2"
    changed = save(desk, "unreadable", "Too dark", 1, en="More light, please.", es="Más luz, por favor.")
    assert places(desk)["unreadable"] == 1
    assert "no_stamp" not in places(desk)
    reasons.retire_reason(institution=desk.institution, code="unreadable", by=NURSE, now=LATER)
    codes = [one.code for one in library(desk.institution.id)]
    assert "unreadable" not in codes
    kept = {one.code: one for one in library(desk.institution.id, with_retired=True)}
    assert kept["unreadable"].wording == changed.wording
    assert save(desk, "unreadable", "Too dark").retired_at is None


@pytest.mark.parametrize(
    ("code", "options"),
    [
        pytest.param(None, {"name": " "}, id="no name"),
        pytest.param(None, {"es": "Solo español."}, id="no English"),
        pytest.param(None, {"place": 10}, id="no such key"),
        pytest.param("nonsense", {}, id="no such reason"),
    ],
)
def test_what_is_wrong_with_a_reason_is_said(desk, code, options):
    with pytest.raises(ReasonError):
        save(desk, code, **options)
    assert ReturnReason.objects.count() == 0


def test_other_cannot_be_retired(desk):
    with pytest.raises(ReasonError):
        reasons.retire_reason(institution=desk.institution, code="other", by=NURSE, now=LATER + timedelta(1))
