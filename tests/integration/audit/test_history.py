"""What students see of who saw or changed their record: the kind of deed, when, and by whom in kind."""

from datetime import UTC, datetime, timedelta

import pytest

from pratique.foundation import audit
from pratique.foundation.audit_kinds import Kind, kind_of
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.console.activity_words import SENTENCES
from pratique.students.history import find_student, for_student, visible_deeds
from pratique.students.models import Student
from tests.schools import a_school, imported

pytestmark = pytest.mark.django_db
AT = datetime(2026, 3, 9, 12, 0, tzinfo=UTC)
STAFF, STUDENT = audit.Actor("staff", str(new_id())), audit.Actor("student", str(new_id()))


@pytest.fixture
def ana():
    school = a_school()
    imported(school, "ana@x.edu,0001,Núñez,Ana,,04/03/2006,Undergraduate,Fall 2026,1",
             "Ben@X.edu,ANA@x.edu,Lee,Ben,,,,,")  # fmt: skip
    with institution_scope(school.id):
        yield Student.objects.get(student_id="0001")


def happened(student, action, by=STAFF, at=AT, subject_type="student", **detail):
    audit.record(action, institution_id=student.institution_id, by=by, now=at, subject_type=subject_type,
                 subject_id=student.id, detail=detail)  # fmt: skip


def event(action, by="staff:x"):
    return AuditEvent(action=action, by=by, at=AT)


@pytest.mark.parametrize(
    ("action", "by", "what", "who"),
    [
        ("console:student:viewed", "staff:1", "Looked at your record", "A member of staff of your school"),
        ("reviews:case:viewed", "staff:1", "Looked at what was handed in", "A reviewer of your school"),
        ("reviews:case:decided", "staff:1", "Decided on what was handed in", "A reviewer of your school"),
        ("records:submission:sent", "student:1", "Handed something in", "You"),
        ("records:submission:signed", "guardian:1", "Signed a form", "Someone who helps you"),
        ("console:activity:exported", "staff:1", "Took a copy of your record", "A member of staff of your school"),
        ("command:history:viewed", "command:audit", "Looked at your record",
         "The people who run Pratique for your school"),
        ("partner:record:viewed", "partner:7", "Looked at your record", "A computer system of your school"),
        ("students:notice:sent", "system", "Sent a notice", "Pratique, by itself"),
    ],
)  # fmt: skip
def test_what_a_student_is_told(action, by, what, who):
    [deed] = visible_deeds([event(action, by)])
    assert (str(deed.what), str(deed.who), deed.at) == (what, who, AT)


@pytest.mark.parametrize(
    "action",
    [
        "reviews:case:handed_over", "reviews:case:second_opinion_asked", "reviews:second_opinion:added",
        "reviews:case:note_added", "reviews:note:changed", "reviews:staff_note:changed", "reviews:case:claimed",
        "reviews:case:released", "reviews:case:taken_over", "records:file:flagged", "reviews:duplicate:changed",
        "requirements:set:published", "accounts:staff:created", "somebody:adds:a_deed_nobody_thought_of", "", "x",
    ],
)  # fmt: skip
def test_what_a_student_is_not_told(action):
    assert visible_deeds([event(action)]) == []


@pytest.mark.parametrize("action", [*SENTENCES, "unheard:of:deed"])
def test_no_deed_ever_names_staff(action):
    for deed in visible_deeds([event(action, "staff:3f2504e0-4f89-41d3-9a0c-0305e82c3301")]):
        assert "3f2504e0" not in f"{deed.what}{deed.who}"
        assert str(deed.who).endswith("of your school")


def test_the_history_is_the_students_own_newest_first_in_pages(ana):
    other = Student.objects.exclude(id=ana.id).get()
    for day in range(7):
        happened(ana, "console:student:viewed", at=AT + timedelta(days=day))
        happened(ana, "reviews:case:claimed", at=AT + timedelta(days=day))
        happened(other, "console:student:viewed", at=AT + timedelta(days=day))
    happened(ana, "console:student:viewed", subject_type="user")
    pages = [for_student(ana.id, page=page, size=3) for page in (1, 2, 3, 4)]
    assert [deed.at.day for page in pages for deed in page.deeds] == [15, 14, 13, 12, 11, 10, 9]
    assert [page.more for page in pages] == [True, True, False, False]
    assert len(for_student(ana.id, since=AT + timedelta(days=5)).deeds) == 2
    assert for_student(ana.id, page=-1).page == 1


@pytest.mark.parametrize(
    ("text", "found"),
    [("ana@x.edu", "0001"), (" ANA@X.EDU ", "0001"), ("0001", "0001"), ("ben@x.edu", "ANA@x.edu"),
     ("", None), ("\0", None), ("nobody", None), ("00000000-0000-0000-0000-000000000001", None)],
    ids=["username", "in capitals", "student id", "other", "empty", "a NUL", "nobody", "a key that never was"],
)  # fmt: skip
def test_a_student_is_found_by_username_before_student_id(ana, text, found):
    student = find_student(text)
    assert (student.student_id if student else None) == found
    assert find_student(str(ana.id)) == ana


def test_the_database_finds_the_kinds_that_the_rule_says(ana):
    actions = {
        *SENTENCES,
        "a:b:viewed",
        "vault:key:viewed",
        "reviews:reason:created",
        "x",
        "viewed",
        "a:b:over_viewed",
    }
    for action in actions:
        happened(ana, action)
    for kind in Kind:
        wanted = {action for action in actions if kind_of(action) is kind}
        assert wanted <= set(audit.actions_of(kind))
    assert len({action for kind in Kind for action in audit.actions_of(kind)}) >= len(actions)
