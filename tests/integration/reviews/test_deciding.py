"""A decision, what follows from it, and ten seconds to take it back."""

from datetime import timedelta

import pytest

from pratique.compliance.models import Item, StatusChange
from pratique.foundation.ids import new_id
from pratique.foundation.models import AuditEvent
from pratique.records.models import Dose
from pratique.reviews.actions import claiming, deciding
from pratique.reviews.errors import (
    AlreadyDecidedError,
    ClaimedByOtherError,
    NotClaimedError,
    TakenBackError,
    UndecidedError,
    UndoTooLateError,
    UnknownReasonError,
)
from pratique.reviews.models import Review
from pratique.reviews.types import PieceDecision
from pratique.students.models import Notice
from tests.integration.reviews.situations import (
    EXEMPT,
    FIRST,
    LATER,
    NURSE,
    OTHER,
    PAPER,
    SECOND,
    TOO_EARLY,
    a_desk,
    add_pages,
)  # fmt: skip
from tests.schools import MMR, NOW, TODAY

pytestmark = pytest.mark.django_db
IN_TIME, TOO_LATE = LATER + timedelta(seconds=10), LATER + timedelta(seconds=10, microseconds=1)


@pytest.fixture
def desk():
    desk = a_desk()
    with desk.scope():
        desk.student().__class__.objects.update(email="ana@x.edu")
        yield desk


def status(desk, username="ana@x.edu"):
    return dict(
        Item.objects.filter(membership__student__username=username).values_list("requirement_key", "status")
    )


def notices(desk, username="ana@x.edu"):
    rows = Notice.objects.filter(student__username=username, channel="mail").order_by("queued_at", "kind")
    return [(row.kind, row.state, row.send_at) for row in rows]


def test_an_approval_moves_the_item_in_the_same_transaction_and_tells_the_student_when_it_is_final(desk):
    case = desk.claimed(FIRST, SECOND)
    changes = StatusChange.objects.count()
    decided = desk.decide(case)
    assert decided.undo_until == IN_TIME
    assert (decided.submission.state, decided.submission.decided_by) == ("decided", str(NURSE))
    assert (decided.submission.claimed_by, decided.submission.claimed_until) == ("", None)
    assert set(Dose.objects.values_list("state", "reviewed_by")) == {("approved", str(NURSE))}
    assert Review.objects.filter(decision="approved", seconds=12, reason_code="").count() == 2
    assert status(desk)["mmr"] == "approved"
    assert StatusChange.objects.count() == changes + 1
    assert notices(desk) == [("reviewed", "queued", LATER + timedelta(seconds=11))]


def test_a_return_says_why_on_the_piece_and_in_the_review(desk):
    desk.decide(desk.claimed(FIRST, PAPER), "dose", text="  The edge\0 is cut. ")
    dose = Dose.objects.get()
    assert (dose.state, dose.rejection_code, dose.rejection_reason) == (
        "rejected",
        "unreadable",
        "The edge is cut.",
    )
    assert status(desk)["mmr"] == "rejected"
    assert [kind for kind, _, _ in notices(desk)] == ["returned"]
    row = AuditEvent.objects.get(action="reviews:case:decided")
    assert (row.subject_id, row.detail["approved"], row.detail["returned"], row.detail["reasons"]) == (
        desk.student().id, 1, 1, ["unreadable"],
    )  # fmt: skip
    assert "edge" not in str(row.detail)


def test_the_last_approval_says_complete_and_nothing_older_is_said_any_more(desk):
    desk.decide(desk.claimed(FIRST, SECOND))
    done = LATER + timedelta(seconds=3)
    other = claiming.claim(submission_id=desk.sent(PAPER, keys=("physical_exam",)).id, by=NURSE, now=done)
    desk.decide(other, now=done)
    assert status(desk) == {"mmr": "approved", "physical_exam": "approved"}
    assert [(kind, state) for kind, state, _ in notices(desk)] == [
        ("reviewed", "dropped"),
        ("complete", "queued"),
    ]


