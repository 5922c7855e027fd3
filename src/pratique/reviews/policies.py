"""What the state of a case allows: the stages, the deeds, and one table of all pairs. PURE.

Who may review at all is a permission (`accounts.roles`); the routes demand it. Here only the case speaks: where it
is, seen by the person who acts, and what follows. docs/reference/review.md shows the same table.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from pratique.records.models import Submission, SubmissionState
from pratique.reviews import errors
from pratique.reviews.errors import ReviewError

CLAIM_MINUTES = 5
CLAIM = timedelta(minutes=CLAIM_MINUTES)
UNDO_SECONDS = 10
UNDO = timedelta(seconds=UNDO_SECONDS)
# A notice leaves when the decision can no longer be taken back.
NOTICE_AFTER = UNDO + timedelta(seconds=1)

# Typed evidence that is believed in bulk only where a page shows it.
NEEDS_PAGE = frozenset({"dose", "titer", "document"})
# What a person always reads: an exemption is a matter of judgement.
NEVER_IN_BULK = frozenset({"exemption"})
MOST_IN_BULK = 100


class Stage(StrEnum):
    """Where a case is, as the person who acts sees it."""

    DRAFT = "draft"
    SIGNING = "signing"  # sent, but other signatures are missing
    WAITING = "waiting"  # in the queue, nobody has looked yet
    BEGUN = "begun"  # somebody has looked, and nobody has it now
    MINE = "mine"  # claimed by the one who acts
    TAKEN = "taken"  # claimed by somebody else, and that has not run out
    HANDED = "handed"  # handed to somebody else
    ASKED = "asked"  # the one who acts asked for another's opinion
    UNDOABLE = "undoable"  # decided a moment ago by the one who acts
    DECIDED = "decided"
    WITHDRAWN = "withdrawn"


class Deed(StrEnum):
    """What somebody may try."""

    SEND = "send"
    COMPLETE_SIGNATURES = "complete_signatures"
    WITHDRAW = "withdraw"
    REOPEN = "reopen"
    CLAIM = "claim"
    TAKE_OVER = "take_over"
    RENEW = "renew"
    RELEASE = "release"
    DECIDE = "decide"
    APPROVE_MANY = "approve_many"
    UNDO = "undo"
    CORRECT = "correct"
    ADD_PIECE = "add_piece"
    REMOVE_PIECE = "remove_piece"
    SPLIT = "split"
    HAND_OVER = "hand_over"
    ASK_SECOND_OPINION = "ask_second_opinion"


class Who(StrEnum):
    """Whose deed it is."""

    STUDENT = "student"  # or a guardian who may
    REVIEWER = "reviewer"
    ADMINISTRATOR = "administrator"


class Way(NamedTuple):
    """What a deed leads to, as the one who did it sees the case, and the audit row that it leaves ("": none)."""

    to: Stage
    event: str


class Refusal(NamedTuple):
    """Why a deed is not possible in a stage."""

    code: str
    sentence: str | Promise
    error: type[ReviewError]


WHO: Mapping[Deed, Who] = {
    Deed.SEND: Who.STUDENT,
    Deed.COMPLETE_SIGNATURES: Who.STUDENT,
    Deed.WITHDRAW: Who.STUDENT,
    Deed.REOPEN: Who.STUDENT,
    Deed.CLAIM: Who.REVIEWER,
    Deed.TAKE_OVER: Who.ADMINISTRATOR,
    Deed.RENEW: Who.REVIEWER,
    Deed.RELEASE: Who.REVIEWER,
    Deed.DECIDE: Who.REVIEWER,
    Deed.APPROVE_MANY: Who.REVIEWER,
    Deed.UNDO: Who.REVIEWER,
    Deed.CORRECT: Who.REVIEWER,
    Deed.ADD_PIECE: Who.REVIEWER,
    Deed.REMOVE_PIECE: Who.REVIEWER,
    Deed.SPLIT: Who.REVIEWER,
    Deed.HAND_OVER: Who.REVIEWER,
    Deed.ASK_SECOND_OPINION: Who.REVIEWER,
}

_TAKEN_BACK = Refusal(
    "taken_back",
    _("The student has taken this back. There is nothing left to do here."),
    errors.TakenBackError,
)
_NOT_SENT = Refusal("not_sent", _("The student has not sent this yet."), errors.TakenBackError)
_SIGNATURES = Refusal(
    "signatures", _("This waits for another person’s signature first."), errors.NotClaimedError
)
_DECIDED = Refusal("decided", _("This was decided already."), errors.AlreadyDecidedError)
_NOT_OPEN = Refusal("not_open", _("Open this case first, then work on it."), errors.NotClaimedError)
_OTHERS = Refusal("claimed", _("A colleague is working on this case."), errors.ClaimedByOtherError)
_HANDED = Refusal("handed", _("This case was handed to a colleague."), errors.NotForYouError)
_ASKED = Refusal(
    "asked", _("You asked for another person’s opinion on this case, so somebody else decides it."),
    errors.NotForYouError,
)  # fmt: skip
_BEGUN = Refusal(
    "begun", _("A reviewer has begun to look at this. Write a message if something in it is wrong."),
    errors.BegunError,
)  # fmt: skip
_STUDENT_DECIDED = Refusal(
    "decided", _("A reviewer has decided on this. Hand in what is missing as a new one."),
    errors.AlreadyDecidedError,
)  # fmt: skip
_STUDENT_DRAFT = Refusal("draft", _("This was not sent yet."), errors.TakenBackError)
_STUDENT_WITHDRAWN = Refusal("withdrawn", _("This was taken back. Start a new one."), errors.TakenBackError)
_NOT_SIGNING = Refusal("not_signing", _("No signature is missing here."), errors.ReviewError)
_TOO_LATE = Refusal(
    "too_late", _("This decision can no longer be taken back. If it was wrong, write to the student."),
    errors.UndoTooLateError,
)  # fmt: skip
_NOTHING_TO_UNDO = Refusal(
    "nothing_to_undo", _("There is no decision to take back."), errors.UndoTooLateError
)

_WORK = {
    Deed.DECIDE: Way(Stage.UNDOABLE, "reviews:case:decided"),
    Deed.RENEW: Way(Stage.MINE, ""),
    Deed.RELEASE: Way(Stage.BEGUN, "reviews:case:released"),
    Deed.CORRECT: Way(Stage.MINE, "reviews:piece:corrected"),
    Deed.ADD_PIECE: Way(Stage.MINE, "reviews:piece:added"),
    Deed.REMOVE_PIECE: Way(Stage.MINE, "reviews:piece:removed"),
    Deed.SPLIT: Way(Stage.MINE, "reviews:case:split"),
    Deed.HAND_OVER: Way(Stage.HANDED, "reviews:case:handed_over"),
    Deed.ASK_SECOND_OPINION: Way(Stage.ASKED, "reviews:case:second_opinion_asked"),
}
_BULK = {Deed.APPROVE_MANY: Way(Stage.UNDOABLE, "reviews:case:decided")}
_CLAIM = {
    Deed.CLAIM: Way(Stage.MINE, "reviews:case:claimed"),
    Deed.TAKE_OVER: Way(Stage.MINE, "reviews:case:claimed"),
}
_TAKE_OVER = {Deed.TAKE_OVER: Way(Stage.MINE, "reviews:case:taken_over")}
_BACK = {
    Deed.WITHDRAW: Way(Stage.WITHDRAWN, "records:submission:withdrawn"),
    Deed.REOPEN: Way(Stage.DRAFT, "records:submission:reopened"),
}

# In each stage, what is possible; everything else is refused with the sentence that stands beside it.
_STAGES: Mapping[Stage, tuple[Mapping[Deed, Way], Mapping[Who, Refusal]]] = {
    Stage.DRAFT: (
        {Deed.SEND: Way(Stage.WAITING, "records:submission:sent")},
        {Who.STUDENT: _STUDENT_DRAFT, Who.REVIEWER: _NOT_SENT},
    ),
    Stage.SIGNING: (
        {
            Deed.COMPLETE_SIGNATURES: Way(Stage.WAITING, "records:submission:signed"),
            **_BACK,
        },
        {Who.STUDENT: _NOT_SIGNING, Who.REVIEWER: _SIGNATURES},
    ),
    Stage.WAITING: (
        {**_BACK, **_CLAIM, **_BULK},
        {Who.STUDENT: _NOT_SIGNING, Who.REVIEWER: _NOT_OPEN},
    ),
    Stage.BEGUN: (
        {**_CLAIM, **_BULK},
        {Who.STUDENT: _BEGUN, Who.REVIEWER: _NOT_OPEN},
    ),
    Stage.MINE: (
        {**_CLAIM, **_BULK, **_WORK},
        {Who.STUDENT: _BEGUN, Who.REVIEWER: _OTHERS},
    ),
    Stage.TAKEN: (
        {**_TAKE_OVER},
        {Who.STUDENT: _BEGUN, Who.REVIEWER: _OTHERS},
    ),
    Stage.HANDED: (
        {**_TAKE_OVER},
        {Who.STUDENT: _BEGUN, Who.REVIEWER: _HANDED},
    ),
    Stage.ASKED: (
        {},
        {Who.STUDENT: _BEGUN, Who.REVIEWER: _ASKED},
    ),
    Stage.UNDOABLE: (
        {Deed.UNDO: Way(Stage.MINE, "reviews:case:undone")},
        {Who.STUDENT: _STUDENT_DECIDED, Who.REVIEWER: _DECIDED},
    ),
    Stage.DECIDED: (
        {},
        {Who.STUDENT: _STUDENT_DECIDED, Who.REVIEWER: _DECIDED},
    ),
    Stage.WITHDRAWN: (
        {},
        {Who.STUDENT: _STUDENT_WITHDRAWN, Who.REVIEWER: _TAKEN_BACK},
    ),
}  # fmt: skip


def _refusal(stage: Stage, deed: Deed, refusals: Mapping[Who, Refusal]) -> Refusal:
    if deed is Deed.UNDO:
        return _TOO_LATE if stage is Stage.DECIDED else _NOTHING_TO_UNDO
    who = Who.STUDENT if WHO[deed] is Who.STUDENT else Who.REVIEWER
    return refusals[who]


def _sent_again(stage: Stage, deed: Deed) -> Way | None:
    """A second tab sends what was sent: nothing happens, and that is fine."""
    sent = stage not in (Stage.DRAFT, Stage.WITHDRAWN)
    return Way(stage, "") if deed is Deed.SEND and sent else None


# Every deed in every stage: where it leads, or why not.
TABLE: Mapping[tuple[Stage, Deed], Way | Refusal] = {
    (stage, deed): _sent_again(stage, deed) or possible.get(deed) or _refusal(stage, deed, refusals)
    for stage, (possible, refusals) in _STAGES.items()
    for deed in Deed
}


def stage_of(submission: Submission, by: str, now: datetime) -> Stage:
    """Return where a case is, seen by `by` (an actor as text). The first line that fits wins."""
    decided_at, until = submission.decided_at, submission.claimed_until
    match submission.state:
        case SubmissionState.DRAFT:
            return Stage.DRAFT
        case SubmissionState.WITHDRAWN:
            return Stage.WITHDRAWN
        case SubmissionState.DECIDED:
            own = submission.decided_by == by
            fresh = decided_at is not None and now <= decided_at + UNDO
            return Stage.UNDOABLE if own and fresh else Stage.DECIDED
    if submission.queued_at is None:
        return Stage.SIGNING
    if submission.claimed_by == by:
        # Even where the time has run out: as long as nobody else took it, the work goes on.
        return Stage.MINE
    if submission.claimed_by and until is not None and until > now:
        return Stage.TAKEN
    if submission.second_opinion_of == by:
        return Stage.ASKED
    if submission.handed_to not in ("", by):
        return Stage.HANDED
    return Stage.WAITING if submission.opened_at is None else Stage.BEGUN


def way_of(submission: Submission, deed: Deed, *, by: str, now: datetime) -> Way:
    """Return where `deed` leads; raises the refusal's error, with its sentence, where it is not possible."""
    found = TABLE[stage_of(submission, by, now), deed]
    if isinstance(found, Way):
        return found
    sentence = str(found.sentence)
    if found.error is errors.ClaimedByOtherError:
        raise errors.ClaimedByOtherError(
            sentence, found.code, key=submission.claimed_by, until=submission.claimed_until
        )
    raise found.error(sentence, found.code)


