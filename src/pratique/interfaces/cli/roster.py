"""`pratique roster`: check and import a file of students from a terminal, and make samples."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table

from pratique.foundation import audit, clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import institution_by_slug
from pratique.rosters import actions, queries
from pratique.rosters.csvfile import MAX_BYTES, CsvFileError
from pratique.rosters.models import ImportState, RosterImport
from pratique.rosters.planning import plan_file
from pratique.rosters.progress import reporting
from pratique.rosters.sample import write_sample
from pratique.rosters.types import Outcome, Problem, RowResult

app = typer.Typer(no_args_is_help=True, help="Check and import files of students.")

EXIT_REFUSED_ROWS, EXIT_REFUSED_FILE = 1, 2
_BY = audit.Actor("command", "roster")
_PHASES = {
    "waiting": "Waiting for a worker",
    "reading": "Reading the file",
    "checking": "Checking rows",
    "planning": "Comparing with known students",
    "creating": "Creating students",
    "updating": "Updating students",
    "results": "Keeping the results",
    "committing": "Finishing",
}

InstitutionOption = Annotated[
    str, typer.Option("--institution", help="The institution's slug, such as demo.")
]
FileArgument = Annotated[Path, typer.Argument(help="A CSV file (UTF-8, comma, header row).")]


@app.command()
def sample(
    rows: Annotated[int, typer.Option(min=1, max=1_000_000)] = 1000,
    seed: Annotated[int, typer.Option(help="The same seed gives the same students.")] = 1,
    out: Annotated[Path, typer.Option(help="The file to write.")] = Path("roster.csv"),
) -> None:
    """Write a file of synthetic students that fits the demo institution."""
    try:
        with out.open("wb") as file:
            size = write_sample(rows=rows, seed=seed, out=file)
    except OSError as error:
        raise _stop(f"{out} cannot be written: {error.strerror}.") from None
    typer.echo(f"{out}: {rows:,} rows, {size:,} bytes")


@app.command()
def check(
    file: FileArgument,
    institution: InstitutionOption,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a row, for scripts.")] = False,
) -> None:
    """Say what an import would do, row by row. Nothing is stored.

    Ends with 0 if no row is refused, 1 if some are, 2 if the whole file is.
    """
    school = _institution(institution)
    try:
        content = _read(file)
        with institution_scope(school.id):
            planned = plan_file(
                content,
                institution=school,
                mapping=school.roster_mapping,
                today=clock.today(school.time_zone),
            )
    except CsvFileError as error:
        _tell_file_error(error, as_json=as_json)
        raise typer.Exit(EXIT_REFUSED_FILE) from None
    results, counts = planned.plan.results, planned.plan.counts
    if as_json:
        # What concerns the whole file is told with its first row: each line of the output is a row.
        about_file = {results[0].row: planned.warnings}
        _write_lines(_row_object(result, about_file.get(result.row, ())) for result in results)
    else:
        console = Console()
        for warning in planned.warnings:
            console.print(f"Warning: {warning.message}", markup=False, highlight=False)
        _print_counts(console, {outcome.value: count for outcome, count in counts.items()})
        _print_refused(console, results)
    raise typer.Exit(EXIT_REFUSED_ROWS if counts[Outcome.REFUSED] else 0)


@app.command("import")
def import_(
    file: FileArgument,
    institution: InstitutionOption,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Apply without asking.")] = False,
    results: Annotated[Path | None, typer.Option(help="Write the results file here.")] = None,
) -> None:
    """Import a file: show the plan, ask, apply it, and say what became of the rows."""
    school = _institution(institution)
    console = Console()
    try:
        content = _read(file)
    except CsvFileError as error:
        _tell_file_error(error, as_json=False)
        raise typer.Exit(EXIT_REFUSED_FILE) from None
    with institution_scope(school.id):
        roster_import = actions.receive(
            institution=school,
            file_name=file.name,
            content=content,
            source="command",
            by=_BY,
            now=clock.now(),
        )
        actions.request_check(roster_import=roster_import, by=_BY, now=clock.now())
    roster_import = _run(school, roster_import.id, "check")
    if roster_import.state == ImportState.FAILED:
        told = roster_import.file_error or {}
        _tell_file_error(CsvFileError(told["code"], told["line"], told["message"]), as_json=False)
        raise typer.Exit(EXIT_REFUSED_FILE)
    _print_plan(console, school, roster_import)
    if not yes and not typer.confirm("Apply this?"):
        with institution_scope(school.id):
            actions.cancel(roster_import=roster_import, by=_BY, now=clock.now())
        typer.echo("Nothing was imported.")
        raise typer.Exit(0)
    with institution_scope(school.id):
        actions.confirm(roster_import=roster_import, by=_BY, now=clock.now())
    began = time.perf_counter()
    roster_import = _run(school, roster_import.id, "apply")
    seconds = time.perf_counter() - began
    console.print(f"Imported in {seconds:.1f} s.", highlight=False)
    _print_counts(console, roster_import.counts)
    if results:
        _write_results(school, roster_import, results)
    raise typer.Exit(EXIT_REFUSED_ROWS if roster_import.counts["refused"] else 0)


# --- running what a worker would run --------------------------------------------------------------------------


def _run(school: Institution, roster_import_id: UUID, verb: str) -> RosterImport:
    """Do the work here, with a progress bar; if a worker was quicker to take it, follow that one instead.

    The job is in the queue as well. Whichever comes first does the work and the other finds nothing to do, so a
    terminal that is closed in the middle loses nothing.
    """
    with _bar() as bar, reporting(school.id, roster_import_id, also=bar) as report:
        today = clock.today(school.time_zone)
        if verb == "check":
            actions.check(institution=school, roster_import_id=roster_import_id, today=today, report=report)
        else:
            actions.apply(
                institution=school,
                roster_import_id=roster_import_id,
                today=today,
                now=clock.now(),
                report=report,
            )
    with institution_scope(school.id):
        return RosterImport.objects.get(id=roster_import_id)


@contextmanager
def _bar() -> Iterator[Any]:
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("Starting", total=None)

        def show(phase: str, done: int, total: int) -> None:
            progress.update(task, description=_PHASES.get(phase, phase), completed=done, total=total or None)

        yield show


# --- words ----------------------------------------------------------------------------------------------------


def _institution(slug: str) -> Institution:
    found = institution_by_slug(slug)
    if found is None:
        raise _stop(
            f"There is no institution {slug!r}. The demo's is called demo; `pratique demo load` makes it."
        )
    return found


def _read(file: Path) -> bytes:
    """Read the file's bytes; what stands in the way is told as a file-level refusal like any other."""
    if file.is_dir():
        raise CsvFileError("unreadable", 1, f"{file} is a folder. Name the CSV file in it.")
    try:
        with file.open("rb") as opened:
            return opened.read(MAX_BYTES + 1)  # one byte too many is enough to refuse the file
    except OSError as error:
        reason = (error.strerror or "unknown reason").lower()
        raise CsvFileError(
            "unreadable", 1, f"{file} cannot be read: {reason}. Check its name and rights."
        ) from None