def test_undo_brings_everything_back(desk):
    before = status(desk)
    case = desk.claimed(FIRST, SECOND, PAPER)
    waiting = status(desk)
    desk.decide(case, "document")
    case = desk.undo(case, now=IN_TIME)
    assert (case.state, case.decided_at, case.claimed_by) == ("waiting", None, str(NURSE))
    assert case.queued_at == NOW
    assert set(Dose.objects.values_list("state", "reviewed_at", "reviewed_by")) == {("pending", None, "")}
    assert case.document_set.get().rejection_code == ""
    assert status(desk) == waiting != before
    assert set(Review.objects.values_list("undone_at", "undone_by")) == {(IN_TIME, str(NURSE))}
    assert [(kind, state) for kind, state, _ in notices(desk)] == [("returned", "dropped")]
    again = desk.decide(case, now=IN_TIME)
    assert again.submission.state == "decided"
    assert Review.objects.count() == 6


def test_undo_of_one_case_leaves_the_notice_of_another(desk):
    desk.decide(desk.claimed(FIRST), "dose")
    other = claiming.claim(submission_id=desk.sent(PAPER, keys=("physical_exam",)).id, by=NURSE, now=LATER)
    desk.decide(other)
    desk.undo(other)
    assert [(kind, state) for kind, state, _ in notices(desk) if state == "queued"] == [
        ("returned", "queued")
    ]


@pytest.mark.parametrize(
    ("by", "now"), [pytest.param(NURSE, TOO_LATE, id="too late"), pytest.param(OTHER, IN_TIME, id="somebody else's")]
)  # fmt: skip
def test_undo_is_for_the_same_person_within_ten_seconds(desk, by, now):
    case = desk.claimed(FIRST)
    desk.decide(case)
    with pytest.raises(UndoTooLateError):
        desk.undo(case, by=by, now=now)
    assert Dose.objects.get().state == "approved"


def test_undo_twice_undoes_once(desk):
    case = desk.claimed(FIRST)
    desk.decide(case)
    desk.undo(case)
    with pytest.raises(UndoTooLateError):
        desk.undo(case)


def test_nobody_decides_what_they_have_not_opened(desk):
    with pytest.raises(NotClaimedError):
        desk.decide(desk.sent(FIRST))


def test_nobody_decides_what_a_colleague_has_but_may_once_the_claim_ran_out(desk):
    case = desk.claimed(FIRST)
    with pytest.raises(ClaimedByOtherError) as error:
        claiming.claim(submission_id=case.id, by=OTHER, now=LATER + timedelta(minutes=5, seconds=-1))
    assert (error.value.key, error.value.until) == (str(NURSE), LATER + timedelta(minutes=5))
    over = LATER + timedelta(minutes=5)
    claiming.claim(submission_id=case.id, by=OTHER, now=over)
    with pytest.raises(ClaimedByOtherError):
        desk.decide(case, by=NURSE, now=over)
    desk.decide(case, by=OTHER, now=over)
    assert Review.objects.get().decided_by == str(OTHER)


def test_whoever_was_slow_may_still_decide_while_nobody_else_took_it(desk):
    case = desk.claimed(FIRST)
    assert desk.decide(case, now=LATER + timedelta(hours=2)).submission.state == "decided"


def test_a_decision_is_made_once(desk):
    case = desk.claimed(FIRST)
    desk.decide(case)
    with pytest.raises(AlreadyDecidedError):
        desk.decide(case)


def test_what_was_taken_back_cannot_be_decided(desk):
    case = desk.sent(FIRST)
    desk.withdraw(case)
    with pytest.raises(TakenBackError):
        claiming.claim(submission_id=case.id, by=NURSE, now=LATER)


