"""Cells to roster rows: every rule of a row, all errors of all rows. Whose row it is, is for `plan`.

Contract: file-transfer.md, "Row rules". Rules of one cell are in `cells`, of package, group and term in
`placement`. Both remember what a file repeats, so that a row costs little more than its identifiers.
"""

import unicodedata
from collections.abc import Callable
from datetime import date
from operator import itemgetter
from typing import TypeVar

from pratique.rosters.cells import TEXT_LIMITS, DateOfBirthRule, OnCampusRule, Reading, TextRule
from pratique.rosters.csvfile import CsvFile, Record
from pratique.rosters.garbage import collector_paused
from pratique.rosters.mapping import FIELDS, ResolvedColumns
from pratique.rosters.placement import Placer
from pratique.rosters.problems import ERROR_CODES, WARNING_CODES
from pratique.rosters.types import KnownNames, ParsedRow, Problem, RosterRow

__all__ = ["ERROR_CODES", "MAX_ROWS", "WARNING_CODES", "parse_rows"]

# domain.md, "Conflicts decided": the first 50,000 are processed, each later row is refused by name.
MAX_ROWS = 50_000

# After these the cells no longer stand under their own headers; judging them would only mislead.
_MISALIGNED = frozenset({"short_row", "long_row", "blank_row"})

_Cells = tuple[str, ...]
Value = TypeVar("Value")


def parse_rows(
    csvfile: CsvFile,
    columns: ResolvedColumns,
    *,
    today: date,
    known: KnownNames,
    student_id_required: bool = True,
    max_rows: int = MAX_ROWS,
) -> list[ParsedRow]:
    """Judge every row of a file; give one `ParsedRow` for each record, in order, with all its errors.

    Text is NFC without outer white space; empty cells are `None`; group, term and package names match without
    regard to case and outer spaces and come back as the institution spells them. Raises nothing.
    """
    parser = _RowParser(columns, today=today, known=known, student_id_required=student_id_required)
    with collector_paused():
        parsed = [parser.parse(record) for record in csvfile.records[:max_rows]]
        parsed += [parser.refuse_past_limit(record, max_rows) for record in csvfile.records[max_rows:]]
    return parsed


