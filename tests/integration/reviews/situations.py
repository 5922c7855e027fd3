"""Cases in a named state, brought there through the actions that real ones go through."""

from dataclasses import dataclass
from datetime import timedelta

from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.institutions.models import Institution
from pratique.records.actions.drafts import save_draft, start_submission
from pratique.records.models import File, Page, Submission
from pratique.reviews.actions import claiming, deciding, sending
from pratique.reviews.queries.safety import pieces_of
from pratique.reviews.types import PieceDecision
from pratique.students.models import Student
from tests.schools import EXAM, MMR, NOW, TODAY, imported, judged, requires
from tests.staff import School, make_school

ANA = "ana@x.edu,0001,Nunez,Ana,,04/03/2006,Undergraduate,Fall 2026,1"
BEN = "ben@x.edu,0002,Okafor,Ben,,05/06/2005,Nursing,Spring 2027,1"
STUDENT = Actor("student", "tests")
NURSE = Actor("staff", "11111111-1111-7111-8111-111111111111")
OTHER = Actor("staff", "22222222-2222-7222-8222-222222222222")
LATER = NOW + timedelta(hours=1)

FIRST = {"id": "a1", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2007-05-01"}
SECOND = {"id": "a2", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2010-05-01"}
TOO_EARLY = {"id": "a3", "kind": "dose", "cvx": "03", "product": "M-M-R II", "administered_on": "2007-05-10"}
PAPER = {"id": "a4", "kind": "document", "kind_of_document": "physical_exam", "issued_on": "2026-07-01"}
EXEMPT = {
    "id": "a5",
    "kind": "exemption",
    "exemption": "medical",
    "requirement_key": "mmr",
    "statement": "Private.",
}


@dataclass
class Desk:
    """A school with students and a review desk."""

    school: School

    @property
    def institution(self) -> Institution:
        return self.school.institution

    def scope(self):
        return self.school.scope()

    def student(self, username: str = "ana@x.edu") -> Student:
        return Student.objects.get(username=username)

    def draft(self, *pieces, keys=("mmr",), username="ana@x.edu", pages=1, **options) -> Submission:
        started = start_submission(
            student=self.student(username), requirement_keys=list(keys), by=STUDENT, now=NOW, **options
        )
        saved = save_draft(
            submission_id=started.id,
            draft={"pieces": list(pieces), "salt": new_id().hex},
            by=STUDENT,
            now=NOW,
        )
        if pages:
            add_pages(saved, pages)
        return saved

    def send(self, case: Submission, now=NOW) -> Submission:
        return sending.send(
            institution=self.institution, submission_id=case.id, by=STUDENT, now=now, today=TODAY
        )

    def sent(self, *pieces, at=NOW, **options) -> Submission:
        return self.send(self.draft(*pieces, **options), now=at)

    def claimed(self, *pieces, by=NURSE, at=LATER, **options) -> Submission:
        return claiming.claim(submission_id=self.sent(*pieces, **options).id, by=by, now=at)

    def decide(self, case: Submission, *returned: str, by=NURSE, now=LATER, seconds=12, text=""):
        """Approve every piece of a case; but return those of the kinds named."""
        decisions = [
            PieceDecision(kind, row.id, kind not in returned, "unreadable" if kind in returned else "", text)
            for kind, row in pieces_of([case.id])[case.id]
        ]
        return deciding.decide(
            institution=self.institution, submission_id=case.id, decisions=decisions, seconds=seconds, by=by,
            now=now, today=TODAY,
        )  # fmt: skip

    def undo(self, case: Submission, by=NURSE, now=LATER):
        return deciding.undo(institution=self.institution, submission_id=case.id, by=by, now=now, today=TODAY)

    def withdraw(self, case: Submission, now=LATER):
        return sending.withdraw(
            institution=self.institution, submission_id=case.id, by=STUDENT, now=now, today=TODAY
        )

    def reopen(self, case: Submission, now=LATER):
        return sending.reopen(
            institution=self.institution, submission_id=case.id, by=STUDENT, now=now, today=TODAY
        )


def a_desk(*requirements, rows=(ANA, BEN)) -> Desk:
    """A school that asks for `requirements` (MMR and an exam), with Ana (due first) and Ben."""
    school = make_school()
    requires(school.institution, *(requirements or (MMR, EXAM)))
    imported(school.institution, *rows)
    judged(school.institution)
    return Desk(school)


def add_pages(
    case: Submission, count: int = 1, *, picture=None, sha256="", state="ready", active=False
) -> list[Page]:
    """A file of so many pages, as checking leaves it."""
    file = File.objects.create(
        institution_id=case.institution_id, student_id=case.student_id, submission=case, name="card.jpg", size=10,
        received=10, state=state, media_type="image/jpeg", sha256=sha256 or new_id().hex * 2, uploaded_at=NOW,
        uploaded_by=str(STUDENT), active_content=active,
    )  # fmt: skip
    return [
        Page.objects.create(
            institution_id=case.institution_id, file=file, submission=case, number=number, position=number, width=800,
            height=600, looks=77, picture=picture or new_id(),
        )
        for number in range(1, count + 1)
    ]  # fmt: skip
