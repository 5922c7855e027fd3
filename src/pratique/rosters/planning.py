"""From a file's bytes to a plan, as the check, the apply and the command all take it.

    read -> resolve columns -> parse rows -> load the students they may mean -> plan

Nothing is stored here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from pratique.institutions.models import Institution
from pratique.rosters import known
from pratique.rosters.csvfile import read_csv
from pratique.rosters.mapping import DEFAULT_MAPPING, ColumnMapping, resolve
from pratique.rosters.plan import make_plan, wanted_keys
from pratique.rosters.rows import parse_rows
from pratique.rosters.types import Problem, RosterPlan

Report = Callable[[str, int, int], None]


def silent(phase: str, done: int, total: int) -> None:
    """Report progress to nobody."""


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """A plan with the warnings that concern the whole file."""

    plan: RosterPlan
    warnings: tuple[Problem, ...]


def plan_file(
    content: bytes,
    *,
    institution: Institution,
    mapping: Mapping[str, Any],
    today: date,
    report: Report = silent,
) -> PlannedFile:
    """Plan a roster file against what the institution has now.

    `mapping` is `{"headers": {field: header}, "constants": {field: value}}` or empty for the default columns.
    Must run inside the institution's scope. Raises CsvFileError if the whole file is refused.
    """
    report("reading", 0, 0)
    file = read_csv(content)
    total = len(file.records)
    columns = resolve(
        file.header,
        column_mapping(mapping),
        student_id_required=institution.student_id_required,
        line=file.header_line,
    )
    report("checking", 0, total)
    rows = parse_rows(
        file, columns, today=today, known=known.names(), student_id_required=institution.student_id_required
    )
    warnings = file.warnings + columns.warnings
    names = columns.names
    del file  # its text and records are the largest things in memory, and nothing asks for them again
    report("planning", 0, total)
    plan = make_plan(rows, known.students(wanted_keys(rows)), columns=names)
    return PlannedFile(plan, warnings)


def column_mapping(mapping: Mapping[str, Any]) -> ColumnMapping:
    """Return the mapping stored as JSON; ValueError names a field that does not exist."""
    if not mapping:
        return DEFAULT_MAPPING
    headers, constants = mapping.get("headers"), mapping.get("constants") or {}
    return ColumnMapping(headers, constants) if headers else ColumnMapping(constants=constants)
