"""What a student wrote stands on the first page until somebody has read it."""

import pytest

from pratique.accounts.roles import Role
from pratique.foundation.audit import Actor
from pratique.reviews.actions import messages
from pratique.reviews.models import MessageSide
from pratique.students.models import Student
from tests.integration.console.conftest import text_of
from tests.schools import NOW, imported

pytestmark = pytest.mark.django_db
ANA = "ana@x.edu,0001,Núñez,Ana,555-0101,04/03/2006,Undergraduate,Fall 2026,1"
SAYS = "wrote a message that nobody has read yet"


def test_a_message_is_on_the_first_page_until_it_is_read(school, signed_in):
    imported(school.institution, ANA)
    client = signed_in(Role.REVIEWER)
    assert "nobody has read yet" not in text_of(client.get("/"))
    with school.scope():
        ana = Student.objects.get()
        messages.write(
            student_id=ana.id, requirement_key="mmr", body="Is a photo enough?", side=MessageSide.STUDENT,
            by=Actor("student", "ana"), now=NOW,
        )  # fmt: skip
    page = text_of(client.get("/"))
    assert f"Ana Núñez : {SAYS}" in page or f"Ana Núñez: {SAYS}" in page
    assert "Is a photo enough?" not in page
    with school.scope():
        messages.write(
            student_id=ana.id, requirement_key="tdap", body="And here?", side=MessageSide.STUDENT,
            by=Actor("student", "ana"), now=NOW,
        )  # fmt: skip
    page = text_of(client.get("/"))
    assert "wrote 2 messages that nobody has read yet" in page
    assert page.count("Ana Núñez") == 1
    with school.scope():
        for key in ("mmr", "tdap"):
            messages.mark_read(
                student_id=ana.id,
                requirement_key=key,
                side=MessageSide.STAFF,
                by=Actor("staff", "rosa"),
                now=NOW,
            )
    assert "nobody has read yet" not in text_of(client.get("/"))
