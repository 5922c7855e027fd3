"""`pratique audit`: verify the chain of the audit trail, and say who saw or changed a student's record."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, time, timedelta
from typing import Annotated, Any, NoReturn
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson
import typer
from rich.console import Console
from rich.progress import Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from pratique.accounts.queries import display_names
from pratique.foundation import audit, clock
from pratique.foundation.audit_chain.rows import UnreadableEventError
from pratique.foundation.audit_chain.verify import PATIENCE, Break, Fault, Verdict, verify
from pratique.foundation.ids import read_id
from pratique.foundation.models import AuditEvent
from pratique.foundation.tenancy import institution_scope
from pratique.institutions.models import Institution
from pratique.institutions.queries import all_institution_ids, institution_by_slug
from pratique.students.history import find_student

app = typer.Typer(help="The audit trail: verify its chain, ask who saw a record.", no_args_is_help=True)

_BROKEN, _USAGE = 1, 2
_BY = audit.Actor("command", "audit")
_FAULTS = {
    Fault.EVENT_CHANGED: "seal {sequence}: the event {event} is not what it was when it was sealed",
    Fault.EVENT_DELETED: "seal {sequence}: the event {event} was deleted",
    Fault.SEAL_DELETED: "seal {sequence} was deleted",
    Fault.SEAL_CHANGED: "seal {sequence} was changed",
    Fault.ORDER_CHANGED: "seal {sequence} does not follow the one before it: seals were moved or taken out",
    Fault.HEAD_GONE: "seal {sequence} is not the one that was noted: the chain was cut off or made anew",
    Fault.NOT_SEALED: "{count} events had no seal after more than {minutes} minutes, first {event}: no worker ran, "
    "or seals were deleted",
}
InstitutionOption = Annotated[str, typer.Option("--institution", help="The institution's slug.")]


@app.callback()
def trail() -> None:
    """The audit trail: verify its chain, ask who saw a record."""


@app.command("verify")
def verify_chain(
    institution: InstitutionOption = "",
    expect: Annotated[
        list[str] | None,
        typer.Option(help="A head noted earlier, SEQUENCE:HASH; repeat for more. Needs --institution."),
    ] = None,
    unsealed_minutes: Annotated[
        int, typer.Option(min=1, help="How long an event may wait for its seal.")
    ] = PATIENCE // timedelta(minutes=1),
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for scripts.")] = False,
) -> None:
    """Recompute every digest and hash; name each institution's first broken place and end with status 1 then.

    Prints each chain's head. Write it down elsewhere and give it to --expect later: only that tells whether the
    newest rows were cut off.
    """
    if expect and not institution:
        _stop("--expect belongs to one chain: name its institution with --institution.")
    expected = dict(_noted(text) for text in expect or [])
    schools = [_institution(institution)] if institution else list(_institutions())
    patience = timedelta(minutes=unsealed_minutes)
    told = [_told(school, _verdict(school, expected, patience), unsealed_minutes) for school in schools]
    whole = all(one["ok"] for one in told)
    if as_json:
        typer.echo(orjson.dumps({"ok": whole, "institutions": told}).decode())
    else:
        for one in told:
            _print(one)
    if not whole:
        raise typer.Exit(_BROKEN)


@app.command()
def who(
    student: Annotated[str, typer.Option(help="The student's username, student id or key.")],
    institution: InstitutionOption = "",
    since: Annotated[
        str, typer.Option("--from", help="The first day, YYYY-MM-DD, where the school is.")
    ] = "",
    until: Annotated[str, typer.Option("--to", help="The last day, YYYY-MM-DD.")] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line.")] = False,
) -> None:
    """Show who saw or changed a student's record, newest first. That you asked is noted there too."""
    school = _institution(institution) if institution else _only_institution()
    zone = ZoneInfo(school.time_zone)
    first, after = _day(since, zone, 0), _day(until, zone, 1)
    with institution_scope(school.id):
        found = find_student(student)
        if found is None:
            _stop("There is no student with this username, student id or key.")
        audit.record(
            "command:history:viewed",
            institution_id=school.id,
            by=_BY,
            now=clock.now(),
            subject_type="student",
            subject_id=found.id,
        )
        events = list(audit.about("student", found.id, since=first, until=after))
        names = display_names([key for event in events if (key := _staff_key(event.by))])
    rows = [_row(event, zone, names) for event in events]
    if as_json:
        for row in rows:
            typer.echo(orjson.dumps(row).decode())
        return
    table = Table("When", "Who", "What", box=None, pad_edge=False)
    for row in rows:
        table.add_row(row["at"], row["name"] or row["by"], row["action"])
    Console(soft_wrap=True).print(table)


