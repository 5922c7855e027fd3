"""`pratique demo`: the demo institution and who can sign in to it."""

from pathlib import Path
from typing import Annotated

import orjson
import typer
from django.conf import settings
from rich.console import Console
from rich.table import Table

from pratique.interfaces.cli.demo_sign_ins import sign_ins

app = typer.Typer(no_args_is_help=True, help="The demo institution.")


@app.command()
def load() -> None:
    """Load the demo institution `demo` with 2,000 synthetic students, once."""
    from pratique.interfaces.cli import demo_school

    console = Console(stderr=True)
    if not demo_school.load(say=console.print):
        console.print("The demo institution is there already.")


@app.command()
def credentials(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show who can sign in to the demo institution."""
    people = sign_ins(Path(settings.VAR))
    if as_json:
        typer.echo(orjson.dumps(people).decode())
        return
    if not people:
        typer.echo("There is no demo institution here. Load it with `pratique demo load`.", err=True)
        raise typer.Exit(1)
    table = Table(
        "Role", "State", "Username", "Password, or link and date of birth", box=None, pad_edge=False
    )
    for person in people:
        way = person["password"] or f"{person['link']} {person['date_of_birth']}"
        table.add_row(person["role"], person.get("state", ""), person["username"], way)
    # Passwords and links are copied: nothing of them may be cut or wrapped where a terminal is narrow.
    Console(width=200).print(table)


def load_demo_if_empty() -> bool:
    """Load the demo into an installation that has no institution; `pratique up` calls this. Whether it did."""
    from pratique.institutions.queries import all_institution_ids
    from pratique.interfaces.cli import demo_school

    if all_institution_ids():
        return False
    console = Console(stderr=True)
    return demo_school.load(say=console.print)