class _RowParser:
    """The rules for one file, bound to its columns."""

    def __init__(
        self, columns: ResolvedColumns, *, today: date, known: KnownNames, student_id_required: bool
    ) -> None:
        names = self.names = columns.names
        self.student_id_required = student_id_required
        self.username = TextRule("username", names["username"]).read
        self.student_id = TextRule("student_id", names["student_id"]).read
        self.telephone = TextRule("telephone", names["telephone"]).read
        self.last_name = _Remembered(TextRule("last_name", names["last_name"]).read)
        self.first_name = _Remembered(TextRule("first_name", names["first_name"]).read)
        self.date_of_birth = _Remembered(DateOfBirthRule(names["date_of_birth"], today).read)
        self.on_campus = _Remembered(OnCampusRule(names["on_campus"]).read)
        self.place = Placer(known, names).place
        self._pick, self._extra = _picker(columns)

    def parse(self, record: Record) -> ParsedRow:
        """Judge one record."""
        if record.errors and not record.cells:
            return ParsedRow(record.line, record.row, None, record.errors, (), "", "")
        if record.errors and any(error.code in _MISALIGNED for error in record.errors):
            return ParsedRow(record.line, record.row, None, record.errors, (), "", "")
        cells = self._pick(record.cells + self._extra)
        username, errors, warnings = self.username(cells[0])
        student_id, student_id_errors, student_id_warnings = self.student_id(cells[1])
        last_name, last_name_errors, last_name_warnings = self.last_name[cells[2]]
        first_name, first_name_errors, first_name_warnings = self.first_name[cells[3]]
        telephone, telephone_errors, _ = self.telephone(cells[4])
        born, born_errors, _ = self.date_of_birth[cells[5]]
        on_campus, on_campus_errors, _ = self.on_campus[cells[8]]
        placed = self.place(cells[6], cells[7], cells[9])
        errors += student_id_errors + last_name_errors + first_name_errors + telephone_errors
        errors += born_errors + placed.errors + on_campus_errors
        warnings += student_id_warnings + last_name_warnings + first_name_warnings + placed.warnings
        if username is None or (student_id is None and self.student_id_required):
            errors = self._with_missing(record, cells, errors)
        if errors or record.errors:
            return self._refused(record, cells, errors, warnings)
        assert username is not None
        assert placed.package is not None
        row = RosterRow(
            record.line,
            record.row,
            username,
            student_id,
            last_name,
            first_name,
            telephone,
            born,
            placed.group,
            placed.term,
            on_campus,
            placed.package.code,
            placed.package.id,
            placed.tracker_id,
        )
        return ParsedRow(record.line, record.row, row, (), warnings, username, student_id or "")

    def refuse_past_limit(self, record: Record, limit: int) -> ParsedRow:
        """Refuse a row past the limit, still naming whose row it is."""
        message = f"This is row {record.row:,}; the first {limit:,} are processed. Put it in another file."
        problem = Problem("past_limit", "", message)
        username = student_id = ""
        if not record.errors:
            cells = self._pick(record.cells + self._extra)
            username, student_id = (
                _name(cells[0], TEXT_LIMITS["username"]),
                _name(cells[1], TEXT_LIMITS["student_id"]),
            )
        return ParsedRow(record.line, record.row, None, (*record.errors, problem), (), username, student_id)

    def _with_missing(
        self, record: Record, cells: _Cells, errors: tuple[Problem, ...]
    ) -> tuple[Problem, ...]:
        if not any(cell.strip() for cell in record.cells):
            return (Problem("blank_row", "", "Every cell of the row is empty. Remove the row."),)
        missing = []
        if not cells[0].strip():
            column = self.names["username"]
            message = f"{column} is empty. Every student needs one; it is how they sign in."
            missing.append(Problem("username_missing", column, message))
        if self.student_id_required and not cells[1].strip():
            column = self.names["student_id"]
            message = f"{column} is empty. Fill it in; the institution requires one for every student."
            missing.append(Problem("student_id_missing", column, message))
        return (*missing, *errors)

    def _refused(
        self, record: Record, cells: _Cells, errors: tuple[Problem, ...], warnings: tuple[Problem, ...]
    ) -> ParsedRow:
        # A cell that could not be read whole has one error already; judging its remains would add noise.
        unreadable = {error.column for error in record.errors}
        errors = (*record.errors, *(error for error in errors if error.column not in unreadable))
        return ParsedRow(
            record.line,
            record.row,
            None,
            errors,
            warnings,
            _name(cells[0], TEXT_LIMITS["username"]),
            _name(cells[1], TEXT_LIMITS["student_id"]),
        )


class _Remembered(dict[str, Reading[Value]]):
    """The readings of a column whose cells repeat, each judged once."""

    def __init__(self, read: Callable[[str], Reading[Value]]) -> None:
        super().__init__()
        self._read = read

    def __missing__(self, cell: str) -> Reading[Value]:
        reading = self[cell] = self._read(cell)
        return reading


def _picker(columns: ResolvedColumns) -> tuple[Callable[[_Cells], _Cells], _Cells]:
    """How to take the fields, in `FIELDS` order, from a record's cells followed by the extra ones.

    A field with neither column nor constant picks the empty extra cell, so no row asks what there is.
    """
    # Counted from the end, because the extra cells follow however many the file has.
    constants = list(columns.constants)
    extra = ("", *(columns.constants[name] for name in constants))
    places = []
    for name in FIELDS:
        if name in columns.constants:
            places.append(constants.index(name) - len(constants))
        else:
            places.append(columns.indexes.get(name, -len(extra)))
    return itemgetter(*places), extra


def _name(cell: str, limit: int) -> str:
    """A cell as results show it when its row is refused, within what the field may hold."""
    return unicodedata.normalize("NFC", cell.strip())[:limit]
