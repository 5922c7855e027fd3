"""A student's draft: begun once, saved as they type, never overwritten by another tab."""

import pytest

from pratique.foundation.audit import Actor
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.records import queries
from pratique.records.actions.drafts import (
    DraftMovedError,
    DraftTooLargeError,
    NotEditableError,
    discard_draft,
    save_draft,
    start_submission,
)
from pratique.records.models import Submission
from pratique.students.models import Student
from tests.schools import NOW, a_school, imported

pytestmark = pytest.mark.django_db
ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,O'Brien,Ben,,12/31/2005,Nursing,Fall 2026,0"
HER = Actor("student", "ana")
DOSE = {"pieces": [{"id": "a1", "kind": "dose", "cvx": "03", "administered_on": "2007-05-01"}]}


@pytest.fixture
def school():
    institution = a_school()
    imported(institution, ANA, BEN)
    with institution_scope(institution.id):
        yield institution


def student(name="ana@x.edu"):
    return Student.objects.get(username=name)


def begun(**more):
    return start_submission(student=student(), requirement_keys=["mmr"], by=HER, now=NOW, **more)


def test_two_taps_on_the_button_are_one_draft(school):
    assert begun().id == begun().id
    assert AuditEvent.objects.filter(action="records:submission:started").count() == 1


def test_a_draft_that_was_worked_on_is_not_taken_for_a_fresh_one(school):
    first = begun()
    save_draft(submission_id=first.id, draft=DOSE, by=HER, now=NOW)
    assert begun().id != first.id
    assert [one.id for one in queries.drafts_of(student().id)][-1] == first.id


def test_what_was_typed_is_there_again(school):
    one = begun()
    save_draft(submission_id=one.id, draft=DOSE, note="My card\0", confidential=True, by=HER, now=NOW)
    again = queries.submission(student().id, one.id)
    assert (again.draft, again.note, again.confidential) == (DOSE, "My card", True)


def test_a_second_tab_does_not_overwrite_what_the_first_saved(school):
    one = begun()
    seen = one.changed_at
    saved = save_draft(
        submission_id=one.id, draft=DOSE, seen_changed_at=seen, by=HER, now=NOW.replace(hour=16)
    )
    with pytest.raises(DraftMovedError) as caught:
        save_draft(submission_id=one.id, draft={}, seen_changed_at=seen, by=HER, now=NOW.replace(hour=17))
    assert caught.value.submission.changed_at == saved.changed_at
    assert queries.submission(student().id, one.id).draft == DOSE


def test_a_draft_that_was_thrown_away_takes_nothing_more(school):
    one = begun()
    discard_draft(submission_id=one.id, by=HER, now=NOW)
    with pytest.raises(NotEditableError) as caught:
        save_draft(submission_id=one.id, draft=DOSE, by=HER, now=NOW)
    assert caught.value.refusal.code == "withdrawn"
    assert queries.drafts_of(student().id) == []


def test_more_pieces_than_a_person_types(school):
    with pytest.raises(DraftTooLargeError):
        save_draft(submission_id=begun().id, draft={"pieces": [{}] * 61}, by=HER, now=NOW)


def test_another_students_submission_is_not_found(school):
    assert queries.submission(student("ben@x.edu").id, begun().id) is None


def test_receipt_numbers_are_never_twice_and_easily_read_out(school):
    numbers = [
        start_submission(student=student(), requirement_keys=[str(n)], by=HER, now=NOW).number
        for n in range(40)
    ]
    assert len(set(numbers)) == 40
    assert not set("".join(numbers)) & set("01AEIOUSLZ")


def test_another_school_sees_nothing_of_it(school):
    one = begun()
    with pytest.raises(Submission.DoesNotExist):
        Submission.objects.get(id=one.id, institution_id=student().id)
