"""The school invites somebody for a minor, and ends it."""

from datetime import date

import pytest

from pratique.accounts.roles import Role
from pratique.students.models import Guardianship, Student
from tests.guardians import invite
from tests.integration.console.conftest import text_of
from tests.schools import imported

pytestmark = pytest.mark.usefixtures("committed")
ANA = "ana@x.edu,0001,Nunez,Ana,,04/03/2010,Undergraduate,Fall 2026,"
TYPED = {
    "name": "Eva Nunez", "email": "eva@home.example", "relation": "parent", "until": "2027-01-01", "may_sign": "on",
}  # fmt: skip


@pytest.fixture
def page(school):
    imported(school.institution, ANA)
    with school.scope():
        return f"/students/{Student.objects.get().id}/guardians/"


def test_for_a_minor_until_the_18th_birthday(school, signed_in, page):
    client = signed_in(Role.COORDINATOR)
    shown = client.get(page)
    assert "18th birthday on April 3, 2028" in text_of(shown)
    assert client.post(page, TYPED | {"until": "2028-04-03"}).status_code == 422
    answer = client.post(page, TYPED, follow=True)
    assert "on its way to Eva Nunez" in text_of(answer)
    assert "Allowed by the school." in text_of(answer)
    with school.scope():
        held = Guardianship.objects.get()
        assert (held.may_see_status, held.may_sign) == (False, True)
        assert held.granted_by.startswith("staff:")


@pytest.mark.parametrize("day", [date(2000, 1, 1), None], ids=["an adult", "no date of birth"])
def test_not_for_anybody_else(school, signed_in, page, day):
    with school.scope():
        Student.objects.update(date_of_birth=day)
    client = signed_in(Role.COORDINATOR)
    assert "under 18 only" in text_of(client.post(page, TYPED, follow=True))
    with school.scope():
        assert not Guardianship.objects.exists()


def test_ends_what_the_student_allowed_too(school, signed_in, page):
    made = invite(school)
    client = signed_in(Role.COORDINATOR)
    assert "Allowed by the student." in text_of(client.get(page))
    answer = client.post(f"{page}{made.id}/end/", follow=True)
    assert "has no access any more" in text_of(answer)


def test_of_another_school_there_is_nothing(school, other_school, signed_in, page):
    client = signed_in(Role.ADMINISTRATOR)
    imported(other_school.institution, ANA)
    with other_school.scope():
        other = Student.objects.get().id
    made = invite(other_school)
    assert client.get(f"/students/{other}/guardians/").status_code == 404
    assert client.post(f"/students/{other}/guardians/{made.id}/end/").status_code == 404
