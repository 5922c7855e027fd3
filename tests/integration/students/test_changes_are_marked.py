"""Which transaction last changed what others are told of a student: deltas read by it (decision 31)."""

from collections.abc import Callable

import pytest
from django.db import connection

from pratique.compliance.actions import evaluate
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.records.models import Dose
from pratique.students.models import Membership, Student
from tests.schools import EXAM, MMR, NOW, TODAY, a_school, imported, requires

pytestmark = pytest.mark.usefixtures("committed")

ROW = "ana@x.edu,100,Ruiz,Ana,,03/04/2006,Undergraduate,Fall 2026,1"
_RENAMED = ROW.replace("Ruiz", "Ruiz-Diaz")
_MOVED = _RENAMED.replace("Fall 2026", "Spring 2027")


@pytest.fixture
def school() -> Institution:
    institution = a_school()
    requires(institution, MMR)
    imported(institution, ROW)
    _evaluated(institution)
    return institution


def marks(school: Institution) -> tuple[int, int]:
    with institution_scope(school.id):
        student, membership = Student.objects.get(), Membership.objects.get()
        return student.transaction_id, membership.transaction_id


def _statement(sql: str) -> Callable[[Institution], None]:
    def change(school: Institution) -> None:
        with institution_scope(school.id), connection.cursor() as cursor:
            cursor.execute(sql)

    return change


def _through_the_model(school: Institution) -> None:
    with institution_scope(school.id):
        student = Student.objects.get()
        student.telephone = "5550100"
        student.save()


def _evaluated(school: Institution) -> None:
    with institution_scope(school.id):
        evaluate(
            institution=school,
            membership_ids=list(Membership.objects.values_list("id", flat=True)),
            today=TODAY,
            now=NOW,
        )


def _evaluated_with_a_new_dose(school: Institution) -> None:
    with institution_scope(school.id):
        Dose.objects.create(
            institution=school,
            student=Student.objects.get(),
            cvx="03",
            administered_on="2010-01-05",
            submitted_at=NOW,
        )
    _evaluated(school)


def _asked_for_more(school: Institution) -> None:
    requires(school, MMR, EXAM)
    _evaluated(school)


STUDENT, MEMBERSHIP, NEITHER = "student", "membership", ""
# One after the other, on one student: each row begins where the one before ended.
CHANGES = {
    "judged and nothing new": (_evaluated, NEITHER),
    "the same roster again": (lambda school: imported(school, ROW), NEITHER),
    "a roster renames": (lambda school: imported(school, _RENAMED), STUDENT),
    "saved through the model": (_through_the_model, STUDENT),
    "an attribute": (_statement('update students_student set attributes = \'{"grade": "7"}\''), STUDENT),
    "what nobody is told": (
        _statement("update students_student set updated_at = now(), search_text = 'x'"),
        NEITHER,
    ),
    "marked as stale": (_statement("update students_membership set stale_since = now()"), NEITHER),
    "judged with a dose handed in": (_evaluated_with_a_new_dose, MEMBERSHIP),
    "asked for more": (_asked_for_more, MEMBERSHIP),
    "an expiry": (_statement("update students_membership set expires_on = '2027-01-01'"), MEMBERSHIP),
    "a roster moves to another tracker": (
        lambda school: imported(school, _MOVED),
        MEMBERSHIP,
    ),
    "archived": (_statement("update students_membership set state = 'archive'"), MEMBERSHIP),
}


def test_a_change_that_others_are_told_moves_the_mark_and_no_other_does(school):
    moved = {}
    for name, (change, _wanted) in CHANGES.items():
        before = marks(school)
        change(school)
        after = marks(school)
        moved[name] = " ".join(
            place for place, old, new in zip((STUDENT, MEMBERSHIP), before, after, strict=True) if new > old
        )
    assert moved == {name: wanted for name, (_change, wanted) in CHANGES.items()}
