"""Rows and what is stored to intents: who is created, updated, left alone or refused, and nothing done yet.

Contract: file-transfer.md, "Inbound files": matched by StudentId, else Username; two different
students refuse the row; the last of two rows about one student
wins. This is the only place that matches a row
to a student. `actions` loads the students that `wanted_keys` names, calls `make_plan` and stores its intents.

The order of precedence for a row, top wins:
 1. errors of the row itself                                    refused
 2. StudentId and Username are two stored students'             refused, points_to_two_students
 3. another row has the Username with another StudentId         refused, each of them, username_conflict
 4. found by Username alone, and another row has the StudentId
    of that student (a username or id that moves in one file)   refused, username_taken_over
 5. a later row of 1-4's survivors is about the same student    refused, superseded
 6. no student is found                                         created
 7. something stored would change                               updated
 8. nothing would                                               unchanged
So no two students can end with one Username or StudentId, in whatever order the intents are stored.
"""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import NamedTuple

from pratique.rosters.garbage import collector_paused
from pratique.rosters.mapping import DEFAULT_HEADERS
from pratique.rosters.plan_words import PlanWords
from pratique.rosters.types import (
    KnownMembership,
    KnownStudent,
    MembershipCreate,
    Outcome,
    ParsedRow,
    Problem,
    RosterPlan,
    RosterRow,
    RowResult,
    StudentCreate,
    StudentUpdate,
    TrackerChange,
)
from pratique.students.folding import username_key

__all__ = ["WantedKeys", "make_plan", "username_key", "wanted_keys"]


class WantedKeys(NamedTuple):
    """What a file's rows may match: load every student that has one of these, and no others."""

    student_ids: set[str]
    username_keys: set[str]


def wanted_keys(rows: Iterable[ParsedRow]) -> WantedKeys:
    """Give the StudentIds and username keys under which stored students must be looked up for `rows`."""
    valid = [row.data for row in rows if row.data is not None]
    return WantedKeys(
        {row.student_id for row in valid if row.student_id is not None},
        {username_key(row.username) for row in valid},
    )


def make_plan(
    rows: Sequence[ParsedRow],
    students: Iterable[KnownStudent],
    *,
    columns: Mapping[str, str] = DEFAULT_HEADERS,
) -> RosterPlan:
    """Decide what every row does. `students` must hold at least those that `wanted_keys(rows)` names.

    `columns` gives the file's own header for each field (`ResolvedColumns.names`). Gives exactly one result a
    row, in the order of `rows`, and intents that can be stored as sets in the order creates, updates,
    memberships, tracker changes. Planned again after that, each row that was not refused is `unchanged`; one
    refused only because a Username was about to move may now go in, as its message says. Raises nothing.
    """
    with collector_paused():
        return _Planner(rows, students, PlanWords(columns["username"], columns["student_id"])).plan()


class _Entry(NamedTuple):
    """A valid row with the student it was matched to; `by_id` when its StudentId found them."""

    position: int
    row: RosterRow
    key: str
    student: KnownStudent | None
    by_id: bool


