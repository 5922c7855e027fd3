"""`pratique migrate`."""

from typing import Annotated

import typer
from django.conf import settings

from pratique.foundation.migrate import check_application_role
from pratique.foundation.migrate import migrate as apply_migrations
from pratique.interfaces.cli.starting import start_database

app = typer.Typer()


@app.command()
def migrate(verbose: Annotated[bool, typer.Option("--verbose", help="Name each migration.")] = False) -> None:
    """Bring the database to the present schema, and give the application's role its rights.

    Migrations run as DATABASE_OWNER_URL. The embedded database is started for it and keeps running
    until `pratique down`.
    """
    start_database(typer.echo)
    check_application_role()
    apply_migrations(verbosity=1 if verbose else 0)
    where = "embedded" if settings.DATABASE_IS_EMBEDDED else "DATABASE_URL"
    typer.echo(f"The database ({where}) is up to date.")
