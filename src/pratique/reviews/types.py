"""What the review stage hands to screens, and what it is asked: plain data. `models` are rows, `policies` laws."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, NamedTuple
from uuid import UUID

from pratique.records.models import Submission


@dataclass(frozen=True)
class Reason:
    """A reason to return evidence. `place` is the key that a reviewer presses; `wording` what the student reads."""

    code: str
    name: str
    place: int | None
    wording: Mapping[str, str]
    built_in: bool = True
    retired: bool = False


class PieceDecision(NamedTuple):
    """What a reviewer decides on one piece. A return names a reason of the library; the text is added to it."""

    kind: str
    id: UUID
    approve: bool
    reason_code: str = ""
    reason_text: str = ""


class Decided(NamedTuple):
    """A case that was decided, and until when the same reviewer may take that back."""

    submission: Submission
    undo_until: datetime


class ApprovedMany(NamedTuple):
    """What became of an approval in bulk: ids that were approved, and the others with the reason in a sentence."""

    approved: list[UUID]
    skipped: list[tuple[UUID, str]]


class Estimate(NamedTuple):
    """How long it takes until a case is looked at: `unit` is "hours" (of a working day) or "days" (working days)."""

    unit: str
    low: int
    high: int

    @property
    def low_days(self) -> int:
        """The estimate in whole working days, at least one."""
        return self.low if self.unit == "days" else 1

    @property
    def high_days(self) -> int:
        """The estimate in whole working days, at least one."""
        return self.high if self.unit == "days" else 1


class Place(NamedTuple):
    """The place in the queue: how many come before, and an estimate, or None where too little was measured."""

    ahead: int
    estimate: Estimate | None


# --- one case ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class StudentLine:
    """Who the case is about, in one line."""

    id: UUID
    name: str
    student_id: str
    username: str
    date_of_birth: date | None
    group: str
    tracker: str
    due_on: date | None


@dataclass(frozen=True)
class Aimed:
    """A requirement that the student had in mind, and how it stands now (empty where it does not apply)."""

    key: str
    name: str
    status: str = ""


@dataclass(frozen=True)
class Verdict:
    """What the machine says of a piece for one requirement, were all pieces of the case approved.

    `is_now` is the standing without that. `counts` is for doses: whether it counts; None where the rule did not need
    to look at it, and for other kinds.
    """

    requirement_key: str
    name: str
    would_be: str
    is_now: str
    counts: bool | None
    sentences: Sequence[str]


@dataclass(frozen=True)
class CasePiece:
    """A piece of evidence in a case. `values` are named as a draft's; `as_handed_in` holds what was corrected."""

    kind: str
    id: UUID
    title: str
    values: Mapping[str, Any]
    as_handed_in: Mapping[str, Any]
    state: str
    verdicts: Sequence[Verdict]
    added_by_reviewer: bool
    # Pages that were sent without typing what is on them: somebody has to read them.
    unread_pages: bool = False
    reason_code: str = ""
    reason_text: str = ""
    # Forms: who has signed, in the order of the form's signers.
    signed_by: Sequence[str] = ()


@dataclass(frozen=True)
class CasePage:
    """A page to look at. The picture comes from `records.images`, under this id."""

    id: UUID
    number: int
    width: int
    height: int
    turned: int
    file_name: str
    active_content: bool


@dataclass(frozen=True)
class PastPiece:
    """What was decided on one piece of an earlier submission."""

    title: str
    decision: str
    reason_code: str
    reason_name: str
    reason_text: str


@dataclass(frozen=True)
class PastSubmission:
    """An earlier submission of the same student and what became of it."""

    id: UUID
    number: str
    sent_at: datetime | None
    state: str
    decided_at: datetime | None
    decided_by: str
    pieces: Sequence[PastPiece]


@dataclass(frozen=True)
class Duplicate:
    """A page of the case that was seen elsewhere in this institution. `kind`: same_file or same_picture.

    `student_name` is None where it is the same student's.
    """

    page_id: UUID
    kind: str
    student_name: str | None
    submission_id: UUID
    submission_number: str
    when: datetime


