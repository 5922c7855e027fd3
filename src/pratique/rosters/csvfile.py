"""Bytes to cells: strict RFC 4180, with every cell's place known. What the cells mean is `rows`' business.

`csv.reader(strict=True)` alone lets a bare quote, short and long rows pass, so it is only given lines that
a stricter pattern has accepted. Lines without a quote are split, and everything odd goes through `scanner`,
which says what is wrong, where, and goes on. Contract: file-transfer.md, "Inbound files".
"""

from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate
from typing import NamedTuple

from pratique.rosters.encoding import MAX_BYTES, CsvFileError, decode
from pratique.rosters.garbage import collector_paused
from pratique.rosters.problems import shown
from pratique.rosters.scanner import (
    QUOTED_PART,
    STRICT_LINE,
    STRICT_LINE_CHARS,
    Scanned,
    line_parser,
    place,
    scan,
)
from pratique.rosters.types import Problem

__all__ = [
    "MAX_BYTES",
    "MAX_CELL_CHARS",
    "MAX_COLUMNS",
    "MAX_LINES",
    "CsvFile",
    "CsvFileError",
    "Record",
    "read_csv",
]

# No roster field is longer than 254 characters; a longer "cell" is almost always a lost closing quote.
MAX_CELL_CHARS = 1_000
# Rows past 50,000 are still listed one by one; this bounds the memory that listing can take.
MAX_LINES = 250_000
MAX_COLUMNS = 500

_DELIMITERS = {";": "semicolons", "\t": "tabs", "|": "vertical bars"}

_FAULT_MESSAGES = {
    "bare_quote": "A quote stands inside a cell that does not begin with one (line {line}, character {at}). "
    'Put the whole cell in quotes and double each quote inside it, as in "the ""new"" hall".',
    "text_after_quote": "Text follows a closing quote (line {line}, character {at}). Double each quote that "
    'is part of the cell, as in "the ""new"" hall", and put nothing between the closing quote and the comma.',
    "bare_cr": "A carriage return stands alone in a cell (line {line}, character {at}). "
    "Remove it, or put the whole cell in quotes.",
}


class Record(NamedTuple):
    """One data row: its first physical line, its number from 1, its cells.

    With `errors` the row is refused, and `cells` hold what could be read: each cut to the cell limit, never
    more of them than the header has, none for a blank row.
    """

    line: int
    row: int
    cells: tuple[str, ...]
    errors: tuple[Problem, ...]


@dataclass(frozen=True)
class CsvFile:
    """A file that could be read. `text` is kept so that a cell's place can be found again when asked for."""

    header: tuple[str, ...]
    header_line: int
    records: list[Record]
    warnings: tuple[Problem, ...]
    text: str

    @cached_property
    def _line_starts(self) -> list[int]:
        return list(accumulate((len(line) + 1 for line in self.text.split("\n")), initial=0))

    def cell_position(self, record: Record, index: int) -> tuple[int, int]:
        """Line and character column (both from 1) where cell `index` of `record` begins, its quote included.

        Found by scanning the record again, so that reading a file need not keep places. Raises `IndexError`
        where the record has no such cell.
        """
        start = self._line_starts[record.line - 1]
        scanned = scan(self.text, start, record.line, MAX_COLUMNS)
        return place(self.text, start, record.line, scanned.starts[index])


def read_csv(
    data: bytes,
    *,
    max_cell_chars: int = MAX_CELL_CHARS,
    max_bytes: int = MAX_BYTES,
    max_lines: int = MAX_LINES,
) -> CsvFile:
    """Read a whole CSV file into records with their lines, errors and all.

    RFC 4180 sections 2.1 to 2.7: CRLF or LF ends a record, the last one need not be ended, a header row,
    the same number of cells in each row, spaces kept, quoted commas, quotes and line breaks kept. Beyond it:
    a UTF-8 BOM and blank lines at the end are tolerated silently, blank lines above the header warned about.
    Raises `CsvFileError` where the whole file must be refused; a record at fault carries its errors instead.
    """
    text = decode(data, max_bytes=max_bytes)
    _refuse_line_ends(text, max_lines)
    header_start, header_line, warnings = _skip_blank_lines(text)
    _refuse_other_delimiters(text, header_start, header_line)
    header, body_start = _read_header(text, header_start, header_line)
    body_line = header_line + text.count("\n", header_start, body_start)
    with collector_paused():
        records = _BodyReader(text, header, max_cell_chars).read(body_start, body_line)
    if not records:
        raise CsvFileError(
            "no_rows",
            header_line,
            "The file has a header row and no students. Add one row for each student below the header.",
        )
    return CsvFile(header, header_line, records, warnings, text)


