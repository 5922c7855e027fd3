"""`pratique down` and `pratique status`."""

import sys
from typing import Annotated, Any

import orjson
import typer

from pratique.foundation.run_state import RunFolder
from pratique.interfaces.cli.probe import embedded, report, var_folder

app = typer.Typer()

_PATIENCE = 45.0  # the children have 15 s, then the database writes its last checkpoint


@app.command()
def down() -> None:
    """Stop web, workers, SFTP and the embedded database. Nothing to stop is fine too."""
    folder = RunFolder(var_folder())
    state = folder.running()
    if state is not None:
        if not state.supervisor.terminate(seconds=_PATIENCE):
            typer.echo("It did not end by itself and was ended by force.", err=True)
        typer.echo("Stopped.")
    else:
        typer.echo("Nothing runs.")
    folder.clear()
    cluster = embedded()
    if cluster.data.exists():
        cluster.stop()


@app.command()
def status(json: Annotated[bool, typer.Option("--json", help="One JSON object.")] = False) -> None:
    """Say what runs and where; the exit status is 0 only if all of it is healthy."""
    folder = RunFolder(var_folder())
    found = report(folder.running())
    if json:
        sys.stdout.write(orjson.dumps(found).decode() + "\n")
    else:
        _show(found, crashed=folder.left_behind() is not None)
    raise typer.Exit(0 if found["healthy"] else 1)


def _show(found: dict[str, Any], *, crashed: bool) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    table.add_row("web", found["web"] or "does not answer")
    table.add_row("workers", str(found["workers"]))
    table.add_row("sftp", found["sftp"] or "does not answer")
    table.add_row("database", found["database"] or "does not answer")
    table.add_row("healthy", "yes" if found["healthy"] else "no")
    Console().print(table)
    if crashed:
        typer.echo("The last run was ended by force. Start again with `pratique up`.")
    elif not found["pid"]:
        typer.echo("Nothing was started. Start with `pratique up`.")
