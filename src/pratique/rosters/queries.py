"""Reading imports, their plans and results."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.db.models import QuerySet

from pratique.foundation.storage import FileMissingError
from pratique.rosters import contents, results_file
from pratique.rosters.csvfile import read_csv
from pratique.rosters.mapping import DEFAULT_HEADERS, suggest_mapping
from pratique.rosters.models import RosterFile, RosterImport, RosterProgress, RowResult


class Progress(NamedTuple):
    """How far an import is: the phase's name, rows done of all rows (0 of 0 where nothing is counted yet)."""

    phase: str
    done: int
    total: int


@dataclass(frozen=True)
class ProblemKind:
    """One kind of error or warning in an import: how often, and where first."""

    kind: str
    code: str
    column: str
    count: int
    line: int
    message: str


class ContentGoneError(Exception):
    """The bytes of an import are no longer kept."""


class MappingChoices(NamedTuple):
    """What the mapping form shows: the file's header, a few rows, our fields, and which header may be which."""

    header: Sequence[str]
    samples: Sequence[Sequence[str]]
    fields: Sequence[tuple[str, str]]
    suggested: dict[str, str]


def recent() -> QuerySet[RosterImport]:
    """Return the institution's imports, the newest first."""
    return RosterImport.objects.order_by("-received_at", "-id")


def progress(roster_import: RosterImport) -> Progress:
    """Return how far the import is, as last reported."""
    found = (
        RosterProgress.objects.filter(roster_import=roster_import)
        .values_list("phase", "done", "total")
        .first()
    )
    return Progress(*found) if found else Progress("waiting", 0, 0)


def row_results(roster_import: RosterImport, *, outcome: str | None = None) -> QuerySet[RowResult]:
    """Return the rows' results in file order. Before the import is applied: only rows with problems."""
    results = RowResult.objects.filter(roster_import=roster_import).order_by("row")
    return results.filter(outcome=outcome) if outcome else results


_PROBLEM_KINDS = """
    with problems as (
        select 'error' as kind, r.row, r.line, p.* from rosters_rowresult r,
            jsonb_to_recordset(r.errors) as p(code text, "column" text, message text)
        where r.institution_id = %(institution)s and r.roster_import_id = %(roster_import)s
        union all
        select 'warning', r.row, r.line, p.* from rosters_rowresult r,
            jsonb_to_recordset(r.warnings) as p(code text, "column" text, message text)
        where r.institution_id = %(institution)s and r.roster_import_id = %(roster_import)s
    )
    select distinct on (kind, code, "column") kind, code, "column",
        count(*) over (partition by kind, code, "column"), line, message
    from problems order by kind, code, "column", row
"""


def problem_kinds(roster_import: RosterImport) -> list[ProblemKind]:
    """Return each kind of problem with its first place: errors before warnings, the most frequent first."""
    with connection.cursor() as cursor:
        cursor.execute(
            _PROBLEM_KINDS, {"institution": roster_import.institution_id, "roster_import": roster_import.id}
        )
        kinds = [ProblemKind(*row) for row in cursor]
    return sorted(kinds, key=lambda kind: (kind.kind, -kind.count, kind.line))


def mapping_choices(roster_import: RosterImport, *, rows: int = 3) -> MappingChoices:
    """Return what the mapping form shows.

    Raises CsvFileError where the file cannot be read as CSV at all, ContentGoneError where it is no longer kept.
    """
    try:
        file = read_csv(contents.read(roster_import))
    except (RosterFile.DoesNotExist, FileMissingError):
        raise ContentGoneError from None
    return MappingChoices(
        header=file.header,
        samples=[record.cells for record in file.records[:rows]],
        fields=tuple(DEFAULT_HEADERS.items()),
        suggested=dict(suggest_mapping(file.header).headers),
    )


def results_csv(roster_import: RosterImport, *, problems_only: bool = False) -> Iterator[bytes]:
    """Yield the results file: one row for each data row, with its line, outcome, warnings and errors.

    The institution's scope must stay open while it is read.
    """
    return results_file.blocks(roster_import, problems_only=problems_only)