def refusal_of(submission: Submission, deed: Deed, *, by: str, now: datetime) -> Refusal | None:
    """Return why `deed` is not possible, or None where it is: the pair of `way_of` that does not raise."""
    found = TABLE[stage_of(submission, by, now), deed]
    return found if isinstance(found, Refusal) else None


# --- what may be approved without opening it ----------------------------------------------------------------


class BulkFacts(NamedTuple):
    """All that decides whether a case may be approved in bulk."""

    possible: bool  # by the table above, for the one who asks
    kinds: frozenset[str]
    all_pending: bool
    complete: bool  # nothing left open in what was typed
    unread_pages: bool
    pages: int
    files_unready: bool
    active_content: bool
    duplicates: bool
    second_opinion: bool
    handed_over: bool
    staff_note: bool
    student_note: bool
    unread_message: bool
    all_approved: bool  # by the machine, were every piece approved


# The first line that fits is what the reviewer reads.
_UNSAFE: tuple[tuple[str, str | Promise], ...] = (
    ("not_possible", _("A colleague has this case, or it is not waiting any more.")),
    ("nothing", _("There is nothing to approve in this case.")),
    ("second_opinion", _("A second opinion was asked for.")),
    ("staff_note", _("A colleague left a note.")),
    ("student_note", _("The student wrote something that has to be read.")),
    ("not_pending", _("Part of this was decided before.")),
    ("unread_pages", _("Nobody has read yet what is on the pages.")),
    ("judgement", _("It holds an exemption, which a person has to read.")),
    ("incomplete", _("Something is missing in what was typed.")),
    ("no_page", _("There is no page that shows what was typed.")),
    ("files", _("A file is still being checked, or was refused.")),
    ("active_content", _("A file holds active content: look at it first.")),
    ("duplicates", _("A page was seen before with another submission.")),
    ("not_approved", _("Approving this would leave a requirement unmet.")),
)
UNSAFE: Mapping[str, str | Promise] = dict(_UNSAFE)


def unsafe(facts: BulkFacts) -> str:
    """Return the code of the first thing that keeps a case from being approved in bulk; empty if nothing does."""
    found = {
        "not_possible": not facts.possible or facts.handed_over,
        "nothing": not facts.kinds,
        "second_opinion": facts.second_opinion,
        "staff_note": facts.staff_note,
        "student_note": facts.student_note or facts.unread_message,
        "not_pending": not facts.all_pending,
        "unread_pages": facts.unread_pages,
        "judgement": bool(facts.kinds & NEVER_IN_BULK),
        "incomplete": not facts.complete,
        "no_page": bool(facts.kinds & NEEDS_PAGE) and facts.pages == 0,
        "files": facts.files_unready,
        "active_content": facts.active_content,
        "duplicates": facts.duplicates,
        "not_approved": not facts.all_approved,
    }
    return next((code for code, _sentence in _UNSAFE if found[code]), "")
