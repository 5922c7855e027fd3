"""What the plan says about a row: one sentence or two for each of its codes, with the remedy.

Deciding which of them applies is `plan`'s business.
"""

from collections.abc import Sequence
from typing import NamedTuple

from pratique.rosters.problems import shown
from pratique.rosters.types import KnownStudent, Problem, RosterRow

_MAX_LINES_NAMED = 10


class PlanWords(NamedTuple):
    """The plan's errors and warnings, in the words of one file: its own headers of two fields."""

    username: str
    student_id: str

    def points_to_two(self, row: RosterRow, named: KnownStudent) -> Problem:
        """StudentId and Username are those of two stored students."""
        message = (
            f"{self.student_id} {shown(row.student_id or '')} belongs to the student with Username "
            f"{shown(named.username)}, and {self.username} {shown(row.username)} to another. Correct "
            "one of the two; a Username that moves between students must first change in a file of its own."
        )
        return Problem("points_to_two_students", self.student_id, message)

    def username_conflict(self, row: RosterRow, lines: Sequence[int]) -> Problem:
        """`lines` share the Username, this row's among them, and differ in StudentId."""
        # Only as many as are named are looked at: a whole file may share one Username.
        others = [line for line in lines[: _MAX_LINES_NAMED + 1] if line != row.line][:_MAX_LINES_NAMED]
        named = ", ".join(map(str, others))
        hidden = len(lines) - 1 - len(others)
        more = f" and {hidden:,} more" if hidden else ""
        message = (
            f"{self.username} {shown(row.username)} is also on line {named}{more} of this file, and the "
            f"{self.student_id} differs. Two students cannot share a Username; correct the rows."
        )
        return Problem("username_conflict", self.username, message)

    def taken_over(self, row: RosterRow, line: int) -> Problem:
        """The Username is a stored student's whom the row on `line` names by StudentId."""
        message = (
            f"{self.username} {shown(row.username)} belongs to a stored student, whom line {line} names by "
            f"{self.student_id}. If it is somebody else's now, import this row again after the other one."
        )
        return Problem("username_taken_over", self.username, message)

    def superseded(self, row: RosterRow, line: int) -> Problem:
        """The row on `line` is about the same student and comes later."""
        message = f"Line {line} is about the same student and was used instead. Remove one of the two rows."
        return Problem("superseded", self.student_id if row.student_id else self.username, message)

    def case_differs(self, row: RosterRow, student: KnownStudent) -> Problem:
        """The Usernames are the same without case."""
        message = (
            f"{shown(row.username)} and the stored {shown(student.username)} differ in case only, which does "
            "not matter; the stored spelling was kept."
        )
        return Problem("username_case_differs", self.username, message)

    def username_changed(self, row: RosterRow, student: KnownStudent) -> Problem:
        """A student found by StudentId gets another Username."""
        message = (
            f"The Username changes from {shown(student.username)} to {shown(row.username)}. "
            "The student signs in with the new one; check that it is meant."
        )
        return Problem("username_changed", self.username, message)

    def student_id_changed(self, row: RosterRow, student: KnownStudent) -> Problem:
        """A student found by Username gets another StudentId."""
        message = (
            f"The student was found by Username; the {self.student_id} changes from "
            f"{shown(student.student_id or '')} to {shown(row.student_id or '')}. Check that it is meant."
        )
        return Problem("student_id_changed", self.student_id, message)

    def archived(self, row: RosterRow) -> Problem:
        """The student's membership on the row's package is archived."""
        message = (
            f"The student's membership on package {shown(row.package)} is archived and was left as it is. "
            "Reactivate it in the console if the student is back."
        )
        return Problem("membership_archived", "", message)
