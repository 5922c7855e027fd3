"""From a draft to the queue and back."""

from datetime import timedelta

import pytest

from pratique.compliance.models import Item
from pratique.foundation.models import AuditEvent
from pratique.records.forms import ready
from pratique.records.models import Document, Dose, FormAnswer, FormDefinition, Signature, Submission
from pratique.reviews.actions import claiming, sending
from pratique.reviews.errors import AlreadyDecidedError, BegunError, NotSendableError, TakenBackError
from tests.integration.reviews.situations import (
    EXEMPT,
    FIRST,
    LATER,
    NURSE,
    PAPER,
    SECOND,
    STUDENT,
    a_desk,
    add_pages,
)  # fmt: skip
from tests.schools import NOW, TODAY

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk():
    desk = a_desk()
    with desk.scope():
        yield desk


def status(desk, username="ana@x.edu"):
    return dict(
        Item.objects.filter(membership__student__username=username).values_list("requirement_key", "status")
    )


def test_what_was_typed_becomes_evidence_and_the_item_is_pending_at_once(desk):
    case = desk.sent(FIRST, SECOND)
    assert (case.state, case.sent_at, case.queued_at) == ("waiting", NOW, NOW)
    assert list(Dose.objects.order_by("administered_on").values_list("state", "submission_id")) == [
        ("pending", case.id), ("pending", case.id),
    ]  # fmt: skip
    assert status(desk)["mmr"] == "pending"


def test_sending_again_from_another_tab_gives_the_same_receipt_and_no_second_dose(desk):
    draft = desk.draft(FIRST)
    first, second = desk.send(draft), desk.send(draft, now=LATER)
    assert (second.number, second.sent_at) == (first.number, NOW)
    assert Dose.objects.count() == 1


def test_pages_alone_wait_to_be_read_for_each_requirement_that_nothing_typed_speaks_to(desk):
    desk.sent(PAPER, keys=("mmr", "physical_exam"))
    assert set(Document.objects.values_list("kind", flat=True)) == {"physical_exam", "proof:mmr"}
    assert status(desk) == {"mmr": "pending", "physical_exam": "pending"}


def test_an_exemption_knows_that_a_page_came_with_it(desk):
    case = desk.sent(EXEMPT)
    assert case.exemption_set.get().has_document
    assert Document.objects.count() == 0


@pytest.mark.parametrize(
    ("pieces", "file", "words"),
    [
        pytest.param([], None, "nothing in this yet", id="nothing at all"),
        pytest.param(
            [{**FIRST, "administered_on": "2031-01-01"}], None, "in the future", id="a date to come"
        ),
        pytest.param(
            [{**FIRST, "administered_on": "1999-01-01"}], None, "before your date of birth", id="before birth"
        ),
        pytest.param([FIRST], "receiving", "not arrived", id="a file on its way"),
        pytest.param([FIRST], "refused", "could not be used", id="a file that was refused"),
        pytest.param([{"id": "f", "kind": "form", "form": "none"}], None, "not in use", id="an unknown form"),
    ],
)
def test_what_keeps_a_draft_from_being_sent_is_said_piece_by_piece(desk, pieces, file, words):
    draft = desk.draft(*pieces, pages=0)
    if file:
        add_pages(draft, 0, state=file)
    with pytest.raises(NotSendableError) as error:
        desk.send(draft)
    assert any(words in sentence for _, sentence in error.value.problems)
    draft.refresh_from_db()
    assert draft.state == "draft"
    assert Dose.objects.count() == 0


def test_taking_back_makes_the_evidence_go_and_the_item_is_open_again(desk):
    case = desk.withdraw(desk.sent(FIRST, SECOND))
    assert (case.state, case.withdrawn_by) == ("withdrawn", str(STUDENT))
    assert Dose.objects.count() == 0
    assert status(desk)["mmr"] == "incomplete"
    with pytest.raises(TakenBackError):
        desk.send(case)


