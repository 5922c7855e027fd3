"""The command `pratique`: which commands there are, and what is ready when one of them begins.

The table is the whole list. A module is imported when its command is called, so that help is quick; modules
that need models say so, and find Django set up.
"""

import os
import sys
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup


@dataclass(frozen=True)
class Entry:
    """A command: its name, the module whose `app` (a typer.Typer) has it, and one line of help.

    If `app` has a command of that very name, it is meant; else all of `app` is, as a group.
    """

    name: str
    module: str
    help: str
    django: bool = True
    hidden: bool = False


_CLI = "pratique.interfaces.cli"
COMMANDS = (
    Entry("up", f"{_CLI}.up", "Start database, web, workers and SFTP, and keep them running.", django=False),
    Entry("down", f"{_CLI}.running", "Stop everything that `up` started.", django=False),
    Entry("status", f"{_CLI}.running", "Say what runs, where, and whether it is healthy.", django=False),
    Entry("doctor", f"{_CLI}.doctor", "Check the installation; each finding says the remedy.", django=False),
    Entry("migrate", f"{_CLI}.maintenance", "Bring the database to the present schema."),
    Entry("roster", f"{_CLI}.roster", "Check and import files of students."),
    Entry("reports", f"{_CLI}.reports", "List reports, and write one into a file."),
    Entry("deliver", f"{_CLI}.deliver", "Deliver a report to an account or to a customer’s server."),
    Entry("reminders", f"{_CLI}.reminders", "Plan the reminders that are due; say what waits for approval."),
    Entry("schedules", f"{_CLI}.schedules", "Reports that are delivered again and again."),
    Entry("vault", f"{_CLI}.vault", "Keys of the stored files; read every file and name what is wrong."),
    Entry("audit", f"{_CLI}.audit", "Verify the chain of the audit trail; ask who saw a record."),
    Entry("demo", f"{_CLI}.demo", "The demo institution, who can sign in to it, and how its partner calls."),
    Entry("partner", f"{_CLI}.partner", "Try calls of the partner API.", django=False),
    Entry("worker", f"{_CLI}.worker", "Run jobs (`up` starts two of these)."),
    Entry("sftp", "pratique.interfaces.sftp.command", "Serve files over SFTP; manage the host keys."),
    Entry("web", f"{_CLI}.web", "Serve the web application alone.", django=False, hidden=True),
)


class LazyGroup(TyperGroup):
    """Shows the table as help; imports the module of the one command that is called."""

    def list_commands(self, ctx: Any) -> list[str]:
        return [entry.name for entry in COMMANDS]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        for entry in COMMANDS:
            if entry.name == cmd_name:
                return TyperCommand(entry.name, help=entry.help, hidden=entry.hidden)
        return None

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, _stub, rest = super().resolve_command(ctx, args)
        entry = next(entry for entry in COMMANDS if entry.name == name)
        return name, load(entry), rest


def load(entry: Entry) -> Any:
    """Import a command's module, with the environment read and (if it needs models) Django set up."""
    _read_environment()
    if entry.django:
        _ensure_embedded_database()
        import django

        django.setup()
    command = typer.main.get_command(import_module(entry.module).app)
    command = getattr(command, "commands", {}).get(entry.name, command)
    command.help = command.help or entry.help
    return command


def main() -> None:
    """Run the command line; a failure that we can name is told in a sentence, not as a stack trace."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pratique.config.settings")
    application = typer.Typer(
        cls=LazyGroup, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False
    )
    application.callback()(_pratique)
    try:
        application(prog_name="pratique")
    except Exception as error:
        sentence = _sentence(error)
        if sentence is None:
            raise
        typer.echo(sentence, err=True)
        sys.exit(1)


def _pratique() -> None:
    """Pratique: student health records and immunization compliance."""


def _read_environment() -> None:
    from pratique.config import environment

    root = environment.project_root()
    environment.load_env_file(root / ".env")
    # Commands that must not touch the settings (those might make a database) still need to find things.
    os.environ["PRATIQUE_HOME"] = str(root.resolve())
    os.environ["PRATIQUE_VAR"] = str((root / os.environ.get("PRATIQUE_VAR", "var")).resolve())


def _ensure_embedded_database() -> None:
    """Start the embedded server where a command needs it and nobody did; `pratique down` stops it."""
    if not os.environ.get("DATABASE_URL"):
        from pathlib import Path

        from pratique.config import environment

        environment.embedded(Path(os.environ["PRATIQUE_VAR"])).start()


def _sentence(error: Exception) -> str | None:
    from django.core.exceptions import ImproperlyConfigured
    from django.db import OperationalError, ProgrammingError

    from pratique.foundation.embedded_postgres import EmbeddedPostgresError
    from pratique.foundation.migrate import UnsafeRoleError

    if isinstance(error, ImproperlyConfigured | EmbeddedPostgresError | UnsafeRoleError):
        return f"Error: {error}"
    if isinstance(error, OperationalError):
        if os.environ.get("DATABASE_URL"):
            return f"Error: the database in DATABASE_URL does not answer: {str(error).strip()}"
        return "Error: the embedded database does not answer. Start it with `pratique up --background`."
    if isinstance(error, ProgrammingError) and "does not exist" in str(error):
        return "Error: the database has no such table yet. Run `pratique migrate`."
    return None


if __name__ == "__main__":
    main()
