"""Several people at once, each with a connection of their own: one of them wins, the other gets a sentence."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection

from pratique.foundation.audit import Actor
from pratique.foundation.tenancy import institution_scope
from pratique.records.models import Dose, Submission
from pratique.reviews.actions import claiming
from pratique.reviews.errors import ReviewError
from pratique.reviews.models import Review
from tests.integration.reviews.situations import (
    ANA,
    BEN,
    FIRST,
    LATER,
    NURSE,
    OTHER,
    SECOND,
    a_desk,
)  # fmt: skip
from tests.integration.reviews.test_deciding import approve_many
from tests.schools import NOW

pytestmark = pytest.mark.usefixtures("committed")


def at_once(desk, *deeds):
    """Do all of this at the same instant, each in a transaction of its own; return what each gave or raised."""
    together = Barrier(len(deeds))

    def run(deed):
        try:
            with institution_scope(desk.institution.id):
                together.wait(20)
                return deed()
        except ReviewError as error:
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(deeds)) as pool:
        return list(pool.map(run, deeds))


def refused(results):
    return [type(one).__name__ for one in results if isinstance(one, ReviewError)]


def test_five_reviewers_take_two_hundred_cases_and_none_twice():
    rows = [f"s{n}@x.edu,{n:05},Name,S{n},,05/06/2005,Nursing,Fall 2026,1" for n in range(10)]
    desk = a_desk(rows=(ANA, BEN, *rows))
    with desk.scope():
        student = desk.student("s1@x.edu")
        Submission.objects.bulk_create(
            Submission(
                institution=desk.institution, student=student, number=f"N{n}", state="waiting", started_at=NOW,
                started_by="x", changed_at=NOW, sent_at=NOW, sent_by="x", queued_at=NOW + timedelta(seconds=n),
            )
            for n in range(200)
        )  # fmt: skip

    def work(name):
        me, taken, last = Actor("staff", name), [], None
        try:
            while True:
                with institution_scope(desk.institution.id):
                    got = claiming.claim_next(institution=desk.institution, by=me, now=LATER, after=last)
                if got is None or got.id in taken:
                    return taken
                taken.append(got.id)
                last = got.id
        finally:
            connection.close()

    with ThreadPoolExecutor(5) as pool:
        taken = [key for keys in pool.map(work, "abcde") for key in keys]
    assert len(taken) == len(set(taken)) == 200


def test_two_tabs_send_at_once():
    desk = a_desk()
    with desk.scope():
        draft = desk.draft(FIRST, SECOND)
    one, two = at_once(desk, lambda: desk.send(draft), lambda: desk.send(draft, now=LATER))
    assert (one.number, one.sent_at) == (two.number, two.sent_at)
    with desk.scope():
        assert Dose.objects.count() == 2


def test_two_tabs_of_one_reviewer_decide_at_once():
    desk = a_desk()
    with desk.scope():
        case = desk.claimed(FIRST)
    results = at_once(desk, lambda: desk.decide(case), lambda: desk.decide(case, "dose"))
    assert refused(results) == ["AlreadyDecidedError"]
    with desk.scope():
        assert Review.objects.count() == 1


def test_an_approval_and_the_students_withdrawal_at_once():
    desk = a_desk()
    with desk.scope():
        case = desk.sent(FIRST, SECOND)
    results = at_once(desk, lambda: approve_many(desk, case), lambda: desk.withdraw(case))
    with desk.scope():
        case.refresh_from_db()
        if case.state == "withdrawn":
            assert results[0].approved == []
            assert "taken this back" in results[0].skipped[0][1]
            assert (Dose.objects.count(), Review.objects.count()) == (0, 0)
        else:
            assert refused(results) == ["AlreadyDecidedError"]
            assert set(Dose.objects.values_list("state", flat=True)) == {"approved"}


def test_opening_and_the_students_withdrawal_at_once():
    desk = a_desk()
    with desk.scope():
        case = desk.sent(FIRST)
    results = at_once(
        desk, lambda: claiming.claim(submission_id=case.id, by=NURSE, now=LATER), lambda: desk.withdraw(case)
    )
    assert refused(results) in (["TakenBackError"], ["BegunError"])


def test_a_decision_and_a_colleagues_take_over_when_the_claim_ran_out_at_once():
    desk = a_desk()
    with desk.scope():
        case = desk.claimed(FIRST)
    over = LATER + timedelta(minutes=6)
    results = at_once(
        desk,
        lambda: desk.decide(case, now=over),
        lambda: claiming.claim(submission_id=case.id, by=OTHER, now=over),
    )
    assert refused(results) in (["AlreadyDecidedError"], ["ClaimedByOtherError"])
    with desk.scope():
        case.refresh_from_db()
        decided = case.state == "decided"
        assert (Review.objects.count(), case.claimed_by) == ((1, "") if decided else (0, str(OTHER)))


def test_undo_and_a_colleagues_approval_in_bulk_at_once():
    desk = a_desk()
    with desk.scope():
        case = desk.claimed(FIRST, SECOND)
        desk.decide(case)
    at_once(desk, lambda: desk.undo(case), lambda: approve_many(desk, case, by=OTHER))
    with desk.scope():
        case.refresh_from_db()
        # Either way the case comes back to the one who undid, and is never decided twice.
        assert (case.state, case.claimed_by) == ("waiting", str(NURSE))
        assert Review.objects.filter(undone_at__isnull=True).count() == 0


def test_two_approve_overlapping_cases_in_bulk_at_once():
    desk = a_desk()
    with desk.scope():
        mine = [desk.sent(FIRST, SECOND, username=name) for name in ("ana@x.edu", "ben@x.edu")]
    results = at_once(
        desk, lambda: approve_many(desk, *mine, by=NURSE), lambda: approve_many(desk, *mine[::-1], by=OTHER)
    )
    assert sorted(len(one.approved) for one in results) == [0, 2]
    with desk.scope():
        assert Review.objects.count() == 4
