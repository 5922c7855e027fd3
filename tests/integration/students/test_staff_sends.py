"""Staff send a link to a student who asks for help."""

import pytest
from django.core import mail

from pratique.accounts.roles import Role
from pratique.foundation import clock
from pratique.foundation.models import AuditEvent
from pratique.students.models import Student
from pratique.students.notices import send_waiting
from tests.integration.console.conftest import text_of
from tests.schools import NOW, imported
from tests.staff import make_school
from tests.students import client_of, student_of

pytestmark = pytest.mark.usefixtures("committed")


@pytest.fixture
def school(monkeypatch):
    monkeypatch.setattr(clock, "now", lambda: NOW)
    made = make_school()
    imported(made.institution, "ana@x.edu,0001,Nunez,Ana,,04/03/2006,,,")
    return made


@pytest.mark.parametrize("address", ["ana@x.edu", ""], ids=["known address", "no address"])
def test_staff_send_a_link_and_the_trail_says_so(school, address):
    student = student_of(school, "ana@x.edu")
    with school.scope():
        Student.objects.update(email=address)
    client = client_of(school, school.staff[Role.COORDINATOR])
    assert ("Send a new sign-in link" in text_of(client.get(f"/students/{student.id}/"))) is bool(address)
    page = text_of(client.post(f"/students/{student.id}/link/", follow=True))
    assert ("on its way" if address else "no e-mail address on file") in page
    send_waiting(school.institution.id)
    assert [message.to for message in mail.outbox] == ([[address]] if address else [])
    with school.scope():
        assert AuditEvent.objects.filter(action="students:link:requested").count() == len(mail.outbox)
