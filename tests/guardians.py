"""People who help students of a test school: invited, with an account; and a form that needs their signatures."""

from datetime import date
from typing import Any

from pratique.accounts.models import User
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.foundation.tenancy import institution_scope
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.records.actions.forms import define_form
from pratique.records.forms import ready
from pratique.records.models import FormAnswer
from pratique.reviews.actions import sending
from pratique.students import links
from pratique.students.actions import guardians as actions
from pratique.students.guardians import account_with
from pratique.students.models import Guardianship, LinkPurpose, SignInLink, Student
from tests.schools import BY, NOW, TODAY
from tests.staff import School
from tests.students import student_of

PASSWORD = "seven slow yellow trains"
EVA = "eva@home.example"
CONSENT = {
    "key": "consent", "name": "Consent",
    "rule": {"kind": "form", "form": "consent", "signature": True},
}  # fmt: skip


def invite(
    school: School, username="ana@x.edu", *, email=EVA, name="Eva Núñez", by=None, **options: Any
) -> Guardianship:
    """An invitation by the student (or `by` staff), to see how things stand unless said otherwise."""
    student = student_of(school, username)
    may = {"may_see_status": True, "may_upload": False, "may_sign": False}
    known = {name: options.pop(name) for name in may if name in options}
    values = {"now": NOW, "today": TODAY, "relation": "parent"} | may | known | options
    with school.scope():
        return actions.invite(
            student_id=student.id, name=name, email=email, by=by or Actor("student", "tests"), **values
        )


def link_to(school: School, guardianship: Guardianship, now=NOW) -> tuple[str, SignInLink]:
    """The token and link of an invitation's mail."""
    made = links.new_token()
    with school.scope():
        link = SignInLink.objects.create(
            institution_id=guardianship.institution_id, student_id=guardianship.student_id,
            guardianship=guardianship.id, purpose=LinkPurpose.GUARDIAN, token_hash=made.token_hash,
            created_at=now, expires_at=now + links.GOOD_FOR,
        )  # fmt: skip
    return made.token, link


def accepted(school: School, guardianship: Guardianship, *, now=NOW, today=TODAY) -> User:
    """Accept an invitation, with the account of its address or a fresh one."""
    _token, link = link_to(school, guardianship, now)
    with school.scope():
        user = account_with(guardianship.email)
        if user is not None:
            by = Actor("guardian", str(user.id))
            actions.accept(link_id=link.id, user=user, by=by, now=now, today=today)
            return user
        return actions.open_account(
            link_id=link.id, user_id=new_id(), password=PASSWORD, language="en", now=now, today=today
        )


def helper(school: School, username="ana@x.edu", **options: Any) -> User:
    """Somebody who helps a student already."""
    return accepted(school, invite(school, username, **options))


def define_consent(school: School, guardians: int = 1) -> None:
    """Give the school a form of one box, to be signed by the student and this many guardians."""
    definition = {**ready("housing_health_consent"), "key": "consent"}
    definition["title"] = {"en": "Consent to treatment", "es": "Consentimiento"}
    definition["signers"] = ["student", *["guardian"] * guardians]
    label = {"en": "I agree to treatment in an emergency.", "es": "Sí."}
    definition["sections"] = [
        {"title": label, "questions": [{"key": "agree", "kind": "consent", "label": label}]}
    ]
    definition.pop("derived", None)
    definition.pop("lists", None)
    with institution_scope(school.institution.id):
        define_form(institution_id=school.institution.id, definition=definition, by=BY, now=NOW)


def draft_of_consent(school: School, username="ana@x.edu", *, by=None, **options: Any):
    student = student_of(school, username)
    by = by or Actor("student", "tests")
    with school.scope():
        started = start_submission(student=student, requirement_keys=["consent"], by=by, now=NOW, **options)
        piece = {
            "id": "f1", "kind": "form", "form": "consent", "form_version": 1, "answers": {"agree": True},
            "signed_as": "Ana Núñez", "agreed": True,
        }  # fmt: skip
        return save_draft(submission_id=started.id, draft={"pieces": [piece]}, by=by, now=NOW)


def sent_consent(school: School, username="ana@x.edu") -> FormAnswer:
    """The form, signed by the student and waiting for guardians."""
    draft = draft_of_consent(school, username)
    sending.send(
        institution=school.institution, submission_id=draft.id, by=Actor("student", "tests"), now=NOW, today=TODAY
    )  # fmt: skip
    with school.scope():
        return FormAnswer.objects.get(submission_id=draft.id)


def born(school: School, username: str, day: date | None) -> None:
    with school.scope():
        Student.objects.filter(username=username).update(date_of_birth=day)
