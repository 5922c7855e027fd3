"""`pratique reports`: the catalogue, and a report into a file."""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, BinaryIO

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from pratique.foundation import audit, clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import institution_by_slug
from pratique.reports import actions, catalogue, files, layouts, queries
from pratique.reports.types import ChosenColumn, Format, Layout, ReportError, saved_id, saved_key

app = typer.Typer(help="Reports: list them, and write one into a file.", no_args_is_help=True)

# What went wrong, for scripts: 2 is the user's to mend (typer's own choice too), 1 is anything else.
_USAGE, _FAILED = 2, 1
_KEY = "The report's key, or a saved report's name; `pratique reports list` shows them."


@app.callback()
def reports() -> None:
    """Reports: list them, and write one into a file."""


@app.command("list")
def list_reports(
    institution: Annotated[str, typer.Option(help="An institution's slug: its saved reports too.")] = "",
) -> None:
    """List the reports with their parameters."""
    table = Table("Key", "Report", "Parameters", box=None, pad_edge=False)
    for one in catalogue.REPORTS.values():
        table.add_row(one.key, escape(f"{one.title}. {one.description}"), ", ".join(one.parameter_names))
    if institution:
        try:
            with institution_scope(_institution(institution).id):
                for saved in queries.all_saved_reports():
                    found = queries.definition(saved_key(saved.id))
                    names = ", ".join(found.parameter_names)
                    table.add_row(found.key, escape(f"{found.title}. {found.description}"), names)
        except ReportError as error:
            _stop(str(error), _USAGE)
    Console().print(table)


@app.command()
def columns(
    key: Annotated[str, typer.Argument(help=_KEY)],
    institution: Annotated[str, typer.Option(help="The institution's slug.")],
) -> None:
    """List the columns that `run --column` may choose; a star marks the usual ones."""
    table = Table("", "Column", "Title", box=None, pad_edge=False)
    try:
        with institution_scope(_institution(institution).id):
            for one in queries.columns(_key(key), {}, now=clock.now()):
                table.add_row("*" if one.shown else "", escape(one.key), escape(str(one.title)))
    except ReportError as error:
        _stop(str(error), _USAGE)
    Console().print(table)


@app.command()
def run(
    key: Annotated[str, typer.Argument(help=_KEY)],
    institution: Annotated[str, typer.Option(help="The institution's slug.")],
    out: Annotated[str, typer.Option(help="The file to write, or - for standard output.")],
    format: Annotated[str, typer.Option(help=", ".join(Format) + ".")] = "csv",
    param: Annotated[list[str] | None, typer.Option(help="A filter, name=value; repeat it for more.")] = None,
    sort: Annotated[str, typer.Option(help="A column's key to order by; -key for backwards.")] = "",
    column: Annotated[
        list[str] | None,
        typer.Option(
            help="A column, key or key=Title; repeat it for more. `reports columns` shows the keys."
        ),
    ] = None,
    date_format: Annotated[
        str, typer.Option(help="How dates are written, such as %m/%d/%Y; empty: 2026-08-31.")
    ] = "",
    no_neutralise: Annotated[
        bool, typer.Option("--no-neutralise", help="Leave cells that begin with = + - @ as they are.")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin CSV with a byte order mark.")] = False,
) -> None:
    """Write a report into a file, which appears whole or not at all. Progress goes to standard error."""
    try:
        kind = queries.parse_format(format)
        school = _institution(institution)
        target = _target(out)
        now = clock.now()
        with institution_scope(school.id):
            key = _key(key)
            parameters = queries.checked_parameters(key, _given(param or []))
            layout = layouts.checked(
                Layout(_chosen(column or []), date_format), queries.columns(key, parameters, now=now)
            )
            total = queries.count(key, parameters, now=now)
        with _progress(total) as report:
            blocks = actions.export(
                institution_id=school.id,
                key=key,
                parameters=parameters,
                format=kind,
                by=audit.Actor("command", "reports"),
                now=now,
                neutralise=not no_neutralise,
                bom=bom,
                sort=sort,
                layout=layout,
                progress=report.to,
            )
            _write(blocks, target)
    except ReportError as error:
        _stop(str(error), _USAGE)
    except BrokenPipeError:
        # Whoever read the other end has had enough; that is theirs to decide.
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115  (nothing is left to be written at exit)
        raise typer.Exit(_FAILED) from None
    except OSError as error:
        _stop(f"{out} cannot be written: {error.strerror or error}.", _FAILED)
    if target is not None:
        Console(stderr=True).print(f"{report.done:,} rows → {target}", markup=False, highlight=False)


def _stop(message: str, status: int) -> None:
    typer.echo(message, err=True)
    raise typer.Exit(status)


def _institution(slug: str) -> Institution:
    found = institution_by_slug(slug)
    if found is None:
        raise ReportError(f"There is no institution “{slug[:60]}”. Institutions are named by their slug.")
    return found


def _key(name: str) -> str:
    """Return the key of the report called `name`: its key, or the name of a saved one. Raises ReportError."""
    if name in catalogue.REPORTS or saved_id(name):
        return name
    found = [one for one in queries.all_saved_reports() if one.name.casefold() == name.strip().casefold()]
    if len(found) > 1:
        raise ReportError(f"Several saved reports are called “{name[:60]}”. Give the key: `reports list`.")
    return saved_key(found[0].id) if found else catalogue.definition(name).key


def _chosen(columns: Iterable[str]) -> tuple[ChosenColumn, ...]:
    """Return columns as they were written, `key` or `key=Title`."""
    pairs = (column.partition("=") for column in columns)
    return tuple(ChosenColumn(key.strip(), title.strip()) for key, _sign, title in pairs)


def _given(pairs: Iterable[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise ReportError(f"“{pair[:60]}” is not a parameter. Write --param name=value.")
        given.setdefault(name.strip(), []).append(value)
    return given


def _target(out: str) -> Path | None:
    """Return where to write, None for standard output; refuse now what would fail after the last row."""
    if out == "-":
        return None
    path = Path(out).expanduser()
    if path.is_dir():
        raise ReportError(f"{out} is a folder. Name a file in it.")
    if not path.parent.is_dir():
        raise ReportError(f"The folder {path.parent} does not exist.")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise ReportError(f"{out} cannot be written: no permission.")
    return path


def _write(blocks: Iterable[bytes], target: Path | None) -> None:
    if target is None:
        _copy(blocks, sys.stdout.buffer)
        sys.stdout.buffer.flush()
    elif target.exists() and not target.is_file():
        # A device or a named pipe cannot be replaced by a file, and must not be.
        with target.open("wb") as file:
            _copy(blocks, file)
    else:
        with files.whole_or_nothing(target) as file:
            _copy(blocks, file)


def _copy(blocks: Iterable[bytes], file: BinaryIO) -> None:
    for block in blocks:
        file.write(block)


class _Report:
    """Moves the bar, and remembers how far it came."""

    def __init__(self, bar: Progress, task: TaskID) -> None:
        self._bar, self._task, self.done = bar, task, 0

    def to(self, rows: int) -> None:
        self.done = rows
        self._bar.update(self._task, completed=rows)


@contextmanager
def _progress(total: int) -> Iterator[_Report]:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield _Report(bar, bar.add_task("Rows", total=total))
