"""What the first page shows: each registration's requirements in order of need. PURE: standing in, rows out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any
from uuid import UUID

from pratique.compliance.queries import CurrentItem
from pratique.records.models import Submission, SubmissionState
from pratique.students.models import Membership

# What was returned comes first: somebody has written to the student about it.
_ORDER = {"rejected": 0, "expired": 1, "incomplete": 2}


class Kind(StrEnum):
    """How a registration stands, as the page speaks of it."""

    CHOOSE = "choose"  # no tracker yet, and there are some to choose from
    NO_TRACKER = "no_tracker"  # nor any to choose from: the school will say
    NOTHING_YET = "nothing_yet"  # nothing published for the group, or nothing that applies
    TO_DO = "to_do"
    WAITING = "waiting"  # the student has done their part
    DONE = "done"


@dataclass(frozen=True)
class Row:
    """One requirement on the page."""

    item: CurrentItem
    membership_id: UUID
    sentence: str
    possible_from: date | None = None
    draft: Submission | None = None
    submission: Submission | None = None
    place: Any = None

    @property
    def is_returned(self) -> bool:
        return self.item.status == "rejected"


@dataclass(frozen=True)
class Section:
    """One registration: its standing and its rows in order of need."""

    membership: Membership
    kind: Kind
    now: Sequence[Row] = ()
    later: Sequence[Row] = ()
    waiting: Sequence[Row] = ()
    done: Sequence[Row] = ()
    done_on: date | None = None

    @property
    def total(self) -> int:
        return len(self.now) + len(self.later) + len(self.waiting) + len(self.done)

    @property
    def due_on(self) -> date | None:
        return self.membership.tracker.due_on if self.membership.tracker else None

    @property
    def on_one_record(self) -> Sequence[str]:
        """Keys of what a vaccine record may show all at once; empty where there is no more than one of them."""
        fresh = [row for row in self.now if not (row.draft or row.submission or row.is_returned)]
        keys = [row.item.key for row in fresh if any(way.kind == "dose" for way in row.item.ways)]
        return keys if len(keys) > 1 else ()

    @property
    def name(self) -> str:
        tracker = self.membership.tracker
        return str(tracker.name if tracker else self.membership.package.name)


def section(
    membership: Membership,
    items: Iterable[CurrentItem],
    *,
    drafts: Iterable[Submission],
    sent: Iterable[Submission],
    places: Mapping[UUID, Any],
    today: date,
    may_choose: bool = False,
) -> Section:
    """Sort a registration's items: what can be done now, what only later, what waits for review, what is done.

    What waits for somebody's signature waits too. Where only a part was handed in, the rest is still to do.
    `may_choose`: the package has trackers, for a registration that has none.
    """
    if membership.tracker_id is None:
        return Section(membership, Kind.CHOOSE if may_choose else Kind.NO_TRACKER)
    draft_of = _by_key(drafts)
    waiting_of = _by_key(one for one in sent if one.state == SubmissionState.WAITING)
    now, later, waiting, done = [], [], [], []
    for item in items:
        submission = waiting_of.get(item.key)
        row = Row(
            item,
            membership.id,
            sentence=item.reasons[0] if item.reasons else "",
            possible_from=item.next_action_on
            if item.next_action_on and item.next_action_on > today
            else None,
            draft=draft_of.get(item.key),
            submission=submission,
            place=places.get(submission.id) if submission else None,
        )
        if item.status == "approved":
            done.append(row)
        elif item.status == "pending" or (submission is not None and submission.queued_at is None):
            waiting.append(row)
        elif row.possible_from is not None and row.draft is None and item.status == "incomplete":
            later.append(row)
        else:
            now.append(row)
    now.sort(key=lambda row: _ORDER.get(row.item.status, 9))
    later.sort(key=lambda row: row.possible_from or today)
    return Section(
        membership,
        _kind(now, later, waiting, done),
        now=now,
        later=later,
        waiting=waiting,
        done=done,
        done_on=_done_on(done),
    )


def _kind(now: Sequence[Row], later: Sequence[Row], waiting: Sequence[Row], done: Sequence[Row]) -> Kind:
    if now or later:
        return Kind.TO_DO
    if waiting:
        return Kind.WAITING
    return Kind.DONE if done else Kind.NOTHING_YET


def _done_on(done: Sequence[Row]) -> date | None:
    """Return the day on which the last requirement was done."""
    changed = [row.item.last_modified_at for row in done if row.item.last_modified_at]
    return max(changed).date() if changed else None


def _by_key(submissions: Iterable[Submission]) -> dict[str, Submission]:
    """Return submissions by the requirements they aim at; the first of several wins, which is the newest."""
    found: dict[str, Submission] = {}
    for submission in submissions:
        for key in submission.requirement_keys:
            found.setdefault(key, submission)
    return found