class _Planner:
    """One planning run. Each step refuses some rows and hands the others on."""

    def __init__(self, rows: Sequence[ParsedRow], students: Iterable[KnownStudent], say: PlanWords) -> None:
        self.rows = rows
        self.say = say
        self.by_student_id: dict[str, KnownStudent] = {}
        self.by_username: dict[str, KnownStudent] = {}
        for student in students:
            if student.student_id:
                self.by_student_id[student.student_id] = student
            self.by_username[username_key(student.username)] = student
        self.results: dict[int, RowResult] = {}
        self.creates: list[StudentCreate] = []
        self.updates: list[StudentUpdate] = []
        self.memberships: list[MembershipCreate] = []
        self.tracker_changes: list[TrackerChange] = []

    def plan(self) -> RosterPlan:
        entries = self._match()
        entries = self._refuse_username_conflicts(entries)
        entries = self._refuse_taken_over(entries)
        for entry in self._last_of_each_student(entries):
            if entry.student is None:
                self._create(entry)
            else:
                self._update(entry, entry.student)
        results = [self.results[position] for position in range(len(self.rows))]
        counts = Counter(result.outcome for result in results)
        return RosterPlan(
            results,
            self.creates,
            self.updates,
            self.memberships,
            self.tracker_changes,
            {outcome: counts[outcome] for outcome in Outcome},
        )

    # --- Who is it ----------------------------------------------------------------------------------------

    def _match(self) -> list[_Entry]:
        """Match by StudentId exactly, else by Username without case; refuse rows that name two students."""
        entries = []
        for position, parsed in enumerate(self.rows):
            row = parsed.data
            if row is None:
                self._refuse(position, *parsed.errors)
                continue
            key = username_key(row.username)
            named = self.by_student_id.get(row.student_id) if row.student_id is not None else None
            other = self.by_username.get(key)
            if named is None:
                entries.append(_Entry(position, row, key, other, False))
            elif other is None or other is named or other.id == named.id:
                entries.append(_Entry(position, row, key, named, True))
            else:
                self._refuse(position, self.say.points_to_two(row, named))
        return entries

    def _refuse_username_conflicts(self, entries: list[_Entry]) -> list[_Entry]:
        """Refuse all rows of a Username that rows of this file give to different StudentIds."""
        if len({entry.key for entry in entries}) == len(entries):
            return entries
        first_ids: dict[str, str] = {}
        conflicts: dict[str, list[int]] = {}
        for entry in entries:
            student_id = entry.row.student_id
            if student_id is not None and first_ids.setdefault(entry.key, student_id) != student_id:
                conflicts[entry.key] = []
        if not conflicts:
            return entries
        for entry in entries:
            if entry.key in conflicts:
                conflicts[entry.key].append(entry.row.line)
        kept = []
        for entry in entries:
            if entry.key in conflicts:
                self._refuse(entry.position, self.say.username_conflict(entry.row, conflicts[entry.key]))
            else:
                kept.append(entry)
        return kept

    def _refuse_taken_over(self, entries: list[_Entry]) -> list[_Entry]:
        """Refuse a row found by Username alone where the file names that student by StudentId elsewhere.

        The other row may rename the student and so free the Username for somebody new, or it may be refused
        for its own reasons; either way this row could write one person's data over another's.
        """
        candidates = {
            entry.student.student_id
            for entry in entries
            if entry.student is not None and not entry.by_id and entry.student.student_id
        }
        if not candidates:
            return entries
        # Two rows of each Username are enough to find one that is not the row that asks.
        named: dict[str, dict[str, list[int]]] = {}
        for position, parsed in enumerate(self.rows):
            student_id = parsed.student_id
            if student_id in candidates:
                places = named.setdefault(student_id, {}).setdefault(username_key(parsed.username), [])
                if len(places) < 2:
                    places.append(position)
        kept = []
        for entry in entries:
            rival = self._rival(entry, named)
            if rival is None:
                kept.append(entry)
            else:
                self._refuse(entry.position, self.say.taken_over(entry.row, self.rows[rival].line))
        return kept

    def _rival(self, entry: _Entry, named: Mapping[str, Mapping[str, list[int]]]) -> int | None:
        """The position of the row that has the StudentId of the student whom `entry` found by Username."""
        if entry.student is None or entry.by_id or not entry.student.student_id:
            return None
        for key, places in named.get(entry.student.student_id, {}).items():
            # A row without StudentId and with the same Username is simply the same student again.
            if key == entry.key and entry.row.student_id is None:
                continue
            for position in places:
                if position != entry.position:
                    return position
        return None

    def _last_of_each_student(self, entries: list[_Entry]) -> list[_Entry]:
        """Keep the last row about each student, in file order; refuse the earlier ones as superseded."""
        if _all_different(entries):
            return entries
        by_id: dict[str, _Entry] = {}
        by_key: dict[str, _Entry] = {}
        by_student: dict[Hashable, _Entry] = {}
        winners = []
        for entry in reversed(entries):
            row, student = entry.row, entry.student
            winner = by_key.get(entry.key)
            if winner is None and row.student_id is not None:
                winner = by_id.get(row.student_id)
            if winner is None and student is not None:
                winner = by_student.get(student.id)
            if winner is not None:
                self._refuse(entry.position, self.say.superseded(row, winner.row.line))
                continue
            by_key[entry.key] = entry
            if row.student_id is not None:
                by_id[row.student_id] = entry
            if student is not None:
                by_student[student.id] = entry
            winners.append(entry)
        winners.reverse()
        return winners

    # --- What happens to them -----------------------------------------------------------------------------

    def _create(self, entry: _Entry) -> None:
        row = entry.row
        self.creates.append(
            StudentCreate(
                row.row,
                row.username,
                entry.key,
                row.student_id or "",
                row.last_name or "",
                row.first_name or "",
                row.telephone or "",
                row.date_of_birth,
                row.on_campus,
            )
        )
        self.memberships.append(MembershipCreate(row.row, None, row.package_id, row.tracker_id))
        self._done(entry, Outcome.CREATED)

    def _update(self, entry: _Entry, student: KnownStudent) -> None:
        row = entry.row
        update, warnings = _changes(entry, student, self.say)
        changed = update is not None
        if update is not None:
            self.updates.append(update)
        membership = student.memberships.get(row.package_id)
        if membership is None:
            self.memberships.append(MembershipCreate(row.row, student.id, row.package_id, row.tracker_id))
            changed = True
        elif membership.archived:
            warnings += (self.say.archived(row),)
        elif _moves(row, membership):
            self.tracker_changes.append(TrackerChange(row.row, membership.id, row.tracker_id))
            changed = True
        self._done(entry, Outcome.UPDATED if changed else Outcome.UNCHANGED, student.id, warnings)

    def _done(
        self,
        entry: _Entry,
        outcome: Outcome,
        student: Hashable | None = None,
        warnings: tuple[Problem, ...] = (),
    ) -> None:
        line, row, _, _, given, username, student_id = self.rows[entry.position]
        self.results[entry.position] = RowResult(
            row, line, outcome, (), given + warnings, student, username, student_id
        )

    def _refuse(self, position: int, *errors: Problem) -> None:
        line, row, _, _, warnings, username, student_id = self.rows[position]
        self.results[position] = RowResult(
            row, line, Outcome.REFUSED, errors, warnings, None, username, student_id
        )