def _refuse_line_ends(text: str, max_lines: int) -> None:
    breaks = text.count("\n")
    if breaks > max_lines:
        raise CsvFileError(
            "too_many_lines",
            max_lines + 1,
            f"The file has {breaks:,} lines; at most {max_lines:,} are read. Split it into several files.",
        )
    if not breaks and "\r" in QUOTED_PART.sub("", text):
        raise CsvFileError(
            "mac_line_ends",
            1,
            "Lines end with a carriage return alone, as on old Macs. "
            "Save the file with Windows (CRLF) or Unix (LF) line ends.",
        )


def _skip_blank_lines(text: str) -> tuple[int, int, tuple[Problem, ...]]:
    start, line = 0, 1
    while (end := text.find("\n", start)) >= 0 and not text[start:end].strip(" \t\r"):
        start, line = end + 1, line + 1
    if line == 1:
        return start, line, ()
    message = f"{line - 1} blank line(s) above the header were ignored. Remove them."
    return start, line, (Problem("blank_lines_before_header", "", message),)


def _refuse_other_delimiters(text: str, start: int, line: int) -> None:
    end = text.find("\n", start)
    unquoted = QUOTED_PART.sub("", text[start : end if end >= 0 else len(text)])
    found = max(_DELIMITERS, key=unquoted.count)
    if found not in unquoted or "," in unquoted:
        return
    raise CsvFileError(
        "wrong_delimiter",
        line,
        f"The columns are separated by {_DELIMITERS[found]}, not by commas. Save the file as “CSV UTF-8 "
        "(comma delimited)”; where the program has no such choice, replace the separators by commas.",
    )


def _read_header(text: str, start: int, line: int) -> tuple[tuple[str, ...], int]:
    scanned = scan(text, start, line, MAX_COLUMNS)
    if scanned.found > MAX_COLUMNS:
        raise CsvFileError(
            "too_many_columns",
            line,
            f"The header has {scanned.found:,} columns; at most {MAX_COLUMNS} are read. Remove some.",
        )
    for fault in scanned.faults:
        at_line, at = place(text, start, line, fault.offset)
        reason = _FAULT_MESSAGES[fault.code].format(line=at_line, at=at)
        column = shown(scanned.cells[fault.cell])
        raise CsvFileError("broken_header", at_line, f"The header row cannot be read. {reason}", column)
    for name in scanned.cells:
        # Errors repeat a column's header, so it must not be a book.
        if len(name) > MAX_CELL_CHARS:
            message = (
                f"A column's name has {len(name):,} characters and begins {shown(name, 20)}. Shorten it."
            )
            raise CsvFileError("broken_header", line, message, shown(name))
    return tuple(scanned.cells), scanned.end