def _row(event: AuditEvent, zone: ZoneInfo, names: dict[UUID, str]) -> dict[str, Any]:
    key = _staff_key(event.by)
    return {
        "at": event.at.astimezone(zone).isoformat(timespec="seconds"),
        "by": event.by,
        "name": names.get(key, "") if key else "",
        "action": event.action,
        "detail": event.detail,
    }


def _verdict(school: Institution, expected: dict[int, bytes], patience: timedelta) -> Verdict | str:
    """Return how a chain stands, or the sentence why it could not be read."""
    try:
        with _progress(school.slug) as report:
            return verify(
                institution_id=school.id,
                now=clock.now(),
                expected=expected,
                patience=patience,
                progress=report,
            )
    except UnreadableEventError as error:
        return f"{error} It was changed before it was sealed."


def _told(school: Institution, verdict: Verdict | str, minutes: int) -> dict[str, Any]:
    if isinstance(verdict, str):
        return {"slug": school.slug, "ok": False, "checked": 0, "sealed_now": 0, "head": None,
                "broken": {"kind": "unreadable", "sequence": None, "event": None, "message": verdict}}  # fmt: skip
    head = verdict.head
    return {
        "slug": school.slug,
        "ok": verdict.broken is None,
        "checked": verdict.checked,
        "sealed_now": verdict.sealed_now,
        "head": {"sequence": head[0], "hash": head[1].hex()} if head else None,
        "broken": _broken(verdict.broken, minutes) if verdict.broken else None,
    }


def _broken(found: Break, minutes: int) -> dict[str, Any]:
    message = _FAULTS[found.fault].format(
        sequence=found.sequence, event=found.event_id, count=found.count, minutes=minutes
    )
    event = str(found.event_id) if found.event_id else None
    return {"kind": found.fault.value, "sequence": found.sequence, "event": event, "message": message}


def _print(one: dict[str, Any]) -> None:
    head, broken = one["head"], one["broken"]
    if broken:
        typer.echo(f"{one['slug']}: BROKEN. {broken['message']}.")
    elif head is None:
        typer.echo(f"{one['slug']}: whole, and empty")
    else:
        typer.echo(f"{one['slug']}: whole, {one['checked']:,} events")
    if head:
        typer.echo(f"  head {head['sequence']}:{head['hash']}")


def _noted(text: str) -> tuple[int, bytes]:
    sequence, _separator, hash = text.strip().partition(":")
    try:
        noted = int(sequence), bytes.fromhex(hash)
    except ValueError:
        noted = 0, b""
    if noted[0] < 1 or len(noted[1]) != 32:
        _stop("A head is written SEQUENCE:HASH, as `pratique audit verify` prints it.")
    return noted


def _institutions() -> Iterator[Institution]:
    for institution_id in all_institution_ids():
        with institution_scope(institution_id):
            yield Institution.objects.get(id=institution_id)


def _only_institution() -> Institution:
    found = list(_institutions())
    if len(found) != 1:
        _stop("Name the institution with --institution.")
    return found[0]


def _institution(slug: str) -> Institution:
    found = institution_by_slug(slug)
    if found is None:
        _stop(f"There is no institution “{slug[:60]}”. Institutions are named by their slug.")
    return found


def _day(text: str, zone: ZoneInfo, later: int) -> datetime | None:
    """Return the midnight with which a day begins at the school, `later` days on."""
    if not text:
        return None
    try:
        day = datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC).date()
    except ValueError:
        _stop("A day is written YYYY-MM-DD.")
    return datetime.combine(day + timedelta(days=later), time(), zone)


def _staff_key(by: str) -> UUID | None:
    kind, _separator, key = by.partition(":")
    return read_id(key) if kind == "staff" else None


@contextmanager
def _progress(slug: str) -> Iterator[Any]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,} events"), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(slug, total=None)
        yield lambda checked: bar.update(task, completed=checked)


def _stop(message: str) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(_USAGE)
