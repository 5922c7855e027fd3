"""getUser: a student's items as they are now, in numbers that agree with them."""

from datetime import date, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import translation

from pratique.foundation.tenancy import institution_scope
from pratique.interfaces.partner.methods import answer
from pratique.partners.standing import record_type
from pratique.records.actions import add_evidence
from pratique.records.models import Document, Dose, Exemption, FormAnswer, Titer
from pratique.rules import Document as Paper
from pratique.rules import Dose as Shot
from pratique.rules import Evidence, StudentFacts, evaluate, requirement_from_data
from pratique.rules import Exemption as Exempt
from pratique.rules import FormAnswer as Filled
from pratique.rules import Titer as Lab
from pratique.students.history import for_student
from pratique.students.models import Student
from tests.integration.partner.asking import (
    CLIENT,
    LATER,
    UNDERGRADUATE,
    ask,
    audited,
    caller_of,
    long,
    naming,
)
from tests.schools import BY, EXAM, MMR, NOW, TODAY, a_school, requires

pytestmark = pytest.mark.django_db
MMR_OR_TITER = {
    "key": "mmr", "name": "MMR",
    "rule": {"kind": "any_of", "rules": [
        MMR["rule"],
        {"kind": "titer", "antibodies": ["measles", "mumps", "rubella"]},
        {"kind": "condition", "condition": {"kind": "born", "before": "1957-01-01"}},
    ]},
    "exemptions": [{"exemption": "medical", "needs_document": False}],
}  # fmt: skip


def central(text: str) -> int:
    """Midnight of a day in US Central time in summer."""
    return long(datetime.fromisoformat(f"{text}T05:00:00+00:00"))


def on_tracker(*requirements, **values):
    """A school that asks for these, and a student on its tracker, as calls name them."""
    school = a_school()
    if requirements:
        requires(school, *requirements)
    student = naming(school, dateOfBirthString="04/03/2006", **values)
    ask(school, "setTracker", **student, trackerName=UNDERGRADUATE)
    return school, student


def hand_in(school, *evidence, now=NOW):
    with institution_scope(school.id):
        student = Student.objects.get()
        for piece in evidence:
            piece.student_id = student.id
        add_evidence(institution_id=school.id, evidence=evidence, by=BY, now=now)


def reviewed(model, /, *, state="approved", at=LATER, **values):
    review = {} if state == "pending" else {"reviewed_at": at, "reviewed_by": "staff:nurse"}
    return model(state=state, submitted_at=NOW, **values, **review)


def dose(on: str, **values):
    return reviewed(Dose, cvx="03", administered_on=date.fromisoformat(on), **values)


def exam(on: str, **values):
    return reviewed(Document, kind="physical_exam", issued_on=date.fromisoformat(on), **values)


def test_without_a_tracker_everything_is_blank():
    school = a_school()
    requires(school, MMR)
    student = naming(school)
    assert ask(school, "getUser", **student) == {
        "trackerName": "None Selected", "dueDate": 0, "numComplete": 0, "numItems": 0, "complete": False, "Items": [],
    }  # fmt: skip


def test_a_tracker_whose_group_asks_for_nothing_yet_has_a_name_and_a_day():
    school, student = on_tracker()
    assert ask(school, "getUser", **student) == {
        "trackerName": UNDERGRADUATE, "dueDate": central("2026-08-10"), "numComplete": 0, "numItems": 0,
        "complete": False, "Items": [],
    }  # fmt: skip


def test_items_are_told_as_they_are_now_though_nobody_has_evaluated_them():
    school, student = on_tracker(MMR, EXAM)
    hand_in(school, dose("2007-05-01"), dose("2010-05-01"), exam("2026-07-01", state="pending"))
    user = ask(school, "getUser", **student)
    mmr, physical = user["Items"]
    assert mmr == {
        "itemName": "MMR", "itemStatus": "approved", "nextActionDate": 0, "administeredDate": central("2010-05-01"),
        "lastModifiedDate": long(LATER), "recordType": "vaccination",
    }  # fmt: skip
    assert (physical["itemStatus"], physical["recordType"]) == ("pending", "")
    assert physical["lastModifiedDate"] == long(NOW)
    assert (user["numComplete"], user["numItems"], user["complete"]) == (2, 2, False)
    assert ask(school, "getPackageCounts", code=student["code"])["packageDetails"][0]["numComplete"] == 0