def test_changing_it_makes_it_a_draft_again_that_can_be_sent_anew(desk):
    case = desk.reopen(desk.sent(FIRST))
    assert (case.state, case.sent_at, case.queued_at) == ("draft", None, None)
    assert case.draft["pieces"] == [FIRST]
    again = desk.send(case, now=LATER)
    assert (again.state, again.queued_at) == ("waiting", LATER)
    assert Dose.objects.count() == 1


@pytest.mark.parametrize("deed", ["withdraw", "reopen"])
def test_once_a_reviewer_has_begun_it_stays(desk, deed):
    case = desk.claimed(FIRST)
    with pytest.raises(BegunError) as error:
        getattr(desk, deed)(case)
    assert "message" in str(error.value)
    claiming.release(submission_id=case.id, by=NURSE, now=LATER)
    with pytest.raises(BegunError):
        getattr(desk, deed)(case)
    desk.decide(claiming.claim(submission_id=case.id, by=NURSE, now=LATER))
    with pytest.raises(AlreadyDecidedError):
        getattr(desk, deed)(case)


def test_what_was_returned_keeps_its_place_when_it_comes_back(desk):
    before = desk.claimed(FIRST)
    desk.decide(before, "dose")
    back = desk.sent(FIRST, SECOND, follows=before, at=LATER + timedelta(days=3))
    assert back.queued_at == NOW
    assert back.sent_at == LATER + timedelta(days=3)


def test_a_returned_item_s_place_comes_back_once_for_each_requirement(desk):
    before = desk.claimed(FIRST, keys=("mmr", "exam"))
    desk.decide(before, "dose", "document")
    first, same, other = (desk.draft(SECOND, keys=(key,), follows=before) for key in ("mmr", "mmr", "exam"))
    assert [desk.send(one, now=LATER).queued_at for one in (first, same, other)] == [NOW, LATER, NOW]


def test_what_was_approved_gives_no_place_away(desk):
    before = desk.claimed(FIRST)
    desk.decide(before)
    assert desk.sent(SECOND, follows=before, at=LATER).queued_at == LATER


def test_a_form_for_two_signatures_waits_outside_the_queue_for_the_second(desk):
    form = {**ready("housing_health_consent"), "signers": ["student", "guardian"]}
    form["sections"] = [
        {"title": {"en": "Consent", "es": "Permiso"}, "questions": [
            {"key": "agree", "kind": "yes_no", "label": {"en": "Do you agree?", "es": "¿Está de acuerdo?"}}]}
    ]  # fmt: skip
    form.pop("derived", None)
    FormDefinition.objects.create(
        institution=desk.institution, key="consent", version=1, definition=form, created_at=NOW
    )
    piece = {"id": "f1", "kind": "form", "form": "consent", "form_version": 1, "answers": {"agree": True}}
    case = desk.sent({**piece, "signed_as": "Ana Nunez"}, pages=0)
    assert (case.state, case.queued_at) == ("waiting", None)
    assert claiming.claim_next(institution=desk.institution, by=NURSE, now=LATER) is None
    enter = {
        "institution": desk.institution, "submission_id": case.id, "by": STUDENT, "now": LATER, "today": TODAY
    }  # fmt: skip
    assert sending.enter_queue(**enter).queued_at is None
    answer = FormAnswer.objects.get()
    Signature.objects.create(
        institution=desk.institution, form_answer=answer, place=1, role="guardian", name="Eva", signed_at=LATER,
        signed_by="guardian:eva",
    )  # fmt: skip
    assert sending.enter_queue(**enter).queued_at == LATER
    answer.refresh_from_db()
    assert answer.signed_on == TODAY


def test_every_deed_leaves_a_row_about_the_student_without_a_health_value(desk):
    desk.withdraw(desk.reopen(desk.sent(EXEMPT, FIRST)) and desk.send(Submission.objects.get(), now=LATER))
    rows = AuditEvent.objects.filter(subject_id=desk.student().id)
    assert set(rows.values_list("action", flat=True)) >= {
        "records:submission:sent", "records:submission:reopened", "records:submission:withdrawn",
    }  # fmt: skip
    assert "Private" not in str(list(rows.values_list("detail", flat=True)))
