"""`pratique deliver`: a report as a file into an account's `/outbound`, or onto a customer's server."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, NoReturn
from uuid import UUID

import orjson
import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from pratique.accounts.models import User
from pratique.accounts.roles import STAFF_ROLES
from pratique.delivery import queries
from pratique.delivery.actions.deliveries import deliver as ask
from pratique.delivery.models import Delivery, DeliveryState
from pratique.delivery.types import DeliveryError, Place, sentence, why_stopped
from pratique.foundation import audit, clock
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import institution_by_slug
from pratique.reports import layouts
from pratique.reports.queries import checked_parameters, parse_format
from pratique.reports.types import Layout, ReportError
from pratique.transfers.models import TransferAccount

app = typer.Typer(help="Deliver a report as a file.")

# What went wrong, for scripts: 2 is the user's to mend (typer's own choice too), 1 is anything else.
_USAGE, _FAILED = 2, 1
_LOOK_EVERY_SECONDS = 0.3
_NO_WORKER_AFTER_SECONDS = 10


@app.command()
def deliver(
    report: Annotated[str, typer.Argument(help="The report's key; `pratique reports list` shows them.")],
    institution: Annotated[str, typer.Option(help="The institution's slug.")],
    to: Annotated[
        str, typer.Option(help="The username of a transfer account, or the name of a destination.")
    ] = "",
    mail_to: Annotated[
        list[str] | None,
        typer.Option("--mail-to", help="The e-mail address of staff who get a link; repeat it for more."),
    ] = None,
    format: Annotated[str, typer.Option(help="csv, tsv, pipe, fixed, jsonl or xlsx.")] = "csv",
    filter: Annotated[
        list[str] | None, typer.Option("--filter", help="A filter, name=value; repeat it for more.")
    ] = None,
    name: Annotated[
        str,
        typer.Option(help="The file's name, with {date:%Y%m%d-%H%M} (the school's time), {report} and {n}."),
    ] = "",
    sort: Annotated[str, typer.Option(help="A column's key to order by; -key for backwards.")] = "",
    layout: Annotated[
        Path | None,
        typer.Option(
            help="A JSON file: columns, their titles and widths, date formats (guides/reports).",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    no_neutralise: Annotated[
        bool, typer.Option("--no-neutralise", help="Leave cells that begin with = + - @ as they are.")
    ] = False,
    bom: Annotated[bool, typer.Option("--bom", help="Begin a text file with a byte order mark.")] = False,
    pgp_key: Annotated[
        Path | None,
        typer.Option(
            help="A file with the OpenPGP public key to encrypt to, armored as text.",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    wait: Annotated[
        bool, typer.Option("--wait", help="Wait until it has arrived or failed for good.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Say what became of it as JSON.")] = False,
) -> None:
    """Deliver a report as a file to an account's /outbound, to a destination on another server, or as a link by mail.

    Ends with 0 when the delivery is asked for (with --wait: when it arrived), 2 if something given is wrong, else 1.
    """
    try:
        kind = parse_format(format)
        school = _institution(institution)
        now = clock.now()
        with institution_scope(school.id):
            place = _staff(mail_to) if mail_to and not to else _place(to, mail_to or [])
            parameters = checked_parameters(report, _given(filter or []))
        delivery = ask(
            institution=school,
            place=place,
            report=report,
            parameters=parameters,
            format=kind,
            template=name,
            layout=_layout(layout),
            sort=sort,
            neutralise=not no_neutralise,
            bom=bom,
            # What is no text is no key: saying so is the work of whoever reads it.
            pgp_key=pgp_key.read_text(errors="replace") if pgp_key else "",
            by=audit.Actor("command", "deliver"),
            now=now,
        )
    except (ReportError, DeliveryError) as error:
        _stop(str(error), as_json=as_json)
    delivery = _waited_for(school.id, delivery.id) if wait else _read(school.id, delivery.id)
    _tell(delivery, to or ", ".join(mail_to or []), as_json=as_json)
    if wait and delivery.state != DeliveryState.DELIVERED:
        raise typer.Exit(_FAILED)


def _institution(slug: str) -> Institution:
    found = institution_by_slug(slug)
    if found is None:
        raise DeliveryError(f"There is no institution “{slug[:60]}”. Institutions are named by their slug.")
    return found


def _layout(path: Path | None) -> Layout:
    if path is None:
        return Layout()
    try:
        return layouts.from_data(orjson.loads(path.read_bytes()))
    except (ValueError, TypeError, KeyError, AttributeError):
        raise DeliveryError(f"{path.name} is no layout. It is JSON, as a saved report's is.") from None


def _staff(addresses: Iterable[str]) -> Place:
    """Return the accounts of staff with these e-mail addresses."""
    found = []
    for address in addresses:
        user = User.objects.filter(email__iexact=address, role__in=[one.value for one in STAFF_ROLES]).first()
        if user is None:
            raise DeliveryError("There is nobody among staff with one of these e-mail addresses.")
        found.append(user.id)
    return Place(staff=tuple(found))


def _place(to: str, mail_to: Iterable[str]) -> Place:
    """Return the account or destination called `to`; a username wins, for destinations can be renamed."""
    if bool(to) == bool(mail_to):
        raise DeliveryError("Say where to: either --to or --mail-to.")
    account = TransferAccount.objects.filter(username=to, closed_at__isnull=True).first()
    if account:
        return Place(account_id=account.id)
    destination = queries.destination_by_name(to)
    if destination:
        return Place(destination_id=destination.id)
    usernames = TransferAccount.objects.filter(closed_at__isnull=True).order_by("username")
    known = [*usernames.values_list("username", flat=True), *(one.name for one in queries.destinations())]
    raise DeliveryError(
        f"There is no account and no destination “{to[:60]}”. Known: {', '.join(known[:20]) or 'none'}."
    )


def _given(pairs: Iterable[str]) -> dict[str, list[str]]:
    given: dict[str, list[str]] = {}
    for pair in pairs:
        name, separator, value = pair.partition("=")
        if not separator or not name.strip():
            raise DeliveryError(f"“{pair[:60]}” is not a filter. Write --filter name=value.")
        given.setdefault(name.strip(), []).append(value)
    return given


def _read(institution_id: UUID, delivery_id: UUID) -> Delivery:
    with institution_scope(institution_id):
        found = queries.delivery_by_id(delivery_id)
    assert found is not None, "it was made just now"
    return found


def _waited_for(institution_id: UUID, delivery_id: UUID) -> Delivery:
    """Return the delivery when nothing more will happen to it by itself; each failed try is told at once."""
    told, since, hinted = 0, time.monotonic(), False
    with _bar() as (bar, task):
        while True:
            delivery = _read(institution_id, delivery_id)
            bar.update(task, completed=delivery.sent, total=delivery.size)
            if delivery.state not in queries.OPEN_STATES or _is_stopped(delivery):
                return delivery
            if delivery.failure and delivery.tries > told and delivery.state == DeliveryState.WAITING:
                told = delivery.tries
                bar.console.print(f"Try {told}: {sentence(delivery.failure)}", markup=False, highlight=False)
            if not hinted and not delivery.tries and time.monotonic() - since > _NO_WORKER_AFTER_SECONDS:
                hinted = True
                bar.console.print(
                    "It waits its turn: the worker has other work, such as an import, or none runs (`pratique status`)."
                )
            time.sleep(_LOOK_EVERY_SECONDS)


def _is_stopped(delivery: Delivery) -> bool:
    return delivery.destination is not None and bool(delivery.destination.stopped_at)


@contextmanager
def _bar() -> Iterator[tuple[Progress, TaskID]]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        yield bar, bar.add_task("Delivering", total=None)


def _tell(delivery: Delivery, to: str, *, as_json: bool) -> None:
    stopped = delivery.destination.stopped_for if delivery.destination else ""
    why = why_stopped(stopped) or sentence(delivery.failure)
    if as_json:
        _json(
            {
                "id": str(delivery.id), "report": delivery.report_key, "to": to, "file": delivery.file_name,
                "state": delivery.state, "size": delivery.size, "tries": delivery.tries,
                "failure": delivery.failure, "stopped_for": stopped, "sentence": why,
                "next_try_at": delivery.next_try_at.isoformat() if delivery.next_try_at else None,
            }
        )  # fmt: skip
        return
    said = {
        DeliveryState.DELIVERED: f"Delivered {delivery.file_name} ({delivery.size or 0:,} bytes) to {to}.",
        DeliveryState.FAILED: f"{delivery.file_name} could not be delivered to {to}. {why}",
        DeliveryState.CANCELLED: f"{delivery.file_name} was cancelled.",
    }.get(DeliveryState(delivery.state), f"{delivery.file_name} is on its way to {to}.")
    if stopped and delivery.state in queries.OPEN_STATES:
        said = f"{delivery.file_name} waits: deliveries to {to} are stopped. {why}"
    typer.echo(said, err=delivery.state == DeliveryState.FAILED)


def _stop(message: str, *, as_json: bool) -> NoReturn:
    if as_json:
        _json({"error": message})
    else:
        typer.echo(message, err=True)
    raise typer.Exit(_USAGE)


def _json(answer: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(answer, option=orjson.OPT_INDENT_2).decode() + "\n")
