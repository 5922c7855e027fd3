"""The plain values of the roster import, named by their role: what came in, what we had, what to do.

Nothing here reads, judges or stores; `csvfile`, `rows` and `plan` do the first two and `actions` the last.
"""

from collections.abc import Hashable, Mapping
from datetime import date
from enum import StrEnum
from typing import NamedTuple


class Outcome(StrEnum):
    """What became of one data row. Every data row has exactly one."""

    CREATED = "created"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    REFUSED = "refused"


class Problem(NamedTuple):
    """An error or a warning about a row or a file.

    `column` is the file's own header text, or the field's name where a constant stands in for a column, or
    empty where the problem is the whole row's. `code` is a key of `problems.ERROR_CODES` or `WARNING_CODES`.
    """

    code: str
    column: str
    message: str


# --- What came in -----------------------------------------------------------------------------------------


class RosterRow(NamedTuple):
    """One valid row. `None` means the cell was empty: the stored value is left alone."""

    line: int
    row: int
    username: str
    student_id: str | None
    last_name: str | None
    first_name: str | None
    telephone: str | None
    date_of_birth: date | None
    group: str | None
    term: str | None
    on_campus: bool | None
    package: str
    package_id: Hashable
    tracker_id: Hashable | None


class ParsedRow(NamedTuple):
    """One data row after all its cells were judged; `data` is `None` exactly when there are errors.

    `username` and `student_id` name the row in results even when it is refused (shortened, as they stood).
    """

    line: int
    row: int
    data: RosterRow | None
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    username: str
    student_id: str


# --- What we had ------------------------------------------------------------------------------------------


class KnownPackage(NamedTuple):
    """A package of the institution that a row may name by its code."""

    id: Hashable
    code: str


class KnownTracker(NamedTuple):
    """A tracker that a row may name by group and term. Without a term no row can name it."""

    id: Hashable
    package_id: Hashable
    package_code: str
    group: str
    term: str | None


class KnownNames(NamedTuple):
    """All names that a row of one institution may use."""

    default_package: KnownPackage | None
    packages: tuple[KnownPackage, ...]
    groups: tuple[str, ...]
    terms: tuple[str, ...]
    trackers: tuple[KnownTracker, ...]


class KnownMembership(NamedTuple):
    """A student's membership on one package."""

    id: Hashable
    tracker_id: Hashable | None
    archived: bool = False


class KnownStudent(NamedTuple):
    """A stored student with their memberships by package id. Missing text is `None` or empty."""

    id: Hashable
    username: str
    student_id: str | None
    last_name: str | None
    first_name: str | None
    telephone: str | None
    date_of_birth: date | None
    on_campus: bool | None
    memberships: Mapping[Hashable, KnownMembership] = {}


# --- What to do -------------------------------------------------------------------------------------------


class StudentCreate(NamedTuple):
    """Create this student and invite them. `row` joins it to its `MembershipCreate`.

    `username_key` is `students.folding.username_key` of the Username, made once for matching and storing.

    Text that the row does not give is empty, other values are `None`: ready for COPY.
    """

    row: int
    username: str
    username_key: str
    student_id: str
    last_name: str
    first_name: str
    telephone: str
    date_of_birth: date | None
    on_campus: bool | None


class StudentUpdate(NamedTuple):
    """Change these fields of a stored student. `None` means: leave as stored.

    A roster never clears a value, so the whole set can be written as `coalesce(given, stored)`.
    """

    row: int
    id: Hashable
    username: str | None
    username_key: str | None
    student_id: str | None
    last_name: str | None
    first_name: str | None
    telephone: str | None
    date_of_birth: date | None
    on_campus: bool | None


class MembershipCreate(NamedTuple):
    """Put a student on a package. `student` is `None` for one whom the same `row` creates."""

    row: int
    student: Hashable | None
    package_id: Hashable
    tracker_id: Hashable | None


class TrackerChange(NamedTuple):
    """Move a stored membership to another tracker of its package."""

    row: int
    membership_id: Hashable
    tracker_id: Hashable


RosterIntent = StudentCreate | StudentUpdate | MembershipCreate | TrackerChange


class RowResult(NamedTuple):
    """The result of one data row, as the results file and `roster check` show it.

    `student` is the stored student's id where the row found one that it may touch.
    """

    row: int
    line: int
    outcome: Outcome
    errors: tuple[Problem, ...]
    warnings: tuple[Problem, ...]
    student: Hashable | None
    username: str
    student_id: str


class RosterPlan(NamedTuple):
    """All that an import will do, decided before anything is stored.

    `results` are in file order, one a data row. One invitation is wanted for each of `creates`.
    """

    results: list[RowResult]
    creates: list[StudentCreate]
    updates: list[StudentUpdate]
    memberships: list[MembershipCreate]
    tracker_changes: list[TrackerChange]
    counts: Mapping[Outcome, int]