@dataclass(frozen=True)
class MessageLine:
    """A message of a thread. `name` is who wrote it, empty where that account is gone."""

    id: UUID
    requirement_key: str
    side: str
    name: str
    body: str
    confidential: bool
    sent_at: datetime
    read_at: datetime | None


@dataclass(frozen=True)
class RecordedPiece:
    """A piece that was approved before. `faults` says in sentences why a dose does not count."""

    kind: str
    title: str
    values: Mapping[str, Any]
    faults: Sequence[str]


@dataclass(frozen=True)
class OnRecord:
    """What was approved before for a requirement that the case is about."""

    name: str
    pieces: Sequence[RecordedPiece]


@dataclass(frozen=True)
class Case:
    """All that a reviewer sees of a submission."""

    submission: Submission
    student: StudentLine
    aimed: Sequence[Aimed]
    pieces: Sequence[CasePiece]
    pages: Sequence[CasePage]
    history: Sequence[PastSubmission]
    duplicates: Sequence[Duplicate]
    messages: Sequence[MessageLine]
    staff_note: str
    # In the student's own words; None where there is none or the viewer may not read it.
    statement: str | None
    safe: bool
    # Why it cannot be approved in bulk; empty where it can.
    unsafe_because: str
    # Files that are still being checked, or that were refused: there is more than what the pages show.
    files_unready: int = 0
    claimed_by_name: str = ""
    handed_to_name: str = ""
    second_opinion_of_name: str = ""
    on_record: Sequence[OnRecord] = ()


# --- the queue --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class QueueFilter:
    """What the list of waiting cases shows. Empty values filter nothing.

    `view`: "open" (what `by` may take, the default where `by` is given), "handed" (handed to `by`), "mine"
    (claimed by `by`), "second" (a colleague asked for another opinion), "team" (everything that waits).
    """

    view: str = "team"
    by: str = ""
    search: str = ""
    tracker: UUID | None = None
    group: UUID | None = None  # a requirement group of which the student is a member
    requirement_key: str = ""
    waiting_since_before: datetime | None = None
    due_before: date | None = None


@dataclass(frozen=True)
class SafeCases:
    """The cases of a stretch of the list that may be approved in bulk. Positions start at 1; 0 where there is none."""

    rows: Sequence["QueueRow"]
    first: int
    last: int
    total: int


@dataclass(frozen=True)
class QueueRow:
    """One waiting case in the list."""

    id: UUID
    number: str
    student_id: UUID
    student_name: str
    student_number: str
    tracker: str
    due_on: date | None
    queued_at: datetime
    requirement_keys: Sequence[str]
    pieces: int
    pages: int
    opened: bool
    claimed_by_name: str
    claimed_by_me: bool
    handed_to_name: str
    second_opinion: bool
    has_note: bool
    # Empty: it may be approved in bulk. Otherwise the sentence that says why not.
    unsafe_because: str


@dataclass(frozen=True)
class QueueCounts:
    """How much waits: everything, what a reviewer may take, what was handed to them, what they have claimed."""

    waiting: int
    open: int
    handed: int
    mine: int
    overdue: int
    oldest_at: datetime | None


# --- pace -------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Pace:
    """A reviewer's cases: today, the last seven days, and the median seconds a case of these seven days."""

    name: str
    by: str
    today: int
    week: int
    median_seconds: int | None
    returned_week: int = 0


@dataclass(frozen=True)
class Bucket:
    """How many waiting cases fall into a class. `code` is for filters and tests, `name` for people."""

    code: str
    name: str
    count: int


@dataclass(frozen=True)
class Ages:
    """How old the queue is: by waiting time and by due date."""

    waiting: int
    oldest_at: datetime | None
    by_age: Sequence[Bucket] = field(default_factory=tuple)
    by_due: Sequence[Bucket] = field(default_factory=tuple)