def _all_different(entries: list[_Entry]) -> bool:
    """Whether no two rows can be about one student: true for most files, and cheap to know."""
    ids = [entry.row.student_id for entry in entries if entry.row.student_id is not None]
    found = [entry.student.id for entry in entries if entry.student is not None]
    keys = {entry.key for entry in entries}
    return len(keys) == len(entries) and len(set(ids)) == len(ids) and len(set(found)) == len(found)


def _changes(
    entry: _Entry, student: KnownStudent, say: PlanWords
) -> tuple[StudentUpdate | None, tuple[Problem, ...]]:
    """The update with only the fields that differ, or `None` when none does, and what to warn about."""
    row = entry.row
    # Most rows of a file that comes every night say what is stored already.
    if row[2:8] == student[1:7] and row.on_campus == student.on_campus:
        return None, ()
    warnings: tuple[Problem, ...] = ()
    username = student_id = None
    if row.username != student.username:
        if entry.key == username_key(student.username):
            warnings += (say.case_differs(row, student),)
        else:
            username = row.username
            warnings += (say.username_changed(row, student),)
    if row.student_id is not None and row.student_id != student.student_id:
        student_id = row.student_id
        if student.student_id:
            warnings += (say.student_id_changed(row, student),)
    update = StudentUpdate(
        row.row,
        student.id,
        username,
        entry.key if username is not None else None,
        student_id,
        row.last_name if row.last_name != student.last_name else None,
        row.first_name if row.first_name != student.first_name else None,
        row.telephone if row.telephone != student.telephone else None,
        row.date_of_birth if row.date_of_birth != student.date_of_birth else None,
        row.on_campus if row.on_campus != student.on_campus else None,
    )
    return (update if update[2:] != _NOTHING else None), warnings


_NOTHING = (None,) * 8


def _moves(row: RosterRow, membership: KnownMembership) -> bool:
    return row.tracker_id is not None and row.tracker_id != membership.tracker_id
