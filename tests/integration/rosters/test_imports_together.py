"""Several imports at one time, each on a connection of its own."""

import threading

import pytest
from django.db import connection

from pratique.foundation.tenancy import institution_scope
from pratique.rosters.models import ImportState
from pratique.students.models import Invitation, Student
from tests.schools import a_school, imported

pytestmark = pytest.mark.usefixtures("committed")


def test_imports_of_the_same_new_students_at_once_make_each_student_once():
    school = a_school()
    rows = [f"s{n}@x.edu,{n},L,F,,01/02/2003,Undergraduate,Fall 2026,1" for n in range(300)]
    done: list[object] = []

    def run() -> None:
        try:
            done.append(imported(school, *rows).state)
        except Exception as error:
            done.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [ImportState.APPLIED] * 4
    with institution_scope(school.id):
        assert Student.objects.count() == 300
        assert Invitation.objects.count() == 300