def test_numbers_agree_with_items_whatever_they_are():
    school, student = on_tracker(MMR, EXAM)
    for evidence, complete in (
        ([], 0),
        ([dose("2007-05-01", state="rejected")], 0),
        ([exam("2025-01-01")], 0),
        ([exam("2026-07-01")], 1),
        ([dose("2007-05-01"), dose("2010-05-01")], 2),
    ):
        hand_in(school, *evidence)
        user = ask(school, "getUser", **student)
        statuses = [item["itemStatus"] for item in user["Items"]]
        assert user["numItems"] == len(statuses) == 2
        assert (
            user["numComplete"] == sum(status in ("approved", "pending") for status in statuses) == complete
        )
        assert user["complete"] is all(status == "approved" for status in statuses)
    assert user["complete"] is True


def test_the_next_action_is_a_day_in_central_time():
    school, student = on_tracker(EXAM)
    hand_in(school, exam("2026-07-01"))
    (item,) = ask(school, "getUser", **student)["Items"]
    assert item["itemStatus"] == "approved"
    assert item["nextActionDate"] in (central("2027-07-01"), central("2027-07-02"))
    assert item["administeredDate"] == central("2026-07-01")


def test_a_lapse_is_told_on_its_day_before_any_job_ran():
    school, student = on_tracker(EXAM)
    hand_in(school, exam("2026-07-01"))
    (item,) = ask(school, "getUser", **student, now=NOW + timedelta(days=365))["Items"]
    assert (item["itemStatus"], item["recordType"]) == ("expired", "physical_exam")


def test_names_are_in_english_whatever_the_caller_reads():
    school, student = on_tracker(
        {**EXAM, "name": "Meningococcal (MenACWY)"}, {**MMR, "name": "Physical exam", "key": "own"}
    )
    with translation.override("es"):
        names = [item["itemName"] for item in ask(school, "getUser", **student)["Items"]]
        assert translation.get_language() == "es"
    assert names == ["Meningococcal (MenACWY)", "Physical exam"]


def test_looking_is_in_the_trail_and_the_student_reads_that_a_system_looked():
    school, student = on_tracker(MMR)
    ask(school, "getUser", **student)
    action, by, detail = audited(school)[-1]
    assert (action, by, list(detail)) == ("partners:student:viewed", f"partner:{CLIENT}", ["package"])
    with institution_scope(school.id):
        deeds = for_student(Student.objects.get().id).deeds
    assert [(str(deed.what), str(deed.who)) for deed in deeds] == [
        ("Looked at your record", "A computer system of your school"),
        ("Chose which requirements are asked of you", "A computer system of your school"),
        ("Put you on the list of students", "A computer system of your school"),
    ]


def test_it_asks_the_database_a_fixed_number_of_times():
    school, student = on_tracker(MMR, EXAM)
    caller = caller_of(school)

    def questions():
        with institution_scope(school.id), CaptureQueriesContext(connection) as asked:
            answer("getUser", student, caller=caller, now=NOW)
        return len(asked)

    first = questions()
    hand_in(
        school,
        *(dose(f"20{year:02}-05-01") for year in range(7, 25)),
        *(exam(f"20{year:02}-05-01") for year in range(7, 26)),
    )
    assert questions() == first
    assert first <= 4, "whom it is about, the sets, the trail; the facts go by a cursor of their own"


# --- record types -----------------------------------------------------------------------------------------------------

FACTS = StudentFacts(date(2006, 4, 3), None, {})
OLD_FACTS = StudentFacts(date(1950, 4, 3), None, {})
SHOTS = (
    Shot("d1", "03", date(2007, 5, 1), "approved", NOW),
    Shot("d2", "03", date(2010, 5, 1), "approved", NOW),
)
LABS = tuple(
    Lab(antibody, antibody, "positive", date(2026, 1, 1), "approved", NOW)
    for antibody in ("measles", "mumps", "rubella")
)
EXEMPTION = Exempt("e1", "medical", "mmr", date(2026, 1, 1), None, False, "approved", NOW)
PHYSICAL = Paper("p1", "physical_exam", date(2026, 7, 1), "approved", NOW)
TB_FORM = Filled("f1", "tb_screening", {"risk": False}, date(2026, 7, 1), "approved", NOW)
BOTH = {
    "key": "entry", "name": "Entry",
    "rule": {"kind": "all_of", "rules": [EXAM["rule"], {"kind": "form", "form": "tb_screening", "signature": True}]},
}  # fmt: skip
FORM = {"key": "tb", "name": "TB", "rule": {"kind": "form", "form": "tb_screening", "signature": True}}


