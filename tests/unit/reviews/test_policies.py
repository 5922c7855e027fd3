"""The table of stages and deeds is whole, and each line of it says what it should."""

from datetime import UTC, datetime, timedelta

import pytest

from pratique.records.models import Submission
from pratique.reviews import errors
from pratique.reviews.policies import (
    TABLE,
    UNDO,
    UNSAFE,
    WHO,
    BulkFacts,
    Deed,
    Refusal,
    Stage,
    Way,
    Who,
    refusal_of,
    stage_of,
    unsafe,
    way_of,
)

NOW = datetime(2026, 8, 3, 15, tzinfo=UTC)
SOON, BEFORE = NOW + timedelta(minutes=1), NOW - timedelta(minutes=1)


def test_every_deed_in_every_stage_leads_somewhere_or_says_why_not():
    assert set(TABLE) == {(stage, deed) for stage in Stage for deed in Deed}
    assert set(WHO) == set(Deed)
    for (stage, deed), found in TABLE.items():
        if isinstance(found, Way):
            assert found.to in Stage
            assert not found.event or found.event.count(":") == 2, (stage, deed)
        else:
            assert found.code
            assert str(found.sentence).endswith((".", "?")), (stage, deed)
            assert issubclass(found.error, errors.ReviewError)


def test_every_stage_can_be_reached_and_every_deed_is_possible_somewhere():
    # What a colleague does puts a case where one sees it as taken; time makes what was decided final.
    reached = {found.to for found in TABLE.values() if isinstance(found, Way)}
    assert reached | {Stage.TAKEN, Stage.DECIDED} == set(Stage)
    assert {deed for (_, deed), found in TABLE.items() if isinstance(found, Way)} == set(Deed)


def test_a_student_never_takes_back_what_a_reviewer_has_looked_at():
    possible = {stage for stage in Stage if isinstance(TABLE[stage, Deed.WITHDRAW], Way)}
    assert possible == {Stage.SIGNING, Stage.WAITING}
    assert {stage for stage in Stage if isinstance(TABLE[stage, Deed.REOPEN], Way)} == possible


def test_only_who_has_a_case_decides_or_changes_it():
    work = (Deed.DECIDE, Deed.CORRECT, Deed.ADD_PIECE, Deed.REMOVE_PIECE, Deed.SPLIT, Deed.HAND_OVER,
            Deed.ASK_SECOND_OPINION, Deed.RENEW, Deed.RELEASE)  # fmt: skip
    for deed in work:
        assert {stage for stage in Stage if isinstance(TABLE[stage, deed], Way)} == {Stage.MINE}, deed
        assert WHO[deed] is Who.REVIEWER


SENT = {"state": "waiting", "sent_at": NOW, "queued_at": NOW}
CLAIMED = {**SENT, "opened_at": NOW, "claimed_by": "staff:me", "claimed_until": SOON}


@pytest.mark.parametrize(
    ("fields", "stage"),
    [
        pytest.param({"state": "draft"}, Stage.DRAFT, id="not sent"),
        pytest.param({**SENT, "queued_at": None}, Stage.SIGNING, id="a signature is missing"),
        pytest.param(SENT, Stage.WAITING, id="nobody has looked"),
        pytest.param({**SENT, "opened_at": NOW}, Stage.BEGUN, id="looked at and given back"),
        pytest.param(CLAIMED, Stage.MINE, id="claimed by me"),
        pytest.param({**CLAIMED, "claimed_until": BEFORE}, Stage.MINE, id="my claim ran out and nobody came"),
        pytest.param({**CLAIMED, "claimed_by": "staff:x"}, Stage.TAKEN, id="claimed by a colleague"),
        pytest.param(
            {**CLAIMED, "claimed_by": "staff:x", "claimed_until": NOW}, Stage.BEGUN, id="a colleague's claim ran out"
        ),
        pytest.param({**SENT, "handed_to": "staff:x", "opened_at": NOW}, Stage.HANDED, id="handed to a colleague"),
        pytest.param({**SENT, "handed_to": "staff:me", "opened_at": NOW}, Stage.BEGUN, id="handed to me"),
        pytest.param(
            {**CLAIMED, "handed_to": "staff:me", "claimed_by": "staff:x"}, Stage.TAKEN, id="handed to me, taken over"
        ),
        pytest.param({**SENT, "second_opinion_of": "staff:me", "opened_at": NOW}, Stage.ASKED, id="I asked"),
        pytest.param({**SENT, "second_opinion_of": "staff:x", "opened_at": NOW}, Stage.BEGUN, id="another asked"),
        pytest.param(
            {**SENT, "state": "decided", "decided_at": NOW - UNDO, "decided_by": "staff:me"}, Stage.UNDOABLE,
            id="decided ten seconds ago",
        ),
        pytest.param(
            {**SENT, "state": "decided", "decided_at": NOW, "decided_by": "staff:x"}, Stage.DECIDED,
            id="decided by a colleague",
        ),
        pytest.param({"state": "withdrawn"}, Stage.WITHDRAWN, id="taken back"),
    ],
)  # fmt: skip
def test_the_stage_as_one_sees_it(fields, stage):
    assert stage_of(Submission(**fields), "staff:me", NOW) is stage


def test_a_refusal_and_the_error_come_from_the_same_line():
    case = Submission(**{**CLAIMED, "claimed_by": "staff:x"})
    refusal = refusal_of(case, Deed.DECIDE, by="staff:me", now=NOW)
    with pytest.raises(errors.ClaimedByOtherError) as error:
        way_of(case, Deed.DECIDE, by="staff:me", now=NOW)
    assert (error.value.code, error.value.sentence) == (refusal.code, str(refusal.sentence))
    assert (error.value.key, error.value.until) == ("staff:x", SOON)
    assert isinstance(refusal, Refusal)


SAFE = BulkFacts(
    possible=True, kinds=frozenset({"dose"}), all_pending=True, complete=True, unread_pages=False, pages=1,
    files_unready=False, active_content=False, duplicates=False, second_opinion=False, handed_over=False,
    staff_note=False, student_note=False, unread_message=False, all_approved=True,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({}, ""),
        ({"kinds": frozenset({"form"}), "pages": 0}, ""),
        ({"possible": False}, "not_possible"),
        ({"handed_over": True}, "not_possible"),
        ({"kinds": frozenset()}, "nothing"),
        ({"second_opinion": True}, "second_opinion"),
        ({"staff_note": True}, "staff_note"),
        ({"student_note": True}, "student_note"),
        ({"unread_message": True}, "student_note"),
        ({"all_pending": False}, "not_pending"),
        ({"unread_pages": True}, "unread_pages"),
        ({"kinds": frozenset({"dose", "exemption"})}, "judgement"),
        ({"complete": False}, "incomplete"),
        ({"pages": 0}, "no_page"),
        ({"files_unready": True}, "files"),
        ({"active_content": True}, "active_content"),
        ({"duplicates": True}, "duplicates"),
        ({"all_approved": False}, "not_approved"),
    ],
    ids=[
        "safe", "form without page", "not possible", "handed over", "no pieces", "second opinion",
        "staff note", "student note", "unread message", "decided in part", "unread pages",
        "an exemption", "incomplete", "no page", "files not ready", "active content", "seen before",
        "not approved",
    ],
)  # fmt: skip
def test_what_may_be_approved_in_bulk(change, code):
    assert unsafe(SAFE._replace(**change)) == code
    assert not code or str(UNSAFE[code]).endswith(".")


def test_every_sentence_about_bulk_approval_can_be_met():
    assert len(UNSAFE) == 14