class _BodyReader:
    """Turns the text below the header into records: fast where a line is right, else by the scanner."""

    def __init__(self, text: str, header: tuple[str, ...], max_cell_chars: int) -> None:
        self.text = text
        self.header = header
        self.max_cell_chars = max_cell_chars
        # In a file of one column a line of blanks is a cell of blanks.
        self.blanks = " \t\r" if len(header) > 1 else "\r"

    def read(self, offset: int, first_line: int) -> list[Record]:
        text, width = self.text, len(self.header)
        limit = min(self.max_cell_chars, STRICT_LINE_CHARS)
        lines, terminated = self._lines(offset)
        records: list[Record] = []
        add, parse, is_strict = records.append, line_parser(), STRICT_LINE.fullmatch
        index, last = 0, len(lines) - 1
        while index <= last:
            line = lines[index]
            size = len(line) + 1
            # At the end of the file a carriage return without a line feed does not end the line.
            if line[-1:] == "\r" and (index < last or terminated):
                line = line[:-1]
            cells: list[str] | None = None
            if line and len(line) <= limit:
                if '"' in line:
                    cells = parse(line) if is_strict(line) else None
                elif "\r" not in line:
                    cells = line.split(",")
            if cells is not None and len(cells) == width:
                add(Record(first_line + index, len(records) + 1, tuple(cells), ()))
                index += 1
                offset += size
                continue
            record, end = self._read_slowly(offset, first_line + index, len(records) + 1)
            add(record)
            if end >= len(text):
                self._refuse_truncated(record)
                break
            index += text.count("\n", offset, end)
            offset = end
        return records

    def _lines(self, offset: int) -> tuple[list[str], bool]:
        """The physical lines without blank ones at the end, and whether a line feed ends the last one."""
        lines = self.text[offset:].split("\n")
        count = len(lines)
        while lines and not lines[-1].strip(self.blanks):
            lines.pop()
        return lines, len(lines) < count

    def _read_slowly(self, offset: int, line: int, row: int) -> tuple[Record, int]:
        """Give the record at `offset` with all that is wrong with it, and where the next one begins."""
        width = len(self.header)
        scanned = scan(self.text, offset, line, width)
        if scanned.found == 1 and self.text[offset] != '"' and not scanned.cells[0].strip(self.blanks):
            problem = Problem("blank_row", "", "The row is empty. Remove it.")
            return Record(line, row, (), (problem,)), scanned.end
        errors = [*self._fault_errors(scanned, offset, line), *self._length_errors(scanned, offset, line)]
        if scanned.found != width:
            errors.append(_width_error(width, scanned.found))
        cells = tuple(cell[: self.max_cell_chars] for cell in scanned.cells)
        return Record(line, row, cells, tuple(errors)), scanned.end

    def _fault_errors(self, scanned: Scanned, offset: int, line: int) -> list[Problem]:
        errors = []
        for fault in scanned.faults:
            at_line, at = place(self.text, offset, line, fault.offset)
            message = _FAULT_MESSAGES[fault.code].format(line=at_line, at=at)
            if at_line > line:
                message += f" Lines {line} to {at_line} were read as one row: a closing quote may be missing."
            errors.append(Problem(fault.code, self.header[fault.cell], message))
        return errors

    def _length_errors(self, scanned: Scanned, offset: int, line: int) -> list[Problem]:
        errors = []
        for index, cell in enumerate(scanned.cells):
            if len(cell) > self.max_cell_chars:
                at_line, at = place(self.text, offset, line, scanned.starts[index])
                message = (
                    f"The cell has {len(cell):,} characters and begins {shown(cell, 20)} (line {at_line}, "
                    f"character {at}); at most {self.max_cell_chars:,} are allowed. Shorten it; if it runs "
                    "over several rows, a closing quote is missing."
                )
                errors.append(Problem("cell_too_long", self.header[index], message))
        return errors

    def _refuse_truncated(self, record: Record) -> None:
        """Refuse the file when its last record is short and no line feed ends it. Contract: refused whole."""
        if self.text[-1] == "\n" or not any(error.code == "short_row" for error in record.errors):
            return
        raise CsvFileError(
            "truncated",
            record.line,
            f"The file ends in the middle of a row: the one on line {record.line} has no line end and only "
            f"{len(record.cells)} of {len(self.header)} cells. Nothing was imported. Upload the whole file.",
        )


def _width_error(expected: int, found: int) -> Problem:
    counted = f"The header has {expected} columns and the row has {found:,}."
    if found < expected:
        return Problem("short_row", "", f"{counted} Write a comma for each empty cell too.")
    remedy = "Put a cell that contains a comma in quotes, and remove commas at the end of the row."
    return Problem("long_row", "", f"{counted} {remedy}")