def pending(*pieces):
    return tuple(piece._replace(state="pending") for piece in pieces)


@pytest.mark.parametrize(
    ("asked", "evidence", "facts", "kind"),
    [
        pytest.param(MMR_OR_TITER, Evidence(), FACTS, "", id="nothing"),
        pytest.param(MMR_OR_TITER, Evidence(doses=SHOTS), FACTS, "vaccination", id="doses"),
        pytest.param(MMR_OR_TITER, Evidence(titers=LABS), FACTS, "titer", id="titers"),
        pytest.param(MMR_OR_TITER, Evidence(doses=SHOTS[:1], titers=LABS), FACTS, "titer", id="one-dose-and-titers"),
        pytest.param(MMR_OR_TITER, Evidence(doses=SHOTS, titers=LABS[:1]), FACTS, "vaccination", id="and-one-titer"),
        pytest.param(MMR_OR_TITER, Evidence(exemptions=(EXEMPTION,)), FACTS, "medical exemption", id="an-exemption"),
        pytest.param(
            MMR_OR_TITER, Evidence(doses=SHOTS[:1], exemptions=(EXEMPTION,)), FACTS, "medical exemption",
            id="an-exemption-from-the-rest",
        ),
        pytest.param(MMR_OR_TITER, Evidence(), OLD_FACTS, "", id="born-so-early-that-nothing-is-needed"),
        pytest.param(MMR_OR_TITER, Evidence(doses=SHOTS), OLD_FACTS, "", id="and-doses-do-not-matter-then"),
        pytest.param(MMR_OR_TITER, Evidence(doses=pending(*SHOTS)), FACTS, "", id="doses-that-wait"),
        pytest.param(MMR_OR_TITER, Evidence(doses=SHOTS[:1]), FACTS, "", id="one-dose"),
        pytest.param(EXAM, Evidence(documents=(PHYSICAL,)), FACTS, "physical_exam", id="a-document"),
        pytest.param(EXAM, Evidence(doses=SHOTS, documents=(PHYSICAL,)), FACTS, "physical_exam", id="what-it-looks-at"),
        pytest.param(
            EXAM, Evidence(documents=(PHYSICAL._replace(issued_on=date(2020, 1, 1)),)), FACTS, "physical_exam",
            id="a-document-that-held-once",
        ),
        pytest.param(FORM, Evidence(forms=(TB_FORM,)), FACTS, "form", id="a-form"),
        pytest.param(
            BOTH, Evidence(documents=(PHYSICAL,), forms=(TB_FORM,)), FACTS, "physical_exam, form", id="two-together"
        ),
    ],
)  # fmt: skip
def test_a_record_type_says_what_an_item_rests_on(asked, evidence, facts, kind):
    requirement = requirement_from_data(asked)
    status = evaluate(requirement, evidence, facts, TODAY).status
    assert record_type(status, requirement, evidence, facts, TODAY) == kind


def test_every_kind_of_evidence_is_told_from_the_database():
    school, student = on_tracker(
        MMR_OR_TITER, EXAM, FORM, {**MMR_OR_TITER, "key": "mmr_again", "name": "Second"}
    )
    hand_in(
        school,
        *(reviewed(Titer, antibody=one.antibody, result="positive", collected_on=TODAY) for one in LABS),
        exam("2026-07-01"),
        reviewed(FormAnswer, form="tb_screening", answers={}, signed_on=TODAY),
        reviewed(
            Exemption, kind="medical", requirement_key="mmr_again", granted_on=TODAY, has_document=False
        ),
    )
    items = ask(school, "getUser", **student)["Items"]
    assert {item["itemName"]: item["recordType"] for item in items} == {
        "MMR": "titer", "Physical exam": "physical_exam", "TB": "form", "Second": "titer",
    }  # fmt: skip
