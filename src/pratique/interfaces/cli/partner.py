"""`pratique partner call`: try calls of the partner API from a terminal, as an integrator would make them.

Needs no database: the server may be anywhere. The key is never an argument, because arguments of a command can be
read by everybody on the machine.
"""

import os
import sys
import textwrap
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import orjson
import typer

from pratique.foundation.demo_credentials import demo_partner
from pratique.foundation.run_state import RunFolder
from pratique.interfaces.cli.probe import var_folder
from pratique.partner_client.client import PartnerClient
from pratique.partner_client.errors import PartnerError
from pratique.partner_client.fields import METHODS, typed
from pratique.partner_client.protocol import ProtocolError
from pratique.partners.types import ERRORS

app = typer.Typer(
    no_args_is_help=True, rich_markup_mode=None, add_completion=False, help="Try calls of the partner API."
)

_REMEDIES = {
    "UNREACHABLE": "Compare the address, and whether Pratique runs there (`pratique status`).",
    "UNREADABLE_ANSWER": "Compare the address: it is the one that Pratique itself is reached at, without a path.",
}
_USAGE = 2


@dataclass(frozen=True)
class Account:
    """Whom to call as, and where. `defaults` are values for fields that nobody gave."""

    url: str
    client_id: str
    key: str = field(repr=False)
    defaults: dict[str, str] = field(default_factory=dict)


@app.callback()
def _partner() -> None:
    """Try calls of the partner API."""


def _methods() -> str:
    # \b keeps the lines of a paragraph as they are.
    lines = ["\b", "Methods and their fields (? may be left out):"]
    for method, names in METHODS.items():
        told = textwrap.wrap(f"{method}: {', '.join(names)}", 74, subsequent_indent="    ")
        lines += [f"  {line}" for line in told]
    return "\n".join(lines)


@app.command(epilog=_methods())
def call(
    method: Annotated[str, typer.Argument(help="Such as getPackageCounts, in this very case.")],
    values: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="key=value...",
            help="Fields by their names. dateOfBirth, expirationDate and deltaStartDate are milliseconds; a date "
            "such as 2027-06-30 is converted to midnight of that day in US Central time. A nonce is made unless "
            "you give one.",
        ),
    ] = None,
    demo: Annotated[
        bool,
        typer.Option(
            "--demo",
            help="Call as the partner of the demo institution; code and registrationCode are then its package's "
            "unless you give them.",
        ),
    ] = False,
    url: Annotated[
        str,
        typer.Option(
            envvar="PRATIQUE_BASE_URL",
            help="Where Pratique is, such as https://health.example.edu. For the demo: this installation.",
        ),
    ] = "",
    client_id: Annotated[
        str, typer.Option(envvar="PRATIQUE_PARTNER_CLIENT_ID", help="The client id that the school gave you.")
    ] = "",
    key_file: Annotated[
        Path | None,
        typer.Option(
            help="A file with the encryption key. Without it, PRATIQUE_PARTNER_KEY of the environment is taken, or "
            "you are asked.",
        ),
    ] = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", "-v", help="Tell each step; no secret is told.")
    ] = False,
) -> None:
    """Make one call and print its answer as JSON.

    Ends with 0 if it succeeded, 1 if it was refused or nobody answered, 2 if the command was wrong.
    """
    fields = _fields(values or [])
    account = _demo_account(url) if demo else _own_account(url, client_id, key_file)
    wanted = {name.rstrip("?") for name in METHODS.get(method, ())}
    fields = {name: text for name, text in account.defaults.items() if name in wanted} | fields
    try:
        client = PartnerClient(
            account.url, account.client_id, account.key, trace=_tell_step if verbose else None
        )
    except (ProtocolError, ValueError) as error:
        raise _stop(str(error)) from None
    with client:
        try:
            answer = client.call(method, **fields)
        except PartnerError as error:
            _tell(error)
            raise typer.Exit(1) from None
    option = orjson.OPT_INDENT_2 if sys.stdout.isatty() else 0
    typer.echo(orjson.dumps(answer, option=option).decode())


def _fields(values: list[str]) -> dict[str, Any]:
    """Read `key=value`, each once."""
    found: dict[str, Any] = {}
    for given in values:
        name, equals, text = given.partition("=")
        if not equals or not name:
            raise _stop("Fields are written key=value, such as code=MHP123456.")
        if name in found:
            raise _stop(f"{name} is given twice.")
        try:
            found[name] = typed(name, text)
        except ValueError as error:
            raise _stop(str(error)) from None
    return found


def _demo_account(url: str) -> Account:
    demo = demo_partner(var_folder(), base_url=url or _here())
    if demo is None:
        raise _stop("There is no demo partner here. Load the demo with `pratique demo load`.")
    code = demo["package_code"]
    return Account(
        demo["base_url"], demo["client_id"], demo["encryption_key"], {"code": code, "registrationCode": code}
    )


def _here() -> str:
    """Return where this installation answers: `pratique up` may have chosen another port than the usual one."""
    running = RunFolder(var_folder()).running()
    return running.url if running else f"http://127.0.0.1:{os.environ.get('PRATIQUE_PORT', '8000')}"


def _own_account(url: str, client_id: str, key_file: Path | None) -> Account:
    if not url or not client_id:
        raise _stop("Say whom to call as: --url and --client-id, or --demo.")
    return Account(url, client_id, _key(key_file))


def _key(file: Path | None) -> str:
    if file is not None:
        try:
            return file.read_text()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise _stop(f"{file} cannot be read: {reason}.") from None
    if given := os.environ.get("PRATIQUE_PARTNER_KEY"):
        return given
    if not sys.stdin.isatty():
        raise _stop("Give the encryption key in PRATIQUE_PARTNER_KEY or with --key-file.")
    return str(typer.prompt("Encryption key", hide_input=True, err=True))


def _tell_step(step: str) -> None:
    typer.echo(step, err=True)


def _tell(error: PartnerError) -> None:
    """Say what was refused, why, and what to do."""
    about = [f"HTTP {error.status}"] if error.status else []
    about += [f"field {error.field}"] if error.field else []
    where = f" ({', '.join(about)})" if about else ""
    typer.echo(f"{error.code}{where}: {error.message}", err=True)
    known = ERRORS.get(error.code)
    remedy = _REMEDIES.get(error.code) or (known.remedy if known else "")
    if error.retry_after is not None:
        remedy += f" Retry-After says {error.retry_after} s."
    if remedy:
        typer.echo(f"Remedy: {remedy.strip()}", err=True)


def _stop(message: str) -> typer.Exit:
    typer.echo(f"Error: {message}", err=True)
    return typer.Exit(_USAGE)
