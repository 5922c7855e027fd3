"""`pratique doctor`: shows what `checks` found; decides nothing itself."""

import os
import sys
from dataclasses import asdict
from typing import Annotated

import orjson
import typer

from pratique.interfaces.cli import probe

app = typer.Typer()


@app.command()
def doctor(json: Annotated[bool, typer.Option("--json", help="One JSON list.")] = False) -> None:
    """Check the installation. Each finding says its remedy; exit status 1 if one is a failure."""
    if not os.environ.get("DATABASE_URL") and probe.database_address() is None:
        # Reading the settings would make a database, and a doctor changes nothing.
        typer.echo(
            "Nothing is installed here yet. Run `pratique up` (or `pratique migrate`) first.", err=True
        )
        raise typer.Exit(1)
    import django

    django.setup()
    from pratique.interfaces.cli.checks import examine

    findings = examine()
    if json:
        sys.stdout.write(orjson.dumps([asdict(finding) for finding in findings]).decode() + "\n")
    else:
        for finding in findings:
            typer.echo(f"{finding.state:<5} {finding.name}: {finding.message}")
            if finding.remedy:
                typer.echo(f"      → {finding.remedy}")
    raise typer.Exit(1 if any(finding.state == "fail" for finding in findings) else 0)
