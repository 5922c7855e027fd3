"""The queue's order, who gets what next, places and estimates, one case on a reviewer's screen."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from pratique.accounts.roles import Role
from pratique.foundation.audit import Actor
from pratique.foundation.ids import new_id
from pratique.records.models import Submission
from pratique.reviews.actions import cases, claiming, messages
from pratique.reviews.errors import CaseError, NotForYouError, PieceError
from pratique.reviews.queries import pace, queue
from pratique.reviews.queries.case import case as the_case
from pratique.reviews.types import QueueFilter
from tests.integration.reviews.situations import (
    ANA,
    BEN,
    EXEMPT,
    FIRST,
    LATER,
    NURSE,
    OTHER,
    PAPER,
    SECOND,
    STUDENT,
    TOO_EARLY,
    a_desk,
    add_pages,
)  # fmt: skip
from tests.schools import NOW, TODAY

pytestmark = pytest.mark.django_db
NOBODY = "nobody@x.edu,0003,Quist,Nell,,05/06/2005,Nursing,Fall 2026,1"


@pytest.fixture
def desk():
    desk = a_desk(rows=(ANA, BEN, NOBODY))
    with desk.scope():
        yield desk


def order(desk, by=""):
    return [row.number for row in queue.page(QueueFilter(by=by), now=LATER, today=TODAY)]


def next_for(desk, by, **options):
    return claiming.claim_next(institution=desk.institution, by=by, now=options.pop("now", LATER), **options)


def test_the_day_on_which_it_matters_comes_before_age_and_no_day_comes_last(desk):
    later_due = desk.sent(FIRST, username="ben@x.edu", at=NOW)
    young = desk.sent(PAPER, at=NOW + timedelta(minutes=9))
    old = desk.sent(FIRST, at=NOW + timedelta(minutes=2))
    desk.student("nobody@x.edu").membership_set.update(tracker=None)
    none = desk.sent(FIRST, username="nobody@x.edu", at=NOW - timedelta(days=9))
    in_order = [case.number for case in (old, young, later_due, none)]
    assert order(desk) == in_order
    assert [queue.place(case.id, now=LATER).ahead for case in (old, young, later_due, none)] == [0, 1, 2, 3]
    assert [next_for(desk, NURSE).number, next_for(desk, OTHER).number] == in_order[:2]


def test_the_next_case_after_one_that_was_put_aside_and_round_again(desk):
    cases_ = [desk.sent(FIRST, at=NOW + timedelta(minutes=n)) for n in range(3)]
    got = next_for(desk, NURSE)
    seen = [got.id]
    for _ in range(3):
        claiming.release(submission_id=got.id, by=NURSE, now=LATER)
        got = next_for(desk, NURSE, after=got.id)
        seen.append(got.id)
    assert seen == [case.id for case in (*cases_, cases_[0])]


def test_a_page_loaded_anew_shows_the_case_that_is_open(desk):
    desk.sent(FIRST)
    second = desk.sent(SECOND, at=NOW + timedelta(minutes=1))
    claiming.claim(submission_id=second.id, by=NURSE, now=LATER)
    assert next_for(desk, NURSE).id == second.id
    assert next_for(desk, OTHER, prefer=[second.id]).id != second.id


def reviewer(desk, role=Role.REVIEWER):
    user = desk.school.staff[role]
    return user, Actor("staff", str(user.id))


def test_a_case_handed_over_comes_first_for_the_colleague_and_for_nobody_else(desk):
    user, colleague = reviewer(desk)
    desk.sent(FIRST)
    handed = desk.claimed(SECOND, at=LATER)
    cases.hand_over(submission_id=handed.id, to=user, note="Is this a stamp?", by=NURSE, now=LATER)
    assert next_for(desk, colleague).id == handed.id
    with pytest.raises(NotForYouError):
        claiming.claim(submission_id=handed.id, by=OTHER, now=LATER + timedelta(hours=1))
    claiming.claim(submission_id=handed.id, by=OTHER, now=LATER + timedelta(hours=1), take_over=True)
    handed.refresh_from_db()
    assert (handed.claimed_by, handed.handed_to, handed.staff_note) == (str(OTHER), "", "Is this a stamp?")


def test_who_cannot_review_is_given_nothing(desk):
    case = desk.claimed(FIRST)
    with pytest.raises(CaseError):
        cases.hand_over(
            submission_id=case.id, to=reviewer(desk, Role.COORDINATOR)[0], note="", by=NURSE, now=LATER
        )


def test_a_second_opinion_is_never_ones_own(desk):
    case = desk.claimed(FIRST)
    cases.ask_second_opinion(submission_id=case.id, note="Too blurred?", by=NURSE, now=LATER)
    assert next_for(desk, NURSE) is None
    with pytest.raises(NotForYouError):
        claiming.claim(submission_id=case.id, by=NURSE, now=LATER)
    assert next_for(desk, OTHER).id == case.id
    assert queue.counts(str(NURSE), now=LATER, today=TODAY).open == 0


def test_counts_and_views(desk):
    desk.sent(FIRST)
    desk.claimed(SECOND, username="ben@x.edu")
    counts = queue.counts(str(OTHER), now=LATER, today=TODAY)
    assert (counts.waiting, counts.open, counts.mine, counts.handed, counts.overdue) == (2, 1, 0, 0, 0)
    assert counts.oldest_at == NOW
    for view, by, many in (("team", "", 2), ("open", OTHER, 1), ("mine", NURSE, 1), ("handed", NURSE, 0)):
        assert queue.count(QueueFilter(view=view, by=str(by)), now=LATER) == many, view
    assert queue.count(QueueFilter(search="okaf"), now=LATER) == 1
    assert queue.count(QueueFilter(search="100%_"), now=LATER) == 0
    assert queue.count(QueueFilter(requirement_key="mmr"), now=LATER) == 2
    for sort in queue.SORTS:
        forth = queue.page(QueueFilter(), sort, now=LATER, today=TODAY)
        assert len(forth) == len(queue.page(QueueFilter(), f"-{sort}", now=LATER, today=TODAY)) == 2


def test_an_estimate_is_measured_and_hours_are_said_where_a_day_is_too_long(desk):
    case = desk.sent(FIRST)
    assert queue.place(case.id, now=LATER).estimate is None
    done = [desk.sent(FIRST, username="ben@x.edu") for _ in range(12)]
    for number, one in enumerate(done):
        Submission.objects.filter(id=one.id).update(
            state="decided",
            decided_at=NOW - timedelta(days=1 + number // 6, minutes=number),
            decided_by="staff:x",
        )
    estimate = queue.place(case.id, now=LATER).estimate
    assert (estimate.unit, estimate.low, estimate.high) == ("hours", 1, 1)


def test_what_does_not_wait_has_no_place(desk):
    assert queue.place(desk.draft(FIRST).id, now=LATER) is None
    assert queue.place(desk.decide(desk.claimed(FIRST)).submission.id, now=LATER) is None


def queries(call):
    with CaptureQueriesContext(connection) as captured:
        call()
    return len(captured)


def test_a_case_and_a_page_of_the_queue_cost_the_same_queries_whatever_their_size(desk):
    def more(times):
        for number in range(times):
            past = desk.sent(FIRST, SECOND, PAPER, at=NOW + timedelta(minutes=number))
            desk.decide(claiming.claim(submission_id=past.id, by=NURSE, now=LATER), "dose")
            desk.sent(FIRST, PAPER, username="ben@x.edu", pages=3)
            messages.write(
                student_id=past.student_id, requirement_key="mmr", body="?", side="staff", by=NURSE, now=NOW
            )

    def cost(case):
        return (
            queries(lambda: the_case(case.id, TODAY, "es", by=str(NURSE), now=LATER)),
            queries(lambda: queue.page(QueueFilter(by=str(NURSE)), now=LATER, today=TODAY)),
        )

    more(1)
    small = cost(desk.sent(FIRST, PAPER))
    more(5)
    large = cost(desk.sent(*({**FIRST, "id": f"d{n}"} for n in range(20)), PAPER, pages=9))
    assert large == small
    assert max(large) < 40


def test_everything_about_a_case(desk):
    past = desk.claimed(PAPER, keys=("physical_exam",))
    desk.decide(past, "document", text="Page two.")
    theirs = desk.draft(FIRST, username="ben@x.edu")
    case = desk.draft(FIRST, TOO_EARLY, EXEMPT)
    picture = new_id()
    add_pages(theirs, picture=picture), add_pages(case, picture=picture)
    desk.send(theirs), desk.send(case)
    messages.write(
        student_id=case.student_id,
        requirement_key="mmr",
        body="Please hurry",
        side="student",
        by=STUDENT,
        now=NOW,
    )
    shown = the_case(case.id, TODAY, "en", by=str(NURSE), now=LATER)
    assert (shown.student.name, shown.student.tracker) == ("Ana Nunez", "Undergraduate - Fall 2026")
    assert [(one.key, one.name, one.status) for one in shown.aimed] == [("mmr", "MMR", "incomplete")]
    first, early, exempt = shown.pieces
    assert (first.title, first.values["administered_on"]) == ("M-M-R II", "2007-05-01")
    assert [(one.requirement_key, one.counts) for one in first.verdicts] == [("mmr", True)]
    assert [(one.requirement_key, one.counts) for one in early.verdicts] == [("mmr", False)]
    assert "15 days too early" in early.verdicts[0].sentences[0]
    assert (exempt.kind, "statement" in exempt.values, shown.statement) == ("exemption", False, None)
    assert the_case(case.id, TODAY, show_statement=True, now=LATER).statement == "Private."
    assert len(shown.pages) == 2
    assert [(one.kind, one.student_name) for one in shown.duplicates] == [("same_picture", "Ben Okafor")]
    assert [(one.number, one.pieces[0].reason_name, one.pieces[0].reason_text) for one in shown.history] == [
        (past.number, "Cannot be read", "Page two.")
    ]
    assert [one.body for one in shown.messages] == ["Please hurry"]
    assert (shown.safe, bool(shown.unsafe_because)) == (False, True)


def test_a_safe_case_says_so_in_the_queue_and_on_its_screen(desk):
    case = desk.sent(FIRST, SECOND)
    assert the_case(case.id, TODAY, by=str(NURSE), now=LATER).safe
    assert [row.unsafe_because for row in queue.page(QueueFilter(by=str(NURSE)), now=LATER, today=TODAY)] == [
        ""
    ]


def test_a_correction_keeps_what_the_student_had_written(desk):
    case = desk.claimed(FIRST)
    dose = case.dose_set.get()

    def correct(**changes):
        return cases.correct(
            submission_id=case.id, kind="dose", id=dose.id, changes=changes, by=NURSE, now=LATER, today=TODAY
        )

    assert correct(administered_on="2007-05", lot="X1").as_handed_in == {
        "administered_on": "2007-05-01",
        "lot": "",
    }
    dose.refresh_from_db()
    assert (dose.precision, dose.lot) == ("month", "X1")
    assert correct(administered_on="2007-06-01").as_handed_in == {"administered_on": "2007-05-01", "lot": ""}
    assert correct(administered_on="2007-05-01", lot="").as_handed_in is None
    with pytest.raises(PieceError) as error:
        correct(administered_on="2031-01-01")
    assert error.value.problems[0].field == "administered_on"
    with pytest.raises(CaseError):
        correct(state="approved")


def test_what_a_reviewer_reads_off_a_page_is_a_piece_that_only_a_reviewer_takes_away(desk):
    case = desk.claimed()
    values = {key: value for key, value in FIRST.items() if key not in ("id", "kind")}
    added = cases.add_piece(
        submission_id=case.id, kind="dose", values=values, by=NURSE, now=LATER, today=TODAY
    )
    shown = the_case(case.id, TODAY, by=str(NURSE), now=LATER)
    assert {(piece.title, piece.added_by_reviewer, piece.unread_pages) for piece in shown.pieces} == {
        ("M-M-R II", True, False), ("Pages for MMR", False, True),
    }  # fmt: skip
    pages = case.document_set.get()
    remove = {"submission_id": case.id, "by": NURSE, "now": LATER, "today": TODAY}
    with pytest.raises(CaseError):
        cases.remove_piece(kind="document", id=pages.id, **remove)
    cases.remove_piece(kind="dose", id=added.id, **remove)
    assert case.dose_set.count() == 0
    with pytest.raises(CaseError):
        cases.add_piece(submission_id=case.id, kind="exemption", values={}, by=NURSE, now=LATER, today=TODAY)


def test_a_split_makes_a_case_of_its_own_at_the_same_place(desk):
    case = desk.claimed(FIRST, pages=3)
    pages = list(case.page_set.order_by("number"))
    for chosen in ([], pages):
        with pytest.raises(CaseError):
            cases.split(
                submission_id=case.id,
                page_ids=[page.id for page in chosen],
                requirement_key="mmr",
                by=NURSE,
                now=LATER,
            )
    other = cases.split(
        submission_id=case.id, page_ids=[pages[2].id], requirement_key="physical_exam", by=NURSE, now=LATER
    )
    assert (other.state, other.queued_at, other.requirement_keys) == ("waiting", NOW, ["physical_exam"])
    assert (case.page_set.count(), other.page_set.count()) == (2, 1)
    shown = the_case(claiming.claim(submission_id=other.id, by=NURSE, now=LATER).id, TODAY, now=LATER)
    assert [piece.title for piece in shown.pieces] == ["Pages for Physical exam"]
    desk.decide(other, "document")


def test_pace_and_ages(desk):
    desk.decide(desk.claimed(FIRST, SECOND), seconds=10)
    desk.decide(desk.claimed(PAPER, username="ben@x.edu"), "document", seconds=20)
    desk.undo(desk.decide(desk.claimed(PAPER), seconds=99).submission)
    own = pace.mine(str(NURSE), LATER)
    assert (own.today, own.week, own.median_seconds, own.returned_week) == (2, 2, 15, 1)
    assert [(one.by, one.week) for one in pace.team(LATER)] == [(str(NURSE), 2)]
    assert pace.mine(str(OTHER), LATER).median_seconds is None
    ages = pace.ages(LATER + timedelta(days=2), today=TODAY)
    assert (ages.waiting, ages.oldest_at) == (1, NOW)
    assert {bucket.code: bucket.count for bucket in ages.by_age} == {
        "day": 0,
        "three_days": 1,
        "week": 0,
        "older": 0,
    }
    assert sum(bucket.count for bucket in ages.by_due) == 1
