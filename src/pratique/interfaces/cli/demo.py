"""`pratique demo`: the demo institution, who can sign in to it, how its partner calls and its files are brought."""

from pathlib import Path
from typing import Annotated, Any

import orjson
import typer
from django.conf import settings
from rich.console import Console
from rich.table import Table

from pratique.foundation.demo_credentials import MACHINES, demo_partner, demo_sftp, sign_ins
from pratique.foundation.run_state import RunFolder
from pratique.interfaces.cli.probe import sftp_address

app = typer.Typer(no_args_is_help=True, help="The demo institution.")


@app.command()
def load() -> None:
    """Load the demo institution `demo` with 2,000 synthetic students, a partner and an SFTP account, once."""
    from pratique.interfaces.cli import demo_school

    console = Console(stderr=True)
    if not demo_school.load(say=console.print):
        console.print("The demo institution is there already.")


@app.command()
def credentials(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Show who can sign in to the demo institution, how its partner calls, and how files are brought to it."""
    people = [one for one in sign_ins(Path(settings.VAR)) if one["role"] not in MACHINES]
    partner, sftp = demo_partner(Path(settings.VAR), base_url=_address()), _sftp()
    if as_json:
        typer.echo(orjson.dumps([*people, *filter(None, (partner, sftp))]).decode())
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
    if partner:
        _show_partner(partner)
    if sftp:
        _show_sftp(sftp)


def _sftp() -> dict[str, Any] | None:
    """Return how files are brought: to the running server's port, or to the usual one."""
    from pratique.transfers.host_keys import public_host_keys

    running = RunFolder(Path(settings.VAR)).running()
    host, port = settings.SFTP_PUBLIC_HOST, settings.SFTP_PUBLIC_PORT
    if running and running.sftp_port:
        host, _colon, number = sftp_address(running.sftp_port).rpartition(":")
        host, port = host.strip("[]"), int(number)
    keys = public_host_keys(settings.SFTP_HOST_KEYS)
    # RSA, which comes first: clients of every age ask for it.
    key = f"{keys[0].algorithm} {keys[0].public}" if keys else ""
    return demo_sftp(Path(settings.VAR), host=host, port=port, host_key=key)


def _show_sftp(sftp: dict[str, Any]) -> None:
    table = Table("File transfer (SFTP)", "", box=None, pad_edge=False)
    for name in ("host", "port", "username", "private_key_path", "host_key"):
        table.add_row(name, str(sftp[name]))
    typer.echo()
    # A host key is one word of 400 characters.
    Console(width=800).print(table)


def _address() -> str:
    # `up` may have chosen another port than the usual one.
    running = RunFolder(Path(settings.VAR)).running()
    return running.url if running else settings.BASE_URL


def _show_partner(partner: dict[str, Any]) -> None:
    table = Table("Partner API", "", box=None, pad_edge=False)
    for name in ("client_id", "encryption_key", "base_url", "package_code"):
        table.add_row(name, partner[name])
    table.add_row("tracker_names", "\n".join(partner["tracker_names"]))
    typer.echo()
    Console(width=200).print(table)


def load_demo_if_empty() -> bool:
    """Load the demo into an installation that has no institution, which `pratique up` asks for. Whether it did."""
    from pratique.institutions.queries import all_institution_ids
    from pratique.interfaces.cli import demo_school

    if all_institution_ids():
        return False
    console = Console(stderr=True)
    return demo_school.load(say=console.print)


def complete_demo() -> None:
    """Add what a demo that an earlier version loaded lacks; quick where it lacks nothing."""
    if sign_ins(Path(settings.VAR)):
        from pratique.interfaces.cli import demo_school

        demo_school.complete(say=Console(stderr=True).print)
