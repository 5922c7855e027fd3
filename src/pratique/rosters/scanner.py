"""One record of RFC 4180 at a time, with everything that is wrong with it and where.

Slow and thorough; `csvfile` gives it only the records that its fast path cannot vouch for.
"""

import csv
import re
from collections.abc import Callable
from typing import NamedTuple

from pratique.rosters.encoding import CsvFileError

QUOTED_PART = re.compile(r'"[^"]*"')
# One line that is one whole record: RFC 4180 section 2.5 to 2.7, without line breaks. Nothing in it is
# ambiguous, so it cannot backtrack far.
STRICT_LINE = re.compile(r'(?:"[^"]*(?:""[^"]*)*"|[^",\r]*)(?:,(?:"[^"]*(?:""[^"]*)*"|[^",\r]*))*')
# csv.reader refuses fields over csv.field_size_limit(), 131,072 unless somebody changed it.
STRICT_LINE_CHARS = 100_000

_QUOTES = re.compile(r'"+')
_TO_CELL_END = re.compile(r"[^,\n]*")
# A record this much wider than its header is damage; its cells are counted roughly instead of one by one.
_MANY_CELLS = 10_000


class Fault(NamedTuple):
    """A breach of the quoting rules: in which cell, which code, at which offset of the text."""

    cell: int
    code: str
    offset: int


class Scanned(NamedTuple):
    """A record: at most `keep` cells and where each begins, how many there are, its faults, where it ends."""

    cells: list[str]
    starts: list[int]
    found: int
    faults: list[Fault]
    end: int


def place(text: str, start: int, line: int, offset: int) -> tuple[int, int]:
    """Line and character column (from 1) of `offset`, given that `start` before it is on `line`."""
    return line + text.count("\n", start, offset), offset - text.rfind("\n", 0, offset)


def line_parser() -> Callable[[str], list[str]]:
    """Give a function that splits one line which `STRICT_LINE` accepts. One csv.reader serves all lines."""
    pending: list[str] = []
    reader = csv.reader(iter(pending.pop, None), strict=True)

    def parse(line: str) -> list[str]:
        pending.append(line)
        return next(reader)

    return parse


def scan(text: str, start: int, line: int, keep: int) -> Scanned:
    """Read the record that begins at offset `start` on physical line `line`, keeping at most `keep` cells.

    After a fault the rest of the cell is read as plain text up to the next comma or line feed, so one bad
    cell costs one record. Raises `CsvFileError` (`quote_not_closed`) when a quoted cell never ends: what
    follows cannot be told apart from its content, so nothing may be made of it.
    """
    cells: list[str] = []
    starts: list[int] = []
    faults: list[Fault] = []
    count, pos, size = 0, start, len(text)
    while True:
        cell_start = pos
        value = ""
        quoted = text.startswith('"', pos)
        if quoted:
            close = _closing_quote(text, pos)
            if close < 0:
                raise _quote_not_closed(*place(text, start, line, pos))
            value = text[pos + 1 : close].replace('""', '"')
            pos = close + 1
        end = _end_of_cell(text, pos)
        rest_end = end - 1 if end < size and text[end] == "\n" and text[pos:end].endswith("\r") else end
        rest = text[pos:rest_end]
        if count < keep:
            cells.append(value + rest)
            starts.append(cell_start)
            if rest and (fault := _fault(count, rest, pos, quoted)):
                faults.append(fault)
        count += 1
        pos = end + 1
        if end >= size or text[end] == "\n":
            return Scanned(cells, starts, count, faults, min(pos, size))
        if count > keep + _MANY_CELLS:
            line_end = text.find("\n", end)
            line_end = size if line_end < 0 else line_end
            count += text.count(",", end, line_end)
            return Scanned(cells, starts, count, faults, min(line_end + 1, size))


def _closing_quote(text: str, opening: int) -> int:
    # Quotes inside a quoted cell are doubled, so only an odd run of them ends it, with its last one.
    for run in _QUOTES.finditer(text, opening + 1):
        if (run.end() - run.start()) % 2:
            return run.end() - 1
    return -1


def _end_of_cell(text: str, pos: int) -> int:
    match = _TO_CELL_END.match(text, pos)
    assert match is not None  # the pattern matches the empty string
    return match.end()


def _fault(index: int, rest: str, offset: int, quoted: bool) -> Fault | None:
    quote, carriage_return = rest.find('"'), rest.find("\r")
    if quoted:
        return Fault(index, "bare_cr" if carriage_return == 0 else "text_after_quote", offset)
    if quote >= 0:
        return Fault(index, "bare_quote", offset + quote)
    return Fault(index, "bare_cr", offset + carriage_return) if carriage_return >= 0 else None


def _quote_not_closed(line: int, character: int) -> CsvFileError:
    return CsvFileError(
        "quote_not_closed",
        line,
        f"The quote opened on line {line}, character {character} is never closed, so the rest of the file "
        "would be one cell. Close it, or double it if it is part of the text. If the end of the file is "
        "missing, upload the whole file again.",
    )
