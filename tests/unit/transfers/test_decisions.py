"""What becomes of a complete upload: the truth table of `decide_claim`."""

from itertools import product

import pytest

from pratique.transfers.decisions import AccountNow, Content, Decision, LastFile, decide_claim
from pratique.transfers.models import InboundState as S

A, B = "a" * 64, "b" * 64
OPEN, SUSPENDED, CLOSED = AccountNow(), AccountNow(suspended=True), AccountNow(closed=True)
IGNORING = AccountNow(ignores_repeated=True)
BOTH = AccountNow(suspended=True, ignores_repeated=True)
FILE, UNANSWERED = Content(10, A), Content(10, A, unanswered=True)
EMPTY, HUGE, DAMAGED = Content(0, B), Content(10, A, too_large=True), Content(10, "", damaged=True)
LAST_OTHER, LAST_SAME, LAST_UNHEARD = LastFile(B, False), LastFile(A, False), LastFile(A, True)

CLAIMED = Decision(S.CLAIMED, becomes_last=True)
REPEATED = Decision(S.REPEATED, "same_as_last", suspends=True)
REPEATED_AGAIN = Decision(S.REPEATED, "same_as_last")
RETRY = Decision(S.IGNORED, "retry", retry_is_over=True)
RETRY_GOES_ON = Decision(S.IGNORED, "retry")
IGNORED = Decision(S.IGNORED, "same_as_last")
LEFT = Decision(S.WAITING, "account_suspended")
LEFT_CLOSED = Decision(S.WAITING, "account_closed")
TOO_LARGE = Decision(S.FAILED, "too_large", becomes_last=True)
NOTHING = Decision(S.FAILED, "empty")
BROKEN = Decision(S.FAILED, "damaged")


@pytest.mark.parametrize(
    ("content", "account", "last", "decision"),
    [
        pytest.param(FILE, OPEN, None, CLAIMED, id="the first file is claimed"),
        pytest.param(FILE, OPEN, LAST_OTHER, CLAIMED, id="another file is claimed"),
        pytest.param(FILE, OPEN, LAST_SAME, REPEATED, id="the same file suspends"),
        pytest.param(FILE, IGNORING, LAST_SAME, IGNORED, id="the same file is ignored where a school chose so"),
        pytest.param(FILE, IGNORING, LAST_OTHER, CLAIMED, id="who ignores repeated files still gets others"),
        pytest.param(FILE, OPEN, LAST_UNHEARD, RETRY, id="a retry after an answer that got lost is ignored"),
        pytest.param(UNANSWERED, OPEN, LAST_UNHEARD, RETRY_GOES_ON, id="a retry may itself be retried"),
        pytest.param(UNANSWERED, OPEN, LAST_SAME, REPEATED, id="only the last file's answer tells a retry"),
        pytest.param(FILE, IGNORING, LAST_UNHEARD, RETRY, id="a retry is a retry whatever the school chose"),
        pytest.param(FILE, SUSPENDED, LAST_OTHER, LEFT, id="while suspended another file waits"),
        pytest.param(FILE, SUSPENDED, None, LEFT, id="while suspended the first file waits"),
        pytest.param(FILE, SUSPENDED, LAST_SAME, REPEATED_AGAIN, id="suspended once is enough"),
        pytest.param(FILE, BOTH, LAST_SAME, IGNORED, id="suspended or not the school’s choice holds"),
        pytest.param(FILE, SUSPENDED, LAST_UNHEARD, RETRY, id="while suspended a retry is ignored"),
        pytest.param(FILE, CLOSED, LAST_OTHER, LEFT_CLOSED, id="a closed account takes nothing"),
        pytest.param(FILE, CLOSED, LAST_SAME, LEFT_CLOSED, id="a closed account judges nothing"),
        pytest.param(EMPTY, OPEN, LAST_OTHER, NOTHING, id="an empty file fails and is not the last one"),
        pytest.param(EMPTY, OPEN, LastFile(B, True), NOTHING, id="an empty file is nobody's retry"),
        pytest.param(EMPTY, SUSPENDED, LAST_OTHER, LEFT, id="while suspended an empty file waits"),
        pytest.param(HUGE, OPEN, LAST_OTHER, TOO_LARGE, id="a file too large for a roster fails and is the last one"),
        pytest.param(HUGE, OPEN, LAST_SAME, REPEATED, id="the same file too large suspends"),
        pytest.param(DAMAGED, OPEN, LAST_OTHER, BROKEN, id="a damaged file fails and is not the last one"),
        pytest.param(DAMAGED, OPEN, LastFile("", False), BROKEN, id="two damaged files are not the same file"),
    ],
)  # fmt: skip
def test_what_becomes_of_an_upload(content, account, last, decision):
    assert decide_claim(content, account, last) == decision


EVERY = list(
    product(
        (FILE, UNANSWERED, EMPTY, HUGE, DAMAGED),
        (OPEN, SUSPENDED, CLOSED, IGNORING, BOTH),
        (None, LAST_OTHER, LAST_SAME, LAST_UNHEARD),
    )
)


def test_nothing_but_the_same_bytes_as_the_last_answered_file_suspends():
    for content, account, last in EVERY:
        decision = decide_claim(content, account, last)
        assert decision.suspends == (
            not account.suspended
            and not account.closed
            and not account.ignores_repeated
            and last == LAST_SAME
            and content.sha256 == A
        )


def test_what_is_left_changes_nothing_and_only_what_is_kept_out_is_left():
    for content, account, last in EVERY:
        decision = decide_claim(content, account, last)
        if decision.is_left:
            assert account.suspended or account.closed
            assert decision == Decision(S.WAITING, decision.reason)