def _tell_file_error(error: CsvFileError, *, as_json: bool) -> None:
    if as_json:
        told = {"code": error.code, "line": error.line, "message": error.message}
        _write_lines([{"file_error": told}])
    else:
        typer.echo(f"The file was refused (line {error.line}, {error.code}): {error.message}", err=True)


def _row_object(result: RowResult, about_file: tuple[Problem, ...]) -> dict[str, Any]:
    return {
        "line": result.line,
        "row": result.row,
        "outcome": result.outcome.value,
        "errors": [problem._asdict() for problem in result.errors],
        "warnings": [problem._asdict() for problem in (*about_file, *result.warnings)],
    }


def _write_lines(objects: Any) -> None:
    for each in objects:
        sys.stdout.buffer.write(orjson.dumps(each) + b"\n")
    sys.stdout.buffer.flush()


def _print_counts(console: Console, counts: dict[str, int]) -> None:
    table = Table("Outcome", "Rows")
    table.columns[1].justify = "right"
    for outcome in Outcome:
        table.add_row(outcome.value, f"{counts.get(outcome.value, 0):,}")
    console.print(table)


def _print_refused(console: Console, results: list[RowResult], most: int = 20) -> None:
    told = [result for result in results if result.errors or result.warnings]
    for result in told[:most]:
        for problem in (*result.errors, *result.warnings):
            where = f", {problem.column}" if problem.column else ""
            console.print(f"Line {result.line}{where}: {problem.message}", markup=False, highlight=False)
    if len(told) > most:
        console.print(
            f"... and {len(told) - most:,} more rows with problems; --json lists all.", highlight=False
        )


def _print_plan(console: Console, school: Institution, roster_import: RosterImport) -> None:
    with institution_scope(school.id):
        kinds = queries.problem_kinds(roster_import)
    console.print("This file would have these outcomes:")
    _print_counts(console, roster_import.counts)
    for warning in roster_import.file_warnings:
        console.print(f"Warning: {warning['message']}", markup=False, highlight=False)
    for kind in kinds:
        where = f", {kind.column}" if kind.column else ""
        times = f" ({kind.count:,} times)" if kind.count > 1 else ""
        console.print(
            f"{kind.kind.capitalize()} on line {kind.line}{where}{times}: {kind.message}",
            markup=False,
            highlight=False,
        )


def _write_results(school: Institution, roster_import: RosterImport, path: Path) -> None:
    try:
        with path.open("wb") as out, institution_scope(school.id):
            out.writelines(queries.results_csv(roster_import))
    except OSError as error:
        raise _stop(f"The import is done, but {path} cannot be written: {error.strerror}.") from None
    typer.echo(f"The results of every row are in {path}.")


def _stop(message: str) -> typer.Exit:
    typer.echo(f"Error: {message}", err=True)
    return typer.Exit(EXIT_REFUSED_FILE)