def test_every_piece_is_decided_exactly_once(desk):
    case = desk.claimed(FIRST, SECOND)
    one, two = Dose.objects.order_by("id")
    stranger = desk.claimed(PAPER, keys=("physical_exam",)).document_set.get()

    def decide(*pieces):
        decisions = [PieceDecision(kind, row.id, True) for kind, row in pieces]
        deciding.decide(
            institution=desk.institution, submission_id=case.id, decisions=decisions, seconds=1, by=NURSE, now=LATER,
            today=TODAY,
        )  # fmt: skip

    for pieces in ([("dose", one)], [("dose", one), ("dose", one)],
                   [("dose", one), ("dose", two), ("document", stranger)]):  # fmt: skip
        with pytest.raises(UndecidedError):
            decide(*pieces)
    assert Review.objects.count() == 0


@pytest.mark.parametrize("code", ["", "nonsense"])
def test_a_return_needs_a_reason_of_the_library(desk, code):
    case = desk.claimed(FIRST)
    decision = PieceDecision("dose", Dose.objects.get().id, False, code)
    with pytest.raises(UnknownReasonError):
        deciding.decide(
            institution=desk.institution, submission_id=case.id, decisions=[decision], seconds=1, by=NURSE, now=LATER,
            today=TODAY,
        )  # fmt: skip


def approve_many(desk, *cases, by=NURSE):
    return deciding.approve_many(
        institution=desk.institution,
        submission_ids=[case.id for case in cases],
        by=by,
        now=LATER,
        today=TODAY,
    )


def test_bulk_approval_takes_the_safe_ones_and_says_why_not_the_others(desk):
    good = desk.sent(FIRST, SECOND)
    bad = desk.sent(FIRST, TOO_EARLY, username="ben@x.edu")
    told = approve_many(desk, good, bad)
    assert told.approved == [good.id]
    assert told.skipped == [(bad.id, "Approving this would leave a requirement unmet.")]
    assert (status(desk)["mmr"], status(desk, "ben@x.edu")["mmr"]) == ("approved", "incomplete")
    assert Review.objects.filter(seconds__isnull=True).count() == 2
    desk.undo(good)
    assert status(desk)["mmr"] == "pending"


SAFE = (FIRST, SECOND)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda d: d.sent(*SAFE, pages=0), "no page", id="nothing that shows it"),
        pytest.param(lambda d: d.sent(), "Nobody has read", id="pages alone"),
        pytest.param(lambda d: d.sent(EXEMPT), "exemption", id="an exemption"),
        pytest.param(
            lambda d: d.sent({**FIRST, "administered_on": "2007"}, SECOND), "missing", id="a year for a date"
        ),
        pytest.param(lambda d: d.claimed(*SAFE, by=OTHER), "colleague", id="a colleague has it"),
        pytest.param(lambda d: d.withdraw(d.sent(*SAFE)), "taken this back", id="taken back"),
        pytest.param(lambda d: d.decide(d.claimed(*SAFE)).submission, "decided already", id="decided"),
    ],
)
def test_what_keeps_a_case_out_of_bulk_approval(desk, make, sentence):
    case = make(desk)
    told = approve_many(desk, case)
    assert told.approved == []
    assert sentence in told.skipped[0][1]


def test_a_page_seen_before_keeps_a_case_out_of_bulk_approval(desk):
    ours, theirs = desk.draft(*SAFE), desk.draft(FIRST, username="ben@x.edu")
    picture = new_id()
    add_pages(ours, picture=picture), add_pages(theirs, picture=picture)
    desk.send(theirs)
    assert "seen before" in approve_many(desk, desk.send(ours)).skipped[0][1]


def test_a_case_that_this_school_does_not_have_is_none(desk):
    stranger = new_id()
    told = deciding.approve_many(
        institution=desk.institution, submission_ids=[stranger], by=NURSE, now=LATER, today=TODAY
    )
    assert told.skipped == [(stranger, "This case does not exist.")]


def test_one_requirement_only_and_the_student_is_complete():
    desk = a_desk(MMR)
    with desk.scope():
        desk.student().__class__.objects.update(email="ana@x.edu")
        approve_many(desk, desk.sent(*SAFE))
        assert [kind for kind, _, _ in notices(desk)] == ["complete"]
